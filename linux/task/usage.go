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

	ReadBytes, WrittenBytes int64 // by read(2), write(2) and their relatives
	Reads, Writes           int64 // calls of these
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
	u.ReadBytes += o.ReadBytes
	u.WrittenBytes += o.WrittenBytes
	u.Reads += o.Reads
	u.Writes += o.Writes
}

// cpuTimes are the times of a thread. Their sum is exact: the time since the thread began,
// without what it slept or waited for a CPU. How it is divided is told by the machine's
// ticks (Machine.Ticks), so that a system call costs no reading of the clock; neither part ever
// gets less, and a thread that no tick has found in the kernel was in user mode.
type cpuTimes struct {
	user, system atomic.Int64 // nanoseconds, as of the last count
	minor        atomic.Int64
	preempted    atomic.Int64
	maxRSS       atomic.Uint64 // of memory that the task has left, in bytes

	// The task's own.
	total time.Duration // on a CPU, up to last
	last  time.Duration // when it was counted, or got a CPU
	slept time.Duration // Waiter.Slept at that time
}

// ticks are clock ticks (USER_HZ) in d.
func ticks(d time.Duration) int64 { return int64(d / (10 * time.Millisecond)) }

// Ticks converts a time to clock ticks of 1/100 s, as times(2) and /proc show it.
func Ticks(d time.Duration) int64 { return ticks(d) }

// accountTime brings the times of the calling task up to date.
func (t *Task) accountTime() {
	c := &t.times
	now, slept := wait.Now(), t.Waiter.Slept()
	if d := now - c.last - (slept - c.slept); d > 0 {
		c.total += d
	}
	c.last, c.slept = now, slept
	user := c.total
	if u, k := t.Kernel.Machine.Ticks(t.Regs); k != 0 {
		user = time.Duration(float64(c.total) * (float64(u) / float64(u+k)))
	}
	user = min(max(user, time.Duration(c.user.Load())), c.total-time.Duration(c.system.Load()))
	c.user.Store(int64(user))
	c.system.Store(int64(c.total - user))
}

// beginTime begins to count: waiting for a CPU until now is no use of one.
func (t *Task) beginTime() { t.times.last = wait.Now() }

// ownUsage is what the thread has used.
func (t *Task) ownUsage() Usage {
	rss := t.times.maxRSS.Load()
	if h := t.shown.Load(); h != nil && h.mem != nil {
		rss = max(rss, h.mem.PeakResident())
	}
	return Usage{
		MaxRSS:      rss,
		User:        time.Duration(t.times.user.Load()),
		System:      time.Duration(t.times.system.Load()),
		MinorFaults: t.times.minor.Load(),
		Voluntary:   t.Waiter.Sleeps(),
		Preempted:   t.times.preempted.Load(),
		ReadBytes:   t.moved.ReadBytes.Load(), WrittenBytes: t.moved.WrittenBytes.Load(),
		Reads: t.moved.Reads.Load(), Writes: t.moved.Writes.Load(),
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
