// Package futex is where threads wait for a word of their memory to change: futex(2),
// with the locks that know their owner (pi.go) and the list of locks that a thread
// leaves behind when it ends (robust.go).
//
// A word is an address in a space and the key that is the same for all who see it.
// The lock of a bucket of keys decides races: whoever waits compares the word under it,
// and whoever wakes takes it. Words are only tried under it (mm.Space.TryLoadWord), for
// a fault may do I/O.
package futex

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// Key names a word independently of who maps it.
type Key = mm.FutexKey

// Word is a futex as one address space sees it.
type Word struct {
	Mem  *mm.Space
	Addr user.Addr
	Key  Key
}

// At is the futex at an address, which other address spaces may share: EINVAL where it
// is not aligned, EFAULT where there is no memory.
func At(m *mm.Space, a user.Addr, shared bool) (Word, error) {
	if a%4 != 0 {
		return Word{}, unix.EINVAL
	}
	key, err := m.FutexKey(a, shared)
	return Word{m, a, key}, err
}

// AnyBit is the bit set of waits and wakes without one (FUTEX_BITSET_MATCH_ANY).
const AnyBit = 0xffffffff

// Deadline is when a wait ends: a time on a clock. The zero value is never.
type Deadline struct {
	Clock clock.ID
	At    time.Duration
}

// In is the deadline d from now.
func In(d time.Duration) Deadline { return Deadline{clock.Monotonic, clock.Monotonic.Read() + d} }

// Waiter is a thread as futexes know it. Every task has one; the zero value is ready.
type Waiter struct {
	entry entry // for waits on one word: only its thread waits with it

	// What the thread has in locks that know their owner. Guarded by owners.
	held []*lock
	dead bool // holds none, and never will again
}

// entry is a place in a queue.
type entry struct {
	// bucket changes with the locks of the old and the new one held. It may be read
	// without: whoever has locked what it read looks again.
	bucket atomic.Pointer[bucket]
	// woken is set, under the lock, when a wake takes the entry out. The thread looks
	// at it without.
	woken atomic.Bool

	// Guarded by the bucket's lock.
	task       *wait.Waiter
	key        Key
	bits       uint32
	queued     bool
	next, prev *entry

	// Of waits for a lock that knows its owner (pi.go).
	waiter *Waiter
	tid    uint32
	lock   *lock // nil but in the lock's queue
	target *Key  // FUTEX_WAIT_REQUEUE_PI: the lock that it will be moved to
}

type bucket struct {
	mu          sync.Mutex // guards the list; ordered by index; taken before Space.pt and owners
	first, last *entry
	index       int
}

const buckets = 256

var (
	table [buckets]bucket
	seed  = maphash.MakeSeed()
)

func init() {
	for i := range table {
		table[i].index = i
	}
}

func bucketOf(k Key) *bucket { return &table[maphash.Comparable(seed, k)%buckets] }

func (b *bucket) add(e *entry) {
	e.bucket.Store(b)
	e.queued, e.next, e.prev = true, nil, b.last
	if b.last == nil {
		b.first = e
	} else {
		b.last.next = e
	}
	b.last = e
}

