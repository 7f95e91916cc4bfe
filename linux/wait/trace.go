package wait

import (
	"time"

	"kevlar/linux/trace"
)

// traceWake records that w's task is woken from a sleep.
func (w *Waiter) traceWake() {
	if id := w.ID.Load(); id != 0 && w.Asleep() != Awake {
		trace.Wakes(int(id))
	}
}

// traceSleep records that w's task goes to sleep; how is trace.Slept's aux.
func (w *Waiter) traceSleep(how uint16) {
	id := int(w.ID.Load())
	if id == 0 {
		return
	}
	if trace.On(trace.Wait) {
		trace.Emit(trace.Slept, how, id)
	}
	if trace.On(trace.Sched) {
		trace.Rests(id)
	}
}

// traceResume records that w's task goes on after a sleep.
func (w *Waiter) traceResume(began time.Duration) {
	id := int(w.ID.Load())
	if id == 0 {
		return
	}
	if trace.On(trace.Sched) {
		trace.Runs(id)
	}
	if trace.On(trace.Wait) {
		trace.Emit(trace.Resumed, 0, id, uint64(Now()-began))
	}
}
