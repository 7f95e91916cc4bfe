package task

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

// cpuAlarm goes off once a process, or one of its threads, has used some CPU time.
type cpuAlarm struct {
	of   *Task         // the thread, nil for the whole process
	user bool          // counts user time only
	at   time.Duration // goes off then; guarded by Group.mu
	fire func(now time.Duration)
}

// cpuAlarms are the alarms of a process. Its threads look at them at every tick.
type cpuAlarms struct {
	any  atomic.Bool // there are some
	list []*cpuAlarm // guarded by Group.mu
}

// set arms a. The caller holds Group.mu of the process that the alarm is about.
func (c *cpuAlarms) set(a *cpuAlarm, at time.Duration) {
	a.at = at
	if !slices.Contains(c.list, a) {
		c.list = append(c.list, a)
	}
	c.any.Store(true)
}

// clear disarms a, likewise.
func (c *cpuAlarms) clear(a *cpuAlarm) {
	c.list = slices.DeleteFunc(c.list, func(o *cpuAlarm) bool { return o == a })
	c.any.Store(len(c.list) > 0)
}

// cpuUsed is the time that a thread of g, or with nil all of them, have used. The caller
// holds g.mu.
func (g *Group) cpuUsed(of *Task, user bool) time.Duration {
	var u Usage
	if of != nil {
		u = of.ownUsage()
	} else {
		u = g.usageNow()
	}
	if user {
		return u.User
	}
	return u.User + u.System
}

// checkCPU sets off the alarms that are due. The run loop asks after every tick.
func (t *Task) checkCPU() {
	g := t.Group
	t.kernelTicks = t.Regs.KernelTicks
	if !g.cpuAlarms.any.Load() {
		return
	}
	t.accountTime()
	g.mu.Lock()
	defer g.mu.Unlock()
	// Firing may set alarms again, and clear others.
	for _, a := range slices.Clone(g.cpuAlarms.list) {
		now := g.cpuUsed(a.of, a.user)
		if a.at > now || !slices.Contains(g.cpuAlarms.list, a) {
			continue
		}
		g.cpuAlarms.clear(a)
		a.fire(now)
	}
	t.attention()
}

// checkSoon has checkCPU called before the program goes on: an alarm may be due already.
func (t *Task) checkSoon() { t.kernelTicks = ^uint64(0) }

// CPUClock names a CPU-time clock: of a process or of one thread, all time or only what
// was spent in user mode.
type CPUClock struct {
	group  *Group
	thread *Task
	user   bool
}

// Kinds of CPU-time clocks, in the low bits of their IDs: clock_getcpuclockid(3). The
// bits above, inverted, are a process or thread.
const (
	cpuProf   = 0 // user and system time, in ticks
	cpuVirt   = 1 // user time
	cpuSched  = 2 // user and system time
	cpuKinds  = 3
	cpuThread = 4
)

// CPUClock finds the clock that a negative ID, or one of the calling task's own, means.
// EINVAL where there is none.
func (t *Task) CPUClock(id int32) (c CPUClock, err error) {
	switch id {
	case unix.CLOCK_PROCESS_CPUTIME_ID:
		return CPUClock{group: t.Group}, nil
	case unix.CLOCK_THREAD_CPUTIME_ID:
		return CPUClock{group: t.Group, thread: t}, nil
	}
	kind := id & 3
	if id >= 0 || kind == cpuKinds {
		return c, unix.EINVAL // 3 would be the clock of a device
	}
	c = CPUClock{group: t.Group, user: kind == cpuVirt}
	who := ID(^(id >> 3))
	if id&cpuThread == 0 {
		if who != 0 && who != t.Group.ID() && who != t.ID() {
			c.group = t.PIDNamespace().Group(who)
		}
		if c.group == nil {
			return c, unix.EINVAL
		}
		return c, nil
	}
	c.thread = t
	if who != 0 {
		c.thread = t.PIDNamespace().Task(who)
	}
	if c.thread == nil || c.thread.Group != t.Group {
		return c, unix.EINVAL
	}
	return c, nil
}

// Ticking reports whether a CPU-time clock's ID says that it counts in ticks.
func Ticking(id int32) bool { return id < 0 && id&3 != cpuSched }

// Of reports whether the clock is that of t alone.
func (c CPUClock) Of(t *Task) bool { return c.thread == t }

// Read is the time on the clock. t is the calling task.
func (c CPUClock) Read(t *Task) time.Duration {
	t.accountTime()
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	return c.group.cpuUsed(c.thread, c.user)
}

// Sleep waits until the clock says at: nil then, ERESTARTSYS for a signal.
func (c CPUClock) Sleep(t *Task, at time.Duration) error {
	g := c.group
	a := &cpuAlarm{of: c.thread, user: c.user, fire: func(time.Duration) { t.Waiter.Wake() }}
	g.mu.Lock()
	g.cpuAlarms.set(a, at)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.cpuAlarms.clear(a)
		g.mu.Unlock()
	}()
	for c.Read(t) < at {
		if err := t.Waiter.Sleep(wait.Forever); err != nil {
			return err
		}
	}
	return nil
}

// watchCPULimit makes RLIMIT_CPU effective: SIGXCPU every second from the soft limit on,
// SIGKILL at the hard one.
func (g *Group) watchCPULimit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armCPULimit()
}

func (g *Group) armCPULimit() {
	l := g.limits.get(unix.RLIMIT_CPU)
	if l.Cur >= maxCPULimit && l.Max >= maxCPULimit {
		g.cpuAlarms.clear(&g.cpuLimit)
		return
	}
	g.cpuLimit.fire = g.overCPULimit
	g.cpuAlarms.set(&g.cpuLimit, time.Duration(min(l.Cur, l.Max, maxCPULimit))*time.Second)
}

// maxCPULimit is more seconds than anybody computes, and fit a Duration.
const maxCPULimit = 1 << 32

func (g *Group) overCPULimit(now time.Duration) {
	sig := unix.SIGXCPU
	g.limits.mu.Lock()
	l := &g.limits.table[unix.RLIMIT_CPU]
	if uint64(now/time.Second) >= l.Max {
		sig = unix.SIGKILL
	} else {
		l.Cur++ // setrlimit(2): again each second
	}
	g.limits.mu.Unlock()
	info := abi.Kernel(sig)
	g.sendLocked(&info, signal{})
	if sig == unix.SIGXCPU {
		g.armCPULimit()
	}
}
