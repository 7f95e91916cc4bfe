package mm

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// check finds what is wrong with a tree.
func (t *tree) check() error {
	n := 0
	var before *VMA
	for v := t.first; v != nil; before, v = v, v.after {
		n++
		if v.before != before || v.start >= v.end || before != nil && before.end > v.start {
			return fmt.Errorf("VMA %#x-%#x is out of order", v.start, v.end)
		}
	}
	if before != t.last || n != t.n {
		return fmt.Errorf("%d VMAs in the list, the count is %d", n, t.n)
	}
	next := t.first
	var walk func(v, up *VMA) (gap uint64, err error)
	walk = func(v, up *VMA) (gap uint64, err error) {
		if v == nil {
			return 0, nil
		}
		if v.up != up || up != nil && up.priority < v.priority {
			return 0, fmt.Errorf("VMA %#x is no child", v.start)
		}
		l, err := walk(v.left, v)
		if err != nil {
			return 0, err
		}
		if v != next {
			return 0, fmt.Errorf("VMA %#x comes at the wrong place", v.start)
		}
		next = v.after
		r, err := walk(v.right, v)
		if err != nil {
			return 0, err
		}
		gap = max(l, r, span(v.low(), v.high()))
		if gap != v.gap {
			return 0, fmt.Errorf("the gap at VMA %#x is %#x, not %#x", v.start, gap, v.gap)
		}
		return gap, nil
	}
	_, err := walk(t.root, nil)
	return err
}

// free finds a gap the slow way.
func (t *tree) free(n, limit uint64, below bool) (found uint64, ok bool) {
	try := func(low, high uint64) {
		if below {
			if high = min(high, limit); span(low, high) >= n {
				found, ok = high-n, true
			}
		} else if low = max(low, limit); span(low, high) >= n && !ok {
			found, ok = low, true
		}
	}
	low := uint64(minAddr)
	for v := t.first; v != nil; v = v.after {
		try(low, v.high())
		low = v.end
	}
	try(low, pgtable.UserEnd)
	return found, ok
}

func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const pages = 200
		tr := &tree{seed: 1}
		addr := rapid.Uint64Range(0, pages)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			a := minAddr + addr.Draw(t, "page")*mem.PageSize
			v := tr.from(a)
			switch {
			case v == nil || v.start > a:
				end := a + rapid.Uint64Range(1, 8).Draw(t, "size")*mem.PageSize
				prev := tr.last
				if v != nil {
					end = min(end, v.start)
					prev = v.before
				}
				w := &VMA{start: a, end: end}
				w.growsDown = rapid.Bool().Draw(t, "stack")
				tr.insert(w, prev)
			case v.end-v.start > mem.PageSize && rapid.Bool().Draw(t, "shrink"):
				if rapid.Bool().Draw(t, "from the end") {
					v.setEnd(v.end - mem.PageSize)
				} else {
					v.setStart(v.start + mem.PageSize)
				}
			default:
				tr.remove(v)
			}
			if err := tr.check(); err != nil {
				t.Fatal(err)
			}
			n := rapid.Uint64Range(1, 40).Draw(t, "length") * mem.PageSize
			limit := minAddr + addr.Draw(t, "limit")*mem.PageSize
			at, ok := tr.highest(n, limit)
			if want, found := tr.free(n, limit, true); ok != found || ok && at != want {
				t.Fatalf("highest %#x below %#x: %#x %v, want %#x %v", n, limit, at, ok, want, found)
			}
			at, ok = tr.lowest(n, limit)
			if want, found := tr.free(n, limit, false); ok != found || ok && at != want {
				t.Fatalf("lowest %#x from %#x: %#x %v, want %#x %v", n, limit, at, ok, want, found)
			}
		}
	})
}
