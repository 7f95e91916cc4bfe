// Package wait is how a task blocks: one wait queue type, one way to sleep on it.
//
// A task that must wait registers with a queue, checks its condition again, and
// only then sleeps, so that no wakeup is lost:
//
//	err := w.Until(q, wait.In, deadline, func() bool { return p.len() > 0 })
//
// Whoever changes the condition calls q.Wake. Files announce readiness through the
// same queues, so poll, select and epoll are further registrations, not another
// mechanism.
package wait

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/trace"
)

// Events are the poll(2) bits.
type Events uint32

const (
	In     Events = unix.POLLIN
	Pri    Events = unix.POLLPRI
	Out    Events = unix.POLLOUT
	Err    Events = unix.POLLERR
	Hup    Events = unix.POLLHUP
	RdHup  Events = unix.POLLRDHUP
	RdNorm Events = 0x040
	RdBand Events = 0x080
	WrNorm Events = 0x100
	WrBand Events = 0x200
	All    Events = ^Events(0)
)

// Queue is a list of those who wait for something. The zero value is empty. mu
// guards the list; it is a leaf lock but for what Notify takes.
type Queue struct {
	mu   sync.Mutex
	head *Entry
	tail *Entry

	// entries counts the list, so that waking nobody costs one load: whoever waits
	// registers before it looks at its condition, and whoever wakes has changed that
	// before it looks here.
	entries atomic.Int32
}

// Notifier is told of events on a queue it is registered with, under the queue's
// lock: it must not block, nor touch the queue.
type Notifier interface {
	// Notify reports whether it consumed the wakeup, for WakeOne.
	Notify(e *Entry, events Events) bool
}

// Entry is a registration. It is in at most one queue at a time.
type Entry struct {
	To     Notifier
	Events Events // which events it wants; Err and Hup always come

	// Exclusive entries share a queue's wakeups: each wakeup, but for Err and Hup,
	// tells only the first of them that consumes it (EPOLLEXCLUSIVE).
	Exclusive bool

	queue      *Queue
	next, prev *Entry
}

// Add registers e at the end of the queue.
func (q *Queue) Add(e *Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.queue != nil {
		panic("wait: entry is already queued")
	}
	q.entries.Add(1)
	e.queue, e.prev = q, q.tail
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
}

// Leave takes e out of the queue that it is in, if any. Only who added it calls this.
func (e *Entry) Leave() {
	if q := e.queue; q != nil {
		q.Remove(e)
	}
}

// Remove takes e out of the queue; it may be out already.
func (q *Queue) Remove(e *Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remove(e)
}

