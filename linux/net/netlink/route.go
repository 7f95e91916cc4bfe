package netlink

import (
	"bytes"
	"math"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/netdev"
	"kevlar/linux/vfs"
)

// rtmMax is one more than the last message type of NETLINK_ROUTE that Linux knows.
const rtmMax = unix.RTM_BASE + 0x70

// sizeofRtaCacheinfo is that of struct rta_cacheinfo.
const sizeofRtaCacheinfo = 32

// serve answers the messages of a program, as rtnetlink(7) says.
func (s *Sock) serve(c *vfs.Context, data []byte) {
	for r, rest, ok := next(data); ok; r, rest, ok = next(rest) {
		var err error
		done := false
		if r.flags&unix.NLM_F_REQUEST != 0 && r.typ >= unix.NLMSG_MIN_TYPE {
			done, err = s.answer(c, &r)
		}
		if !done && (err != nil || r.flags&unix.NLM_F_ACK != 0) {
			s.acknowledge(&r, err)
		}
	}
}

// acknowledge sends an NLMSG_ERROR: with the message, where there is an error to find in it.
func (s *Sock) acknowledge(r *request, err error) {
	h := header{typ: unix.NLMSG_ERROR, seq: r.seq, port: s.address()}
	e, _ := err.(unix.Errno)
	back := r.all
	s.mu.Lock()
	if err == nil || s.flags[unix.NETLINK_CAP_ACK] {
		h.flags |= unix.NLM_F_CAPPED
		back = back[:unix.SizeofNlMsghdr]
	}
	s.mu.Unlock()
	var b builder
	b.begin(h)
	b.u32(uint32(-int32(e)))
	b.b = append(b.b, back...)
	b.end()
	s.put(datagram{data: b.b})
}

func (s *Sock) address() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// dumps are what NLM_F_DUMP lists.
var dumps = map[uint16]func(d *dump, family uint8){
	unix.RTM_GETLINK:  (*dump).links,
	unix.RTM_GETADDR:  (*dump).addresses,
	unix.RTM_GETROUTE: (*dump).routes,
	unix.RTM_GETNEIGH: func(*dump, uint8) {}, // lo has no neighbours
}

// answer does what a request asks for. done reports that it was a dump, which is not
// acknowledged.
func (s *Sock) answer(c *vfs.Context, r *request) (done bool, err error) {
	if r.typ >= rtmMax {
		return false, unix.EOPNOTSUPP
	}
	if len(r.body) < unix.SizeofRtGenmsg {
		return false, nil
	}
	const kinds, get = 4, 2 // NEW, DEL, GET and SET
	if r.typ%kinds != get {
		if !c.Capable(unix.CAP_NET_ADMIN) {
			return false, unix.EPERM
		}
		switch r.typ {
		case unix.RTM_NEWLINK, unix.RTM_SETLINK:
			return false, changeLink(r)
		case unix.RTM_NEWADDR:
			return false, addAddress(r)
		}
		return false, unix.EOPNOTSUPP
	}
	d := dump{header: header{seq: r.seq, port: s.address()}}
	if r.flags&unix.NLM_F_DUMP != 0 {
		list := dumps[r.typ]
		if list == nil {
			return false, unix.EOPNOTSUPP
		}
		d.flags = unix.NLM_F_MULTI
		list(&d, r.body[0])
		if len(d.b) > 0 {
			s.put(datagram{data: d.b})
		}
		var end builder
		h := d.header
		h.typ = unix.NLMSG_DONE
		end.begin(h)
		end.u32(0)
		end.end()
		s.put(datagram{data: end.b})
		return true, nil
	}
	switch r.typ {
	case unix.RTM_GETLINK:
		i, err := linkOf(r)
		if err != nil {
			return false, err
		}
		d.link(i)
	case unix.RTM_GETROUTE:
		if err := d.routeTo(r); err != nil {
			return false, err
		}
	default:
		return false, unix.EOPNOTSUPP
	}
	s.put(datagram{data: d.b})
	return false, nil
}

// linkOf is the interface that a struct ifinfomsg, or the attribute with a name after it,
// means.
func linkOf(r *request) (*netdev.Interface, error) {
	if len(r.body) < unix.SizeofIfInfomsg {
		return nil, unix.EINVAL
	}
	var i *netdev.Interface
	name, named := attributes(r.body[unix.SizeofIfInfomsg:])[unix.IFLA_IFNAME]
	switch n := int(int32(le.Uint32(r.body[4:]))); {
	case n > 0:
		i = netdev.ByIndex(n)
	case named:
		i = netdev.ByName(string(bytes.TrimRight(name, "\x00")))
	default:
		return nil, unix.EINVAL
	}
	if i == nil {
		return nil, unix.ENODEV
	}
	return i, nil
}

