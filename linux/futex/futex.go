// Package futex is where threads wait for a word of their memory to change: futex(2).
// It knows words by a Key and reads them through the caller; whose memory they are in
// is the business of linux/task and linux/mm.
package futex

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/wait"
)

// Key names a word independently of who maps it: for private memory the address
// space and the address, for shared memory the object and the offset.
type Key struct {
	Of     any // a comparable value: *mm.Space or mm.Object
	Offset uint64
}

// AnyBit is the bit set of waits and wakes without one (FUTEX_BITSET_MATCH_ANY).
const AnyBit = 0xffffffff

// Waiter is a thread's place in a queue. Every task has one, made with Init.
type Waiter struct {
	task *wait.Waiter

	// bucket changes with the locks of the old and the new one held. It may be read
	// without: whoever has locked what it read looks again.
	bucket atomic.Pointer[bucket]

	// Guarded by the bucket's lock.
	key        Key
	bits       uint32
	queued     bool
	next, prev *Waiter
}

// Init says which task waits with w.
func (w *Waiter) Init(task *wait.Waiter) { w.task = task }

type bucket struct {
	mu          sync.Mutex // guards the list; ordered by index; taken before mm's locks, whose faults a word may need
	first, last *Waiter
}

const buckets = 256

var table [buckets]bucket

// hash spreads keys by their offset: words that are used together lie close together.
func (k Key) hash() int {
	return int((k.Offset>>2)*0x9e3779b97f4a7c15>>56) & (buckets - 1)
}

func (b *bucket) add(w *Waiter) {
	w.bucket.Store(b)
	w.queued, w.next, w.prev = true, nil, b.last
	if b.last == nil {
		b.first = w
	} else {
		b.last.next = w
	}
	b.last = w
}

func (b *bucket) remove(w *Waiter) {
	if w.prev == nil {
		b.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		b.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
}

// lock locks the buckets of two keys in order, so that no two callers wait for each
// other, and returns what unlocks them.
func lock(i, j int) (unlock func()) {
	if i > j {
		i, j = j, i
	}
	table[i].mu.Lock()
	if i == j {
		return table[i].mu.Unlock
	}
	table[j].mu.Lock()
	return func() { table[j].mu.Unlock(); table[i].mu.Unlock() }
}

// Wait sleeps until a wake for key with one of bits, if load still reads val: EAGAIN
// where it does not. ETIMEDOUT at the deadline on wait.Now's clock, ERESTARTSYS for a
// signal. load is called with locks held; it only reads the word.
func (w *Waiter) Wait(key Key, load func() (uint32, error), val, bits uint32, deadline time.Duration) error {
	if bits == 0 {
		return unix.EINVAL
	}
	b := &table[key.hash()]
	if err := w.enqueue(b, key, load, val, bits); err != nil {
		return err
	}
	for {
		err := w.task.Sleep(deadline)
		if w.dequeue(err != nil) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (w *Waiter) enqueue(b *bucket, key Key, load func() (uint32, error), val, bits uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, err := load()
	if err != nil {
		return err
	}
	if v != val {
		return unix.EAGAIN
	}
	w.key, w.bits = key, bits
	b.add(w)
	return nil
}

// dequeue reports whether w was woken; if not and leave is set, it takes w out.
func (w *Waiter) dequeue(leave bool) (woken bool) {
	for {
		b := w.bucket.Load()
		b.mu.Lock()
		if w.bucket.Load() != b { // requeued meanwhile
			b.mu.Unlock()
			continue
		}
		woken = !w.queued
		if !woken && leave {
			b.remove(w)
		}
		b.mu.Unlock()
		return woken
	}
}

// Wake wakes up to n waiters on key with one of bits, the longest waiting first, and
// returns how many it found.
func Wake(key Key, n int, bits uint32) int {
	b := &table[key.hash()]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wake(key, n, bits)
}

func (b *bucket) wake(key Key, n int, bits uint32) (woken int) {
	for w := b.first; w != nil && woken < n; {
		next := w.next
		if w.key == key && w.bits&bits != 0 {
			b.remove(w)
			w.task.Wake()
			woken++
		}
		w = next
	}
	return woken
}

// Requeue wakes up to wake waiters on from and moves up to move of the others to to.
// check is called first, with locks held; its error ends the call. It returns how many were
// woken, and moved.
func Requeue(from, to Key, wake, move int, check func() error) (woken, moved int, err error) {
	i, j := from.hash(), to.hash()
	defer lock(i, j)()
	if err := check(); err != nil {
		return 0, 0, err
	}
	b, d := &table[i], &table[j]
	woken = b.wake(from, wake, AnyBit)
	for w := b.first; w != nil && moved < move; {
		next := w.next
		if w.key == from {
			moved++
			if from != to {
				b.remove(w)
				w.key = to
				d.add(w)
			}
		}
		w = next
	}
	return woken, moved, nil
}

// WakeOp is FUTEX_WAKE_OP: change changes the second word and says whether its waiters
// are to be woken too. It is called with locks held.
func WakeOp(first, second Key, n1, n2 int, change func() (bool, error)) (int, error) {
	i, j := first.hash(), second.hash()
	defer lock(i, j)()
	also, err := change()
	if err != nil {
		return 0, err
	}
	woken := table[i].wake(first, n1, AnyBit)
	if also {
		woken += table[j].wake(second, n2, AnyBit)
	}
	return woken, nil
}
