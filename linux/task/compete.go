package task

import (
	"runtime"

	"kevlar/linux/sched"
	"kevlar/linux/trace"
	"kevlar/linux/wait"
)

// This is how tasks and the scheduler (package sched) meet. A task tells it of interrupts
// in user mode, and once it competes, of its next sleep; the path of a system call knows
// nothing of it.

// contender is a task as the scheduler and its Waiter's observer see it.
type contender Task

var (
	_ sched.Runner  = (*contender)(nil)
	_ wait.Observer = (*contender)(nil)
)

// Resume and Interrupt implement sched.Runner.
func (c *contender) Resume()    { c.Waiter.Resume() }
func (c *contender) Interrupt() { c.Kernel.Machine.Kick(c.Regs) }

// Sleeps and Wakes implement wait.Observer.
func (c *contender) Sleeps() {
	t := (*Task)(c)
	t.withdraw()
	t.prepare()
}

func (c *contender) Wakes() { c.Kernel.sched.Woken(&c.attributes.sched.entity) }

// compete makes a task that nobody sees yet known to the scheduler.
func (t *Task) compete() {
	terms := t.terms()
	s := &t.attributes.sched
	s.entity.Init((*contender)(t), terms)
	s.eager.Store(terms.Eager())
	t.Waiter.Observe((*contender)(t))
	t.Waiter.AnnounceWakes(s.attr.urgent())
	t.prepare()
	if s.bound.Load() {
		t.Kernel.Machine.Kick(t.Regs) // to settle
	}
}

// prepare has t come to its tick when it next enters user mode, where it competes whenever
// it wakes. Only t or its maker calls it.
func (t *Task) prepare() {
	if t.attributes.sched.eager.Load() {
		t.Waiter.AnnounceSleep()
		t.Kernel.Machine.Kick(t.Regs)
	}
}

// reschedule tells the scheduler that what t has asked for has changed. The caller holds
// the lock of t's schedule.
func (t *Task) reschedule() {
	s := &t.attributes.sched
	terms := t.terms()
	s.eager.Store(terms.Eager())
	t.Kernel.sched.SetTerms(&s.entity, terms)
	t.Waiter.AnnounceWakes(s.attr.urgent())
	if terms.Eager() {
		t.Kernel.Machine.Kick(t.Regs)
	}
}

// urgent reports whether a thread goes before others as soon as it wakes.
func (a *SchedAttr) urgent() bool { return a.RealTime() || a.Policy == SchedDeadline }

// terms are what t competes by. A deadline counts as the highest priority; how it is kept
// is up to the program.
func (t *Task) terms() sched.Terms {
	s := &t.attributes.sched
	c := sched.Terms{
		Priority: s.attr.Priority, Turns: s.attr.Policy == SchedRR,
		Nice: s.attr.Nice, Idle: s.attr.Policy == SchedIdle, CPUs: s.cpus,
	}
	if s.attr.Policy == SchedDeadline {
		c.Priority = RealTimePriorities + 1
	}
	if !s.explicit {
		c.CPUs = sched.AllCPUs(t.Kernel.Machine.NumCPU())
	}
	return c
}

// tick lets others run after an interrupt, and holds the task back while others come
// before it.
func (t *Task) tick() {
	t.times.preempted.Add(1)
	t.accountTime()
	runtime.Gosched()
	if e := &t.attributes.sched.entity; t.Kernel.sched.Tick(e, t.times.total) {
		t.hold(e)
	}
	t.Waiter.AnnounceSleep()
	t.beginTime()
}

// Yield lets others run before the calling task goes on: sched_yield(2).
func (t *Task) Yield() {
	t.accountTime()
	runtime.Gosched()
	if e := &t.attributes.sched.entity; t.Kernel.sched.Yield(e, t.times.total) {
		t.hold(e)
	}
	t.beginTime()
}

// hold waits until the scheduler lets t go on. A signal ends the wait: the task acts on it,
// and competes again from the next tick.
func (t *Task) hold(e *sched.Entity) {
	if trace.On(trace.Sched) {
		trace.Rests(t.traceID())
		defer func() { trace.Runs(t.traceID()) }()
	}
	for t.Kernel.sched.Held(e) {
		if t.Waiter.Interrupted() {
			t.withdraw()
			return
		}
		t.Waiter.Hold()
	}
}

// withdraw ends t's competing for a CPU, as it is about to sleep or to end.
func (t *Task) withdraw() { t.Kernel.sched.Leave(&t.attributes.sched.entity) }
