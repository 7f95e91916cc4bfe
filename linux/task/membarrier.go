package task

import (
	"runtime"
	"time"

	"kevlar/linux/wait"
)

// Barriers are the kinds of barriers that a process has registered for: membarrier(2). They
// are bits of MEMBARRIER_CMD_REGISTER_.
func (g *Group) Barriers() uint32 { return g.groupAttributes.barriers.Load() }

// RegisterBarrier adds to them.
func (g *Group) RegisterBarrier(bits uint32) { g.groupAttributes.barriers.Or(bits) }

// Barrier returns once every other running thread of t's process, or with all of the
// machine, has passed a memory barrier since it was called.
func (t *Task) Barrier(all bool) {
	if t.Kernel.Machine.NumCPU() == 1 {
		return // to run another thread is a barrier
	}
	t.attributes.inBarrier.Store(true)
	defer t.attributes.inBarrier.Store(false)
	threads := t.Group.Threads()
	if all {
		threads = t.Kernel.All()
	}
	counts := make([]int64, len(threads))
	for i, o := range threads {
		counts[i] = o.times.preempted.Load()
		o.Kernel.Machine.Kick(o.Regs)
	}
	for i, o := range threads {
		for n := 0; o != t && o.times.preempted.Load() == counts[i] && !o.inKernel(); n++ {
			if n < 100 {
				runtime.Gosched()
			} else {
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
}

// inKernel reports whether the thread was in the kernel at some time during the call,
// though it may be running there.
func (t *Task) inKernel() bool {
	if t.Waiter.Asleep() != wait.Awake || t.attributes.inBarrier.Load() {
		return true
	}
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	return t.exiting || t.gone || t.stopped
}
