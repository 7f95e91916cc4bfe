package mm

import "kevlar/machine/pgtable"

// tree holds the VMAs of a space in the order of their addresses: a treap (a search tree
// by address, a heap by random priorities) whose nodes know the largest gap below them,
// and a list. Insertion, removal and the search for a gap take logarithmic time.
type tree struct {
	root        *VMA
	first, last *VMA
	n           int
	seed        uint32
}

// node is a VMA's place in a tree.
type node struct {
	up, left, right *VMA
	before, after   *VMA   // neighbours in the order of addresses
	priority        uint32 // no child has a higher one
	gap             uint64 // the largest gap below a VMA of this subtree
}

// low is where the gap below v begins.
func (v *VMA) low() uint64 {
	if v.before == nil {
		return minAddr
	}
	return v.before.end
}

// high is where the gap below v ends: a stack keeps its distance.
func (v *VMA) high() uint64 {
	if v.growsDown {
		return v.start - min(v.start, guardGap)
	}
	return v.start
}

func span(low, high uint64) uint64 {
	if high < low {
		return 0
	}
	return high - low
}

// update computes v.gap anew and reports whether it changed.
func (v *VMA) update() bool {
	g := span(v.low(), v.high())
	if v.left != nil {
		g = max(g, v.left.gap)
	}
	if v.right != nil {
		g = max(g, v.right.gap)
	}
	changed := g != v.gap
	v.gap = g
	return changed
}

// moved is to be called after v's start, or the end of the VMA before it, has changed.
func (v *VMA) moved() {
	for ; v != nil && v.update(); v = v.up {
	}
}

// setEnd moves the end of v.
func (v *VMA) setEnd(end uint64) {
	v.end = end
	if v.after != nil {
		v.after.moved()
	}
}

// setStart moves the start of v.
func (v *VMA) setStart(start uint64) {
	v.start = start
	v.moved()
}

// from is the first VMA that ends after va, or nil.
func (t *tree) from(va uint64) (found *VMA) {
	for v := t.root; v != nil; {
		if v.end > va {
			found, v = v, v.left
		} else {
			v = v.right
		}
	}
	return found
}

// insert puts v after the VMA prev, nil for the start.
func (t *tree) insert(v, prev *VMA) {
	next := t.first
	if prev != nil {
		next = prev.after
	}
	t.seed = t.seed*1664525 + 1013904223
	v.node = node{before: prev, after: next, priority: t.seed}
	// Of two neighbours one is below the other, and has no child on this side.
	switch {
	case prev == nil && next == nil:
		t.root = v
	case prev != nil && prev.right == nil:
		prev.right, v.up = v, prev
	default:
		next.left, v.up = v, next
	}
	if prev == nil {
		t.first = v
	} else {
		prev.after = v
	}
	if next == nil {
		t.last = v
	} else {
		next.before = v
	}
	t.n++
	v.gap = span(v.low(), v.high())
	for v.up != nil && v.up.priority < v.priority {
		t.rotate(v)
	}
	v.up.moved()
	if next != nil {
		next.moved()
	}
}

// rotate moves v above its parent.
func (t *tree) rotate(v *VMA) {
	p := v.up
	if p.left == v {
		p.left = v.right
		if p.left != nil {
			p.left.up = p
		}
		v.right = p
	} else {
		p.right = v.left
		if p.right != nil {
			p.right.up = p
		}
		v.left = p
	}
	t.replace(p, v)
	p.up = v
	p.update()
	v.update()
}

// replace puts v, or nothing, where p is below p's parent.
func (t *tree) replace(p, v *VMA) {
	up := p.up
	switch {
	case up == nil:
		t.root = v
	case up.left == p:
		up.left = v
	default:
		up.right = v
	}
	if v != nil {
		v.up = up
	}
}

// remove takes v out.
func (t *tree) remove(v *VMA) {
	for v.left != nil && v.right != nil {
		if v.left.priority > v.right.priority {
			t.rotate(v.left)
		} else {
			t.rotate(v.right)
		}
	}
	child := v.left
	if child == nil {
		child = v.right
	}
	up := v.up
	t.replace(v, child)
	up.moved()
	if v.before == nil {
		t.first = v.after
	} else {
		v.before.after = v.after
	}
	if v.after == nil {
		t.last = v.before
	} else {
		v.after.before = v.before
		v.after.moved()
	}
	t.n--
	v.node = node{}
}

// highest finds the highest address below limit with n free bytes.
func (t *tree) highest(n, limit uint64) (at uint64, ok bool) {
	low := uint64(minAddr)
	if t.last != nil {
		low = t.last.end
	}
	if span(low, limit) >= n {
		return limit - n, true
	}
	return t.root.highest(n, limit)
}

func (v *VMA) highest(n, limit uint64) (at uint64, ok bool) {
	for v != nil && v.gap >= n {
		if v.end < limit { // else what is right of v lies above the limit
			if at, ok := v.right.highest(n, limit); ok {
				return at, true
			}
		}
		if high := min(v.high(), limit); span(v.low(), high) >= n {
			return high - n, true
		}
		v = v.left
	}
	return 0, false
}

// lowest finds the lowest address from limit on with n free bytes.
func (t *tree) lowest(n, limit uint64) (at uint64, ok bool) {
	if at, ok := t.root.lowest(n, limit); ok {
		return at, true
	}
	if t.last != nil {
		limit = max(limit, t.last.end)
	}
	return limit, span(limit, pgtable.UserEnd) >= n
}

func (v *VMA) lowest(n, limit uint64) (at uint64, ok bool) {
	for v != nil && v.gap >= n {
		if v.start > limit { // else what is left of v lies below the limit
			if at, ok := v.left.lowest(n, limit); ok {
				return at, true
			}
		}
		if low := max(v.low(), limit); span(low, v.high()) >= n {
			return low, true
		}
		v = v.right
	}
	return 0, false
}
