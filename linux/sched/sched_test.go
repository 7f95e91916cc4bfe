package sched

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tick is how often the timer of these machines interrupts.
const tick = 4 * time.Millisecond

// bench is a machine in virtual time: in every tick, each contender that may run does.
type bench struct {
	*Scheduler
	t     *testing.T
	now   time.Duration
	tasks []*runner
}

// runner is a task that never sleeps of its own will.
type runner struct {
	Entity
	name   string
	used   time.Duration
	stop   bool // held back
	runs   bool
	kicked bool
	asleep bool
}

func (r *runner) Resume()    { r.stop = false }
func (r *runner) Interrupt() { r.kicked = true }

func newBench(t *testing.T, cpus int) *bench {
	b := &bench{t: t}
	b.Scheduler = New(cpus, func() time.Duration { return b.now })
	b.watching = true // no timer: the test calls watch itself
	return b
}

func (b *bench) add(name string, t Terms) *runner {
	if t.CPUs.Empty() {
		t.CPUs = AllCPUs(len(b.grants))
	}
	r := &runner{name: name}
	r.Init(r, t)
	b.tasks = append(b.tasks, r)
	return r
}

// run lets d pass. The CPUs are the tasks' that have grants; one that has none yet ticks as
// well, as it happens to those that have just woken.
func (b *bench) run(d time.Duration) {
	b.t.Helper()
	for end := b.now + d; b.now < end; {
		b.now += tick
		busy, want := 0, 0
		for _, r := range b.tasks {
			if r.asleep {
				continue
			}
			want++
			if r.runs = r.state == running; r.runs {
				busy++
				r.used += tick
			}
		}
		for _, r := range b.tasks {
			if !r.asleep && (r.runs || r.state == outside) {
				r.stop = b.Tick(&r.Entity, r.used)
			}
		}
		if idle := min(len(b.grants), want) - busy; idle > 0 && b.now > end-d+2*tick && b.plain() {
			b.t.Fatalf("%v: %d CPUs idle while %d tasks want one", b.now, idle, want)
		}
	}
}

// plain reports whether every task may use every CPU, and sleeps for all to know.
func (b *bench) plain() bool {
	for _, r := range b.tasks {
		if r.asleep && r.state != outside || r.terms.CPUs != AllCPUs(len(b.grants)) {
			return false
		}
	}
	return true
}

// percent is r's share of what all have used since the last call of reset.
func (b *bench) percent(r *runner) int {
	var all time.Duration
	for _, o := range b.tasks {
		all += o.used
	}
	return int(r.used * 100 / max(all, 1))
}

func (b *bench) reset() {
	for _, r := range b.tasks {
		r.used, r.Entity.used = 0, 0
	}
}

func (b *bench) want(r *runner, low, high int) {
	b.t.Helper()
	if p := b.percent(r); p < low || p > high {
		b.t.Errorf("%s has %d percent, want %d to %d", r.name, p, low, high)
	}
}

func TestWeights(t *testing.T) {
	for n := 1; n < 40; n++ {
		if r := float64(weights[n-1]) / float64(weights[n]); r < 1.2 || r > 1.3 {
			t.Errorf("nice %d has %.2f times the weight of nice %d", n-21, r, n-20)
		}
	}
	if weights[20] != unit {
		t.Errorf("nice 0 weighs %d", weights[20])
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		a, b      Terms
		low, high int // percent of b
	}{
		{Terms{}, Terms{}, 49, 51},
		{Terms{}, Terms{Nice: 1}, 43, 46},
		{Terms{}, Terms{Nice: 5}, 23, 27},
		{Terms{}, Terms{Nice: 19}, 1, 3},
		{Terms{}, Terms{Idle: true}, 0, 1},
		{Terms{Nice: 19}, Terms{Idle: true}, 15, 18},
		{Terms{Nice: 10}, Terms{Nice: 10}, 49, 51},
		{Terms{Nice: -20}, Terms{}, 0, 2},
		{Terms{Priority: 1}, Terms{}, 4, 6}, // what is kept free of real-time tasks
		{Terms{Priority: 1}, Terms{Priority: 2}, 99, 100},
		{Terms{Priority: 7}, Terms{Priority: 7}, 0, 1}, // first in, first out
		{Terms{Priority: 7, Turns: true}, Terms{Priority: 7, Turns: true}, 47, 53},
	} {
		t.Run(fmt.Sprint(c.a, c.b), func(t *testing.T) {
			m := newBench(t, 1)
			m.add("a", c.a)
			b := m.add("b", c.b)
			m.run(20 * time.Second)
			m.want(b, c.low, c.high)
		})
	}
}

