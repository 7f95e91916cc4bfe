package task

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
)

// Values of sigev_notify: sigevent(7).
const (
	NotifySignal = 0
	NotifyNone   = 1
	NotifyThread = 2 // the C library's business: a signal for the kernel
	NotifyTID    = 4
)

// SigEvent says what a timer or message queue does: struct sigevent.
type SigEvent struct {
	Value  uint64
	Signo  unix.Signal
	Notify int
	Thread ID // with NotifyTID
}

// posixTimers are the timers of timer_create(2). Group.mu guards them.
type posixTimers struct {
	byID map[int32]*posixTimer
	next int32
}

// posixTimer is one of them. It has one signal, which is pending at most once: while it
// is, the timer does not run, and what expires meanwhile is counted when it is taken.
type posixTimer struct {
	g     *Group
	id    int32
	clock clock.ID // that it was made for
	base  clock.ID // that counts: for times to wait, unlike times of day, never one that can be set
	cpu   CPUClock // counts instead, where its group is not nil

	notify int
	to     *Task // with NotifyTID

	signal  queued
	account *account // that the signal counts for
	pending bool
	sent    uint64 // gen when it was sent

	at, every time.Duration // next expiration, 0 where it does not run; interval
	expired   time.Duration // the expiration whose signal is pending
	gen       uint64        // counts calls of settime
	overrun   int64         // expirations that nobody was told of
	last      int32         // the overrun that the last signal told

	timer *clock.Timer
	alarm cpuAlarm
}

// tick is how soon a timer whose signal is ignored may expire again.
const tick = 4 * time.Millisecond

// CreateTimer is timer_create(2). event is nil for SIGALRM with the timer's ID as value.
// EINVAL for an unknown clock or a bad event, EOPNOTSUPP for a clock without timers, EPERM for
// one that needs CAP_WAKE_ALARM, EAGAIN over RLIMIT_SIGPENDING.
func (t *Task) CreateTimer(id clock.ID, event *SigEvent) (int32, error) {
	g := t.Group
	tm := &posixTimer{g: g, clock: id, base: id}
	switch id {
	case clock.Realtime, clock.Monotonic, clock.Boottime, clock.TAI, clock.RealtimeAlarm, clock.BoottimeAlarm:
	default:
		if id.Known() {
			return 0, unix.EOPNOTSUPP
		}
		c, err := t.CPUClock(int32(id))
		if err != nil || c.group != g {
			return 0, unix.EINVAL
		}
		tm.cpu = c
	}
	tm.timer = clock.NewTimer(func(int64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		tm.expire()
	})
	tm.alarm = cpuAlarm{of: tm.cpu.thread, user: tm.cpu.user, fire: func(time.Duration) { tm.expire() }}
	procs.RLock()
	defer procs.RUnlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	account := g.leader.account
	if account.signal(1) > int64(g.limits.get(unix.RLIMIT_SIGPENDING).Cur) {
		account.signal(-1)
		return 0, unix.EAGAIN
	}
	tm.account = account
	ts := &g.posixTimers
	if event == nil {
		event = &SigEvent{Signo: unix.SIGALRM, Value: uint64(ts.next)}
	}
	if err := t.setEvent(tm, event); err != nil {
		account.signal(-1)
		return 0, err
	}
	if (id == clock.RealtimeAlarm || id == clock.BoottimeAlarm) && !t.Capable(unix.CAP_WAKE_ALARM) {
		account.signal(-1)
		return 0, unix.EPERM
	}
	tm.id = ts.next
	ts.next = (ts.next + 1) & math.MaxInt32
	if ts.byID == nil {
		ts.byID = make(map[int32]*posixTimer)
	}
	ts.byID[tm.id] = tm
	tm.signal = queued{info: abi.Timer(event.Signo, tm.id, event.Value), timer: tm}
	return tm.id, nil
}

func (t *Task) setEvent(tm *posixTimer, e *SigEvent) error {
	tm.notify = e.Notify
	switch e.Notify {
	case NotifyNone:
		return nil
	case NotifyTID:
		tm.to = t.pid.ns.find(e.Thread)
		if tm.to == nil || tm.to.Group != t.Group {
			return unix.EINVAL
		}
	case NotifySignal, NotifyThread:
	default:
		return unix.EINVAL
	}
	if !valid(e.Signo) {
		return unix.EINVAL
	}
	return nil
}

// timerByID finds a timer; the caller holds g.mu.
func (g *Group) timerByID(id int32) (*posixTimer, error) {
	tm := g.posixTimers.byID[id]
	if tm == nil {
		return nil, unix.EINVAL
	}
	return tm, nil
}

// SetTimer is timer_settime(2): value 0 stops the timer. It returns what was left and
// the interval.
func (t *Task) SetTimer(id int32, absolute bool, value, every time.Duration) (left, oldEvery time.Duration, err error) {
	g := t.Group
	t.accountTime()
	g.mu.Lock()
	defer g.mu.Unlock()
	tm, err := g.timerByID(id)
	if err != nil {
		return 0, 0, err
	}
	left, oldEvery = tm.left(), tm.every
	tm.stop()
	tm.gen++
	tm.overrun, tm.last, tm.every = 0, 0, 0
	if value == 0 {
		return left, oldEvery, nil
	}
	tm.every = every
	tm.base = tm.clock
	if !absolute {
		if tm.clock.Wall() {
			tm.base = clock.Monotonic
		}
		value = min(value, math.MaxInt64/2) + tm.now()
	}
	tm.at = value
	tm.start()
	t.checkSoon()
	return left, oldEvery, nil
}

