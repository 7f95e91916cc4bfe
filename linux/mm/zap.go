package mm

import (
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// zap takes pages out of a space. It gathers frames, so that one flush serves many, and
// lets them go only after it. The caller holds Space.mu, for reading at least.
type zap struct {
	s        *Space
	low, end uint64 // what has to be flushed
	n        int
	frames   [256]mem.Frame
	// eager: faults may go on meanwhile (mu is held for reading only), so entries must
	// not be seen empty before the flush (break before make, Arm ARM D8.16.1).
	eager bool
}

// drop empties the entries of [from, to), which lies in v; those with copies of the
// space's own too only if own is set.
func (z *zap) drop(v *VMA, from, to uint64, own bool) {
	s := z.s
	s.pt.Lock()
	for from < to {
		next := to
		s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
			x := e.Load()
			if !x.Mapped() || x.Own() && !own {
				return true
			}
			if z.n == len(z.frames) {
				next = va
				return false
			}
			e.Clear()
			if z.low == z.end {
				z.low = va
			}
			z.low, z.end = min(z.low, va), max(z.end, va+mem.PageSize)
			if f := x.Frame(); f != zeroFrame() {
				s.resident(v, x.Own(), -1)
				z.frames[z.n] = f
				z.n++
			}
			return true
		})
		if from = next; from < to {
			z.flush()
			s.pt.Unlock()
			z.free()
			s.pt.Lock()
		}
	}
	if z.eager {
		z.flush()
	}
	s.pt.Unlock()
}

// finish is the end of all drops.
func (z *zap) finish() {
	if z.low != z.end {
		z.s.pt.Lock()
		z.flush()
		z.s.pt.Unlock()
	}
	z.free()
}

func (z *zap) flush() {
	if z.low != z.end {
		z.s.m.FlushTLB(z.s.hw, z.low, z.end)
		z.low, z.end = 0, 0
	}
}

func (z *zap) free() {
	for _, f := range z.frames[:z.n] {
		f.Unref()
	}
	z.n = 0
}

// objectRange is the part of v that shows pages [first, last) of its object.
func (v *VMA) objectRange(first, last uint64) (from, to uint64) {
	lo, hi := max(first, v.off), min(last, v.index(v.end))
	if lo >= hi {
		return 0, 0
	}
	return v.start + (lo-v.off)<<mem.PageShift, v.start + (hi-v.off)<<mem.PageShift
}

// zapObject unmaps pages of v's object, with own also what the space has copied.
func (s *Space) zapObject(v *VMA, first, last uint64, own bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.pt.Lock()
	s.gen++
	s.pt.Unlock()
	if v.dead {
		return
	}
	z := zap{s: s, eager: true}
	from, to := v.objectRange(first, last)
	z.drop(v, from, to, own)
	z.finish()
}

func (s *Space) cleanObject(v *VMA, first, last uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.pt.Lock()
	defer s.pt.Unlock()
	s.gen++
	if v.dead || !v.shared {
		return
	}
	from, to := v.objectRange(first, last)
	changed := false
	s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
		if x := e.Load(); x.Writable() {
			e.Set(x.Frame(), v.pteProt(false, x.Own()))
			changed = true
		}
		return true
	})
	if changed {
		s.m.FlushTLB(s.hw, from, to)
	}
}
