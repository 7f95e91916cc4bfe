package task

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/wait"
)

// itimers are the interval timers of a process: setitimer(2). Group.mu guards them.
// Forks do not inherit them, and execve keeps them.
type itimers struct {
	alarm *clock.Timer // for ITIMER_REAL; nil until it is used
	// at is when it expires next, on wait.Now's clock; 0 where it is not set. With an
	// interval it is set again when SIGALRM is taken, and not sooner: a blocked
	// signal costs nothing. last is the expiration before that.
	at, last time.Duration
	every    time.Duration

	virtual, prof cpuItimer
}

// cpuItimer is ITIMER_VIRTUAL or ITIMER_PROF.
type cpuItimer struct {
	cpuAlarm
	set   bool
	every time.Duration
}

// leastLeft is what a timer shows whose expiration is under way.
const leastLeft = time.Microsecond

// Itimer is getitimer(2) and setitimer(2) on timer which, one of unix.ITIMER_: it returns
// the time left, 0 where the timer is not set, and the interval; and with set not nil it
// sets another time, 0 for none, and interval. EINVAL for another which.
func (t *Task) Itimer(which int, set *[2]time.Duration) (left, every time.Duration, err error) {
	g := t.Group
	t.accountTime()
	g.mu.Lock()
	defer g.mu.Unlock()
	i := &g.itimers
	switch which {
	case unix.ITIMER_REAL:
		left, every = g.alarmLeft(), i.every
		if set != nil {
			g.setAlarm(set[0], set[1])
		}
	case unix.ITIMER_VIRTUAL:
		left, every = i.virtual.use(g, unix.SIGVTALRM, true, set)
	case unix.ITIMER_PROF:
		left, every = i.prof.use(g, unix.SIGPROF, false, set)
	default:
		return 0, 0, unix.EINVAL
	}
	return left, every, nil
}

func (g *Group) alarmLeft() time.Duration {
	if g.itimers.at == 0 {
		return 0
	}
	return max(g.itimers.at-wait.Now(), leastLeft)
}

// setAlarm arms ITIMER_REAL; d of 0 disarms it. The caller holds g.mu.
func (g *Group) setAlarm(d, every time.Duration) {
	i := &g.itimers
	i.at, i.last, i.every = 0, 0, every
	if d == 0 {
		i.every = 0
		if i.alarm != nil {
			i.alarm.Stop()
		}
		return
	}
	g.armAlarm(wait.Now() + d)
}

func (g *Group) armAlarm(at time.Duration) {
	i := &g.itimers
	if i.alarm == nil {
		i.alarm = clock.NewTimer(func(int64) { g.alarmExpired() })
	}
	i.at = at
	i.alarm.Set(clock.Monotonic, at, 0)
}

func (g *Group) alarmExpired() {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := &g.itimers
	if i.at == 0 || wait.Now() < i.at {
		return // it was set anew in the meantime
	}
	i.at, i.last = 0, i.at
	info := abi.Kernel(unix.SIGALRM)
	g.sendLocked(&info, signal{})
}

// alarmTaken arms an ITIMER_REAL with an interval for the next time, now that its signal
// has been taken. The caller holds g.mu.
func (g *Group) alarmTaken() {
	i := &g.itimers
	if i.last == 0 || i.at != 0 || i.every == 0 {
		return
	}
	passed := (wait.Now() - i.last) / i.every
	g.armAlarm(i.last + (passed+1)*i.every)
	i.last = 0
}

// use reads c and sets it, where set is not nil. The caller holds g.mu.
func (c *cpuItimer) use(g *Group, sig unix.Signal, user bool, set *[2]time.Duration) (left, every time.Duration) {
	now := g.cpuUsed(nil, user)
	every = c.every
	if c.set {
		left = max(c.at-now, leastLeft)
	}
	if set == nil {
		return left, every
	}
	c.set, c.every, c.user = set[0] != 0, set[1], user
	if !c.set {
		g.cpuAlarms.clear(&c.cpuAlarm)
		return left, every
	}
	c.fire = func(now time.Duration) {
		if c.set = c.every != 0; c.set {
			g.cpuAlarms.set(&c.cpuAlarm, c.at+c.every)
		}
		info := abi.Kernel(sig)
		g.sendLocked(&info, signal{})
	}
	g.cpuAlarms.set(&c.cpuAlarm, now+set[0])
	return left, every
}

// endTimers disarms all timers of a process that ends.
func (g *Group) endTimers() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.setAlarm(0, 0)
	g.deleteTimers()
	g.cpuAlarms.list = nil
	g.cpuAlarms.any.Store(false)
}