// changeLink is RTM_NEWLINK and RTM_SETLINK on an interface that there is. What is not there
// is not made.
func changeLink(r *request) error {
	i, err := linkOf(r)
	if err != nil {
		if r.typ == unix.RTM_NEWLINK && r.flags&unix.NLM_F_CREATE != 0 {
			return unix.EOPNOTSUPP
		}
		return err
	}
	if r.flags&unix.NLM_F_EXCL != 0 && r.typ == unix.RTM_NEWLINK {
		return unix.EEXIST
	}
	for a := range attributes(r.body[unix.SizeofIfInfomsg:]) {
		if a != unix.IFLA_IFNAME {
			return unix.EOPNOTSUPP
		}
	}
	flags, mask := le.Uint32(r.body[8:]), le.Uint32(r.body[12:])
	if mask == 0 && flags != 0 {
		mask = math.MaxUint32
	}
	return i.SetFlags(flags, mask)
}

// addAddress is RTM_NEWADDR. Interfaces keep the addresses that they have.
func addAddress(r *request) error {
	if len(r.body) < unix.SizeofIfAddrmsg {
		return unix.EINVAL
	}
	given := attributes(r.body[unix.SizeofIfAddrmsg:])
	value := given[unix.IFA_LOCAL]
	if value == nil && r.body[0] == unix.AF_INET6 {
		value = given[unix.IFA_ADDRESS]
	}
	a, ok := netip.AddrFromSlice(value)
	if !ok || familyOf(a) != r.body[0] || int(r.body[1]) > a.BitLen() {
		return unix.EINVAL
	}
	i := netdev.ByIndex(int(le.Uint32(r.body[4:])))
	if i == nil {
		return unix.ENODEV
	}
	if !slices.Contains(i.Addresses, netip.PrefixFrom(a, int(r.body[1]))) {
		return unix.EOPNOTSUPP
	}
	if r.flags&unix.NLM_F_EXCL != 0 || r.flags&unix.NLM_F_REPLACE == 0 {
		return unix.EEXIST
	}
	return nil
}

// dump makes the messages of an answer.
type dump struct {
	builder
	header
}

func (d *dump) message(typ uint16) {
	h := d.header
	h.typ = typ
	d.begin(h)
}

// links lists the interfaces: of every family.
func (d *dump) links(uint8) {
	for _, i := range netdev.List() {
		d.link(i)
	}
}

func (d *dump) link(i *netdev.Interface) {
	d.message(unix.RTM_NEWLINK)
	d.u8(unix.AF_UNSPEC, 0)
	d.u16(i.Type)
	d.u32(uint32(i.Index), i.Flags, 0)
	d.attrString(unix.IFLA_IFNAME, i.Name)
	d.attr32(unix.IFLA_TXQLEN, i.Queue)
	d.attr8(unix.IFLA_OPERSTATE, 0) // unknown, as of all that has no carrier
	d.attr8(unix.IFLA_LINKMODE, 0)
	d.attr32(unix.IFLA_MTU, i.MTU)
	d.attr32(unix.IFLA_GROUP, 0)
	d.attr32(unix.IFLA_PROMISCUITY, 0)
	d.attr32(unix.IFLA_NUM_TX_QUEUES, 1)
	d.attr32(unix.IFLA_NUM_RX_QUEUES, 1)
	d.attr8(unix.IFLA_CARRIER, 1)
	d.attrString(unix.IFLA_QDISC, "noqueue")
	d.attr32(unix.IFLA_CARRIER_CHANGES, 0)
	d.attr(unix.IFLA_ADDRESS, i.Hardware[:])
	d.attr(unix.IFLA_BROADCAST, make([]byte, len(i.Hardware)))
	s := i.Stats()
	var long, short []byte
	for _, v := range []uint64{s.In.Packets, s.Out.Packets, s.In.Bytes, s.Out.Bytes, s.In.Errors, s.Out.Errors, s.In.Dropped, s.Out.Dropped,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} { // struct rtnl_link_stats64
		long, short = le.AppendUint64(long, v), le.AppendUint32(short, uint32(v))
	}
	d.attr(unix.IFLA_STATS64, long)
	d.attr(unix.IFLA_STATS, short)
	d.end()
}

// families are those whose addresses and routes a dump for family has.
func families(family uint8) []uint8 {
	if family == unix.AF_INET || family == unix.AF_INET6 {
		return []uint8{family}
	}
	return []uint8{unix.AF_INET, unix.AF_INET6}
}

func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addresses lists the addresses of the interfaces.
func (d *dump) addresses(family uint8) {
	for _, f := range families(family) {
		for _, i := range netdev.List() {
			for _, a := range i.Addresses {
				if familyOf(a.Addr()) == f {
					d.interfaceAddress(i, a)
				}
			}
		}
	}
}

