// Package sched decides which of the tasks that want a CPU for long have one: sched(7).
//
// Tasks are goroutines, and the Go runtime lets goroutines run in turn. That serves all
// tasks well that run for moments: whoever wakes runs soon. It knows nothing of nice
// values, policies and sets of CPUs. Those matter where tasks compete, and who competes
// shows at the timer's tick: a task that is in user mode then has not slept lately.
//
// So a task that a tick interrupts becomes a contender, until it sleeps. There are as many
// grants as CPUs; contenders without one are held back, between two entries to user mode,
// while others have them all. At its ticks a contender with a grant is charged for what
// it has used, and makes room for one that is before it:
//
//   - one of a higher class: real-time priorities before all others;
//   - among equals of a real-time priority, who has waited longest where their policy is
//     to take turns;
//   - among all others, who has the least virtual runtime: the time on a CPU, divided by
//     a weight that falls by a factor of 1.25 for each nice level.
//
// A task that no tick finds running pays for this one load when it goes to sleep. Those that
// others come before even when they run for moments (Terms.Eager) compete whenever they wake:
// else many short processes of nice value 19 would get what one long one does not.
//
// Package task calls Tick, Yield, Leave and Woken, and holds tasks back.
package sched

import (
	"sync"
	"time"
)

const (
	// slice is how long a contender keeps its grant at least, but for a higher class.
	slice = 2 * time.Millisecond
	// turn is how long SCHED_RR lets a task run before its equals.
	turn = 100 * time.Millisecond
	// credit bounds by how much of its own running a contender can be ahead of the others:
	// what it has used while nobody wanted the CPU is forgiven.
	credit = 100 * time.Millisecond
	// silence is after how long without a tick a contender counts as asleep, while others are
	// held back: it waits for something that does not announce itself here.
	silence = 50 * time.Millisecond
	// period and realTime: how much of the CPUs' time real-time tasks get where others want
	// some, sched(7), "Limiting the CPU usage of real-time and deadline processes".
	period   = time.Second
	realTime = 950 * time.Millisecond
)

// Weights: a task of nice value 0 has unit; SCHED_IDLE is less than the nicest.
const (
	unit       = 1024
	idleWeight = 3
)

// weights are those of nice values -20 to 19: unit times 1.25 to the power of -nice.
var weights = func() (w [40]int64) {
	v := float64(unit)
	for n := 20; n < 40; n++ {
		w[n] = int64(v + 0.5)
		v /= 1.25
	}
	v = unit
	for n := 20; n >= 0; n-- {
		w[n] = int64(v + 0.5)
		v *= 1.25
	}
	return w
}()

// Terms are what a task competes by.
type Terms struct {
	Priority int  // 0 for the policies without priorities, else the higher the sooner
	Turns    bool // equals of a priority take turns (SCHED_RR)
	Nice     int  // -20 to 19; where Priority is 0
	Idle     bool // SCHED_IDLE: less than any nice value
	CPUs     CPUSet
}

// Eager reports whether the task is to come to Tick whenever it has slept, and at its start.
func (t *Terms) Eager() bool { return t.Priority > 0 || t.Idle || t.Nice > 0 }

func (t *Terms) weight() int64 {
	if t.Idle {
		return idleWeight
	}
	return weights[t.Nice+20]
}

// Runner is the task behind an Entity. Its methods must not block, nor call this package.
type Runner interface {
	// Resume ends the hold that Tick or Yield asked for.
	Resume()
	// Interrupt makes the task come to its next Tick now.
	Interrupt()
}

type state uint8

const (
	outside state = iota // no contender
	waiting              // a contender without a grant
	running              // and with one
)

// Entity is a task as a contender, after Init. The Scheduler's lock guards it.
type Entity struct {
	runner  Runner
	terms   Terms
	state   state
	held    bool          // its task waits for Resume
	cpu     int           // whose grant it has, while it runs
	used    time.Duration // CPU time that it has been charged for
	virtual int64         // virtual runtime, in nanoseconds
	since   time.Duration // when it got its grant
	seen    time.Duration // when it last ticked, or got its grant
	queued  uint64        // its place among equals of a real-time priority
	turn    time.Duration // what it has used of its turn
	begun   bool          // has been a contender
}

// Init makes e the entity of a task that has not begun to run.
func (e *Entity) Init(r Runner, t Terms) { e.runner, e.terms = r, t }

