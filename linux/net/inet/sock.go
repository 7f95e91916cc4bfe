package inet

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"kevlar/linux/net/socket"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Sizes of a TCP socket's buffers before it has a connection, as Linux's
// net.ipv4.tcp_wmem and tcp_rmem have them.
const (
	tcpSndBuf = 16384
	tcpRcvBuf = 131072
)

// firstPort is the lowest port that anybody may bind
// (net.ipv4.ip_unprivileged_port_start).
const firstPort = 1024

func init() {
	socket.Register(unix.AF_INET, &socket.Family{Create: create(unix.AF_INET)})
	socket.Register(unix.AF_INET6, &socket.Family{Create: create(unix.AF_INET6)})
}

// Sock is a socket: the stack's endpoint with Linux's way to wait for it.
type Sock struct {
	vfs.DefaultOps
	opt   socket.Options
	ep    tcpip.Endpoint
	queue wait.Queue
	ended waiter.Queue // what the endpoint tells
	entry waiter.Entry

	mu        sync.Mutex // guards what follows; taken before the endpoint's locks
	bound     bool
	listening bool
	connects  bool // a connection has been asked for
	connected bool // and connect has said that it is there
	refused   bool // SO_ERROR has told why there is none
}

func create(family int) func(c *vfs.Context, typ, protocol int) (socket.Socket, error) {
	return func(c *vfs.Context, typ, protocol int) (socket.Socket, error) {
		var transport tcpip.TransportProtocolNumber
		switch {
		case typ == unix.SOCK_STREAM && (protocol == 0 || protocol == unix.IPPROTO_TCP):
			transport, protocol = tcp.ProtocolNumber, unix.IPPROTO_TCP
		case typ == unix.SOCK_DGRAM && (protocol == 0 || protocol == unix.IPPROTO_UDP):
			transport, protocol = udp.ProtocolNumber, unix.IPPROTO_UDP
		case typ == unix.SOCK_STREAM, typ == unix.SOCK_DGRAM:
			return nil, unix.EPROTONOSUPPORT
		case typ == unix.SOCK_RAW && !c.Capable(unix.CAP_NET_RAW):
			return nil, unix.EPERM
		default:
			return nil, unix.ESOCKTNOSUPPORT
		}
		s := &Sock{}
		s.opt.Init(family, typ, protocol)
		if s.stream() {
			s.opt.SetBuffers(tcpSndBuf, tcpRcvBuf)
		}
		net := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
		if family == unix.AF_INET6 {
			net = ipv6.ProtocolNumber
		}
		ep, err := network().NewEndpoint(transport, net, &s.ended)
		if err != nil {
			return nil, errno(err)
		}
		s.attach(ep, &s.ended)
		ep.SocketOptions().SetDelayOption(true) // Nagle's algorithm, until TCP_NODELAY
		return s, nil
	}
}

// attach makes s the socket of an endpoint, which tells its news on q.
func (s *Sock) attach(ep tcpip.Endpoint, q *waiter.Queue) {
	s.ep = ep
	const all = waiter.ReadableEvents | waiter.WritableEvents | waiter.EventErr | waiter.EventHUp | waiter.EventRdHUp | waiter.EventPri
	s.entry = waiter.NewFunctionEntry(all, func(m waiter.EventMask) { s.queue.Wake(wait.Events(m.ToLinux())) })
	q.EventRegister(&s.entry)
	for _, name := range [...]int{unix.SO_REUSEADDR, unix.SO_REUSEPORT, unix.SO_KEEPALIVE, unix.SO_BROADCAST} {
		s.applyOption(name)
	}
	s.opt.OnChange(s.applyOption)
}

func (s *Sock) stream() bool { return s.opt.Type == unix.SOCK_STREAM }

// Base implements socket.Socket.
func (s *Sock) Base() *socket.Options { return &s.opt }

// applyOption hands a generic option to the endpoint, where that wants it: at first, and after
// a change.
func (s *Sock) applyOption(name int) {
	so := s.ep.SocketOptions()
	switch name {
	case unix.SO_REUSEADDR:
		so.SetReuseAddress(s.opt.ReuseAddr())
	case unix.SO_REUSEPORT:
		so.SetReusePort(s.opt.ReusePort())
	case unix.SO_KEEPALIVE:
		so.SetKeepAlive(s.opt.KeepAlive())
	case unix.SO_BROADCAST:
		so.SetBroadcast(s.opt.Broadcast())
	}
}

