// Package clock keeps the clocks that programs read and the timers that run on them.
//
// There is one monotonic clock, the machine's, on which package wait has its
// deadlines; the wall clock is an offset to it. Timers on the wall clock follow when
// somebody sets it. What a timer does when it fires is its owner's business: this
// package knows no tasks.
package clock

import (
	"sync"
	"sync/atomic"
	"time"

	"kevlar/linux/wait"
)

// ID is a clock as clock_gettime(2) numbers them. CPU-time clocks belong to tasks.
type ID int32

const (
	Realtime        ID = 0
	Monotonic       ID = 1
	ProcessCPU      ID = 2
	ThreadCPU       ID = 3
	MonotonicRaw    ID = 4
	RealtimeCoarse  ID = 5
	MonotonicCoarse ID = 6
	Boottime        ID = 7
	RealtimeAlarm   ID = 8
	BoottimeAlarm   ID = 9
	TAI             ID = 11
)

// offset is the wall clock's time, in nanoseconds since the epoch, when the monotonic
// clock was zero.
var offset atomic.Int64

// publish tells the machine of each new offset.
var publish = func(time.Duration) {}

// Init sets the wall clock at boot, to now. From then on tell is called with each new
// offset of the wall clock to wait.Now.
func Init(now time.Time, tell func(offset time.Duration)) {
	publish = tell
	set(time.Duration(now.UnixNano()))
}

func set(now time.Duration) {
	d := now - wait.Now()
	offset.Store(int64(d))
	publish(d)
}

// Wall reports whether a clock jumps when the wall clock is set.
func (id ID) Wall() bool {
	return id == Realtime || id == RealtimeCoarse || id == RealtimeAlarm || id == TAI
}

// Known reports whether Read can tell the clock's time.
func (id ID) Known() bool {
	return id.Wall() || id == Monotonic || id >= MonotonicRaw && id <= BoottimeAlarm
}

// Read is the time on a clock that Known reports: since boot, or since the epoch.
// The machine does not sleep, so that CLOCK_BOOTTIME is CLOCK_MONOTONIC; the offset to
// TAI is zero until somebody sets it (adjtimex(2)).
func (id ID) Read() time.Duration {
	now := wait.Now()
	if id.Wall() {
		now += time.Duration(offset.Load())
	}
	if id == TAI {
		now += TAIOffset()
	}
	return now
}

// Deadline converts a time on the clock to one on wait.Now's clock. A wall clock may
// be set in the meantime: what sleeps long asks again after Changes has moved.
func (id ID) Deadline(at time.Duration) time.Duration {
	if id.Wall() {
		at -= time.Duration(offset.Load())
	}
	if id == TAI {
		at -= TAIOffset()
	}
	if at <= 0 {
		return 1 // the past, and not wait.Forever
	}
	return at
}

// Resolution is what clock_getres(2) says of a clock that Known reports.
func (id ID) Resolution() time.Duration {
	if id == RealtimeCoarse || id == MonotonicCoarse {
		return 4 * time.Millisecond // one tick at the 250 Hz of common kernels
	}
	return time.Nanosecond
}

// walls are the armed timers on wall clocks, guarded by mu, and the queue of those who
// want to know when the clock is set. mu is taken after Timer.mu.
var walls struct {
	mu     sync.Mutex
	timers map[*Timer]struct{}
	queue  wait.Queue
	gen    atomic.Uint64
}

// Changed is woken when the wall clock has been set.
func Changed() *wait.Queue { return &walls.queue }

// Changes counts how often the wall clock has been set.
func Changes() uint64 { return walls.gen.Load() }

// Set sets the wall clock to now, a time since the epoch.
func Set(now time.Duration) {
	set(now)
	walls.gen.Add(1)
	walls.mu.Lock()
	timers := make([]*Timer, 0, len(walls.timers))
	for t := range walls.timers {
		timers = append(timers, t)
	}
	walls.mu.Unlock()
	for _, t := range timers {
		t.rearm()
	}
	walls.queue.Wake(wait.All)
}

// Timer fires at times on a clock, once or at intervals. The zero value is not armed.
type Timer struct {
	fire func(missed int64)

	mu       sync.Mutex // guards what follows; taken before walls.mu
	clock    ID
	next     time.Duration // on clock; 0 where it is not armed
	interval time.Duration
	timer    *time.Timer
	gen      uint64 // counts Sets, so that an expiry that lost a race with one is dropped
}

// NewTimer returns a timer that calls fire, in a goroutine of its own and without
// locks, at each expiry; missed counts further intervals that have passed by then.
func NewTimer(fire func(missed int64)) *Timer { return &Timer{fire: fire} }

// Set arms the timer for a time on the clock (0 disarms it) and then each interval
// (0 for once). It returns what was set before: the time left and the interval.
func (t *Timer) Set(id ID, at, interval time.Duration) (left, oldInterval time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left, oldInterval = t.get()
	t.disarm()
	t.clock, t.next, t.interval = id, at, interval
	t.arm()
	return left, oldInterval
}

// Stop disarms the timer.
func (t *Timer) Stop() { t.Set(Monotonic, 0, 0) }

// Get returns the time to the next expiry, 0 where the timer is not armed, and the
// interval.
func (t *Timer) Get() (left, interval time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.get()
}

func (t *Timer) get() (left, interval time.Duration) {
	if t.next == 0 {
		return 0, t.interval
	}
	// An expiry that is under way has not happened yet: never 0 while armed.
	return max(t.next-t.clock.Read(), 1), t.interval
}

func (t *Timer) arm() {
	t.gen++
	if t.next == 0 {
		return
	}
	if t.clock.Wall() {
		walls.mu.Lock()
		if walls.timers == nil {
			walls.timers = make(map[*Timer]struct{})
		}
		walls.timers[t] = struct{}{}
		walls.mu.Unlock()
	}
	gen := t.gen
	t.timer = time.AfterFunc(t.next-t.clock.Read(), func() { t.expire(gen) })
}

func (t *Timer) disarm() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if t.clock.Wall() {
		walls.mu.Lock()
		delete(walls.timers, t)
		walls.mu.Unlock()
	}
}

func (t *Timer) rearm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != 0 {
		t.disarm()
		t.arm()
	}
}

func (t *Timer) expire(gen uint64) {
	t.mu.Lock()
	if t.gen != gen {
		t.mu.Unlock()
		return
	}
	var missed int64
	t.disarm()
	if t.interval == 0 {
		t.next = 0
	} else {
		missed = max(int64((t.clock.Read()-t.next)/t.interval), 0)
		t.next += time.Duration(missed+1) * t.interval
		t.arm()
	}
	t.mu.Unlock()
	t.fire(missed)
}
