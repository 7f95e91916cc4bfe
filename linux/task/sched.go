package task

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/sched"
)

// Policies of sched(7).
const (
	SchedOther    = 0
	SchedFIFO     = 1
	SchedRR       = 2
	SchedBatch    = 3
	SchedIdle     = 5
	SchedDeadline = 6
)

// Flags of struct sched_attr: sched_setattr(2).
const (
	SchedResetOnFork  = 0x01
	SchedReclaim      = 0x02
	SchedDLOverrun    = 0x04
	SchedKeepPolicy   = 0x08
	SchedKeepParams   = 0x10
	SchedUtilClampMin = 0x20
	SchedUtilClampMax = 0x40
)

// RealTimePriorities is how many priorities there are for SchedFIFO and SchedRR, from 1.
const RealTimePriorities = 99

// SchedAttr is what a thread asks of the scheduler: struct sched_attr.
type SchedAttr struct {
	Policy                    int
	Flags                     uint64
	Nice                      int
	Priority                  int // for the real-time policies
	Runtime, Deadline, Period uint64
}

// RealTime reports whether the policy is one with priorities.
func (a *SchedAttr) RealTime() bool { return a.Policy == SchedFIFO || a.Policy == SchedRR }

// schedule is what a thread has asked for, and its place among those that compete for the
// CPUs (package sched).
type schedule struct {
	mu       sync.Mutex // guards attr, io, cpus and explicit; before the scheduler's
	attr     SchedAttr
	io       int         // ioprio_set(2)
	cpus     CPUSet      // sched_setaffinity(2)
	explicit bool        // cpus has been set
	bound    atomic.Bool // cpus are not all that there are
	entity   sched.Entity
	eager    atomic.Bool // sched.Terms.Eager
}

// CPUSet is a set of CPUs.
type CPUSet = sched.CPUSet

// CPUs is how many CPUs a CPUSet has room for.
const CPUs = sched.CPUs

// inherit copies what a new thread gets of its maker's: sched(7), "Reset scheduling
// policy for child processes".
func (s *schedule) inherit(from *schedule) {
	from.mu.Lock()
	defer from.mu.Unlock()
	s.attr, s.io, s.cpus, s.explicit = from.attr, from.io, from.cpus, from.explicit
	s.bound.Store(from.bound.Load())
	if a := &s.attr; a.Flags&SchedResetOnFork != 0 {
		if a.Policy == SchedDeadline || a.RealTime() {
			*a = SchedAttr{}
		}
		a.Nice = max(a.Nice, 0)
		a.Flags &^= SchedResetOnFork
	}
}

// Sched is what the thread asks of the scheduler.
func (t *Task) Sched() SchedAttr {
	s := &t.attributes.sched
	s.mu.Lock()
	attr := s.attr
	s.mu.Unlock()
	return attr
}

// CPUs are the CPUs that the thread may run on.
func (t *Task) CPUs() CPUSet {
	all := sched.AllCPUs(t.Kernel.Machine.NumCPU())
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.explicit {
		return all
	}
	return s.cpus.And(all)
}

// SetCPUs is sched_setaffinity(2) by the task by. ESRCH is the caller's to find. EPERM for
// another user's thread, EINVAL where no CPU is left.
func (t *Task) SetCPUs(by *Task, cpus CPUSet) error {
	if !by.owns(t) && !by.Cred().CapableIn(t.Cred().User, unix.CAP_SYS_NICE) {
		return unix.EPERM
	}
	all := sched.AllCPUs(t.Kernel.Machine.NumCPU())
	cpus = cpus.And(all)
	if cpus.Empty() {
		return unix.EINVAL
	}
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cpus, s.explicit = cpus, true
	s.bound.Store(cpus != all)
	t.reschedule()
	t.Kernel.Machine.Kick(t.Regs) // to settle
	return nil
}

// settle keeps the program to a CPU that it may run on, where it is bound to some or wants to
// know which it is on (rseq(2)), and tells it. The machine interrupts a program that is about
// to run on another; then this is called. Only t calls it.
func (t *Task) settle() {
	m, s, r := t.Kernel.Machine, &t.attributes.sched, t.attributes.rseq.area
	if r == 0 && !s.bound.Load() {
		t.Regs.OnlyCPU = 0
		return
	}
	cpu := m.CPU()
	if s.bound.Load() {
		if set := t.CPUs(); !set.Has(cpu) {
			_, id := t.IDs()
			cpu = set.From((cpu + id) % m.NumCPU())
			m.MoveTo(cpu)
		}
	}
	if t.Regs.OnlyCPU == uint32(cpu)+1 {
		return
	}
	m.SaveFP(t.Regs)
	t.Regs.OnlyCPU = uint32(cpu) + 1
	if r != 0 && t.putRseqCPU(uint32(cpu), uint32(cpu)) != nil {
		t.rseqFault()
	}
}

// CPU is the CPU that the thread runs on; one that may run on several may be on another by now.
func (t *Task) CPU() int {
	if c := t.Regs.OnlyCPU; c != 0 {
		return int(c) - 1
	}
	return t.Kernel.Machine.CPU()
}

// owns reports whether t's effective user is who o runs as: sched_setscheduler(2).
func (t *Task) owns(o *Task) bool {
	c, d := t.Cred(), o.Cred()
	return c.EUID == d.EUID || c.EUID == d.UID
}

