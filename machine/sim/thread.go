package sim

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/machine"
)

// thread is what the machine keeps for one Regs: a stack of coroutines, of which the
// top one runs. Whoever is in Enter with the Regs owns it; m.mu guards frames against
// those who end abandoned threads.
type thread struct {
	m      *Machine
	regs   *machine.Regs
	space  *machine.Space
	tlb    *tlb
	frames []*frame
	kicked atomic.Bool
	kick   chan struct{} // has a token after a Kick, for Spin
	left   time.Time     // when Enter returned last
}

// frame is one coroutine. Between a send on trap and a receive from resume its
// goroutine waits, and the kernel owns the registers.
type frame struct {
	th      *thread
	prog    *program
	pc, sp  uint64 // what the registers said at the last trap
	call    bool   // the last trap was a system call: it can be restarted
	ending  bool   // the last trap was rt_sigreturn: the coroutine is done
	resume  chan struct{}
	trap    chan machine.Trap
	dead    chan struct{} // closed to end the coroutine
	exiting bool          // the goroutine ends after this trap
}

// kill ends all coroutines. The caller holds m.mu.
func (th *thread) kill() {
	for _, f := range th.frames {
		close(f.dead)
	}
	th.frames = nil
}

// enter resumes the coroutine that the registers name. exited reports that the
// thread will not be entered again.
func (th *thread) enter() (trap machine.Trap, exited bool) {
	f, begin := th.pick()
	switch {
	case f == nil:
		return machine.Trap{Kind: machine.Fault, Access: machine.Execute, Addr: th.regs.PC()}, false
	case begin:
		go f.main()
	case f.call && th.regs.PC() != f.pc:
		th.regs.SetPC(f.pc) // the system call again, with the registers as the kernel left them
		return machine.Trap{Kind: machine.Syscall}, false
	default:
		f.resume <- struct{}{}
	}
	trap = <-f.trap
	return trap, f.exiting
}

// pick finds the coroutine that goes on with the registers as they are, or makes one.
func (th *thread) pick() (f *frame, begin bool) {
	pc, sp := th.regs.PC(), th.regs.StackPtr()
	th.m.mu.Lock()
	defer th.m.mu.Unlock()
	for n := len(th.frames); n > 0; n-- {
		f = th.frames[n-1]
		if sp == f.sp && (pc == f.pc || f.call && pc == f.pc-syscallSize) && !f.ending {
			return f, false
		}
		if !f.ending {
			break
		}
		close(f.dead)
		th.frames = th.frames[:n-1]
	}
	p := programAt(pc)
	if p == nil {
		return nil, false
	}
	f = &frame{th: th, prog: p, resume: make(chan struct{}), trap: make(chan machine.Trap), dead: make(chan struct{})}
	th.frames = append(th.frames, f)
	return f, true
}

// main is the coroutine's goroutine.
func (f *frame) main() {
	u := &User{f: f}
	returned := false
	defer func() {
		if returned {
			return
		}
		// A panic, or Goexit: by FailNow, or since the coroutine was ended.
		p := recover()
		select {
		case <-f.dead:
			return
		default:
		}
		if f.exiting {
			return
		}
		if p != nil {
			f.th.m.tb.Errorf("sim: a program panicked: %v\n%s", p, debug.Stack())
		}
		u.exit(unix.SYS_EXIT_GROUP, 1)
	}()
	switch f.prog.kind {
	case handler:
		a := funcArgs(f.th.regs)
		f.prog.sig(u, int(int32(a[0])), a[1], a[2])
		popReturn(f.th.regs)
		f.ending = true
		u.Syscall(unix.SYS_RT_SIGRETURN)
		panic("sim: a signal handler went on after rt_sigreturn")
	case thread_:
		f.prog.run(u)
		returned = true
		u.exit(unix.SYS_EXIT, 0)
	default:
		f.prog.run(u)
		returned = true
		u.exit(unix.SYS_EXIT_GROUP, 0)
	}
}

// stop hands the trap to Enter and waits to be resumed. pc is what the program
// counter becomes. The stack pointer is the kernel's business.
func (f *frame) stop(t machine.Trap, pc uint64) {
	f.pc, f.sp, f.call = pc, f.th.regs.StackPtr(), t.Kind == machine.Syscall
	f.th.regs.SetPC(pc)
	select {
	case f.trap <- t:
	case <-f.dead:
		runtime.Goexit()
	}
	if f.exiting {
		return
	}
	select {
	case <-f.resume:
	case <-f.dead:
		runtime.Goexit()
	}
}

// checkKick lets a Kick through.
func (f *frame) checkKick() {
	if f.th.kicked.Swap(false) {
		f.stop(machine.Trap{Kind: machine.Interrupt}, f.prog.addr+pcRunning)
	}
}