// GetTimer is timer_gettime(2).
func (t *Task) GetTimer(id int32) (left, every time.Duration, err error) {
	g := t.Group
	t.accountTime()
	g.mu.Lock()
	defer g.mu.Unlock()
	tm, err := g.timerByID(id)
	if err != nil {
		return 0, 0, err
	}
	return tm.left(), tm.every, nil
}

// TimerOverrun is timer_getoverrun(2).
func (t *Task) TimerOverrun(id int32) (int32, error) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	tm, err := g.timerByID(id)
	if err != nil {
		return 0, err
	}
	return tm.last, nil
}

// DeleteTimer is timer_delete(2). A signal of the timer that is pending stays so.
func (t *Task) DeleteTimer(id int32) error {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	tm, err := g.timerByID(id)
	if err != nil {
		return err
	}
	tm.delete()
	return nil
}

// deleteTimers is what execve and the end of a process do. The caller holds g.mu.
func (g *Group) deleteTimers() {
	for _, tm := range g.posixTimers.byID {
		tm.delete()
	}
}

func (tm *posixTimer) delete() {
	tm.stop()
	tm.gen++
	delete(tm.g.posixTimers.byID, tm.id)
	tm.signal.timer = nil
	if tm.pending {
		tm.signal.account = tm.account
	} else {
		tm.account.signal(-1)
	}
}

func (tm *posixTimer) now() time.Duration {
	if g := tm.cpu.group; g != nil {
		return g.cpuUsed(tm.cpu.thread, tm.cpu.user)
	}
	return tm.base.Read()
}

// start lets the timer run to at, unless nobody is to be told.
func (tm *posixTimer) start() {
	switch {
	case tm.notify == NotifyNone:
	case tm.cpu.group != nil:
		tm.g.cpuAlarms.set(&tm.alarm, tm.at)
	default:
		tm.timer.Set(tm.base, tm.at, 0)
	}
}

func (tm *posixTimer) stop() {
	tm.at, tm.expired = 0, 0
	if tm.cpu.group != nil {
		tm.g.cpuAlarms.clear(&tm.alarm)
	} else {
		tm.timer.Stop()
	}
}

// after is the first expiration after a time, when from was one, and how many there were
// from it on.
func (tm *posixTimer) after(from, now time.Duration) (next time.Duration, n int64) {
	if now < from {
		return from, 0
	}
	n = int64((now-from)/tm.every) + 1
	return from + time.Duration(n)*tm.every, n
}

// left is the time to the next expiration.
func (tm *posixTimer) left() time.Duration {
	at, now := tm.at, tm.now()
	if tm.expired != 0 {
		at = tm.expired
	}
	if at == 0 {
		return 0
	}
	if tm.every != 0 && (tm.expired != 0 || tm.notify == NotifyNone) {
		at, _ = tm.after(at, now)
	}
	switch {
	case at > now:
		return at - now
	case tm.notify == NotifyNone:
		return 0
	}
	return 1 // its expiration is under way
}

// expire sends the timer's signal if its time has come.
func (tm *posixTimer) expire() {
	now := tm.now()
	if tm.at == 0 || now < tm.at {
		return // it was set anew in the meantime
	}
	at := tm.at
	tm.at = 0
	tm.sent = tm.gen
	if tm.pending {
		// From before the timer was set anew.
		tm.signal.info.SetOverrun(tm.signal.info.Overrun() + 1)
	} else if !tm.send() {
		if tm.every != 0 {
			if tm.every < tick {
				now += tick
			}
			var n int64
			tm.at, n = tm.after(at, now)
			tm.overrun += n
			tm.start()
		}
		return
	}
	if tm.every != 0 {
		tm.expired = at
	}
}

// send makes the timer's signal pending, unless it is ignored.
func (tm *posixTimer) send() bool {
	g, sig := tm.g, tm.signal.info.Signo()
	s := signal{to: tm.to}
	if tm.to != nil && (tm.to.exiting || tm.to.gone) {
		return false
	}
	g.beforeSend(sig)
	if g.drops(sig, s) {
		return false
	}
	p := &g.shared
	if tm.to != nil {
		p = &tm.to.pending
	}
	tm.signal.next = nil
	tm.signal.info.SetOverrun(0)
	p.add(&tm.signal)
	p.set |= abi.SigMask(sig)
	tm.pending = true
	g.notify(sig, tm.to, nil)
	return true
}

// taken lets the timer run on, now that its signal is taken, whose information it
// completes. The caller holds Group.mu.
func (tm *posixTimer) taken(info *abi.SigInfo) {
	if tm.expired == 0 || tm.sent != tm.gen {
		return
	}
	at, n := tm.after(tm.expired, tm.now())
	tm.expired = 0
	tm.at = at
	tm.last = int32(min(tm.overrun+max(n-1, 0), math.MaxInt32))
	tm.overrun = 0
	info.SetOverrun(int32(min(int64(info.Overrun())+int64(tm.last), math.MaxInt32)))
	tm.start()
}