func (d *dump) interfaceAddress(i *netdev.Interface, a netip.Prefix) {
	d.message(unix.RTM_NEWADDR)
	d.u8(familyOf(a.Addr()), uint8(a.Bits()), unix.IFA_F_PERMANENT, scopeOf(a.Addr()))
	d.u32(uint32(i.Index))
	d.attrAddr(unix.IFA_ADDRESS, a.Addr())
	if a.Addr().Is4() {
		d.attrAddr(unix.IFA_LOCAL, a.Addr())
		d.attrString(unix.IFA_LABEL, i.Name)
	}
	d.attr32(unix.IFA_FLAGS, unix.IFA_F_PERMANENT)
	var times []byte // struct ifa_cacheinfo: preferred and valid for ever, made and changed at boot
	for _, v := range []uint32{math.MaxUint32, math.MaxUint32, 0, 0} {
		times = le.AppendUint32(times, v)
	}
	d.attr(unix.IFA_CACHEINFO, times)
	d.end()
}

func scopeOf(a netip.Addr) uint8 {
	if a.IsLoopback() {
		return unix.RT_SCOPE_HOST
	}
	return unix.RT_SCOPE_UNIVERSE
}

// route is a row of a routing table.
type route struct {
	to     netip.Prefix
	table  uint8
	typ    uint8 // RTN_ constant
	scope  uint8
	source netip.Addr // IPv4
	out    *netdev.Interface
}

// routesOf lists the routes that follow from the addresses of the interfaces: package inet
// has no others.
func routesOf(family uint8) (all []route) {
	for _, i := range netdev.List() {
		for _, a := range i.Addresses {
			if familyOf(a.Addr()) != family {
				continue
			}
			host := netip.PrefixFrom(a.Addr(), a.Addr().BitLen())
			if family == unix.AF_INET6 {
				all = append(all, route{to: host, table: unix.RT_TABLE_LOCAL, typ: unix.RTN_LOCAL, out: i})
				continue
			}
			all = append(all,
				route{to: a.Masked(), table: unix.RT_TABLE_LOCAL, typ: unix.RTN_LOCAL, scope: unix.RT_SCOPE_HOST, source: a.Addr(), out: i},
				route{to: host, table: unix.RT_TABLE_LOCAL, typ: unix.RTN_LOCAL, scope: unix.RT_SCOPE_HOST, source: a.Addr(), out: i},
				route{to: netip.PrefixFrom(lastOf(a), 32), table: unix.RT_TABLE_LOCAL, typ: unix.RTN_BROADCAST, scope: unix.RT_SCOPE_LINK, source: a.Addr(), out: i})
		}
	}
	return all
}

// lastOf is the last address of an IPv4 network: its broadcast address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

func (d *dump) routes(family uint8) {
	for _, f := range families(family) {
		for _, r := range routesOf(f) {
			d.route(&r)
		}
	}
}

func (d *dump) route(r *route) {
	d.message(unix.RTM_NEWROUTE)
	d.u8(familyOf(r.to.Addr()), uint8(r.to.Bits()), 0, 0, r.table, unix.RTPROT_KERNEL, r.scope, r.typ)
	d.u32(0)
	d.attr32(unix.RTA_TABLE, uint32(r.table))
	d.attrAddr(unix.RTA_DST, r.to.Addr())
	if r.source.IsValid() {
		d.attrAddr(unix.RTA_PREFSRC, r.source)
	} else {
		d.attr32(unix.RTA_PRIORITY, 0)
	}
	d.attr32(unix.RTA_OIF, uint32(r.out.Index))
	if !r.source.IsValid() {
		d.attr(unix.RTA_CACHEINFO, make([]byte, sizeofRtaCacheinfo))
		d.attr8(unix.RTA_PREF, 0)
	}
	d.end()
}

// routeTo answers how an address is reached: ENETUNREACH where it is not.
func (d *dump) routeTo(r *request) error {
	if len(r.body) < unix.SizeofRtMsg {
		return unix.EINVAL
	}
	to, ok := netip.AddrFromSlice(attributes(r.body[unix.SizeofRtMsg:])[unix.RTA_DST])
	if !ok || familyOf(to) != r.body[0] {
		return unix.EINVAL
	}
	for _, found := range routesOf(familyOf(to)) {
		if found.typ != unix.RTN_LOCAL || !found.to.Contains(to) {
			continue
		}
		d.message(unix.RTM_NEWROUTE)
		d.u8(familyOf(to), uint8(to.BitLen()), 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_UNSPEC, unix.RT_SCOPE_UNIVERSE, found.typ)
		d.u32(unix.RTM_F_CLONED)
		d.attr32(unix.RTA_TABLE, unix.RT_TABLE_MAIN) // whichever it is in, without RTM_F_LOOKUP_TABLE
		d.attrAddr(unix.RTA_DST, to)
		d.attr32(unix.RTA_OIF, uint32(found.out.Index))
		source := found.source
		if !source.IsValid() {
			source = to
		}
		d.attrAddr(unix.RTA_PREFSRC, source)
		d.end()
		return nil
	}
	return unix.ENETUNREACH
}
