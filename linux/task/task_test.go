package task

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/machine"
	"kevlar/machine/sim"
)

const stackTop = 0x7000_0000

// stack makes an address space with 64 KiB of stack.
func stack(t *testing.T, m machine.Machine) *mm.Space {
	t.Helper()
	s, err := mm.New(m)
	if err != nil {
		t.Fatal(err)
	}
	const size = 0x10000
	_, err = s.Mmap(mm.Request{
		Addr: stackTop - size, Length: size, Prot: unix.PROT_READ | unix.PROT_WRITE,
		Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// first makes the first task of a machine, with 64 KiB of stack.
func first(t *testing.T) *Task {
	k := &Kernel{Machine: sim.New(t, sim.Config{})}
	f := k.newFirst("init", 1000, nil)
	f.setMemory(stack(t, k.Machine))
	f.Regs.SetStackPtr(stackTop)
	return f
}

// fork makes a child process of p's, or a thread of it with CLONE_THREAD.
func fork(t *testing.T, p *Task, flags uint64) *Task {
	t.Helper()
	a := &CloneArgs{Flags: flags, ExitSignal: unix.SIGCHLD, id: p.Cred()}
	c := p.newThread(a)
	c.setMemory(p.Mem)
	if flags&unix.CLONE_THREAD != 0 {
		c.Group = p.Group
	} else {
		c.Group = p.newGroup(c, a)
	}
	if err := p.publish(c, a); err != nil {
		t.Fatal(err)
	}
	return c
}

// end does what the run loop does for a task that must end.
func end(t *testing.T, c *Task) {
	t.Helper()
	if !c.beforeUser() {
		t.Fatalf("task %d does not end", c.ID())
	}
	c.exitSignals()
	c.exitTree()
}

func exit(t *testing.T, c *Task, code int) {
	t.Helper()
	c.ExitGroup(code)
	end(t, c)
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func waitAny(t *testing.T, p *Task, options uint32) Waited {
	t.Helper()
	w, err := p.Wait(WaitFor{Any: true}, options)
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	return w
}

func TestForkExitWait(t *testing.T) {
	p := first(t)
	_, err := p.Wait(WaitFor{Any: true}, WEXITED)
	wantErr(t, "wait without children", err, unix.ECHILD)

	c := fork(t, p, 0)
	if p.ID() != 1 || c.ID() != 2 || c.Group.Parent() != p.Group {
		t.Errorf("IDs %d and %d", p.ID(), c.ID())
	}
	if w := waitAny(t, p, WEXITED|WNOHANG); w.ID != 0 {
		t.Errorf("a running child was waited for: %+v", w)
	}
	exit(t, c, 3)
	if w := waitAny(t, p, WEXITED|WNOWAIT); w.ID != 2 || w.Status != 0x300 || w.Code != abi.CLD_EXITED || w.Value != 3 {
		t.Errorf("waited %+v", w)
	}
	waitAny(t, p, WEXITED)
	if p.PIDNamespace().Group(2) != nil {
		t.Error("the ID is still in use after the wait")
	}
	_, err = p.Wait(WaitFor{Any: true}, WEXITED)
	wantErr(t, "second wait", err, unix.ECHILD)
}

func TestWaitSleepsUntilAChildEnds(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	done := make(chan Waited)
	go func() {
		w, _ := p.Wait(WaitFor{ID: 2}, WEXITED)
		done <- w
	}()
	exit(t, c, 1)
	if w := <-done; w.ID != 2 {
		t.Errorf("waited %+v", w)
	}
}

func TestIgnoredSIGCHLDReaps(t *testing.T) {
	p := first(t)
	p.SetAction(unix.SIGCHLD, &abi.SigAction{Handler: abi.SigIgnore})
	c := fork(t, p, 0)
	exit(t, c, 0)
	if p.PIDNamespace().Group(2) != nil {
		t.Error("a zombie is left")
	}
	_, err := p.Wait(WaitFor{Any: true}, WEXITED)
	wantErr(t, "wait", err, unix.ECHILD)
}

func TestOrphansGoToTheFirstProcess(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	gc := fork(t, c, 0)
	exit(t, c, 0)
	if gc.Group.Parent() != p.Group {
		t.Error("the orphan was not adopted")
	}
	exit(t, gc, 9)
	waitAny(t, p, WEXITED)
	if w := waitAny(t, p, WEXITED); w.ID != gc.ID() && w.Status != 0x900 {
		t.Errorf("waited %+v", w)
	}
}

func TestKillEndsAllThreads(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	th := fork(t, c, unix.CLONE_THREAD|unix.CLONE_SIGHAND|unix.CLONE_VM)
	if th.Group != c.Group || th.ID() != 3 {
		t.Fatalf("thread %d", th.ID())
	}
	wantErr(t, "kill", p.Kill(c.ID(), unix.SIGTERM), nil)
	end(t, c)
	if w := waitAny(t, p, WEXITED|WNOHANG); w.ID != 0 {
		t.Errorf("a process with a living thread was waited for: %+v", w)
	}
	end(t, th)
	if w := waitAny(t, p, WEXITED); w.Status != WaitStatus(unix.SIGTERM) || w.Code != abi.CLD_KILLED {
		t.Errorf("waited %+v", w)
	}
}

func TestFirstProcessIsProtected(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL, unix.SIGSTOP} {
		wantErr(t, "kill", c.Kill(1, sig), nil)
		if p.beforeUser() {
			t.Fatalf("%v ended the first process", sig)
		}
	}
	wantErr(t, "kill of nobody", c.Kill(99, 0), unix.ESRCH)
	wantErr(t, "bad signal", c.Kill(1, 65), unix.EINVAL)
}

func TestStopAndContinue(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	p.Kill(2, unix.SIGSTOP)
	ended := make(chan bool)
	go func() { ended <- c.beforeUser() }()
	if w := waitAny(t, p, WSTOPPED); w.Status != WaitStatus(unix.SIGSTOP)<<8|0x7f {
		t.Errorf("waited %+v", w)
	}
	if w := waitAny(t, p, WSTOPPED|WNOHANG); w.ID != 0 {
		t.Errorf("a stop was reported twice")
	}
	p.Waiter.ClearInterrupt()
	p.Kill(2, unix.SIGCONT)
	if w := waitAny(t, p, WCONTINUED); w.Status != 0xffff {
		t.Errorf("waited %+v", w)
	}
	if <-ended {
		t.Error("the process ended")
	}
	p.Kill(2, unix.SIGSTOP)
	go func() { ended <- c.beforeUser() }()
	waitAny(t, p, WSTOPPED)
	p.Kill(2, unix.SIGKILL)
	if !<-ended {
		t.Error("SIGKILL did not end a stopped process")
	}
}

func TestHandlerAndReturn(t *testing.T) {
	p := first(t)
	const handler = 0x4000
	p.SetAction(unix.SIGUSR1, &abi.SigAction{Handler: handler, Flags: abi.SA_SIGINFO | abi.SA_RESTORER, Restorer: 0x5000,
		Mask: abi.SigMask(unix.SIGUSR2)})
	p.SetBlocked(abi.SigMask(unix.SIGHUP))
	p.Regs.SetPC(0x1234)
	p.Regs.SetTLS(0x77)
	p.KillThread(1, 1, unix.SIGUSR1)
	if p.beforeUser() || p.Regs.PC() != handler {
		t.Fatalf("PC %#x", p.Regs.PC())
	}
	if want := abi.SigMask(unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2); p.Blocked() != want {
		t.Errorf("blocked %#x, want %#x", p.Blocked(), want)
	}
	if abi.RedZone != 0 {
		p.Regs.SetStackPtr(p.Regs.StackPtr() + 8) // the handler's RET
	}
	p.SignalReturn()
	if p.Regs.PC() != 0x1234 || p.Regs.StackPtr() != stackTop || p.Blocked() != abi.SigMask(unix.SIGHUP) {
		t.Errorf("after the return: PC %#x, SP %#x, blocked %#x", p.Regs.PC(), p.Regs.StackPtr(), p.Blocked())
	}
}

// A handler whose frame has no room ends the process with SIGSEGV.
func TestNoRoomForFrame(t *testing.T) {
	p := first(t)
	c := fork(t, p, 0)
	c.SetAction(unix.SIGUSR1, &abi.SigAction{Handler: 0x4000, Flags: abi.SA_RESTORER})
	c.Regs.SetStackPtr(0x1000)
	p.Kill(2, unix.SIGUSR1)
	end(t, c)
	if w := waitAny(t, p, WEXITED); w.Status != WaitStatus(unix.SIGSEGV) {
		t.Errorf("waited %+v", w)
	}
}

func TestRestart(t *testing.T) {
	const pc = 0x1002
	for _, c := range []struct {
		err     error
		flags   uint64
		handled bool
		restart bool
	}{
		{abi.ERESTARTSYS, 0, false, true},
		{abi.ERESTARTSYS, 0, true, false},
		{abi.ERESTARTSYS, abi.SA_RESTART, true, true},
		{abi.ERESTARTNOHAND, abi.SA_RESTART, true, false},
		{abi.ERESTARTNOHAND, 0, false, true},
		{abi.ERESTARTNOINTR, 0, true, true},
		{abi.ERESTART_RESTARTBLOCK, abi.SA_RESTART, true, false},
	} {
		p := first(t)
		p.Regs.SetPC(pc)
		p.interrupted = c.err
		var act *abi.SigAction
		if c.handled {
			act = &abi.SigAction{Flags: c.flags}
		}
		p.finishCall(act)
		if restarted := p.Regs.PC() != pc; restarted != c.restart {
			t.Errorf("%v, flags %#x, handler %v: restarted %v", c.err, c.flags, c.handled, restarted)
		} else if !restarted && p.Regs.Return() != errnoResult(unix.EINTR) {
			t.Errorf("%v: result %#x", c.err, p.Regs.Return())
		}
	}
}

func TestRealtimeSignalsQueueAndStandardOnesDoNot(t *testing.T) {
	p := first(t)
	p.SetBlocked(^abi.SigSet(0))
	const rt = unix.Signal(abi.RTMin + 2)
	for v := range uint64(3) {
		info := abi.Kill(rt, abi.SI_QUEUE, 1, 0)
		info.SetValue(v)
		wantErr(t, "queue", p.Queue(1, rt, info), nil)
		p.Kill(1, unix.SIGUSR1)
	}
	p.Group.mu.Lock()
	defer p.Group.mu.Unlock()
	var info abi.SigInfo
	if sig := p.dequeue(^abi.SigSet(0), &info); sig != unix.SIGUSR1 {
		t.Errorf("first %v", sig)
	}
	for v := range uint64(3) {
		if sig := p.dequeue(^abi.SigSet(0), &info); sig != rt || info.Value() != v {
			t.Errorf("took %v with %d, want %d", sig, info.Value(), v)
		}
	}
	if sig := p.dequeue(^abi.SigSet(0), &info); sig != 0 {
		t.Errorf("%v is left", sig)
	}
}

func TestQueueLimit(t *testing.T) {
	p := first(t)
	p.SetBlocked(^abi.SigSet(0))
	p.Group.Limits(p, unix.RLIMIT_SIGPENDING, &unix.Rlimit{Cur: 1, Max: 1})
	const rt = unix.Signal(abi.RTMin)
	info := abi.Kill(rt, abi.SI_QUEUE, 1, 0)
	wantErr(t, "first", p.Queue(1, rt, info), nil)
	wantErr(t, "second", p.Queue(1, rt, info), unix.EAGAIN)
	wantErr(t, "kill", p.Kill(1, rt), nil)
}

func TestSessionsAndJobs(t *testing.T) {
	p := first(t)
	_, err := p.Setsid()
	wantErr(t, "setsid of a leader", err, unix.EPERM)
	c := fork(t, p, 0)
	d := fork(t, p, 0)
	wantErr(t, "own job", p.Setpgid(c.ID(), 0), nil)
	wantErr(t, "join", d.Setpgid(0, c.ID()), nil)
	if id, err := p.Getpgid(d.ID()); id != c.ID() || err != nil {
		t.Errorf("getpgid %d, %v", id, err)
	}
	wantErr(t, "no such job", d.Setpgid(0, 77), unix.EPERM)
	wantErr(t, "nobody", p.Setpgid(77, 0), unix.ESRCH)
	wantErr(t, "negative", p.Setpgid(0, -1), unix.EINVAL)
	_, err = c.Setsid()
	wantErr(t, "setsid of a job's leader", err, unix.EPERM)
	if id, err := d.Setsid(); id != d.ID() || err != nil {
		t.Errorf("setsid %d, %v", id, err)
	}
	wantErr(t, "a session's leader", d.Setpgid(0, 0), unix.EPERM)
	wantErr(t, "another session", p.Setpgid(d.ID(), 0), unix.EPERM)
}

func TestTerminalJobs(t *testing.T) {
	p := first(t)
	shell := fork(t, p, 0)
	shell.Setsid()
	job := fork(t, shell, 0)
	job.Setpgid(0, 0)
	var tt Terminal
	wantErr(t, "acquire", tt.Acquire(job, false), unix.EPERM)
	wantErr(t, "acquire", tt.Acquire(shell, false), nil)
	wantErr(t, "foreground", tt.Background(shell, unix.SIGTTIN), nil)
	wantErr(t, "background", tt.Background(job, unix.SIGTTIN), abi.ERESTARTSYS)
	if job.Group.shared.set != abi.SigMask(unix.SIGTTIN) {
		t.Errorf("pending %#x", job.Group.shared.set)
	}
	job.SetBlocked(abi.SigMask(unix.SIGTTIN, unix.SIGTTOU))
	wantErr(t, "blocked SIGTTIN", tt.Background(job, unix.SIGTTIN), unix.EIO)
	wantErr(t, "blocked SIGTTOU", tt.Background(job, unix.SIGTTOU), nil)
	wantErr(t, "tcsetpgrp", tt.SetForeground(shell, job.ID()), nil)
	wantErr(t, "tcsetpgrp to nobody", tt.SetForeground(shell, 77), unix.ESRCH)
	if id, err := tt.Foreground(shell, false); id != job.ID() || err != nil {
		t.Errorf("foreground %d, %v", id, err)
	}
	_, err := tt.Foreground(p, false)
	wantErr(t, "another session", err, unix.ENOTTY)
	exit(t, shell, 0)
	if set := job.Group.shared.set; !set.Has(unix.SIGHUP) {
		t.Errorf("after the session's leader ended: pending %#x", set)
	}
	if job.Terminal() != nil {
		t.Error("the session still has a terminal")
	}
}

func TestPIDNamespace(t *testing.T) {
	p := first(t)
	ns, err := p.PIDNamespace().newBelow(cred.Root())
	if err != nil {
		t.Fatal(err)
	}
	p.childNS = ns
	c := fork(t, p, 0)
	if c.ID() != 1 || c.IDIn(p.PIDNamespace()) != 2 || p.IDIn(ns) != 0 {
		t.Errorf("IDs %d, %d, %d", c.ID(), c.IDIn(p.PIDNamespace()), p.IDIn(ns))
	}
	wantErr(t, "from inside", c.Kill(1, unix.SIGTERM), nil)
	if c.beforeUser() {
		t.Fatal("the namespace's first process was killed from inside")
	}
	gc := fork(t, c, 0)
	wantErr(t, "from outside", p.Kill(2, unix.SIGKILL), nil)
	end(t, c)
	if !gc.beforeUser() {
		t.Error("a process outlives its namespace's first")
	}
	if w := waitAny(t, p, WEXITED); w.ID != 2 || w.Status != WaitStatus(unix.SIGKILL) {
		t.Errorf("waited %+v", w)
	}
}

// runProgram runs a program as a child of the first task, with system calls done by
// dispatch, and returns how it ended.
func runProgram(t *testing.T, dispatch func(*Task) (uint64, error), program func(u *sim.User)) (Waited, *Kernel) {
	p := first(t)
	p.Kernel.Dispatch = func(c *Task) (uint64, error) {
		switch c.Call.Number {
		case unix.SYS_EXIT_GROUP:
			c.ExitGroup(int(c.Call.Args[0]))
			return 0, nil
		case unix.SYS_RT_SIGRETURN:
			return c.SignalReturn()
		}
		return dispatch(c)
	}
	c := fork(t, p, 0)
	c.setMemory(stack(t, p.Kernel.Machine))
	c.Regs.SetPC(sim.Program(program))
	go c.run()
	w := waitAny(t, p, WEXITED)
	return w, p.Kernel
}

func TestRunSystemCalls(t *testing.T) {
	dispatch := func(c *Task) (uint64, error) {
		if c.Call.Number == unix.SYS_GETPID {
			return uint64(c.Group.ID()), nil
		}
		return 0, unix.ENOSYS
	}
	w, _ := runProgram(t, dispatch, func(u *sim.User) {
		u.Expect(unix.ENOSYS, unix.SYS_GETUID)
		u.Exit(int(u.Must(unix.SYS_GETPID)) + 40)
	})
	if w.Status != Exited(42) {
		t.Errorf("ended with %#x", w.Status)
	}
}

func TestRunHandler(t *testing.T) {
	handled := false
	handler := sim.Handler(func(u *sim.User, sig int, info, context uint64) { handled = sig == int(unix.SIGUSR1) })
	dispatch := func(c *Task) (uint64, error) {
		c.SetAction(unix.SIGUSR1, &abi.SigAction{Handler: handler, Flags: abi.SA_RESTORER})
		c.Signal(unix.SIGUSR1)
		return 7, nil
	}
	w, _ := runProgram(t, dispatch, func(u *sim.User) { u.Exit(int(u.Must(unix.SYS_GETPID))) })
	if !handled || w.Status != Exited(7) {
		t.Errorf("handled %v, ended with %#x", handled, w.Status)
	}
}

func TestRunFaultAndException(t *testing.T) {
	w, _ := runProgram(t, nil, func(u *sim.User) { u.Load8(0x1000) })
	if w.Status != WaitStatus(unix.SIGSEGV) {
		t.Errorf("fault: ended with %#x", w.Status)
	}
	w, _ = runProgram(t, nil, func(u *sim.User) { u.Raise(machine.IllegalOp, 0) })
	if w.Status != WaitStatus(unix.SIGILL) {
		t.Errorf("exception: ended with %#x", w.Status)
	}
}

// A bug in a system call kills its task, is logged with its stack, and is counted.
func TestPanicKillsTheTask(t *testing.T) {
	w, k := runProgram(t, func(*Task) (uint64, error) { panic("a bug") }, func(u *sim.User) { u.Syscall(unix.SYS_GETPID) })
	if w.Status != WaitStatus(unix.SIGKILL) || k.Panics.Load() != 1 {
		t.Errorf("ended with %#x, %d panics", w.Status, k.Panics.Load())
	}
}
