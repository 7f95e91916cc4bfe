// Package fdt reads flattened device trees: the format of the Devicetree
// Specification 0.4, chapter 5, in which a boot loader describes an ARM64 machine.
//
// It runs before the Go runtime does, so it allocates nothing and stores no pointer:
// nodes are offsets into the blob, and results are values. It trusts nothing either:
// every offset is checked, depth is bounded, and a corrupt tree reads as one that
// ends early. The nanokernel calls it; Platform is the digest it wants.
package fdt

// Header fields (section 5.2) and structure block tokens (section 5.4.1).
const (
	magic      = 0xd00dfeed
	headerSize = 40

	tokBeginNode = 1
	tokEndNode   = 2
	tokProp      = 3
	tokNop       = 4
	tokEnd       = 9
)

// maxDepth bounds how deep nodes nest; real trees stay below 8.
const maxDepth = 16

// Tree is a device tree in memory. The zero Tree has no nodes.
type Tree struct {
	blob               []byte
	body, bodyEnd      int // structure block
	strings, stringEnd int
	reserved           int // memory reservation block
}

// Node is a node of a tree: the offset of its FDT_BEGIN_NODE token.
type Node int

// None is no node.
const None Node = -1

// Size returns the number of bytes of the tree that begins with header, or 0 where
// none does. It looks at the first eight bytes only.
func Size(header []byte) int {
	if len(header) < 8 || word(header, 0) != magic {
		return 0
	}
	n := word(header, 4)
	if n < headerSize || n > 64<<20 {
		return 0
	}
	return int(n)
}

// Open checks the header of the tree in blob.
func Open(blob []byte) (t Tree, ok bool) {
	size := Size(blob)
	if size == 0 || size > len(blob) {
		return t, false
	}
	blob = blob[:size]
	if word(blob, 20) < 16 || word(blob, 24) > 17 { // version, last_comp_version
		return t, false
	}
	t = Tree{
		blob:     blob,
		body:     int(word(blob, 8)),
		strings:  int(word(blob, 12)),
		reserved: int(word(blob, 16)),
	}
	t.stringEnd = t.strings + int(word(blob, 32))
	t.bodyEnd = t.body + int(word(blob, 36))
	if word(blob, 20) < 17 { // version 16 has no size_dt_struct
		t.bodyEnd = size
	}
	if t.body&3 != 0 || t.body < headerSize || t.body > size || t.bodyEnd > size || t.strings > size || t.stringEnd > size {
		return Tree{}, false
	}
	return t, true
}

