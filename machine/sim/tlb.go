package sim

import (
	"sync"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// tlb holds the translations that programs of one Space have used. As in hardware,
// a translation stays until it is flushed, whatever the page table says meanwhile,
// and an access under way ends before a flush returns.
type tlb struct {
	mu      sync.RWMutex // held for reading during an access; leaf
	entries map[uint64]pgtable.Value
}

func (t *tlb) flush(from, to uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if to-from > uint64(len(t.entries))*mem.PageSize {
		for va := range t.entries {
			if va >= from && va < to {
				delete(t.entries, va)
			}
		}
		return
	}
	for va := from &^ (mem.PageSize - 1); va < to; va += mem.PageSize {
		delete(t.entries, va)
	}
}

func permits(v pgtable.Value, a machine.Access) bool {
	switch a {
	case machine.Write:
		return v.IsUser() && v.Writable()
	case machine.Execute:
		return v.IsUser() && v.Executable()
	default:
		return v.IsUser() && v.Present()
	}
}

// access calls do with the frame that va's page has for a. Otherwise it returns the
// trap; stale says that the page table would have allowed the access, and only a
// translation that was not flushed forbids it.
func (t *tlb) access(s *machine.Space, va uint64, a machine.Access, do func(mem.Frame)) (trap machine.Trap, stale, ok bool) {
	fault := machine.Trap{Kind: machine.Fault, Access: a, Addr: va}
	page := va &^ (mem.PageSize - 1)
	if va >= pgtable.UserEnd {
		return fault, false, false
	}
	t.mu.RLock()
	v, hit := t.entries[page]
	if hit && permits(v, a) {
		do(v.Frame())
		t.mu.RUnlock()
		return machine.Trap{}, false, true
	}
	t.mu.RUnlock()

	// The walk and the fill are one step under the lock: a flush that comes after the
	// page table changed must not miss the entry.
	t.mu.Lock()
	defer t.mu.Unlock()
	e := s.Page(page)
	var now pgtable.Value
	if e != nil {
		now = e.Load()
	}
	if old, hit := t.entries[page]; hit && !permits(old, a) {
		fault.Present = true
		return fault, permits(now, a), false
	}
	if !permits(now, a) {
		fault.Present = now.Present()
		return fault, false, false
	}
	if now.Present() {
		t.entries[page] = now
	}
	do(now.Frame())
	return machine.Trap{}, false, true
}
