package poll

import (
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Timerfd is a timer to wait for: timerfd_create(2).
type Timerfd struct {
	vfs.DefaultOps
	vfs.Stays
	id   int  // of the clock
	wall bool // one that can be set

	queue wait.Queue
	mu    sync.Mutex // guards what follows; before queue's lock
	timer *time.Timer
	armed bool
	next  time.Duration // the first expiration that has not been read, on the clock of wait.Now
	every time.Duration // 0: once

	absolute bool // on the wall clock, at
	at       time.Duration
	flags    int  // of the last timerfd_settime
	cancel   bool // TFD_TIMER_CANCEL_ON_SET
	canceled bool
}

// wallTimers are the armed timers that follow the wall clock. mu comes before
// Timerfd.mu.
var wallTimers struct {
	mu  sync.Mutex
	set map[*Timerfd]struct{}
}

// NewTimerfd returns the operations of a timerfd; EINVAL for a clock that has none.
func NewTimerfd(c *vfs.Context, id int) (*Timerfd, error) {
	t := &Timerfd{id: id}
	switch id {
	case unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_ALARM:
		t.wall = true
	case unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME, unix.CLOCK_BOOTTIME_ALARM:
	default:
		return nil, unix.EINVAL
	}
	if (id == unix.CLOCK_REALTIME_ALARM || id == unix.CLOCK_BOOTTIME_ALARM) && !c.Capable(unix.CAP_WAKE_ALARM) {
		return nil, unix.EPERM
	}
	t.timer = time.AfterFunc(time.Hour, t.expire)
	t.timer.Stop()
	return t, nil
}

func (t *Timerfd) expire() { t.queue.Wake(wait.In | wait.RdNorm) }

// Set is timerfd_settime(2): value 0 disarms. It returns what was left.
func (t *Timerfd) Set(flags int, value, every time.Duration) (left, interval time.Duration, err error) {
	if flags&^(unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET) != 0 {
		return 0, 0, unix.EINVAL
	}
	wallTimers.mu.Lock()
	defer wallTimers.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := wait.Now()
	left, interval = t.left(now), t.every
	t.armed, t.every = value > 0, every
	t.absolute = flags&unix.TFD_TIMER_ABSTIME != 0 && t.wall
	t.cancel = t.absolute && flags&unix.TFD_TIMER_CANCEL_ON_SET != 0
	t.canceled = false
	t.at, t.flags = value, flags
	switch {
	case t.absolute:
		t.next = value - clock.Realtime.Read() + now
	case flags&unix.TFD_TIMER_ABSTIME != 0:
		t.next = value
	default:
		t.next = now + value
	}
	if wallTimers.set == nil {
		wallTimers.set = make(map[*Timerfd]struct{})
	}
	if t.armed && t.absolute {
		wallTimers.set[t] = struct{}{}
	} else {
		delete(wallTimers.set, t)
	}
	t.arm(now)
	return left, interval, nil
}

// arm starts or stops the Go timer for the next expiration.
func (t *Timerfd) arm(now time.Duration) {
	if !t.armed {
		t.timer.Stop()
		return
	}
	t.timer.Reset(max(0, t.next-now))
}

// Get is timerfd_gettime(2).
func (t *Timerfd) Get() (left, interval time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left(wait.Now()), t.every
}

// left is the time to the next expiration, 0 if there is none.
func (t *Timerfd) left(now time.Duration) time.Duration {
	switch {
	case !t.armed:
		return 0
	case now < t.next:
		return t.next - now
	case t.every > 0:
		return t.every - (now-t.next)%t.every
	}
	return 0
}

// clockWatch hears of the wall clock being set.
type clockWatch struct{}

// Notify implements wait.Notifier.
func (clockWatch) Notify(*wait.Entry, wait.Events) bool { clockSet(); return false }

func init() { clock.Changed().Add(&wait.Entry{To: clockWatch{}, Events: wait.All}) }

// clockSet moves timers on the wall clock, which has been set.
func clockSet() {
	wallTimers.mu.Lock()
	defer wallTimers.mu.Unlock()
	for t := range wallTimers.set {
		t.mu.Lock()
		now := wait.Now()
		if t.armed && now < t.next {
			t.next = t.at - clock.Realtime.Read() + now
			t.arm(now)
		}
		t.canceled = t.canceled || t.cancel
		t.mu.Unlock()
		t.queue.Wake(wait.In | wait.RdNorm)
	}
}

// Read implements vfs.FileOps: how often the timer has expired since the last read.
func (t *Timerfd) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	if dst.Len() < 8 {
		return 0, unix.EINVAL
	}
	for {
		n, err := t.take()
		if err != nil {
			return 0, err
		}
		if n > 0 {
			return dst.PutUint64(n)
		}
		if f.NonBlock() {
			return 0, unix.EAGAIN
		}
		if err := c.Waiter.Until(&t.queue, wait.In, wait.Forever, t.ready); err != nil {
			return 0, err
		}
	}
}

// take takes the expirations.
func (t *Timerfd) take() (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.canceled {
		t.canceled = false
		return 0, unix.ECANCELED
	}
	now := wait.Now()
	if !t.armed || now < t.next {
		return 0, nil
	}
	if t.every == 0 {
		t.armed = false
		return 1, nil
	}
	n := 1 + (now-t.next)/t.every
	t.next += n * t.every
	t.arm(now)
	return uint64(n), nil
}

func (t *Timerfd) ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.canceled || t.armed && wait.Now() >= t.next
}

// Poll implements vfs.FileOps.
func (t *Timerfd) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		t.queue.Add(e)
	}
	if t.ready() {
		return wait.In
	}
	return 0
}

// Unpoll implements vfs.FileOps.
func (t *Timerfd) Unpoll(_ *vfs.File, e *wait.Entry) { t.queue.Remove(e) }

// Release implements vfs.FileOps.
func (t *Timerfd) Release(*vfs.File) {
	wallTimers.mu.Lock()
	delete(wallTimers.set, t)
	wallTimers.mu.Unlock()
	t.timer.Stop()
}

// FDInfo tells what /proc/PID/fdinfo has of it.
func (t *Timerfd) FDInfo(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, ticks := wait.Now(), 0
	if t.armed && now >= t.next {
		ticks = 1 // the others are counted when it is read
	}
	left := t.left(now)
	fmt.Fprintf(w, "clockid: %d\nticks: %d\nsettime flags: 0%o\n", t.id, ticks, t.flags)
	fmt.Fprintf(w, "it_value: (%d, %d)\n", left/time.Second, left%time.Second)
	fmt.Fprintf(w, "it_interval: (%d, %d)\n", t.every/time.Second, t.every%time.Second)
}
