package pgtable

import (
	"sync/atomic"
	"unsafe"

	"kevlar/machine/mem"
)

// Entry is one page-table entry, in place. Hardware reads it at any time, so it is
// read and written whole.
type Entry struct{ v uint64 }

// Value is what an entry holds; its encoding is the architecture's.
type Value uint64

func (e *Entry) Load() Value { return Value(atomic.LoadUint64(&e.v)) }

// Set makes the entry map frame f with prot. It does not flush.
func (e *Entry) Set(f mem.Frame, p Prot) { atomic.StoreUint64(&e.v, uint64(Encode(f, p))); publish() }

// SetValue stores v as it is.
func (e *Entry) SetValue(v Value) { atomic.StoreUint64(&e.v, uint64(v)); publish() }

// SetTable makes the entry point to the table in frame f.
func (e *Entry) SetTable(f mem.Frame, user bool) {
	atomic.StoreUint64(&e.v, uint64(encodeTable(f, user)))
	publish()
}

// Clear empties the entry and returns what it held, accessed and dirty bits
// included.
func (e *Entry) Clear() Value { return Value(atomic.SwapUint64(&e.v, 0)) }

// slotIn is entry i of the table in frame f. Sound because a frame has 512 words.
func slotIn(f mem.Frame, i uint64) *Entry {
	return (*Entry)(unsafe.Pointer(&f.Words()[i&511]))
}

// leafIn is the table of level 0 in frame f, sound for the same reason.
func leafIn(f mem.Frame) *Leaf { return (*Leaf)(unsafe.Pointer(f.Words())) }

// Next is the entry after e. The caller knows that e is not the last of its table.
func (e *Entry) Next() *Entry { return (*Entry)(unsafe.Add(unsafe.Pointer(e), 8)) }
