package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// traceID is what the tracer calls the task: its ID in the initial PID namespace.
func (t *Task) traceID() int { return int(t.pid.global()) }

// traceBirth records that the task exists, made by the task by, nil for the first.
func (t *Task) traceBirth(by *Task) {
	parent := 0
	if by != nil {
		parent = by.traceID()
	}
	id := t.traceID()
	trace.EmitWait(trace.Born, 0, id, uint64(parent), uint64(t.Group.pid.global()))
	trace.EmitName(id, t.Name())
}

// traceDeath records the task's end. The caller holds procs.
func (t *Task) traceDeath(process bool) {
	status, last := t.exitStatus, uint16(0)
	if t.Group.exiting {
		status = t.Group.exitStatus
	}
	if process {
		last = 1
	}
	trace.Emit(trace.Died, last, t.traceID(), uint64(status))
}

// traceFault repairs a fault, and records it.
func (t *Task) traceFault(trap *machine.Trap) error {
	began := wait.Now()
	err := t.Mem.Fault(user.Addr(trap.Addr), trap.Access)
	took := wait.Now() - began
	present := uint16(0)
	if trap.Present {
		present = 1
	}
	trace.EmitWait(trace.Faulted, present, t.traceID(), trap.Addr, uint64(trap.Access), errnoOf(err), uint64(took))
	return err
}

func errnoOf(err error) uint64 {
	if e, ok := err.(unix.Errno); ok {
		return uint64(e)
	}
	return 0
}

// traceSent records that a signal was sent to g, or to its thread to. The caller holds
// Group.mu.
func (g *Group) traceSent(info *abi.SigInfo, s signal) {
	to := g.pid.global()
	if s.to != nil {
		to = s.to.pid.global()
	}
	trace.Emit(trace.Sent, 0, trace.Running(), uint64(info.Signo()), uint64(to), uint64(uint32(info.Code())))
}

// traceTaken records that the task acts on a signal. The caller holds Group.mu.
func (t *Task) traceTaken(sig unix.Signal, info *abi.SigInfo, act *abi.SigAction) {
	trace.Emit(trace.Delivered, 0, t.traceID(), uint64(sig), uint64(uint32(info.Code())), act.Handler, info.Addr(), info.Value())
}