// Scheduler hands out the CPUs of a machine.
type Scheduler struct {
	clock func() time.Duration

	mu      sync.Mutex // guards all that follows and all entities; leaf but for Runner's methods
	grants  []*Entity  // who has each CPU, nil for nobody
	free    int        // how many of them are nil
	waiting []*Entity
	least   int64  // the least virtual runtime of any contender; never goes back
	queue   uint64 // the last place given

	window   time.Duration   // when the current period began
	urgent   []time.Duration // what real-time tasks have used of each CPU in it
	spent    bool            // on some CPU, all that there is for them
	watching bool            // watch will be called
}

// New makes a scheduler for a machine with a number of CPUs and a clock.
func New(cpus int, clock func() time.Duration) *Scheduler {
	cpus = min(cpus, CPUs)
	return &Scheduler{clock: clock, grants: make([]*Entity, cpus), free: cpus, urgent: make([]time.Duration, cpus)}
}

// Tick is called by e's task when something has interrupted it in user mode, with the CPU
// time that it has used so far. It reports whether the task must stop until Resume: while
// Held.
func (s *Scheduler) Tick(e *Entity, used time.Duration) (hold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(e, used, false)
}

// Yield is Tick for a task that lets others go first of its own will. Only those that
// compete are concerned, and only where there are others: else the next tick charges e.
func (s *Scheduler) Yield(e *Entity, used time.Duration) (hold bool) {
	s.mu.Lock()
	if e.state == waiting || e.state == running && len(s.waiting) > 0 {
		hold = s.decide(e, used, true)
	}
	s.mu.Unlock()
	return hold
}

func (s *Scheduler) decide(e *Entity, used time.Duration, yields bool) (hold bool) {
	now := s.clock()
	s.charge(e, used, now)
	e.seen = now
	switch {
	case e.state == outside:
		s.join(e, now)
	case e.state == running && len(s.waiting) == 0:
		e.virtual = min(e.virtual, s.least+e.worth(slice))
	case e.state == running:
		if yields && e.terms.Priority > 0 {
			s.requeue(e)
		}
		if h := s.first(nil); yields || now-e.since >= slice || h != nil && s.class(h) > s.class(e) {
			s.release(e)
			s.fill(now)
		}
	}
	e.held = e.state == waiting
	return e.held
}

// Held reports whether e's task must not go on yet.
func (s *Scheduler) Held(e *Entity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.held
}

// charge adds what e has used since it was charged last.
func (s *Scheduler) charge(e *Entity, used, now time.Duration) {
	d := used - e.used
	e.used = used
	if now-s.window >= period {
		s.window, s.spent = now, false
		clear(s.urgent)
	}
	if e.terms.Priority > 0 {
		if e.state == running {
			s.urgent[e.cpu] += d
			s.spent = s.spent || s.urgent[e.cpu] >= realTime
		}
		if e.turn += d; e.terms.Turns && e.turn >= turn {
			s.requeue(e)
		}
		return
	}
	e.virtual += e.worth(d)
	if e.state == outside {
		return
	}
	// Who runs all the time gets all that one task can get, and is owed nothing.
	for _, h := range s.waiting {
		if h.terms.Priority == 0 {
			e.virtual = max(e.virtual, h.virtual-h.worth(credit))
		}
	}
	least := e.virtual
	for _, o := range s.grants {
		if o != nil && o.terms.Priority == 0 {
			least = min(least, o.virtual)
		}
	}
	for _, o := range s.waiting {
		if o.terms.Priority == 0 {
			least = min(least, o.virtual)
		}
	}
	s.least = max(s.least, least)
}

// worth is CPU time as e's virtual runtime.
func (e *Entity) worth(d time.Duration) int64 { return int64(d) * unit / e.terms.weight() }

func (s *Scheduler) requeue(e *Entity) {
	s.queue++
	e.queued, e.turn = s.queue, 0
}

// join makes e a contender. One of a higher class takes a grant away.
func (s *Scheduler) join(e *Entity, now time.Duration) {
	from := s.least
	if !e.begun { // so that making tasks gains nothing
		e.begun = true
		from += e.worth(slice)
	}
	e.virtual = min(max(e.virtual, from), s.least+e.worth(credit))
	s.requeue(e)
	e.state = waiting
	s.waiting = append(s.waiting, e)
	if s.free == 0 {
		s.preempt(e)
	}
	s.fill(now)
	s.guard()
}

// preempt takes the grant of a contender of a lower class, the lowest, that e can have.
func (s *Scheduler) preempt(e *Entity) {
	var last *Entity
	for _, o := range s.grants {
		if o != nil && s.class(o) < s.class(e) && (last == nil || s.before(last, o)) && e.terms.CPUs.Has(o.cpu) {
			last = o
		}
	}
	if last != nil {
		s.release(last)
		last.runner.Interrupt()
	}
}