// TestTwoCPUs has three equals on two CPUs, and one that weighs more than a CPU is worth:
// the others share what it cannot use.
func TestTwoCPUs(t *testing.T) {
	m := newBench(t, 2)
	for _, n := range []string{"a", "b", "c"} {
		m.add(n, Terms{})
	}
	m.run(6 * time.Second)
	for _, r := range m.tasks {
		m.want(r, 32, 35)
	}
	m = newBench(t, 2)
	a, b, c := m.add("a", Terms{Nice: -20}), m.add("b", Terms{}), m.add("c", Terms{Nice: 5})
	m.run(time.Second)
	m.reset()
	m.run(10 * time.Second)
	m.want(a, 49, 51)
	m.want(b, 36, 40)
	m.want(c, 11, 14)
}

// TestAffinity has two that may only use one CPU, and one that may use both: it goes where
// they cannot.
func TestAffinity(t *testing.T) {
	m := newBench(t, 2)
	free := m.add("free", Terms{})
	m.run(time.Second)
	a, b := m.add("a", Terms{CPUs: AllCPUs(1)}), m.add("b", Terms{CPUs: AllCPUs(1)})
	m.run(time.Second)
	m.reset()
	m.run(4 * time.Second)
	m.want(free, 49, 51)
	m.want(a, 24, 26)
	m.want(b, 24, 26)
	b.asleep = true
	m.Leave(&b.Entity)
	m.run(time.Second)
	m.reset()
	m.run(time.Second)
	m.want(a, 49, 51)
}

// TestNewcomer sees to it that who has run alone for long does not pay for it, and that who
// comes late is owed nothing.
func TestNewcomer(t *testing.T) {
	m := newBench(t, 1)
	a := m.add("a", Terms{Idle: true})
	m.run(10 * time.Minute)
	b := m.add("b", Terms{Idle: true})
	m.run(100 * time.Millisecond)
	m.reset()
	m.run(10 * time.Second)
	m.want(a, 45, 55)
	m.want(b, 45, 55)
}

// TestUncontended has an idle task alone on the second of two CPUs for long; where a third
// task comes it is not starved for as long.
func TestUncontended(t *testing.T) {
	m := newBench(t, 2)
	idle := m.add("idle", Terms{Idle: true})
	m.add("a", Terms{})
	m.run(time.Hour)
	m.add("b", Terms{})
	m.add("c", Terms{})
	m.reset()
	m.run(time.Minute)
	if idle.used == 0 {
		t.Error("the idle task has starved for a minute")
	}
	m.want(idle, 0, 1)
}

// TestSilence has a task that gets a grant and sleeps in a way that the scheduler is not
// told of: the others do not wait for it for ever.
func TestSilence(t *testing.T) {
	m := newBench(t, 1)
	a := m.add("a", Terms{})
	b := m.add("b", Terms{})
	m.run(time.Second)
	a.asleep = true
	m.run(silence + tick)
	m.watch()
	b.used = 0
	m.Scheduler.mu.Lock()
	b.Entity.used = 0
	m.Scheduler.mu.Unlock()
	m.run(time.Second)
	if b.used < 900*time.Millisecond {
		t.Errorf("b has run for %v of a second", b.used)
	}
}

// TestRealTime has a task of priority 5 wake while others run: one of them is interrupted.
func TestRealTime(t *testing.T) {
	m := newBench(t, 1)
	a := m.add("a", Terms{Nice: -20})
	m.run(time.Second)
	r := m.add("r", Terms{Priority: 5})
	m.Woken(&r.Entity)
	if r.state != running || a.state != waiting || !a.kicked {
		t.Errorf("states: the urgent task's %d, the other's %d, which was interrupted: %v", r.state, a.state, a.kicked)
	}
	m.Leave(&r.Entity)
	if a.state != running {
		t.Error("the CPU stays idle")
	}
}

// worker is a task with a goroutine of its own.
type worker struct {
	Entity
	resumed chan struct{}
	kicks   atomic.Int64
}

