package netlink

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

var le = binary.LittleEndian

// header is struct nlmsghdr without its length.
type header struct {
	typ, flags uint16
	seq, port  uint32
}

// request is a message that a program has sent: body is what follows its header, all the
// message as it came.
type request struct {
	header
	body, all []byte
}

// next takes the first message of data; ok is false where there is none, or it is not whole.
func next(data []byte) (r request, rest []byte, ok bool) {
	if len(data) < unix.SizeofNlMsghdr {
		return r, nil, false
	}
	n := le.Uint32(data)
	if n < unix.SizeofNlMsghdr || uint64(n) > uint64(len(data)) {
		return r, nil, false
	}
	r.typ, r.flags, r.seq, r.port = le.Uint16(data[4:]), le.Uint16(data[6:]), le.Uint32(data[8:]), le.Uint32(data[12:])
	r.all, r.body = data[:n], data[unix.SizeofNlMsghdr:n]
	return r, data[min(align(int(n)), len(data)):], true
}

// align is NLMSG_ALIGN and RTA_ALIGN.
func align(n int) int { return (n + 3) &^ 3 }

// builder makes messages, one after the other.
type builder struct {
	b     []byte
	start int // of the message that is being made
}

// begin begins a message.
func (b *builder) begin(h header) {
	b.start = len(b.b)
	b.u32(0)
	b.u16(h.typ)
	b.u16(h.flags)
	b.u32(h.seq)
	b.u32(h.port)
}

// end writes the message's length, now that it is known, and pads it.
func (b *builder) end() {
	le.PutUint32(b.b[b.start:], uint32(len(b.b)-b.start))
	b.pad()
}

func (b *builder) pad() { b.b = append(b.b, make([]byte, align(len(b.b))-len(b.b))...) }

func (b *builder) u8(v ...uint8) { b.b = append(b.b, v...) }
func (b *builder) u16(v uint16)  { b.b = le.AppendUint16(b.b, v) }
func (b *builder) u32(v ...uint32) {
	for _, v := range v {
		b.b = le.AppendUint32(b.b, v)
	}
}

// attr is an attribute: struct rtattr and its value.
func (b *builder) attr(typ uint16, value []byte) {
	b.u16(uint16(unix.SizeofRtAttr + len(value)))
	b.u16(typ)
	b.b = append(b.b, value...)
	b.pad()
}

func (b *builder) attr8(typ uint16, v uint8)         { b.attr(typ, []byte{v}) }
func (b *builder) attr32(typ uint16, v uint32)       { b.attr(typ, le.AppendUint32(nil, v)) }
func (b *builder) attrString(typ uint16, v string)   { b.attr(typ, append([]byte(v), 0)) }
func (b *builder) attrAddr(typ uint16, a netip.Addr) { b.attr(typ, a.AsSlice()) }

// attributes finds the attributes in b, by their type; a later one counts.
func attributes(b []byte) map[uint16][]byte {
	all := make(map[uint16][]byte)
	for len(b) >= unix.SizeofRtAttr {
		n := int(le.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			break
		}
		all[le.Uint16(b[2:])&^unix.NLA_F_NESTED] = b[unix.SizeofRtAttr:n]
		b = b[min(align(n), len(b)):]
	}
	return all
}
