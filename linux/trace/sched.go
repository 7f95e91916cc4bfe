package trace

import "sync/atomic"

// cpus knows which task each CPU runs, as far as its tasks have told: the kernel's
// goroutines have no place in it.
type cpus []atomic.Uint32

// Runs notes that a task runs on the calling CPU: it is called where that may have
// changed, in the beginning, after a sleep and after an interrupt.
func Runs(task int) {
	t := active.Load()
	if t == nil {
		return
	}
	cpu := t.CPU() % len(t.running)
	before := t.running[cpu].Swap(uint32(task))
	if before == uint32(task) {
		return
	}
	for i := range t.running {
		// It may have moved while it was in the kernel.
		if i != cpu && t.running[i].CompareAndSwap(uint32(task), 0) {
			t.switched(i, 0, uint32(task))
		}
	}
	t.switched(cpu, uint32(task), before)
}

// Rests notes that a task gives up its CPU.
func Rests(task int) {
	t := active.Load()
	if t == nil {
		return
	}
	for i := range t.running {
		if t.running[i].CompareAndSwap(uint32(task), 0) {
			t.switched(i, 0, uint32(task))
		}
	}
}

// Running is the task that the calling CPU runs, 0 where that is not known.
func Running() int {
	if t := active.Load(); t != nil {
		return int(t.running[t.CPU()%len(t.running)].Load())
	}
	return 0
}

// Wakes records that task is woken, by the task that the calling CPU runs.
func Wakes(task int) {
	t := active.Load()
	if t == nil {
		return
	}
	by := Running()
	if by != task {
		Emit(Woken, 0, task, uint64(by))
	}
}

func (t *tracer) switched(cpu int, to, from uint32) {
	if !t.putOn(cpu, Switched, 0, to, []uint64{uint64(from)}) {
		t.drop()
	}
}