func (q *Queue) remove(e *Entry) {
	if e.queue != q {
		return
	}
	q.entries.Add(-1)
	if e.prev == nil {
		q.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		q.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.queue, e.next, e.prev = nil, nil, nil
}

// Wake tells every entry that wants one of events, and one of the exclusive ones.
func (q *Queue) Wake(events Events) { q.wake(events, -1) }

// WakeOne tells entries until one consumes the wakeup.
func (q *Queue) WakeOne(events Events) { q.wake(events, 1) }

func (q *Queue) wake(events Events, n int) {
	if q.entries.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	spent := false // an exclusive entry has consumed the wakeup
	for e := q.head; e != nil && n != 0; {
		next := e.next // Notify may not touch the queue, but be plain about it
		if (e.Events|Err|Hup)&events != 0 && !(e.Exclusive && spent) && e.To.Notify(e, events) {
			n--
			spent = spent || e.Exclusive && events&(Err|Hup) == 0
		}
		e = next
	}
}

// Empty reports whether nobody is registered now.
func (q *Queue) Empty() bool { return q.entries.Load() == 0 }

// Waiter is a task's ability to sleep. Every task has one, made by NewWaiter; only
// its task sleeps with it, anybody wakes it.
type Waiter struct {
	wakeup chan struct{} // one token: a wakeup that has not been consumed
	signal atomic.Bool   // a signal, kill or stop wants the task's attention
	entry  Entry         // for Until; the task's own
	timer  *time.Timer   // for deadlines; the task's own

	observer Observer    // nil for none; set by Observe
	announce bool        // the next sleep goes to observer; the task's own
	awaited  atomic.Bool // wakeups go there too

	// ID is what the tracer calls the task; 0 for the kernel's own goroutines.
	ID atomic.Int32

	asleep atomic.Int32 // a Sleepiness
	slept  atomic.Int64 // nanoseconds spent in Sleep; written by the task only
	count  atomic.Int64 // how often it went to sleep
}

// NewWaiter returns a waiter that nothing has woken.
func NewWaiter() *Waiter { return new(Waiter).Init() }

// Init makes w, which is part of something larger, a waiter that nothing has woken.
func (w *Waiter) Init() *Waiter {
	w.wakeup = make(chan struct{}, 1)
	return w
}

// Observer hears of a task's sleep, where it asked to: the scheduler. Its methods must not
// block: wakeups come with any lock held.
type Observer interface {
	Sleeps()
	Wakes()
}

// Observe makes o the observer of w, before anybody sleeps with it.
func (w *Waiter) Observe(o Observer) { w.observer = o }

// AnnounceSleep has the observer hear of the next sleep. Only w's task calls it.
func (w *Waiter) AnnounceSleep() { w.announce = true }

// AnnounceWakes says whether the observer hears of every Wake.
func (w *Waiter) AnnounceWakes(on bool) { w.awaited.Store(on) }

// sleeps tells the observer that the task goes to sleep.
func (w *Waiter) sleeps() {
	if w.announce {
		w.announce = false
		w.observer.Sleeps()
	}
}

// Hold waits for Resume, Wake or Interrupt as one who would run, and may not: it is no sleep.
func (w *Waiter) Hold() { <-w.wakeup }

// Resume ends a Hold, or the next one to begin. The observer does not hear of it.
func (w *Waiter) Resume() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

// Wake ends the sleep of w's task, or the next one to begin.
func (w *Waiter) Wake() {
	if w.awaited.Load() {
		w.observer.Wakes() // first: the sleep that comes after this one is told after it
	}
	if trace.On(trace.Sched) {
		w.traceWake()
	}
	w.Resume()
}

// Notify makes a Waiter a Notifier.
func (w *Waiter) Notify(*Entry, Events) bool { w.Wake(); return true }

// Interrupt makes sleeps of w's task fail from now on, until ClearInterrupt: there
// is a signal to act on.
func (w *Waiter) Interrupt() { w.signal.Store(true); w.Wake() }

// ClearInterrupt ends the effect of Interrupt.
func (w *Waiter) ClearInterrupt() { w.signal.Store(false) }

// Interrupted reports whether there is a signal to act on.
func (w *Waiter) Interrupted() bool { return w.signal.Load() }

// clock is Go's monotonic clock since the process began, until SetClock.
var clock = func() func() time.Duration {
	zero := time.Now()
	return func() time.Duration { return time.Since(zero) }
}()

// SetClock makes Now the machine's clock (machine.Machine.Now), which runs as Go's does
// and is the one that programs can read themselves. It is called once, before anybody waits.
func SetClock(now func() time.Duration) { clock = now }

// Now is the current time on the clock of deadlines.
func Now() time.Duration { return clock() }

// Forever is the deadline that never comes.
const Forever time.Duration = 0

// Sleep waits for Wake, an Interrupt (ERESTARTSYS) or the deadline on the clock of
// Now (ETIMEDOUT). The order of these checks when several hold: a wakeup, then the
// interrupt, then the deadline. Callers register and check their condition first.
func (w *Waiter) Sleep(deadline time.Duration) error {
	select {
	case <-w.wakeup:
		if w.signal.Load() {
			return abi.ERESTARTSYS
		}
		return nil
	default:
	}
	if w.signal.Load() {
		return abi.ERESTARTSYS
	}
	w.sleeps()
	began := Now()
	w.count.Add(1)
	w.asleep.Store(int32(Interruptible))
	if trace.On(trace.Sched | trace.Wait) {
		w.traceSleep(0)
	}
	defer func() {
		w.asleep.Store(int32(Awake))
		w.slept.Add(int64(Now() - began))
		if trace.On(trace.Sched | trace.Wait) {
			w.traceResume(began)
		}
	}()
	if deadline == Forever {
		<-w.wakeup
	} else {
		d := deadline - Now()
		if d <= 0 {
			return unix.ETIMEDOUT
		}
		if w.timer == nil {
			w.timer = time.NewTimer(d)
		} else {
			w.timer.Reset(d)
		}
		select {
		case <-w.wakeup:
			w.timer.Stop()
		case <-w.timer.C:
			return unix.ETIMEDOUT
		}
	}
	if w.signal.Load() {
		return abi.ERESTARTSYS
	}
	return nil
}

// Block runs f, which waits in its own way, and counts the time as sleep.
func (w *Waiter) Block(f func()) {
	w.sleeps()
	began := Now()
	w.count.Add(1)
	w.asleep.Store(int32(Uninterruptible))
	if trace.On(trace.Sched | trace.Wait) {
		w.traceSleep(1)
	}
	f()
	w.asleep.Store(int32(Awake))
	w.slept.Add(int64(Now() - began))
	if trace.On(trace.Sched | trace.Wait) {
		w.traceResume(began)
	}
}

// Sleepiness says whether a task sleeps, and what ends it.
type Sleepiness int32

const (
	Awake           Sleepiness = iota
	Interruptible              // a signal does
	Uninterruptible            // only what it waits for, or its end
)

// Asleep reports whether w's task sleeps now.
func (w *Waiter) Asleep() Sleepiness { return Sleepiness(w.asleep.Load()) }

// Slept is the time that w's task has spent asleep, and Sleeps how often it went to
// sleep: what it did not use of a CPU.
func (w *Waiter) Slept() time.Duration { return time.Duration(w.slept.Load()) }
func (w *Waiter) Sleeps() int64        { return w.count.Load() }

// Until waits until ready reports true. It returns nil then, even where a signal
// came as well; ERESTARTSYS for a signal, ETIMEDOUT at the deadline. ready is called
// without locks held by this package, and must not wait itself.
func (w *Waiter) Until(q *Queue, events Events, deadline time.Duration, ready func() bool) error {
	return w.until(q, events, false, deadline, ready)
}

// UntilExclusive is Until for those of whom one can use what a wakeup announces: the
// others sleep on (Entry.Exclusive). Who returns from it and leaves something for the
// next wakes the queue again.
func (w *Waiter) UntilExclusive(q *Queue, events Events, deadline time.Duration, ready func() bool) error {
	return w.until(q, events, true, deadline, ready)
}

func (w *Waiter) until(q *Queue, events Events, exclusive bool, deadline time.Duration, ready func() bool) error {
	if ready() {
		return nil
	}
	e := &w.entry
	e.To, e.Events, e.Exclusive = w, events, exclusive
	q.Add(e)
	defer q.Remove(e)
	for {
		if ready() {
			return nil
		}
		if err := w.Sleep(deadline); err != nil {
			if ready() {
				return nil
			}
			return err
		}
	}
}
