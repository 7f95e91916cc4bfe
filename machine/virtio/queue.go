package virtio

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"kevlar/machine/mem"
)

// A split virtqueue (section 2.7), whole in one frame: descriptors, then the
// available ring, then the used ring. 128 descriptors are as many as fit.
const (
	maxQueue  = 128
	ringAlign = 64 // of the used ring; a legacy device is told

	descNext  = 1
	descWrite = 2 // the device writes the buffer

	availNoInterrupt = 1 // flag of the available ring: we look ourselves
)

// buffer is physically contiguous memory for the device.
type buffer struct {
	addr  uint64 // physical
	n     int
	write bool // the device writes it
}

// queue is one virtqueue. Its owner serializes all calls.
type queue struct {
	t     Transport
	index int
	size  int
	frame mem.Frame
	ring  *[mem.PageSize]byte

	availAt, usedAt int // offsets of the rings in the frame

	free     uint16 // head of the list of free descriptors, linked by their next fields
	nfree    int
	avail    uint16 // our copy of the available index
	seenUsed uint16
	quiet    bool                  // the device need not interrupt
	done     [maxQueue]func(n int) // by the head of a chain: called with the bytes written
}

// newQueue sets up queue i of t.
func newQueue(t Transport, i int) (*queue, error) {
	n := t.queueMax(i)
	if n == 0 {
		return nil, fmt.Errorf("virtio %s: no queue %d", t.Name(), i)
	}
	n = min(n, maxQueue)
	f, err := mem.Alloc()
	if err != nil {
		return nil, err
	}
	q := &queue{t: t, index: i, size: n, frame: f, ring: f.Data(), nfree: n}
	q.availAt = 16 * n
	q.usedAt = (q.availAt + 4 + 2*n + ringAlign - 1) &^ (ringAlign - 1)
	for d := range n {
		q.put16(16*d+14, uint16(d+1))
	}
	if err := t.enableQueue(i, q); err != nil {
		f.Unref()
		return nil, err
	}
	return q, nil
}

func (q *queue) put16(at int, v uint16) { binary.LittleEndian.PutUint16(q.ring[at:], v) }
func (q *queue) get16(at int) uint16    { return binary.LittleEndian.Uint16(q.ring[at:]) }

// add queues a chain of buffers, which the device reads and then writes in order;
// done is called from complete with the number of bytes that it wrote. It reports
// whether there was room. The device sees it after kick.
func (q *queue) add(done func(n int), chain ...buffer) bool {
	if q.nfree < len(chain) {
		return false
	}
	head := q.free
	d := head
	for i, b := range chain {
		at := 16 * int(d)
		binary.LittleEndian.PutUint64(q.ring[at:], b.addr)
		binary.LittleEndian.PutUint32(q.ring[at+8:], uint32(b.n))
		var flags uint16
		if b.write {
			flags = descWrite
		}
		if i < len(chain)-1 {
			flags |= descNext
		}
		q.put16(at+12, flags)
		d = q.get16(at + 14)
	}
	q.free = d
	q.nfree -= len(chain)
	q.done[head] = done
	q.put16(q.availAt+4+2*(int(q.avail)%q.size), head)
	q.avail++
	return true
}

// kick publishes what add queued and tells the device.
func (q *queue) kick() {
	q.publish()
	q.t.notify(q.index)
}

func (q *queue) publish() {
	// The store is atomic, so that the descriptors are visible before the index; flags
	// and index share a word.
	w := uint32(q.avail) << 16
	if q.quiet {
		w |= availNoInterrupt
	}
	q.word(q.availAt).Store(w)
}

// send is kick and complete: for a device that mostly has done what it was told by the time
// that kick returns, and then need not interrupt. It interrupts for what is left.
func (q *queue) send() {
	q.quiet = true
	q.kick()
	q.complete()
	if q.nfree < q.size {
		q.listen()
	}
}

// listen has the device interrupt from now on, and completes what it has used until now.
func (q *queue) listen() {
	q.quiet = false
	q.publish()
	q.complete()
}

func (q *queue) word(at int) *atomic.Uint32 { return q.frame.Word(at) }

// complete calls done for each chain that the device has used, and reports whether there was any.
func (q *queue) complete() (any bool) {
	for {
		used := uint16(q.word(q.usedAt).Load() >> 16)
		if used == q.seenUsed {
			return any
		}
		any = true
		for ; q.seenUsed != used; q.seenUsed++ {
			at := q.usedAt + 4 + 8*(int(q.seenUsed)%q.size)
			head := binary.LittleEndian.Uint32(q.ring[at:])
			n := binary.LittleEndian.Uint32(q.ring[at+4:])
			if int(head) >= q.size || q.done[head] == nil {
				panic(fmt.Sprintf("virtio %s: the device returned descriptor %d, which it did not have", q.t.Name(), head))
			}
			done := q.done[head]
			q.done[head] = nil
			q.release(uint16(head))
			done(int(n))
		}
	}
}

// release puts a chain's descriptors back on the free list.
func (q *queue) release(head uint16) {
	d := head
	for n := 1; ; n++ {
		at := 16 * int(d)
		if q.get16(at+12)&descNext == 0 {
			q.put16(at+14, q.free)
			q.free = head
			q.nfree += n
			return
		}
		d = q.get16(at + 14)
	}
}
