// Package pgtable is the one page-table walker, for both architectures, for user
// address spaces and for the kernel's own. Architectures supply only the encoding
// of an entry (entry_amd64.go, entry_arm64.go).
//
// Tables have four levels of 512 entries and pages of 4 KiB: x86-64 with 4-level
// paging, ARM64 with a 4 KiB granule and 48-bit addresses. Slot neither allocates
// nor blocks nor stores a pointer, so that the nanokernel can use it as well.
package pgtable

import (
	"kevlar/machine/mem"
)

// Levels is the number of table levels; level 0 holds the entries of pages.
const Levels = 4

// UserEnd is the first address past user memory on both architectures: the lower
// half of x86-64, and the same on ARM64 so that one layout serves both.
const UserEnd = 0x7fff_ffff_f000

// Prot says what an entry allows. A user entry with none of Read, Write and
// Execute keeps its frame and faults on every access (PROT_NONE).
type Prot uint8

const (
	Read Prot = 1 << iota
	Write
	Execute
	User   // user mode may use it; the kernel may not execute it
	Device // uncached, for device registers
	Own    // a mark for linux/mm, without meaning to the hardware
)

// Table is a page table, known by the frame of its top level.
type Table struct {
	Root mem.Frame
}

// Slot walks to the entry that translates va and returns it with its level. Level 0
// is the page's own entry, empty or not. At a higher level the entry is either a
// block that maps 2 MiB (level 1) or 1 GiB (level 2), or empty: the table below is
// missing, and SetTable can supply it.
func (t Table) Slot(va uint64) (e *Entry, level int) {
	f := t.Root
	for level = Levels - 1; ; level-- {
		e = slotIn(f, va>>(mem.PageShift+9*level)&511)
		if level == 0 {
			return e, 0
		}
		v := e.Load()
		if !v.IsTable() {
			return e, level
		}
		f = v.Frame()
	}
}

// Leaf is a table of level 0: the entries of the pages of 2 MiB. Once there, it stays at its
// place until FreeUser.
type Leaf [512]Entry

// LeafSize is how many bytes of address space a Leaf translates, aligned to as many.
const LeafSize = 512 * mem.PageSize

// Page is the entry of va's page; va lies in what the leaf translates.
func (l *Leaf) Page(va uint64) *Entry { return &l[va>>mem.PageShift&511] }

// Leaf walks to the leaf that translates va, nil where a table on the way is missing or a
// block maps va. It is Slot without the choice of a level, for those who walk often.
func (t Table) Leaf(va uint64) *Leaf {
	v := slotIn(t.Root, va>>(mem.PageShift+27)).Load()
	if !v.IsTable() {
		return nil
	}
	v = slotIn(v.Frame(), va>>(mem.PageShift+18)).Load()
	if !v.IsTable() {
		return nil
	}
	v = slotIn(v.Frame(), va>>(mem.PageShift+9)).Load()
	if !v.IsTable() {
		return nil
	}
	return leafIn(v.Frame())
}

// Page returns the entry of va's page, or nil where a table on the way is missing
// or a block maps it.
func (t Table) Page(va uint64) *Entry {
	l := t.Leaf(va)
	if l == nil {
		return nil
	}
	return l.Page(va)
}

// MakePage returns the entry of va's page and allocates the tables on the way. The
// caller has excluded other writers. ENOMEM is the only error.
func (t Table) MakePage(va uint64) (*Entry, error) {
	for {
		e, level := t.Slot(va)
		if level == 0 {
			return e, nil
		}
		if e.Load().Mapped() {
			panic("pgtable: a block is in the way")
		}
		f, err := mem.Alloc()
		if err != nil {
			return nil, err
		}
		e.SetTable(f, va < UserEnd)
	}
}

// Range calls do for each page entry in [from, to) whose tables exist, mapped or
// not, in ascending order, until do returns false.
func (t Table) Range(from, to uint64, do func(va uint64, e *Entry) bool) {
	for va := from; va < to; {
		e, level := t.Slot(va)
		if level != 0 {
			step := uint64(1) << (mem.PageShift + 9*level)
			if va = (va + step) &^ (step - 1); va == 0 {
				return
			}
			continue
		}
		// The rest of this table, without walking again.
		for i := va >> mem.PageShift & 511; i < 512 && va < to; i++ {
			if !do(va, e) {
				return
			}
			va += mem.PageSize
			if i < 511 {
				e = e.Next()
			}
		}
	}
}

// FreeUser frees the tables below the top level that serve user addresses. Entries
// in them must be empty.
func (t Table) FreeUser() {
	top := t.Root
	for i := uint64(0); i < 256; i++ {
		e := slotIn(top, i)
		if v := e.Load(); v.IsTable() {
			freeTable(v.Frame(), Levels-2)
			e.Clear()
		}
	}
}

func freeTable(f mem.Frame, level int) {
	if level > 0 {
		for i := range uint64(512) {
			if v := slotIn(f, i).Load(); v.IsTable() {
				freeTable(v.Frame(), level-1)
			}
		}
	}
	f.Unref()
}