// release takes e's grant, so that it waits.
func (s *Scheduler) release(e *Entity) {
	s.grants[e.cpu] = nil
	s.free++
	e.state = waiting
	s.waiting = append(s.waiting, e)
}

// fill gives away the grants that are free, the first in order first.
func (s *Scheduler) fill(now time.Duration) {
	var stuck []CPUSet // sets of CPUs that have none to give
	for s.free > 0 {
		e := s.first(stuck)
		if e == nil {
			return
		}
		if tried := (CPUSet{}); !s.place(e, &tried) {
			stuck = append(stuck, e.terms.CPUs)
			continue
		}
		s.free--
		s.remove(e)
		e.state, e.since, e.seen = running, now, now
		if e.held {
			e.held = false
			e.runner.Resume()
		}
	}
}

// first is the first in order of those that wait, but for those with certain sets of CPUs.
func (s *Scheduler) first(but []CPUSet) (best *Entity) {
next:
	for _, e := range s.waiting {
		if best != nil && !s.before(e, best) {
			continue
		}
		for i := range but {
			if e.terms.CPUs == but[i] {
				continue next
			}
		}
		best = e
	}
	return best
}

// place finds e a CPU: a free one, or one whose owner can move to another. tried are the
// CPUs that have been looked at.
func (s *Scheduler) place(e *Entity, tried *CPUSet) bool {
	for c, o := range s.grants {
		if o == nil && e.terms.CPUs.Has(c) {
			s.grants[c], e.cpu = e, c
			return true
		}
	}
	for c, o := range s.grants {
		if !e.terms.CPUs.Has(c) || tried.Has(c) {
			continue
		}
		tried.add(c)
		if s.place(o, tried) {
			s.grants[c], e.cpu = e, c
			return true
		}
	}
	return false
}

func (s *Scheduler) remove(e *Entity) {
	for i, o := range s.waiting {
		if o == e {
			last := len(s.waiting) - 1
			s.waiting[i], s.waiting[last] = s.waiting[last], nil
			s.waiting = s.waiting[:last]
			return
		}
	}
}

// class is what comes before virtual runtime: the real-time priority. Real-time tasks that
// have used up what there is for them in a period come last.
func (s *Scheduler) class(e *Entity) int {
	if e.terms.Priority > 0 && s.spent {
		return -1
	}
	return e.terms.Priority
}

func (s *Scheduler) before(a, b *Entity) bool {
	if ca, cb := s.class(a), s.class(b); ca != cb {
		return ca > cb
	}
	if a.terms.Priority != 0 {
		return a.terms.Priority > b.terms.Priority || a.terms.Priority == b.terms.Priority && a.queued < b.queued
	}
	return a.virtual < b.virtual || a.virtual == b.virtual && a.seen < b.seen
}

// Leave is called when e's task goes to sleep, or has better to do than to wait for a CPU.
func (s *Scheduler) Leave(e *Entity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(e)
	s.fill(s.clock())
}

func (s *Scheduler) leave(e *Entity) {
	switch e.state {
	case running:
		s.grants[e.cpu] = nil
		s.free++
	case waiting:
		s.remove(e)
	}
	e.state, e.held = outside, false
}

// Woken is called by whoever wakes the task of an entity with a priority: it competes from
// now on, and not only from its first tick.
func (s *Scheduler) Woken(e *Entity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.state == outside && e.terms.Priority > 0 {
		s.join(e, s.clock())
	}
}

// SetTerms changes what e competes by.
func (s *Scheduler) SetTerms(e *Entity, t Terms) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := e.terms
	e.terms = t
	if e.state == outside || old == t {
		return
	}
	s.requeue(e)
	if e.state == running {
		s.release(e)
	}
	s.fill(s.clock())
	if e.state == waiting {
		s.preempt(e)
		s.fill(s.clock())
	}
	if e.state == waiting && !e.held {
		e.runner.Interrupt()
	}
	s.guard()
}

// guard has watch called before long, as somebody waits.
func (s *Scheduler) guard() {
	if len(s.waiting) > 0 && !s.watching {
		s.watching = true
		time.AfterFunc(silence, s.watch)
	}
}

// watch takes the grants of contenders that have not ticked for too long, while others wait.
func (s *Scheduler) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watching = false
	if len(s.waiting) == 0 {
		return
	}
	now := s.clock()
	for _, e := range s.grants {
		if e != nil && now-e.seen >= silence {
			s.leave(e)
		}
	}
	s.fill(now)
	s.guard()
}
