package inet

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"kevlar/linux/net/netdev"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

func word(v int) []byte { return le.AppendUint32(nil, uint32(v)) }

func flag(on bool) []byte {
	if on {
		return word(1)
	}
	return word(0)
}

// Option implements socket.Socket.
func (s *Sock) Option(_ *vfs.Context, level, name int) ([]byte, error) {
	so := s.ep.SocketOptions()
	switch {
	case level == unix.SOL_SOCKET:
		switch name {
		case unix.SO_ERROR:
			e, ok := errno(s.ep.LastError()).(unix.Errno)
			s.mu.Lock()
			defer s.mu.Unlock()
			if !ok || s.refused {
				return word(0), nil
			}
			// A connection that failed has its error for good: it is told once.
			s.refused = s.stream() && tcp.EndpointState(s.ep.State()) == tcp.StateError
			return word(int(e)), nil
		case unix.SO_ACCEPTCONN:
			s.mu.Lock()
			defer s.mu.Unlock()
			return flag(s.listening), nil
		}
	case level == unix.IPPROTO_TCP && s.stream():
		return s.tcpOption(name)
	case level == unix.IPPROTO_IP:
		switch name {
		case unix.IP_TTL:
			return s.intOption(tcpip.IPv4TTLOption, tcpip.UseDefaultIPv4TTL, 64)
		case unix.IP_TOS:
			return s.intOption(tcpip.IPv4TOSOption, -1, 0)
		case unix.IP_MULTICAST_TTL:
			return s.intOption(tcpip.MulticastTTLOption, -1, 0)
		case unix.IP_MULTICAST_LOOP:
			return flag(so.GetMulticastLoop()), nil
		case unix.IP_RECVERR:
			return flag(so.GetIPv4RecvError()), nil
		}
	case level == unix.IPPROTO_IPV6 && s.opt.Family == unix.AF_INET6:
		switch name {
		case unix.IPV6_V6ONLY:
			return flag(so.GetV6Only()), nil
		case unix.IPV6_UNICAST_HOPS:
			return s.intOption(tcpip.IPv6HopLimitOption, tcpip.UseDefaultIPv6HopLimit, 64)
		case unix.IPV6_TCLASS:
			return s.intOption(tcpip.IPv6TrafficClassOption, -1, 0)
		}
	case level == unix.IPPROTO_IPV6, level == unix.IPPROTO_UDP && !s.stream():
	default:
		return nil, unix.EOPNOTSUPP
	}
	return nil, unix.ENOPROTOOPT
}

// intOption is an option that the endpoint keeps; unset means def.
func (s *Sock) intOption(o tcpip.SockOptInt, unset, def int) ([]byte, error) {
	v, err := s.ep.GetSockOptInt(o)
	if err != nil {
		return nil, errno(err)
	}
	if v == unset {
		v = def
	}
	return word(v), nil
}

func (s *Sock) tcpOption(name int) ([]byte, error) {
	so := s.ep.SocketOptions()
	switch name {
	case unix.TCP_NODELAY:
		return flag(!so.GetDelayOption()), nil
	case unix.TCP_CORK:
		return flag(so.GetCorkOption()), nil
	case unix.TCP_QUICKACK:
		return flag(so.GetQuickAck()), nil
	case unix.TCP_MAXSEG:
		return s.intOption(tcpip.MaxSegOption, 0, 536)
	case unix.TCP_KEEPCNT:
		return s.intOption(tcpip.KeepaliveCountOption, 0, 9)
	case unix.TCP_SYNCNT:
		return s.intOption(tcpip.TCPSynCountOption, 0, 6)
	case unix.TCP_KEEPIDLE:
		var v tcpip.KeepaliveIdleOption
		err := s.ep.GetSockOpt(&v)
		return word(int(time.Duration(v) / time.Second)), errno(err)
	case unix.TCP_KEEPINTVL:
		var v tcpip.KeepaliveIntervalOption
		err := s.ep.GetSockOpt(&v)
		return word(int(time.Duration(v) / time.Second)), errno(err)
	case unix.TCP_DEFER_ACCEPT:
		var v tcpip.TCPDeferAcceptOption
		err := s.ep.GetSockOpt(&v)
		return word(int(time.Duration(v) / time.Second)), errno(err)
	case unix.TCP_USER_TIMEOUT:
		var v tcpip.TCPUserTimeoutOption
		err := s.ep.GetSockOpt(&v)
		return word(int(time.Duration(v) / time.Millisecond)), errno(err)
	case unix.TCP_CONGESTION:
		var v tcpip.CongestionControlOption
		if err := s.ep.GetSockOpt(&v); err != nil {
			return nil, errno(err)
		}
		return append([]byte(v), make([]byte, max(16-len(v), 0))...), nil
	case unix.TCP_INFO:
		return s.tcpInfo(), nil
	}
	return nil, unix.ENOPROTOOPT
}

// tcpInfo is struct tcp_info (tcp(7)) as far as the stack knows it; the rest is zero.
func (s *Sock) tcpInfo() []byte {
	var v tcpip.TCPInfoOption
	s.ep.GetSockOpt(&v)
	b := make([]byte, 232)
	b[0] = byte(v.State)
	b[1] = byte(v.CcState)
	le.PutUint32(b[8:], uint32(v.RTO/time.Microsecond))
	le.PutUint32(b[68:], uint32(v.RTT/time.Microsecond))
	le.PutUint32(b[72:], uint32(v.RTTVar/time.Microsecond))
	le.PutUint32(b[76:], v.SndSsthresh)
	le.PutUint32(b[80:], v.SndCwnd)
	return b
}