// Bind implements socket.Socket.
func (s *Sock) Bind(c *vfs.Context, addr []byte) error {
	a, err := s.parse(addr)
	if err == unix.EAFNOSUPPORT && s.opt.Family == unix.AF_INET && len(addr) >= sizeofIn &&
		le.Uint16(addr) == unix.AF_UNSPEC && [4]byte(addr[4:8]) == [4]byte{} {
		a.Port, err = be.Uint16(addr[2:]), nil // old programs forget the family: ip(7) in Linux
	}
	if err != nil {
		return err
	}
	if a.Port != 0 && a.Port < firstPort && !c.Capable(unix.CAP_NET_BIND_SERVICE) {
		return unix.EACCES
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound {
		return unix.EINVAL
	}
	return s.bind(a)
}

// bind binds the endpoint; the caller holds mu.
func (s *Sock) bind(a tcpip.FullAddress) error {
	if err := s.ep.Bind(a); err != nil {
		return errno(err)
	}
	s.bound = true
	return nil
}

// Listen implements socket.Socket.
func (s *Sock) Listen(c *vfs.Context, backlog int) error {
	if !s.stream() {
		return unix.EOPNOTSUPP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connects {
		return unix.EINVAL
	}
	if !s.bound {
		if err := s.bind(tcpip.FullAddress{}); err != nil {
			return err
		}
	}
	if backlog < 0 || backlog > unix.SOMAXCONN {
		backlog = unix.SOMAXCONN
	}
	// The stack wants room for one more, as Linux gives it.
	if err := s.ep.Listen(backlog + 1); err != nil {
		return errno(err)
	}
	s.listening = true
	return nil
}

// Accept implements socket.Socket.
func (s *Sock) Accept(c *vfs.Context, nonBlock bool) (socket.Socket, error) {
	if !s.stream() {
		return nil, unix.EOPNOTSUPP
	}
	var ep tcpip.Endpoint
	var q *waiter.Queue
	err := s.await(c, wait.In, nonBlock, s.opt.RcvDeadline(), func() (err tcpip.Error) {
		ep, q, err = s.ep.Accept(nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	n := &Sock{bound: true, connects: true, connected: true}
	n.opt.Init(s.opt.Family, s.opt.Type, s.opt.Protocol)
	n.opt.SetBuffers(s.opt.SndBuf(), s.opt.RcvBuf())
	n.attach(ep, q)
	return n, nil
}

// await calls do until it answers anything but that it would block.
func (s *Sock) await(c *vfs.Context, events wait.Events, nonBlock bool, deadline time.Duration, do func() tcpip.Error) error {
	var result tcpip.Error
	ready := func() bool {
		result = do()
		_, blocks := result.(*tcpip.ErrWouldBlock)
		return !blocks
	}
	if !ready() {
		if nonBlock {
			return unix.EAGAIN
		}
		if err := c.Waiter.Until(&s.queue, events|wait.Err|wait.Hup|wait.RdHup, deadline, ready); err != nil {
			if err == unix.ETIMEDOUT {
				err = unix.EAGAIN
			}
			return err
		}
	}
	return errno(result)
}

// Connect implements socket.Socket.
func (s *Sock) Connect(c *vfs.Context, addr []byte, nonBlock bool) error {
	if len(addr) >= 2 && le.Uint16(addr) == unix.AF_UNSPEC {
		if err := s.ep.Disconnect(); err != nil {
			return errno(err)
		}
		return nil
	}
	a, err := s.parse(addr)
	if err != nil {
		return err
	}
	if a.Addr.Len() == 0 { // the any address is this machine: RFC 1122, 3.2.1.3
		a.Addr = loopbackOf(s.opt.Family)
	}
	s.mu.Lock()
	if s.listening || s.connected {
		s.mu.Unlock()
		return unix.EISCONN
	}
	s.connects, s.bound = true, true
	result := s.ep.Connect(a)
	s.connected = result == nil && s.stream()
	s.mu.Unlock()
	if _, started := result.(*tcpip.ErrConnectStarted); !started {
		if _, already := result.(*tcpip.ErrAlreadyConnecting); !already || nonBlock {
			return errno(result)
		}
	}
	if nonBlock {
		return unix.EINPROGRESS
	}
	const done = waiter.WritableEvents | waiter.EventErr | waiter.EventHUp
	ready := func() bool { return s.ep.Readiness(done) != 0 }
	if err := c.Waiter.Until(&s.queue, wait.Out|wait.Err|wait.Hup, s.opt.SndDeadline(), ready); err != nil {
		if err == unix.ETIMEDOUT {
			err = unix.EINPROGRESS
		}
		return err
	}
	if err := s.ep.LastError(); err != nil {
		return errno(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = true
	return nil
}

func loopbackOf(family int) tcpip.Address {
	if family == unix.AF_INET6 {
		return tcpip.AddrFrom16([16]byte{15: 1})
	}
	return tcpip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// Name implements socket.Socket.
func (s *Sock) Name(peer bool) ([]byte, error) {
	get := s.ep.GetLocalAddress
	if peer {
		get = s.ep.GetRemoteAddress
	}
	a, err := get()
	if err != nil {
		return nil, errno(err)
	}
	return s.sockaddr(a), nil
}

// Shutdown implements socket.Socket.
func (s *Sock) Shutdown(how int) error {
	var flags tcpip.ShutdownFlags
	switch how {
	case unix.SHUT_RD:
		flags = tcpip.ShutdownRead
	case unix.SHUT_WR:
		flags = tcpip.ShutdownWrite
	case unix.SHUT_RDWR:
		flags = tcpip.ShutdownRead | tcpip.ShutdownWrite
	default:
		return unix.EINVAL
	}
	return errno(s.ep.Shutdown(flags))
}

// Release implements vfs.FileOps.
func (s *Sock) Release(*vfs.File) {
	if seconds := s.opt.Linger(); seconds == 0 && s.stream() {
		s.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true})
	}
	s.ep.Close()
}

// Read implements vfs.FileOps.
func (s *Sock) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	return socket.Read(c, s, f, dst)
}

// Write implements vfs.FileOps.
func (s *Sock) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (int, error) {
	return socket.Write(c, s, f, src)
}

// Poll implements vfs.FileOps.
func (s *Sock) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		s.queue.Add(e)
	}
	const all = waiter.ReadableEvents | waiter.WritableEvents | waiter.EventErr | waiter.EventHUp | waiter.EventRdHUp | waiter.EventPri
	events := wait.Events(s.ep.Readiness(all).ToLinux())
	if s.stream() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.connects && !s.listening {
			events |= wait.Out | wait.WrNorm // a write fails at once
		}
		if tcp.EndpointState(s.ep.State()) != tcp.StateError {
			events &^= wait.Err // both ends are closed, and nothing went wrong
		}
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (s *Sock) Unpoll(_ *vfs.File, e *wait.Entry) { s.queue.Remove(e) }
