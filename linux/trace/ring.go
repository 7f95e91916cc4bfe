package trace

import (
	"sync/atomic"
)

// ringSize is how many records a ring holds: a power of two.
const ringSize = 1 << 13

// ring holds the records of one CPU until they are drained. Any goroutine puts records
// in: one that moves to another CPU meanwhile, or is stopped in the middle, is why slots
// are reserved by a compare-and-swap and marked when they are complete. One goroutine at
// a time takes them out.
type ring struct {
	head  atomic.Uint64 // the next record to take; written by the reader
	tail  atomic.Uint64 // the next slot to reserve
	lost  atomic.Uint64 // records that found no room
	slots [ringSize]slot
}

// slot holds a record. ready is the record's number plus one once it is complete, which
// orders the words before it for the reader; head, that the reader is done with them.
type slot struct {
	ready atomic.Uint64
	words [headerWords + MaxWords]uint64
}

// reserve gives the caller a slot to fill and its number, or nil where the ring is full.
func (r *ring) reserve() (*slot, uint64) {
	for {
		n := r.tail.Load()
		if n-r.head.Load() >= ringSize {
			return nil, 0
		}
		if r.tail.CompareAndSwap(n, n+1) {
			return &r.slots[n%ringSize], n
		}
	}
}

// full reports whether the ring should be drained before its time.
func (r *ring) filling() bool { return r.tail.Load()-r.head.Load() >= ringSize/2 }

// take appends complete records to b, as they are on the wire, up to record number end
// or until b has limit bytes. It reports whether it got to end.
func (r *ring) take(b []byte, end uint64, limit int) ([]byte, bool) {
	n := r.head.Load()
	for ; n < end && len(b) < limit; n++ {
		s := &r.slots[n%ringSize]
		if s.ready.Load() != n+1 {
			break
		}
		words := headerWords + int(s.words[1]>>5&7)
		for _, w := range s.words[:words] {
			b = le.AppendUint64(b, w)
		}
	}
	r.head.Store(n)
	return b, n == end
}