// word is the big-endian 32-bit word at off, or 0 where b ends before it does.
func word(b []byte, off int) uint32 {
	if off < 0 || off > len(b)-4 {
		return 0
	}
	b = b[off : off+4]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// token returns the token at off with the offset behind it. A token outside the
// structure block reads as tokEnd. For a property, value and end are where its
// value is and name is where its name starts; for a node, name is its name.
func (t Tree) token(off int) (tok uint32, name, value, end, next int) {
	if off < t.body || off > t.bodyEnd-4 {
		return tokEnd, 0, 0, 0, off
	}
	tok = word(t.blob, off)
	next = off + 4
	switch tok {
	case tokBeginNode:
		name = next
		for next < t.bodyEnd && t.blob[next] != 0 {
			next++
		}
		if next >= t.bodyEnd {
			return tokEnd, 0, 0, 0, off
		}
		end = next
		next = (next + 4) &^ 3
	case tokProp:
		if next > t.bodyEnd-8 {
			return tokEnd, 0, 0, 0, off
		}
		n := int(word(t.blob, next))
		name = t.strings + int(word(t.blob, next+4))
		value = next + 8
		if n > t.bodyEnd-value {
			return tokEnd, 0, 0, 0, off
		}
		end = value + n
		next = (end + 3) &^ 3
	case tokEndNode, tokNop:
	default:
		return tokEnd, 0, 0, 0, off
	}
	return tok, name, value, end, next
}

// named reports whether the string block has s at off.
func (t Tree) named(off int, s string) bool {
	if off < t.strings || off > t.stringEnd-len(s)-1 {
		return false
	}
	return string(t.blob[off:off+len(s)]) == s && t.blob[off+len(s)] == 0
}

// Root is the root node, or None.
func (t Tree) Root() Node {
	off := t.body
	for {
		tok, _, _, _, next := t.token(off)
		switch tok {
		case tokNop:
			off = next
		case tokBeginNode:
			return Node(off)
		default:
			return None
		}
	}
}

// Name is n's name with its unit address ("memory@40000000"), "" for the root.
func (t Tree) Name(n Node) []byte {
	tok, name, _, end, _ := t.token(int(n))
	if tok != tokBeginNode {
		return nil
	}
	return t.blob[name:end]
}

// Prop is the value of n's property, and whether it has one.
func (t Tree) Prop(n Node, name string) (value []byte, ok bool) {
	tok, _, _, _, off := t.token(int(n))
	if tok != tokBeginNode {
		return nil, false
	}
	for {
		tok, at, from, to, next := t.token(off)
		switch {
		case tok == tokProp && t.named(at, name):
			return t.blob[from:to], true
		case tok != tokProp && tok != tokNop:
			return nil, false // properties come before children
		}
		off = next
	}
}

// Word is the i'th 32-bit cell of n's property, or otherwise where it has none.
func (t Tree) Word(n Node, name string, i int, otherwise uint32) uint32 {
	v, _ := t.Prop(n, name)
	if i < 0 || i > len(v)/4-1 {
		return otherwise
	}
	return word(v, 4*i)
}

// Is reports whether n's property is the string s, or a list of strings one of
// which is s, as for "compatible".
func (t Tree) Is(n Node, name, s string) bool {
	v, _ := t.Prop(n, name)
	for len(v) > 0 {
		i := 0
		for i < len(v) && v[i] != 0 {
			i++
		}
		if string(v[:i]) == s {
			return true
		}
		if i == len(v) {
			return false
		}
		v = v[i+1:]
	}
	return false
}

// Enabled reports whether n's status lets a driver use it (section 2.3.4).
func (t Tree) Enabled(n Node) bool {
	v, ok := t.Prop(n, "status")
	return !ok || t.Is(n, "status", "okay") || t.Is(n, "status", "ok") || len(v) == 0
}

// Walk is a position in a walk over all nodes, parents before children. The zero
// Walk is before the root. Node and Depth (0 for the root) say where it stands.
type Walk struct {
	Node  Node
	Depth int
	path  [maxDepth]Node // the ancestors, and Node itself at Depth
	next  int            // offset of the token to read next
}

// Next moves w to the next node and reports whether there is one.
func (t Tree) Next(w *Walk) bool {
	off := w.next
	if off == 0 {
		off, w.Depth = t.body, -1
	}
	for {
		tok, _, _, _, next := t.token(off)
		switch tok {
		case tokBeginNode:
			if w.Depth+1 >= maxDepth {
				return false
			}
			w.Depth++
			w.Node, w.path[w.Depth], w.next = Node(off), Node(off), next
			return true
		case tokEndNode:
			if w.Depth--; w.Depth < 0 {
				return false
			}
		case tokEnd:
			return false
		}
		off = next
	}
}

// Ancestor is the node n levels above the walk's: 1 for its parent. It is None
// above the root.
func (w *Walk) Ancestor(n int) Node {
	if n < 0 || n > w.Depth || w.Depth >= maxDepth {
		return None
	}
	return w.path[w.Depth-n]
}

// cells are the numbers of cells of an address and of a size in the children of n
// (section 2.3.5).
func (t Tree) cells(n Node) (address, size int) {
	return int(t.Word(n, "#address-cells", 0, 2)), int(t.Word(n, "#size-cells", 0, 1))
}

// number reads cells cells of v from cell i on, the low 64 bits.
func number(v []byte, i, cells int) (n uint64) {
	for range cells {
		n = n<<32 | uint64(word(v, 4*i))
		i++
	}
	return n
}

// Range is a piece of physical memory in bytes.
type Range struct{ Base, Size uint64 }

// Reg is the i'th range of the "reg" property of the walk's node, as its parent
// sees it and translated through the "ranges" of every bus above (section 2.3.8).
func (t Tree) Reg(w *Walk, i int) (r Range, ok bool) {
	parent := w.Ancestor(1)
	ac, sc := t.cells(parent)
	if ac < 1 || ac > 4 || sc > 4 || i < 0 {
		return r, false
	}
	v, _ := t.Prop(w.Node, "reg")
	if len(v)/4/(ac+sc) <= i {
		return r, false
	}
	at := i * (ac + sc)
	r = Range{number(v, at, ac), number(v, at+ac, sc)}
	for up := 1; up < w.Depth; up++ { // the root's children need no translation
		if r, ok = t.translate(w.Ancestor(up), w.Ancestor(up+1), r); !ok {
			return r, false
		}
	}
	return r, r.Base+r.Size >= r.Base
}

// translate maps r from the addresses of bus's children to those of its parent.
func (t Tree) translate(bus, parent Node, r Range) (Range, bool) {
	v, ok := t.Prop(bus, "ranges")
	if !ok {
		return r, false // the bus is not mapped
	}
	if len(v) == 0 {
		return r, true // identity
	}
	ac, sc := t.cells(bus)
	pc, _ := t.cells(parent)
	if ac > 4 || sc > 4 || pc > 4 || ac+pc+sc == 0 {
		return r, false
	}
	for i := 0; i+ac+pc+sc <= len(v)/4; i += ac + pc + sc {
		child, size := number(v, i, ac), number(v, i+ac+pc, sc)
		if r.Base >= child && r.Base-child < size {
			r.Base += number(v, i+ac, pc) - child
			return r, true
		}
	}
	return r, false
}

// Find is the node with the absolute path, or with an alias of /aliases; what
// follows a colon is ignored, as in /chosen's stdout-path. It is None where there
// is no such node.
func (t Tree) Find(path []byte) Node {
	for i, c := range path {
		if c == ':' || c == 0 {
			path = path[:i]
			break
		}
	}
	if len(path) == 0 {
		return None
	}
	if path[0] != '/' {
		path = t.alias(path)
		for i, c := range path {
			if c == 0 {
				path = path[:i]
				break
			}
		}
		if len(path) == 0 || path[0] != '/' {
			return None
		}
	}
	n := t.Root()
	for n != None && len(path) > 0 {
		path = path[1:]
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		if end > 0 {
			n = t.child(n, path[:end])
		}
		path = path[end:]
	}
	return n
}

// alias is the value of the alias with the name.
func (t Tree) alias(name []byte) []byte {
	aliases := t.child(t.Root(), []byte("aliases"))
	tok, _, _, _, off := t.token(int(aliases))
	if tok != tokBeginNode {
		return nil
	}
	for {
		tok, at, from, to, next := t.token(off)
		if tok == tokProp && at >= t.strings && at <= t.stringEnd-len(name)-1 &&
			string(t.blob[at:at+len(name)]) == string(name) && t.blob[at+len(name)] == 0 {
			return t.blob[from:to]
		}
		if tok != tokProp && tok != tokNop {
			return nil
		}
		off = next
	}
}

// child is n's child with the name, with or without its unit address.
func (t Tree) child(n Node, name []byte) Node {
	tok, _, _, _, off := t.token(int(n))
	if tok != tokBeginNode {
		return None
	}
	for depth := 0; ; {
		tok, from, _, to, next := t.token(off)
		switch tok {
		case tokBeginNode:
			if depth == 0 && len(name) <= to-from && string(t.blob[from:from+len(name)]) == string(name) &&
				(len(name) == to-from || t.blob[from+len(name)] == '@') {
				return Node(off)
			}
			depth++
		case tokEndNode:
			if depth--; depth < 0 {
				return None
			}
		case tokEnd:
			return None
		}
		off = next
	}
}

// Reservation is the i'th entry of the memory reservation block (section 5.3).
func (t Tree) Reservation(i int) (r Range, ok bool) {
	off := t.reserved + 16*i
	if i < 0 || i > len(t.blob)/16 || off < headerSize || off > len(t.blob)-16 {
		return r, false
	}
	r = Range{number(t.blob[off:], 0, 2), number(t.blob[off:], 2, 2)}
	return r, r.Size != 0
}
