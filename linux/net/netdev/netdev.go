// Package netdev is the machine's network interfaces as programs see them: what ioctls on any
// socket (netdevice(7)), netlink and /proc/net tell. There is one, lo, which is always up.
// Packets are the business of package inet.
package netdev

import (
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Interface is a network interface.
type Interface struct {
	Index     int
	Name      string
	Type      uint16 // ARPHRD_ constant
	Flags     uint32 // IFF_ constants
	MTU       uint32
	Queue     uint32 // IFLA_TXQLEN, in packets
	Hardware  [6]byte
	Addresses []netip.Prefix

	stats atomic.Pointer[func() Stats]
}

// Stats is what has gone through an interface.
type Stats struct{ In, Out Traffic }

// Traffic is what has gone one way.
type Traffic struct{ Bytes, Packets, Errors, Dropped uint64 }

// Loopback is the interface lo.
var Loopback = &Interface{
	Index: 1, Name: "lo", Type: unix.ARPHRD_LOOPBACK, Flags: unix.IFF_UP | unix.IFF_LOOPBACK | unix.IFF_RUNNING | unix.IFF_LOWER_UP,
	MTU: 65536, Queue: 1000,
	Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")},
}

// List is all interfaces, in the order of their numbers.
func List() []*Interface { return []*Interface{Loopback} }

// ByIndex and ByName find an interface: nil where there is none.
func ByIndex(n int) *Interface {
	for _, i := range List() {
		if i.Index == n {
			return i
		}
	}
	return nil
}

func ByName(name string) *Interface {
	for _, i := range List() {
		if i.Name == name {
			return i
		}
	}
	return nil
}

// CountBy has stats say what has gone through the interface. Until then nothing has.
func (i *Interface) CountBy(stats func() Stats) { i.stats.Store(&stats) }

// Stats is what has gone through the interface.
func (i *Interface) Stats() Stats {
	if f := i.stats.Load(); f != nil {
		return (*f)()
	}
	return Stats{}
}

// Address is the first IPv4 address of the interface, the zero Prefix where there is none.
func (i *Interface) Address() netip.Prefix {
	for _, a := range i.Addresses {
		if a.Addr().Is4() {
			return a
		}
	}
	return netip.Prefix{}
}

// SetFlags changes flags of the interface. Only what changes nothing is possible: EOPNOTSUPP
// for the rest.
func (i *Interface) SetFlags(flags, mask uint32) error {
	if (i.Flags^flags)&mask&unix.IFF_UP != 0 {
		return unix.EOPNOTSUPP
	}
	return nil
}