// SetSched is sched_setattr(2) on t by the task by, with a policy and parameters that fit
// each other (EINVAL). EPERM where by may not.
func (t *Task) SetSched(by *Task, a SchedAttr) error {
	switch a.Policy {
	case SchedOther, SchedBatch, SchedIdle:
		if a.Priority != 0 {
			return unix.EINVAL
		}
	case SchedFIFO, SchedRR:
		if a.Priority < 1 || a.Priority > RealTimePriorities {
			return unix.EINVAL
		}
	case SchedDeadline:
		if !a.deadlineFits() || a.Priority != 0 {
			return unix.EINVAL
		}
	default:
		return unix.EINVAL
	}
	if a.Flags&^(SchedResetOnFork|SchedReclaim|SchedDLOverrun) != 0 {
		return unix.EINVAL
	}
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	if !by.Capable(unix.CAP_SYS_NICE) {
		if err := by.mayChangeSched(t, &s.attr, &a); err != nil {
			return err
		}
	}
	if a.RealTime() || a.Policy == SchedDeadline {
		a.Nice = s.attr.Nice // kept for the day the policy is an ordinary one again
	}
	s.attr = a
	t.reschedule()
	return nil
}

// deadlineFits reports whether the times of SchedDeadline make sense: at least a
// microsecond each, runtime ≤ deadline ≤ period.
func (a *SchedAttr) deadlineFits() bool {
	period := a.Period
	if period == 0 {
		period = a.Deadline
	}
	return a.Deadline != 0 && a.Runtime >= 1024 && a.Runtime <= a.Deadline && a.Deadline <= period &&
		a.Deadline>>63 == 0 && period>>63 == 0
}

// mayChangeSched checks what a task without CAP_SYS_NICE may: sched(7), "Privileges and
// resource limits".
func (t *Task) mayChangeSched(o *Task, old, a *SchedAttr) error {
	switch {
	case a.Policy == SchedDeadline:
		return unix.EPERM
	case a.RealTime():
		limit := o.Limit(unix.RLIMIT_RTPRIO)
		if a.Policy != old.Policy && limit == 0 || a.Priority > old.Priority && uint64(a.Priority) > limit {
			return unix.EPERM
		}
	default:
		if a.Nice < old.Nice && !o.mayNice(a.Nice) {
			return unix.EPERM
		}
		if old.Policy == SchedIdle && a.Policy != SchedIdle && !o.mayNice(old.Nice) {
			return unix.EPERM
		}
	}
	if !t.owns(o) || old.Flags&SchedResetOnFork != 0 && a.Flags&SchedResetOnFork == 0 {
		return unix.EPERM
	}
	return nil
}

// mayNice reports whether RLIMIT_NICE allows a nice value.
func (t *Task) mayNice(nice int) bool { return uint64(20-nice) <= t.Limit(unix.RLIMIT_NICE) }

// SetNice is setpriority(2) on one thread. EPERM for another user's, EACCES for a nice
// value that RLIMIT_NICE does not allow.
func (t *Task) SetNice(by *Task, nice int) error {
	nice = min(max(nice, -20), 19)
	c, d := by.Cred(), t.Cred()
	free := by.Capable(unix.CAP_SYS_NICE)
	if d.UID != c.EUID && d.EUID != c.EUID && !c.CapableIn(d.User, unix.CAP_SYS_NICE) {
		return unix.EPERM
	}
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	if nice < s.attr.Nice && !free && !by.mayNice(nice) {
		return unix.EACCES
	}
	s.attr.Nice = nice
	t.reschedule()
	return nil
}

// IOPriority is ioprio_get(2)'s value for the thread: 0 where none was set.
func (t *Task) IOPriority() int {
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.io
}

// SetIOPriority is ioprio_set(2) on one thread. EPERM for another user's.
func (t *Task) SetIOPriority(by *Task, prio int) error {
	c, d := by.Cred(), t.Cred()
	if d.UID != c.EUID && d.UID != c.UID && !by.Capable(unix.CAP_SYS_NICE) {
		return unix.EPERM
	}
	s := &t.attributes.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	s.io = prio
	return nil
}

// Which says whom getpriority(2) and ioprio_get(2) mean by a number.
type Which int

const (
	OneThread Which = iota
	OneJob
	OneUser
)

// Select appends the threads that which and who name to all: for 0 the caller, its process
// group or its real user.
func (t *Task) Select(all []*Task, which Which, who uint32) []*Task {
	if which == OneThread && who == 0 {
		return append(all, t)
	}
	procs.RLock()
	defer procs.RUnlock()
	ns := t.pid.ns
	switch which {
	case OneThread:
		if o := ns.find(ID(who)); o != nil {
			all = append(all, o)
		}
	case OneJob:
		job := t.Group.process
		if who != 0 {
			p := ns.ids[ID(who)]
			if p == nil || p.process == nil {
				return all
			}
			job = p.process
		}
		for g := range job.members {
			all = append(all, g.list()...)
		}
	case OneUser:
		if own := t.Cred(); who == 0 {
			who = own.UID
		} else if who = own.User.UID(who); who == cred.None {
			return all
		}
		for _, p := range ns.ids {
			if o := p.task; o != nil && o.Cred().UID == who {
				all = append(all, o)
			}
		}
	}
	return all
}
