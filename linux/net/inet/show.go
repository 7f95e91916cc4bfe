package inet

import (
	"net/netip"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// Shown is a socket or connection as /proc/net/tcp and its like have it.
type Shown struct {
	Family        int
	Stream        bool
	Local, Remote netip.AddrPort
	State         int // as Linux numbers those of TCP: 1 is ESTABLISHED, 10 LISTEN
	Receive       int // bytes that nobody has read; what the peer has not confirmed the stack does not tell
}

// stateClose is what the state of a socket for datagrams without a peer is called.
const stateClose = int(tcp.StateClose)

// Show describes the socket. ok is false for one that has neither an address nor a peer,
// and one for connections that only has an address.
func (s *Sock) Show() (d Shown, ok bool) { return show(s.ep, s.opt.Family, s.stream()) }

// Connections describes the TCP connections that are behind none of the sockets in open:
// nobody has accepted them yet, or they outlive their socket.
func Connections(open map[*Sock]bool) (all []Shown) {
	s := current.Load()
	if s == nil {
		return nil
	}
	seen := make(map[tcpip.Endpoint]bool)
	for o := range open {
		seen[o.ep] = true
	}
	for _, e := range s.RegisteredEndpoints() {
		ep, ok := e.(tcpip.Endpoint)
		if !ok || seen[ep] {
			continue
		}
		seen[ep] = true
		info, ok := ep.Info().(*stack.TransportEndpointInfo)
		if !ok || info.TransProto != tcp.ProtocolNumber {
			continue
		}
		family := unix.AF_INET
		if info.NetProto == ipv6.ProtocolNumber {
			family = unix.AF_INET6
		}
		if d, ok := show(ep, family, true); ok && d.State != int(tcp.StateListen) {
			all = append(all, d)
		}
	}
	return all
}

func show(ep tcpip.Endpoint, family int, stream bool) (d Shown, ok bool) {
	d = Shown{Family: family, Stream: stream}
	d.Local, d.Remote = addrPort(family, ep.GetLocalAddress), addrPort(family, ep.GetRemoteAddress)
	if n, err := ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption); err == nil {
		d.Receive = n
	}
	if stream {
		d.State = int(ep.State())
		return d, d.State <= int(tcp.StateClosing) && d.State != stateClose
	}
	d.State = stateClose
	switch transport.DatagramEndpointState(ep.State()) {
	case transport.DatagramEndpointStateConnected:
		d.State = int(tcp.StateEstablished)
	case transport.DatagramEndpointStateBound:
	default:
		return d, false
	}
	return d, d.Local.Port() != 0
}

// addrPort is what get tells, the family's unspecified address where it fails.
func addrPort(family int, get func() (tcpip.FullAddress, tcpip.Error)) netip.AddrPort {
	a, _ := get()
	addr, _ := netip.AddrFromSlice(a.Addr.AsSlice())
	switch {
	case family == unix.AF_INET6 && addr.Is4():
		addr = netip.AddrFrom16(addr.As16())
	case addr.IsValid():
	case family == unix.AF_INET6:
		addr = netip.IPv6Unspecified()
	default:
		addr = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(addr, a.Port)
}