// SetOption implements socket.Socket.
func (s *Sock) SetOption(_ *vfs.Context, level, name int, value []byte) error {
	so := s.ep.SocketOptions()
	if level == unix.IPPROTO_TCP && s.stream() && name == unix.TCP_CONGESTION {
		v := tcpip.CongestionControlOption(value)
		if err := s.ep.SetSockOpt(&v); err != nil {
			return unix.ENOENT
		}
		return nil
	}
	if level == unix.SOL_SOCKET {
		return unix.ENOPROTOOPT
	}
	v := 0
	switch {
	case len(value) >= 4:
		v = int(int32(le.Uint32(value)))
	case len(value) >= 1 && level == unix.IPPROTO_IP:
		v = int(value[0]) // ip(7) takes a byte too
	default:
		return unix.EINVAL
	}
	switch {
	case level == unix.IPPROTO_TCP && s.stream():
		return s.setTCPOption(name, v)
	case level == unix.IPPROTO_IP:
		switch name {
		case unix.IP_TTL:
			if v == -1 {
				v = tcpip.UseDefaultIPv4TTL
			} else if v < 1 || v > 255 {
				return unix.EINVAL
			}
			return errno(s.ep.SetSockOptInt(tcpip.IPv4TTLOption, v))
		case unix.IP_TOS:
			return errno(s.ep.SetSockOptInt(tcpip.IPv4TOSOption, v))
		case unix.IP_MULTICAST_TTL:
			return errno(s.ep.SetSockOptInt(tcpip.MulticastTTLOption, v))
		case unix.IP_MULTICAST_LOOP:
			so.SetMulticastLoop(v != 0)
			return nil
		case unix.IP_RECVERR:
			so.SetIPv4RecvError(v != 0)
			return nil
		}
	case level == unix.IPPROTO_IPV6 && s.opt.Family == unix.AF_INET6:
		switch name {
		case unix.IPV6_V6ONLY:
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.bound {
				return unix.EINVAL
			}
			so.SetV6Only(v != 0)
			return nil
		case unix.IPV6_UNICAST_HOPS:
			return errno(s.ep.SetSockOptInt(tcpip.IPv6HopLimitOption, v))
		case unix.IPV6_TCLASS:
			return errno(s.ep.SetSockOptInt(tcpip.IPv6TrafficClassOption, v))
		}
	}
	return unix.ENOPROTOOPT
}

func (s *Sock) setTCPOption(name, v int) error {
	so := s.ep.SocketOptions()
	seconds := func(limit int) (time.Duration, error) {
		if v < 1 || v > limit {
			return 0, unix.EINVAL
		}
		return time.Duration(v) * time.Second, nil
	}
	switch name {
	case unix.TCP_NODELAY:
		so.SetDelayOption(v == 0)
	case unix.TCP_CORK:
		so.SetCorkOption(v != 0)
	case unix.TCP_QUICKACK:
		so.SetQuickAck(v != 0)
	case unix.TCP_MAXSEG:
		return errno(s.ep.SetSockOptInt(tcpip.MaxSegOption, v))
	case unix.TCP_KEEPCNT:
		if v < 1 || v > 127 {
			return unix.EINVAL
		}
		return errno(s.ep.SetSockOptInt(tcpip.KeepaliveCountOption, v))
	case unix.TCP_SYNCNT:
		if v < 1 || v > 127 {
			return unix.EINVAL
		}
		return errno(s.ep.SetSockOptInt(tcpip.TCPSynCountOption, v))
	case unix.TCP_KEEPIDLE:
		d, err := seconds(math.MaxInt16)
		if err != nil {
			return err
		}
		o := tcpip.KeepaliveIdleOption(d)
		return errno(s.ep.SetSockOpt(&o))
	case unix.TCP_KEEPINTVL:
		d, err := seconds(math.MaxInt16)
		if err != nil {
			return err
		}
		o := tcpip.KeepaliveIntervalOption(d)
		return errno(s.ep.SetSockOpt(&o))
	case unix.TCP_DEFER_ACCEPT:
		o := tcpip.TCPDeferAcceptOption(time.Duration(max(v, 0)) * time.Second)
		return errno(s.ep.SetSockOpt(&o))
	case unix.TCP_USER_TIMEOUT:
		if v < 0 {
			return unix.EINVAL
		}
		o := tcpip.TCPUserTimeoutOption(time.Duration(v) * time.Millisecond)
		return errno(s.ep.SetSockOpt(&o))
	default:
		return unix.ENOPROTOOPT
	}
	return nil
}

// Ioctl implements vfs.FileOps: the sizes of the queues, and interfaces (netdevice(7)).
func (s *Sock) Ioctl(c *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	var o tcpip.SockOptInt
	switch cmd {
	case unix.TIOCINQ:
		s.mu.Lock()
		listening := s.listening
		s.mu.Unlock()
		if listening {
			return 0, unix.EINVAL
		}
		o = tcpip.ReceiveQueueSizeOption
	case unix.TIOCOUTQ:
		if !s.stream() { // datagrams do not wait here
			_, err := m.CopyOut(user.Addr(arg), word(0))
			return 0, err
		}
		o = tcpip.SendQueueSizeOption
	default:
		return 0, netdev.Ioctl(c, cmd, user.Addr(arg), m)
	}
	v, err := s.ep.GetSockOptInt(o)
	if err != nil {
		return 0, errno(err)
	}
	_, fault := m.CopyOut(user.Addr(arg), word(v))
	return 0, fault
}
