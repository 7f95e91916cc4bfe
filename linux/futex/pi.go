package futex

import (
	"errors"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// Locks that know their owner: FUTEX_LOCK_PI and its relatives. The word holds the
// owner's thread ID and two bits. Threads have no priorities to lend each other, so what
// is left of priority inheritance is its protocol: the kernel hands the lock over to the
// longest waiting, and to the next when an owner dies.

const (
	waitersBit   = 0x80000000 // FUTEX_WAITERS
	ownerDiedBit = 0x40000000 // FUTEX_OWNER_DIED
	tidMask      = 0x3fffffff // FUTEX_TID_MASK
)

// owners guards Waiter.held and dead, and with a bucket's lock lock.owner: one of both is
// enough to read it. It is a leaf lock.
var owners sync.Mutex

// lock is a lock that somebody waits for.
type lock struct {
	key   Key
	owner *Waiter // nil: it died, and the first in the queue is about to take over
	tid   uint32  // of the owner, as the word has it
}

// own makes w the owner of l, nil for nobody. The caller holds the bucket's lock.
func (l *lock) own(w *Waiter, tid uint32) {
	owners.Lock()
	defer owners.Unlock()
	l.setOwner(w, tid)
}

func (l *lock) setOwner(w *Waiter, tid uint32) {
	if o := l.owner; o != nil {
		o.held = slices.DeleteFunc(o.held, func(m *lock) bool { return m == l })
	}
	if l.owner, l.tid = w, tid; w != nil {
		w.held = append(w.held, l)
	}
}

// Thread is who calls: its place in queues, its sleep, and its ID in the namespace in
// which words hold IDs.
type Thread struct {
	Waiter *Waiter
	Task   *wait.Waiter
	TID    uint32
	// Find returns the thread with an ID, nil where there is none.
	Find func(tid uint32) *Waiter
}

// errFault says that the word has to be faulted in for writing, errAgain that something
// changed meanwhile; both mean that the step is done again.
var (
	errFault = errors.New("futex: the word is not there")
	errAgain = errors.New("futex: the word has changed")
)

// repeat calls step until it answers something final.
func repeat(word Word, step func() error) error {
	for {
		switch err := step(); err {
		case errFault:
			if err := word.Mem.FaultWord(word.Addr, machine.Write); err != nil {
				return err
			}
		case errAgain:
		default:
			return err
		}
	}
}

// swap changes the word; errFault or errAgain where it does not.
func (word Word) swap(old, now uint32) error {
	switch swapped, ok := word.Mem.TryCompareAndSwapWord(word.Addr, old, now); {
	case !ok:
		return errFault
	case !swapped:
		return errAgain
	}
	return nil
}

// acquire takes the lock for thread tid if it is free. Otherwise it returns the lock to
// wait for; EDEADLK where the thread has it, ESRCH where nobody has. more says that others
// will wait. The caller holds the bucket's lock.
func (b *bucket) acquire(word Word, tid uint32, find func(uint32) *Waiter, more bool) (*lock, error) {
	v, ok := word.Mem.TryLoadWord(word.Addr)
	if !ok {
		return nil, errFault
	}
	if v&tidMask == tid {
		return nil, unix.EDEADLK
	}
	if top := b.first.find(word.Key); top != nil {
		l := top.lock
		// A robust lock has no owner's ID any more while its owner is dying.
		dying := v&ownerDiedBit != 0 && v&tidMask == 0
		if l == nil || l.owner != nil && l.tid != v&tidMask && !dying {
			return nil, unix.EINVAL // used as an ordinary futex, or changed by a program
		}
		return l, nil
	}
	if v&tidMask == 0 {
		now := v&ownerDiedBit | tid
		if more {
			now |= waitersBit
		}
		return nil, word.swap(v, now)
	}
	if v&waitersBit == 0 {
		if err := word.swap(v, v|waitersBit); err != nil {
			return nil, err
		}
	}
	owner := find(v & tidMask)
	owners.Lock()
	defer owners.Unlock()
	if owner == nil || owner.dead {
		// It may have given the lock up in its last moments.
		if now, ok := word.Mem.TryLoadWord(word.Addr); !ok || now&^waitersBit != v&^waitersBit {
			return nil, errAgain
		}
		return nil, unix.ESRCH
	}
	l := &lock{key: word.Key}
	l.setOwner(owner, v&tidMask)
	return l, nil
}

// Lock is FUTEX_LOCK_PI and FUTEX_LOCK_PI2, and with try FUTEX_TRYLOCK_PI: EAGAIN where
// the lock is not free, EDEADLK where the caller has it, ESRCH where its owner is gone,
// ETIMEDOUT at the deadline. A signal restarts it.
func (t *Thread) Lock(word Word, d Deadline, try bool) error {
	e := &t.Waiter.entry
	var l *lock
	err := repeat(word, func() (err error) {
		b := bucketOf(word.Key)
		b.mu.Lock()
		defer b.mu.Unlock()
		if l, err = b.acquire(word, t.TID, t.Find, false); err != nil || l == nil {
			return err
		}
		if try {
			l.abandon(b)
			return unix.EAGAIN
		}
		e.prepare(t.Task, word.Key, AnyBit)
		e.waiter, e.tid, e.lock = t.Waiter, t.TID, l
		b.add(e)
		return nil
	})
	if err != nil || l == nil {
		return err
	}
	if err = t.sleep(word, d); err == abi.ERESTARTSYS {
		err = abi.ERESTARTNOINTR
	}
	return err
}

// abandon drops a lock that nobody waits for any more. The caller holds b's lock.
func (l *lock) abandon(b *bucket) {
	if b.first.find(l.key) == nil {
		l.own(nil, 0)
	}
}

// sleep waits in the queue of a lock, or where RequeueLock will move the thread from,
// until it has the lock.
func (t *Thread) sleep(word Word, d Deadline) error {
	var fault error
	err := sleep(t.Task, d, func() (done bool) {
		if t.Waiter.entry.woken.Load() {
			return true // whoever unlocked has written the word
		}
		done, fault = t.inherit(word)
		return done
	})
	if err == nil {
		return fault
	}
	if t.leave() {
		return nil
	}
	return err
}

// leave takes the thread out of the queue it is in, or reports that it has the lock.
func (t *Thread) leave() (granted bool) {
	e := &t.Waiter.entry
	b := e.lockQueue()
	defer b.mu.Unlock()
	if !e.queued {
		return true
	}
	b.remove(e)
	if l := e.lock; l != nil {
		l.announce(b)
		l.abandon(b)
	}
	return false
}

// announce tells the first that waits for a lock whose owner has died that it is its
// turn. The caller holds b's lock.
func (l *lock) announce(b *bucket) {
	if top := b.first.find(l.key); top != nil && l.owner == nil {
		top.task.Wake()
	}
}

// inherit makes the thread the owner of the lock that it is the first to wait for, if
// the owner has died.
func (t *Thread) inherit(word Word) (done bool, err error) {
	e := &t.Waiter.entry
	err = repeat(word, func() error {
		b := e.lockQueue()
		defer b.mu.Unlock()
		l := e.lock
		if !e.queued || l == nil || l.owner != nil || b.first.find(e.key) != e {
			return nil
		}
		v, ok := word.Mem.TryLoadWord(word.Addr)
		if !ok {
			return errFault
		}
		if err := word.swap(v, waitersBit|ownerDiedBit|t.TID); err != nil {
			return err
		}
		b.remove(e)
		l.own(t.Waiter, t.TID)
		l.abandon(b)
		done = true
		return nil
	})
	if err != nil { // the word is not in memory any more: the next one may see it
		t.leave()
		done = true
	}
	return done, err
}

// Unlock is FUTEX_UNLOCK_PI: EPERM where the caller does not have the lock.
func (t *Thread) Unlock(word Word) error {
	return repeat(word, func() error {
		v, ok := word.Mem.TryLoadWord(word.Addr)
		if !ok {
			return errFault
		}
		if v&tidMask != t.TID {
			return unix.EPERM
		}
		b := bucketOf(word.Key)
		b.mu.Lock()
		defer b.mu.Unlock()
		top := b.first.find(word.Key)
		if top == nil {
			return word.swap(v, 0)
		}
		l := top.lock
		if l == nil || l.owner != t.Waiter {
			return unix.EINVAL
		}
		if err := word.swap(v, waitersBit|top.tid); err != nil {
			return err
		}
		l.grant(b, top)
		return nil
	})
}

// grant gives l to e, which waits for it. The caller holds b's lock and has written the
// word.
func (l *lock) grant(b *bucket, e *entry) {
	l.own(e.waiter, e.tid)
	b.remove(e)
	l.abandon(b)
	task := e.task
	e.woken.Store(true)
	task.Wake()
}

// WaitRequeue is FUTEX_WAIT_REQUEUE_PI: a wait from which RequeueLock moves the thread to
// the queue of lock, which it has when the call returns nil. EAGAIN where it was woken
// otherwise.
func (t *Thread) WaitRequeue(word, target Word, val uint32, d Deadline) error {
	if word.Key == target.Key {
		return unix.EINVAL
	}
	e := &t.Waiter.entry
	e.prepare(t.Task, word.Key, AnyBit)
	e.waiter, e.tid, e.target = t.Waiter, t.TID, &target.Key
	if err := e.enqueue(word, val); err != nil {
		return err
	}
	err := t.sleep(target, d)
	if err == abi.ERESTARTSYS {
		err = abi.ERESTARTNOINTR
		if e.lock != nil {
			err = unix.EAGAIN // moved already: it cannot wait again where it was
		}
	}
	return err
}

// RequeueLock is FUTEX_CMP_REQUEUE_PI: it gives the lock to the first that waits in
// WaitRequeue on from, if the lock is free, and moves up to move of the others into its
// queue. It returns how many both were.
func (t *Thread) RequeueLock(from, to Word, move int, compare uint32) (n int, err error) {
	if from.Key == to.Key {
		return 0, unix.EINVAL
	}
	err = repeat(to, func() error {
		b, d := bucketOf(from.Key), bucketOf(to.Key)
		if err := lockIf(b, d, from, &compare); err != nil {
			return err
		}
		defer unlockBoth(b, d)
		e := b.first.find(from.Key)
		if e == nil {
			return nil
		}
		if e.target == nil || *e.target != to.Key {
			return unix.EINVAL
		}
		l, err := d.acquire(to, e.tid, t.Find, move > 0 && e.next.find(from.Key) != nil)
		if err != nil {
			return err
		}
		if l == nil {
			next := e.next.find(from.Key)
			b.remove(e)
			task := e.task
			l = &lock{key: to.Key}
			if next != nil && move > 0 {
				l.own(e.waiter, e.tid)
			}
			e.woken.Store(true)
			task.Wake()
			n, e = n+1, next
		}
		for e != nil && move > 0 && e.target != nil && *e.target == to.Key {
			next := e.next.find(from.Key)
			b.remove(e)
			e.key, e.lock, e.target = to.Key, l, nil
			d.add(e)
			n, move, e = n+1, move-1, next
		}
		l.abandon(d)
		return nil
	})
	return n, err
}

// Die is the end of a thread, or of its program by execve with again set: the locks that
// it has go to who waits for them.
func (w *Waiter) Die(again bool) {
	owners.Lock()
	w.dead = w.dead || !again
	held := slices.Clone(w.held)
	owners.Unlock()
	for _, l := range held {
		b := bucketOf(l.key)
		b.mu.Lock()
		if l.owner == w {
			l.own(nil, 0)
			l.announce(b)
		}
		b.mu.Unlock()
	}
}
