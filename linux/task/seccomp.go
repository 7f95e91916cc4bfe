package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/seccomp"
)

// Seccomp is how the task's system calls are restricted; nil for not at all.
func (t *Task) Seccomp() *seccomp.State { return t.attributes.seccomp.Load() }

func (t *Task) setSeccomp(s *seccomp.State) {
	t.attributes.seccomp.Store(s)
	if s != nil {
		t.callWork.Or(workSeccomp)
	}
}

// RestrictStrict is SECCOMP_SET_MODE_STRICT.
func (t *Task) RestrictStrict() error {
	s, err := t.Seccomp().NewStrict()
	if err == nil {
		t.setSeccomp(s)
	}
	return err
}

// Restrict is SECCOMP_SET_MODE_FILTER. With all, the filter is for every thread of the
// process (SECCOMP_FILTER_FLAG_TSYNC): then the result is the ID of one that has other
// filters than the caller, and nothing is changed.
func (t *Task) Restrict(prog []seccomp.Insn, all bool) (ID, error) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	old := t.Seccomp()
	n, err := old.New(prog)
	if err != nil {
		return 0, err
	}
	if !all {
		t.setSeccomp(n)
		return 0, nil
	}
	for o := g.threads; o != nil; o = o.next {
		if !o.exiting && !old.Above(o.Seccomp()) {
			return o.pid.local(), nil
		}
	}
	for o := g.threads; o != nil; o = o.next {
		o.setSeccomp(n)
		if c := o.Cred(); t.Cred().NoNewPrivs && !c.NoNewPrivs {
			c = c.Copy()
			c.NoNewPrivs = true
			o.cred.Store(c)
		}
	}
	return 0, nil
}

// sysSeccomp is SYS_SECCOMP, why there is a SIGSYS.
const sysSeccomp = 1

// mayCall asks the task's filters about the system call in t.Call. Where it must not be
// made, what is to happen instead has happened.
func (t *Task) mayCall(s *seccomp.State) bool {
	nr := t.Call.Number
	if s.Mode() == seccomp.Strict {
		if strictCalls[nr] {
			return true
		}
		t.endThread(unix.SIGKILL)
		return false
	}
	d := seccomp.NewData(uint32(nr), abi.AuditArch, t.Regs.PC(), t.Call.Args)
	action, data := s.Check(&d)
	if action == seccomp.Trace {
		return t.ptraceFilter(s, data)
	}
	return t.act(action, data)
}

// act does what a filter says about the system call in t.Call, and reports whether it is to
// be made.
func (t *Task) act(action uint32, data uint16) bool {
	nr := t.Call.Number
	switch action {
	case seccomp.Allow:
		return true
	case seccomp.Log:
		t.Log(5, t.describe()+": seccomp")
		return true
	case seccomp.Errno:
		t.Regs.SetReturn(errnoResult(unix.Errno(min(data, maxErrno))))
	case seccomp.Trap:
		info := abi.SeccompInfo(sysSeccomp, int32(data), t.Regs.PC(), int32(nr), abi.AuditArch)
		t.force(&info)
	case seccomp.UserNotify:
		t.Regs.SetReturn(errnoResult(unix.ENOSYS)) // nobody is there to decide
	case seccomp.KillThread:
		t.endThread(unix.SIGSYS)
	default:
		g := t.Group
		g.mu.Lock()
		g.beginExit(WaitStatus(unix.SIGSYS))
		t.attention()
		g.mu.Unlock()
	}
	return false
}

const maxErrno = 4095

// strictCalls are the calls of strict mode.
var strictCalls = func() map[uint64]bool {
	m := make(map[uint64]bool)
	for _, name := range []string{"read", "write", "exit", "rt_sigreturn"} {
		nr, _ := abi.Number(name)
		m[uint64(nr)] = true
	}
	return m
}()

// endThread ends the thread alone, as a signal would end the process; the last thread's end
// is the process's.
func (t *Task) endThread(sig unix.Signal) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.alive == 1 {
		g.beginExit(WaitStatus(sig))
	} else {
		t.exitStatus, t.killed = WaitStatus(sig), true
	}
	t.attention()
}