func (w *worker) Resume()    { w.resumed <- struct{}{} }
func (w *worker) Interrupt() { w.kicks.Add(1) }

// TestRace has many tasks at once do all that there is to do. None is held back for good,
// and in the end nobody has anything.
func TestRace(t *testing.T) {
	const cpus, tasks, rounds = 3, 12, 3000
	start := time.Now()
	s := New(cpus, func() time.Duration { return time.Since(start) })
	var all [tasks]*worker
	for i := range all {
		all[i] = &worker{resumed: make(chan struct{}, 1)}
		all[i].Init(all[i], Terms{CPUs: AllCPUs(cpus)})
	}
	var done sync.WaitGroup
	for i, w := range all {
		done.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			var used time.Duration
			for range rounds {
				used += time.Duration(r.IntN(int(tick)))
				hold := false
				switch r.IntN(8) {
				default:
					hold = s.Tick(&w.Entity, used)
				case 0:
					hold = s.Yield(&w.Entity, used)
				case 1:
					s.Leave(&w.Entity)
				case 2:
					s.Woken(&all[r.IntN(tasks)].Entity)
				case 3:
					terms := Terms{Nice: r.IntN(40) - 20, CPUs: CPUSet{1 + r.Uint64N(1<<cpus-1)}}
					if r.IntN(4) == 0 {
						terms.Priority = 1 + r.IntN(3)
					}
					s.SetTerms(&all[r.IntN(tasks)].Entity, terms)
				}
				if hold {
					select {
					case <-w.resumed:
					case <-time.After(30 * time.Second):
						t.Error("a task is held back for good")
						return
					}
				}
				s.check(t)
			}
			s.Leave(&w.Entity)
		})
	}
	done.Wait()
	for _, w := range all {
		s.Leave(&w.Entity) // somebody may have woken it since
	}
	if s.free != cpus || len(s.waiting) != 0 {
		t.Errorf("%d CPUs are free in the end, %d tasks wait", s.free, len(s.waiting))
	}
}

// check looks at what holds at all times.
func (s *Scheduler) check(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := 0
	for c, e := range s.grants {
		switch {
		case e == nil:
			free++
		case e.state != running || e.cpu != c || e.held || !e.terms.CPUs.Has(c):
			t.Errorf("CPU %d: its contender has state %d, CPU %d, held %v", c, e.state, e.cpu, e.held)
		}
	}
	if free != s.free {
		t.Errorf("%d grants are free, and %d are counted", free, s.free)
	}
	for _, e := range s.waiting {
		if e.state != waiting {
			t.Errorf("one that waits has state %d", e.state)
		}
		if tried := (CPUSet{}); free > 0 && s.placeable(e, &tried) {
			t.Error("one waits for a CPU that is free")
		}
	}
	if len(s.waiting) > 0 && !s.watching {
		t.Error("nobody watches over those that wait")
	}
}

// placeable is place without its effect.
func (s *Scheduler) placeable(e *Entity, tried *CPUSet) bool {
	for c, o := range s.grants {
		if !e.terms.CPUs.Has(c) || tried.Has(c) {
			continue
		}
		tried.add(c)
		if o == nil || s.placeable(o, tried) {
			return true
		}
	}
	return false
}

// TestShortLived has a nice task make others that run for a tick each: together they get no
// more than one that goes on.
func TestShortLived(t *testing.T) {
	m := newBench(t, 1)
	hog := m.add("hog", Terms{})
	m.run(time.Second)
	m.reset()
	var short time.Duration
	for end := m.now + 20*time.Second; m.now < end; {
		r := m.add("short", Terms{Nice: 19})
		for r.used == 0 {
			m.run(tick)
		}
		r.asleep = true
		m.Leave(&r.Entity)
		short += r.used
		m.tasks = []*runner{hog}
	}
	if p := short * 100 / (short + hog.used); p > 5 {
		t.Errorf("short tasks of nice value 19 have %d percent", p)
	}
}

// TestRealTimeOnOneCPU has a real-time task and another that may only use the same of two
// CPUs: what is kept free of the one is the other's.
func TestRealTimeOnOneCPU(t *testing.T) {
	m := newBench(t, 2)
	m.add("urgent", Terms{Priority: 1, CPUs: AllCPUs(1)})
	b := m.add("b", Terms{CPUs: AllCPUs(1)})
	m.run(20 * time.Second)
	m.want(b, 4, 6)
}