func (b *bucket) remove(e *entry) {
	if e.prev == nil {
		b.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		b.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.next, e.prev, e.queued = nil, nil, false
}

// find is the first entry for key from e on.
func (e *entry) find(key Key) *entry {
	for e != nil && e.key != key {
		e = e.next
	}
	return e
}

// lockBoth locks the buckets of two keys in order, so that no two callers wait for each
// other; unlockBoth undoes it.
func lockBoth(a, b *bucket) {
	if a.index > b.index {
		a, b = b, a
	}
	a.mu.Lock()
	if a != b {
		b.mu.Lock()
	}
}

func unlockBoth(a, b *bucket) {
	a.mu.Unlock()
	if a != b {
		b.mu.Unlock()
	}
}

// woken collects tasks to wake once the locks are free: they find nothing in their way.
type woken struct {
	some [16]*wait.Waiter
	n    int
}

// add takes e out of b, and will wake its task.
func (w *woken) add(b *bucket, e *entry) {
	b.remove(e)
	if w.n == len(w.some) {
		w.wake()
	}
	w.some[w.n] = e.task
	w.n++
	e.woken.Store(true) // from here on e is its thread's again
}

func (w *woken) wake() {
	for _, t := range w.some[:w.n] {
		t.Wake()
	}
	w.n = 0
}

// Wait sleeps until a wake for the word with one of bits, if the word still is val:
// EAGAIN where it is not. ETIMEDOUT at the deadline, ERESTARTSYS for a signal. task is the
// calling thread's.
func (w *Waiter) Wait(task *wait.Waiter, word Word, val, bits uint32, d Deadline) error {
	if bits == 0 {
		return unix.EINVAL
	}
	e := &w.entry
	e.prepare(task, word.Key, bits)
	if err := e.enqueue(word, val); err != nil {
		return err
	}
	return e.sleep(d)
}

// prepare makes e ready for a queue.
func (e *entry) prepare(task *wait.Waiter, key Key, bits uint32) {
	e.woken.Store(false)
	e.task, e.key, e.bits, e.lock, e.target = task, key, bits, nil, nil
}

// enqueue queues e if the word is val.
func (e *entry) enqueue(word Word, val uint32) error {
	b := bucketOf(e.key)
	for {
		b.mu.Lock()
		v, ok := word.Mem.TryLoadWord(word.Addr)
		if ok && v == val {
			b.add(e)
			b.mu.Unlock()
			return nil
		}
		b.mu.Unlock()
		if ok {
			return unix.EAGAIN
		}
		if err := word.Mem.FaultWord(word.Addr, machine.Read); err != nil {
			return err
		}
	}
}

// sleep waits until e is woken, or leaves its queue.
func (e *entry) sleep(d Deadline) error {
	err := sleep(e.task, d, func() bool { return e.woken.Load() })
	if err != nil && e.leave() {
		return nil
	}
	return err
}

// sleep waits until ready, which a wake of the task announces. Where d is on the wall
// clock, setting the clock moves it.
func sleep(task *wait.Waiter, d Deadline, ready func() bool) error {
	if d.Clock.Wall() && d.At != 0 {
		set := wait.Entry{To: task, Events: wait.All}
		clock.Changed().Add(&set)
		defer clock.Changed().Remove(&set)
	}
	for {
		deadline := wait.Forever
		if d.At != 0 {
			deadline = d.Clock.Deadline(d.At)
		}
		err := task.Sleep(deadline)
		if ready() {
			return nil
		}
		if err != nil && !(err == unix.ETIMEDOUT && d.Clock.Read() < d.At) {
			return err
		}
	}
}

// lockQueue locks the bucket that e is in.
func (e *entry) lockQueue() *bucket {
	for {
		b := e.bucket.Load()
		b.mu.Lock()
		if e.bucket.Load() == b { // else requeued meanwhile
			return b
		}
		b.mu.Unlock()
	}
}

// leave takes e out of its queue, or reports that a wake has.
func (e *entry) leave() (woken bool) {
	b := e.lockQueue()
	defer b.mu.Unlock()
	if e.queued {
		b.remove(e)
		return false
	}
	return true
}

// Wake wakes up to n waiters on key with one of bits, the longest waiting first, and
// returns how many it found. EINVAL where they wait for a lock that knows its owner.
func Wake(key Key, n int, bits uint32) (int, error) {
	var w woken
	b := bucketOf(key)
	b.mu.Lock()
	found, err := b.wake(&w, key, n, bits)
	b.mu.Unlock()
	w.wake()
	return found, err
}

func (b *bucket) wake(w *woken, key Key, n int, bits uint32) (found int, err error) {
	for e := b.first.find(key); e != nil && found < n; {
		next := e.next.find(key)
		if e.lock != nil || e.target != nil {
			return found, unix.EINVAL
		}
		if e.bits&bits != 0 {
			w.add(b, e)
			found++
		}
		e = next
	}
	return found, nil
}

// Requeue wakes up to wake waiters on from and moves up to move of the others to to. It
// returns how many both were. Where compare is not nil, from must hold that value, or the
// answer is EAGAIN.
func Requeue(from, to Word, wake, move int, compare *uint32) (n int, err error) {
	var w woken
	b, d := bucketOf(from.Key), bucketOf(to.Key)
	if err := lockIf(b, d, from, compare); err != nil {
		return 0, err
	}
	n, err = b.wake(&w, from.Key, wake, AnyBit)
	for e := b.first.find(from.Key); e != nil && err == nil && move > 0; {
		next := e.next.find(from.Key)
		if e.lock != nil || e.target != nil {
			err = unix.EINVAL
			break
		}
		if from.Key != to.Key {
			b.remove(e)
			e.key = to.Key
			d.add(e)
		}
		n, move = n+1, move-1
		e = next
	}
	unlockBoth(b, d)
	w.wake()
	if n > 0 {
		err = nil
	}
	return n, err
}

// lockIf locks both buckets if the word holds what compare says; EAGAIN if not.
func lockIf(b, d *bucket, word Word, compare *uint32) error {
	for {
		lockBoth(b, d)
		if compare == nil {
			return nil
		}
		v, ok := word.Mem.TryLoadWord(word.Addr)
		if ok && v == *compare {
			return nil
		}
		unlockBoth(b, d)
		if ok {
			return unix.EAGAIN
		}
		if err := word.Mem.FaultWord(word.Addr, machine.Read); err != nil {
			return err
		}
	}
}

// Op is the operation of FUTEX_WAKE_OP, as futex(2) encodes it.
type Op uint32

// change is what the operation makes of a word; ENOSYS for one that is not known.
func (o Op) change(v uint32) (uint32, error) {
	arg := uint32(int32(o<<8) >> 20)
	if o>>31 != 0 { // FUTEX_OP_ARG_SHIFT
		arg = 1 << (arg & 31)
	}
	switch o >> 28 & 7 {
	case 0:
		return arg, nil
	case 1:
		return v + arg, nil
	case 2:
		return v | arg, nil
	case 3:
		return v &^ arg, nil
	case 4:
		return v ^ arg, nil
	}
	return 0, unix.ENOSYS
}

// holds compares the old value of the word.
func (o Op) holds(old uint32) (bool, error) {
	v, arg := int32(old), int32(o<<20)>>20
	switch o >> 24 & 15 {
	case 0:
		return v == arg, nil
	case 1:
		return v != arg, nil
	case 2:
		return v < arg, nil
	case 3:
		return v <= arg, nil
	case 4:
		return v > arg, nil
	case 5:
		return v >= arg, nil
	}
	return false, unix.ENOSYS
}

// WakeOp is FUTEX_WAKE_OP: it changes the second word, wakes up to n1 waiters of the
// first, and up to n2 of the second if the word was as op says.
func WakeOp(first, second Word, n1, n2 int, op Op) (int, error) {
	var w woken
	b, d := bucketOf(first.Key), bucketOf(second.Key)
	for {
		lockBoth(b, d)
		old, ok := second.Mem.TryLoadWord(second.Addr)
		swapped := false
		if ok {
			now, err := op.change(old)
			if err != nil {
				unlockBoth(b, d)
				return 0, err
			}
			swapped, ok = second.Mem.TryCompareAndSwapWord(second.Addr, old, now)
		}
		if !swapped {
			unlockBoth(b, d)
			if !ok {
				if err := second.Mem.FaultWord(second.Addr, machine.Write); err != nil {
					return 0, err
				}
			}
			continue
		}
		also, err := op.holds(old)
		var n, m int
		if err == nil {
			n, err = b.wake(&w, first.Key, n1, AnyBit)
		}
		if also && err == nil {
			m, err = d.wake(&w, second.Key, n2, AnyBit)
		}
		unlockBoth(b, d)
		w.wake()
		return n + m, err
	}
}

// Wanted is one of the words that WaitMany waits for, with the value that it must have.
type Wanted struct {
	Word
	Value uint32
}

// WaitMany sleeps until one of several words is woken, and returns which: futex_waitv(2).
// Its errors are Wait's.
func (w *Waiter) WaitMany(task *wait.Waiter, words []Wanted, d Deadline) (index int, err error) {
	entries := make([]entry, len(words))
	// leave takes the first n out, and finds the last that was woken.
	leave := func(n int) int {
		found := -1
		for i := range entries[:n] {
			if entries[i].leave() {
				found = i
			}
		}
		return found
	}
	for i := range words {
		entries[i].prepare(task, words[i].Key, AnyBit)
		if err := entries[i].enqueue(words[i].Word, words[i].Value); err != nil {
			if found := leave(i); found >= 0 {
				return found, nil
			}
			return 0, err
		}
	}
	err = sleep(task, d, func() bool {
		for i := range entries {
			if entries[i].woken.Load() {
				return true
			}
		}
		return false
	})
	if found := leave(len(entries)); found >= 0 {
		return found, nil
	}
	return 0, err
}
