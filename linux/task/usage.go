package task

import (
	"sync/atomic"
	"time"

	"kevlar/linux/wait"
)

// Usage is what getrusage(2) counts.
type Usage struct {
	User, System         time.Duration
	MaxRSS               uint64 // bytes
	MinorFaults          int64
	MajorFaults          int64
	InBlocks, OutBlocks  int64
	Voluntary, Preempted int64 // context switches
}

func (u *Usage) add(o Usage) {
	u.User += o.User
	u.System += o.System
	u.MaxRSS = max(u.MaxRSS, o.MaxRSS)
	u.MinorFaults += o.MinorFaults
	u.MajorFaults += o.MajorFaults
	u.InBlocks += o.InBlocks
	u.OutBlocks += o.OutBlocks
	u.Voluntary += o.Voluntary
	u.Preempted += o.Preempted
}

// cpuTimes are the times of a thread. The run loop reads the clock where user code
// begins and stops to run; sleeping is not using a CPU.
type cpuTimes struct {
	user, system atomic.Int64 // nanoseconds
	minor        atomic.Int64
	preempted    atomic.Int64
	last         time.Duration // when user code stopped or time was counted last
	slept        time.Duration // Waiter.Slept at that time
}

// ticks are clock ticks (USER_HZ) in d.
func ticks(d time.Duration) int64 { return int64(d / (10 * time.Millisecond)) }

// Ticks converts a time to clock ticks of 1/100 s, as times(2) and /proc show it.
func Ticks(d time.Duration) int64 { return ticks(d) }

// enterUser counts the time since user code stopped as system time, leaveUser that
// since enterUser as user time.
func (t *Task) enterUser() {
	now := wait.Now()
	t.countSystem(now)
	t.times.last = now
}

func (t *Task) leaveUser() {
	now := wait.Now()
	t.times.user.Add(int64(now - t.times.last))
	t.times.last = now
}

func (t *Task) countSystem(now time.Duration) {
	slept := t.Waiter.Slept()
	d := now - t.times.last - (slept - t.times.slept)
	t.times.slept = slept
	if d > 0 {
		t.times.system.Add(int64(d))
	}
}

// accountTime brings the system time of the calling task up to date.
func (t *Task) accountTime() {
	now := wait.Now()
	t.countSystem(now)
	t.times.last = now
}

// ownUsage is what the thread has used.
func (t *Task) ownUsage() Usage {
	return Usage{
		User:        time.Duration(t.times.user.Load()),
		System:      time.Duration(t.times.system.Load()),
		MinorFaults: t.times.minor.Load(),
		Voluntary:   t.Waiter.Sleeps(),
		Preempted:   t.times.preempted.Load(),
	}
}

// Usage is what the thread has used. Only it calls this.
func (t *Task) Usage() Usage {
	t.accountTime()
	return t.ownUsage()
}

// Times are the user and system time of the thread.
func (t *Task) Times() (user, system time.Duration) {
	return time.Duration(t.times.user.Load()), time.Duration(t.times.system.Load())
}

// usageNow is what the process has used; the caller holds g.mu.
func (g *Group) usageNow() Usage {
	u := g.usage
	for t := g.threads; t != nil; t = t.next {
		if !t.gone {
			u.add(t.ownUsage())
		}
	}
	return u
}

// Usage is what the process's threads have used, those that have ended too.
func (g *Group) Usage() Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.usageNow()
}

// ChildUsage is what the children that were waited for, and theirs, have used.
func (g *Group) ChildUsage() Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.childUsage
}

// CPUTime is the process's CPU time.
func (g *Group) CPUTime() time.Duration {
	u := g.Usage()
	return u.User + u.System
}
