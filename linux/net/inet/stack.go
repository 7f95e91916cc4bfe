// Package inet is the internet families of sockets, AF_INET and AF_INET6: TCP and UDP
// over gVisor's network stack (gvisor.dev/gvisor/pkg/tcpip).
package inet

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"kevlar/linux/net/netdev"
)

// loopbackNIC is the number of the interface lo.
const loopbackNIC = 1

// current is network's stack once it has been made.
var current atomic.Pointer[stack.Stack]

// network is the one network stack of the machine. It is made when the first program
// asks for a socket: most never do.
var network = sync.OnceValue(func() *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		HandleLocal:        true,
	})
	if err := s.CreateNICWithOptions(loopbackNIC, loopback.New(), stack.NICOptions{Name: "lo"}); err != nil {
		panic("inet: lo: " + err.String()) // the number is free
	}
	for _, a := range []struct {
		protocol tcpip.NetworkProtocolNumber
		address  tcpip.AddressWithPrefix
	}{
		{ipv4.ProtocolNumber, tcpip.AddressWithPrefix{Address: tcpip.AddrFrom4([4]byte{127, 0, 0, 1}), PrefixLen: 8}},
		{ipv6.ProtocolNumber, tcpip.AddressWithPrefix{Address: header.IPv6Loopback, PrefixLen: 128}},
	} {
		err := s.AddProtocolAddress(loopbackNIC, tcpip.ProtocolAddress{Protocol: a.protocol, AddressWithPrefix: a.address}, stack.AddressProperties{})
		if err != nil {
			panic("inet: address of lo: " + err.String())
		}
	}
	s.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4LoopbackSubnet, NIC: loopbackNIC},
		{Destination: header.IPv6Loopback.WithPrefix().Subnet(), NIC: loopbackNIC},
	})
	netdev.Loopback.CountBy(func() netdev.Stats {
		n := s.NICInfo()[loopbackNIC].Stats
		return netdev.Stats{
			In:  netdev.Traffic{Bytes: n.Rx.Bytes.Value(), Packets: n.Rx.Packets.Value(), Dropped: n.DisabledRx.Packets.Value()},
			Out: netdev.Traffic{Bytes: n.Tx.Bytes.Value(), Packets: n.Tx.Packets.Value()},
		}
	})
	sack := tcpip.TCPSACKEnabled(true)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack)
	current.Store(s)
	return s
})
