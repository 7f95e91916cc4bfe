package task

import (
	"context"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/mm"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/machine"
)

// setMemory gives the task its address space. Only itself, or its maker, calls this.
func (t *Task) setMemory(m *mm.Space) { t.Mem, t.space = m, m.Hardware() }

// run is the life of a task: its goroutine.
func (t *Task) run() {
	t.label()
	t.beginTime()
	if trace.On(trace.Sched) {
		trace.Runs(t.traceID())
	}
	for !t.loop() {
	}
}

// label names the goroutine after its task, in tracebacks and profiles.
func (t *Task) label() {
	_, thread := t.IDs()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("task", strconv.Itoa(thread))))
}

// loop runs the task until it ends, or until a Go panic, which it turns into the
// task's end: loop is then called again and finds that it must end.
func (t *Task) loop() (ended bool) {
	finished := false
	defer func() {
		if !finished {
			t.panicked(recover())
		}
	}()
	m, dispatch := t.Kernel.Machine, t.Kernel.Dispatch
	for {
		if t.Regs.KernelTicks != t.kernelTicks {
			t.checkCPU()
		}
		if (t.waiter.Interrupted() || t.interrupted != nil || t.hasSaved) && t.beforeUser() {
			t.end()
			finished = true
			return true
		}
		m.Enter(t.Regs, t.space, &t.trap)
		switch t.trap.Kind {
		case machine.Syscall:
			// The system call that the registers hold.
			t.Call.Number = uint64(uint32(t.Regs.Syscall(&t.Call.Args))) // the upper half means nothing
			if t.callWork.Load() != 0 && !t.workCall() {
				break
			}
			v, err := dispatch(t)
			if err != nil {
				v = t.failed(err.(unix.Errno))
			}
			t.Regs.SetReturn(v)
		case machine.Fault:
			t.fault(&t.trap)
			t.leaveSection()
		case machine.Interrupt:
			if trace.On(trace.IRQ) {
				trace.Emit(trace.Interrupt, 0, t.traceID())
			}
			t.tick()
			t.checkCPU()
			if trace.On(trace.Sched) {
				trace.Runs(t.traceID())
			}
			t.settle()
			t.leaveSection()
		case machine.Exception:
			t.exception(&t.trap)
		}
	}
}

// end is the last thing that a task does.
func (t *Task) end() {
	if trace.On(trace.Sched) {
		defer trace.Rests(t.traceID())
	}
	t.ptraceExiting()
	t.exitSignals()
	t.withdraw()
	t.accountTime()
	t.releaseFutexes()
	t.futexes.waiter.Die(false) // before set_tid_address's word tells that the thread is gone
	t.letGo()
	t.exitTree()
}

// failed is what a program gets from a system call that failed with e.
func (t *Task) failed(e unix.Errno) uint64 {
	if e >= abi.ERESTARTSYS {
		t.interrupted = e
		e = unix.EINTR
	}
	return errnoResult(e)
}

func (t *Task) fault(trap *machine.Trap) {
	t.times.minor.Add(1)
	var err error
	if trace.On(trace.Faults) {
		err = t.traceFault(trap)
	} else {
		err = t.Mem.Fault(user.Addr(trap.Addr), trap.Access)
	}
	if err == nil {
		return
	}
	t.trapCode, t.trapAddr = trap.Code, trap.Addr
	addr := user.Addr(trap.Addr)
	switch err {
	case unix.EACCES:
		t.trapSignal(unix.SIGSEGV, abi.SEGV_ACCERR, addr)
	case unix.ENXIO, unix.EIO:
		t.trapSignal(unix.SIGBUS, abi.BUS_ADRERR, addr)
	case unix.ENOMEM:
		t.log("out of memory: killed")
		t.Kill(t.Group.ID(), unix.SIGKILL)
	default:
		t.trapSignal(unix.SIGSEGV, abi.SEGV_MAPERR, addr)
	}
}

// exceptions says which signal an exception is.
var exceptions = map[machine.ExceptionKind]struct {
	sig  unix.Signal
	code int32
}{
	machine.IllegalOp:        {unix.SIGILL, abi.IllegalCode},
	machine.UnknownException: {unix.SIGILL, abi.ILL_ILLOPC},
	machine.Breakpoint:       {unix.SIGTRAP, abi.BreakpointCode},
	machine.SingleStep:       {unix.SIGTRAP, abi.TRAP_TRACE},
	machine.DivideByZero:     {unix.SIGFPE, abi.FPE_INTDIV},
	machine.FloatingPoint:    {unix.SIGFPE, abi.FPE_FLTUNK},
	machine.Overflow:         {unix.SIGSEGV, abi.SI_KERNEL},
	machine.Protection:       {unix.SIGSEGV, abi.SI_KERNEL},
	machine.Misaligned:       {unix.SIGBUS, abi.BUS_ADRALN},
	machine.BadPC:            {unix.SIGBUS, abi.BUS_ADRALN},
}

func (t *Task) exception(trap *machine.Trap) {
	t.trapCode, t.trapAddr = trap.Code, trap.Addr
	e := exceptions[trap.Exception]
	t.trapSignal(e.sig, e.code, user.Addr(trap.Addr))
}

// panicked is the end of a task whose system call panicked: the kernel's bug must be
// seen, and must not take the others down. p is nil where the goroutine ends because
// the machine has stopped.
func (t *Task) panicked(p any) {
	if p == nil {
		return
	}
	t.Kernel.Panics.Add(1)
	if f := t.Kernel.Panicked; f != nil {
		f(t, p)
	} else if t.Kernel.Log != nil {
		t.Kernel.Log(0, t.describe()+": panic: "+describePanic(p)+"\n"+string(debug.Stack()))
	}
	g := t.Group
	if !tryLock(&g.mu) {
		panic(p) // it has panicked with the lock held
	}
	defer g.mu.Unlock()
	if t.exiting {
		panic(p) // in its end: nothing sound is left to do with the task
	}
	g.beginExit(WaitStatus(unix.SIGKILL))
	t.attention()
}

// tryLock locks mu unless its holder does not let go of it for so long that it never will.
func tryLock(mu *sync.Mutex) bool {
	for range 1000 {
		if mu.TryLock() {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}
