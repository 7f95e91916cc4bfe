package nk

import "math/bits"

// sched is the scheduler's state. lock guards it and every Thread that is not
// being resumed.
var sched struct {
	lock      spinlock
	ready     queue
	free      queue
	idle      uint64 // bit per CPU that halts and has not been sent a kick
	irqWaiter uint16 // slot of the Thread in WaitIRQ
	timers    [maxThreads]uint16
	ntimers   int
}

// tick is how long a CPU runs before it looks around: what is ready gets its turn,
// and user code comes back to Go.
const tick = 4_000_000 // ns

// begin and end bracket each entry to the nanokernel that may schedule. Between
// them the context of the interrupted Thread is saved, so that another CPU may
// resume it as soon as end has let go of the lock.
func (c *CPU) begin() { sched.lock.lock() }

func (c *CPU) end() {
	if t := c.thread(); t.state != stateRunning || c.resched || c.isIdle() && sched.ready.head != 0 {
		c.schedule()
	}
	if c.isIdle() {
		sched.idle |= 1 << c.id
		c.ticked = 0
	}
	c.arm()
	if t := c.thread(); t.pending&^t.sigmask != 0 {
		t.deliver()
	}
	sched.lock.unlock()
}

// schedule makes the next ready Thread current; one that could go on goes to the
// back of the queue.
func (c *CPU) schedule() {
	c.resched = false
	t := sched.ready.popFor(c.id)
	old := c.thread()
	if old.state == stateRunning && !c.isIdle() {
		if t == nil {
			return
		}
		old.state = stateReady
		sched.ready.push(old)
	}
	if t == nil {
		t = &c.idle
	} else {
		sched.idle &^= 1 << c.id
		t.cpu = c.id
	}
	t.state = stateRunning
	if t != old {
		stats.switches++
	}
	c.setThread(t)
}

// wake makes a blocked Thread ready with the result of its system call, and finds
// it a CPU that is idle.
func (c *CPU) wake(t *Thread, result uint64) {
	c.unblock(t, result)
	sched.ready.push(t)
	c.kickIdle()
}

// wakeNow is wake for what an interrupt brought about: the Thread runs next.
func (c *CPU) wakeNow(t *Thread, result uint64) {
	c.unblock(t, result)
	sched.ready.pushFront(t)
	if !c.isIdle() && !c.kickIdle() {
		c.resched = true
	}
}

func (c *CPU) unblock(t *Thread, result uint64) {
	switch t.wait {
	case waitFutex:
		bucket(t.addr).remove(t)
	case waitEpoll:
		epollWaiters.remove(t)
	case waitIRQ:
		sched.irqWaiter = 0
	}
	t.wait = waitNothing
	if t.timer != 0 {
		removeTimer(t)
	}
	t.setResult(result)
	t.state = stateReady
}

// kickIdle sends one idle CPU to look at the ready queue.
func (c *CPU) kickIdle() bool {
	others := sched.idle &^ (1 << c.id)
	if others == 0 {
		return false
	}
	id := bits.TrailingZeros64(others)
	sched.idle &^= 1 << uint(id)
	sendIPI(&cpus[id%maxCPUs], ipiKick)
	return true
}

// move has t, which runs, go on on CPU id.
func (c *CPU) move(t *Thread, id uint32) {
	if id == c.id || id >= uint32(ncpu) {
		return
	}
	t.only = id + 1
	t.state = stateReady
	sched.ready.pushFront(t)
	o := &cpus[id%maxCPUs]
	o.resched = true
	sched.idle &^= 1 << id
	sendIPI(o, ipiKick)
}

// block stops t until wake or, where deadline is not 0, until then.
func (c *CPU) block(t *Thread, kind waitKind, deadline int64) {
	t.state = stateBlocked
	t.wait = kind
	if deadline != 0 {
		t.deadline = deadline
		addTimer(t)
	}
}

// expire wakes every Thread whose deadline has passed.
func (c *CPU) expire() {
	t := now()
	for sched.ntimers > 0 {
		w := at(sched.timers[0])
		if w.deadline > t {
			return
		}
		c.wakeNow(w, timeoutResult(w))
	}
}

// arm sets the CPU's timer: to the first deadline, and on a busy CPU to the next
// tick. Whoever adds the earliest deadline passes here, so one CPU at least
// wakes for it.
func (c *CPU) arm() {
	want := int64(0)
	if sched.ntimers > 0 {
		want = at(sched.timers[0]).deadline
	}
	if !c.isIdle() {
		if c.armed != 0 && (want == 0 || c.armed <= want) {
			return // a tick or an earlier deadline is on its way
		}
		c.from = now()
		t := c.from + tick
		if profile.on {
			t = c.from + profileTick
		}
		if want == 0 || t < want {
			want = t
		}
	}
	if want != c.armed {
		c.armed = want
		armTimer(want)
	}
}

// onTimer serves the timer interrupt.
func (c *CPU) onTimer(fromUser bool) {
	stats.ticks++
	if !fromUser && !c.isIdle() {
		c.ticked = 1
	}
	c.account()
	if profile.on {
		c.sample(fromUser)
	}
	c.armed = 0
	c.expire()
	if sched.ready.head != 0 {
		c.resched = true
	}
}

// The timers are a binary heap of slots, the earliest deadline first.

func addTimer(t *Thread) {
	i := sched.ntimers
	sched.ntimers++
	placeTimer(i, t)
	timerUp(i)
}

func removeTimer(t *Thread) {
	i := int(t.timer) - 1
	t.timer = 0
	sched.ntimers--
	if i == sched.ntimers {
		return
	}
	last := at(sched.timers[sched.ntimers])
	placeTimer(i, last)
	timerUp(i)
	timerDown(int(last.timer) - 1)
}

func placeTimer(i int, t *Thread) {
	sched.timers[i%maxThreads] = t.slot
	t.timer = uint16(i + 1)
}

func timerAt(i int) *Thread { return at(sched.timers[i%maxThreads]) }

func timerUp(i int) {
	for i > 0 {
		up := (i - 1) / 2
		t, p := timerAt(i), timerAt(up)
		if p.deadline <= t.deadline {
			return
		}
		placeTimer(i, p)
		placeTimer(up, t)
		i = up
	}
}

func timerDown(i int) {
	for {
		k := 2*i + 1
		if k >= sched.ntimers {
			return
		}
		if k+1 < sched.ntimers && timerAt(k+1).deadline < timerAt(k).deadline {
			k++
		}
		t, d := timerAt(i), timerAt(k)
		if t.deadline <= d.deadline {
			return
		}
		placeTimer(i, d)
		placeTimer(k, t)
		i = k
	}
}
