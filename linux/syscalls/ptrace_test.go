package syscalls_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/linuxtest"
	"kevlar/machine"
	"kevlar/machine/sim"
)

// waitFor waits for a thread's next stop or end, whatever it is.
func waitFor(u *sim.User, pid int64) int32 {
	var status int32
	u.Must(unix.SYS_WAIT4, pid, &status, unix.WALL, nil)
	return status
}

func stop(sig unix.Signal, event int) int32 { return int32(event<<16 | int(sig)<<8 | 0x7f) }

func wantStatus(u *sim.User, what string, got, want int32) {
	if got != want {
		u.Errorf("%s: status %#x, want %#x", what, got, want)
	}
}

const (
	trCont, trSyscall, trSetOptions, trMessage, trSeize, trInterrupt = 7, 24, 0x4200, 0x4201, 0x4206, 0x4207
	trPeek, trPoke, trGetRegset, trSetRegset, trInfo, trDetach       = 2, 5, 0x4204, 0x4205, 0x4202, 17
)

func TestPtraceSignals(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		word := u.Value(&[1]uint64{11})
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_PTRACE, 0, 0, 0, 0)
			u.Expect(unix.EPERM, unix.SYS_PTRACE, 0, 0, 0, 0)
			u.Must(unix.SYS_KILL, u.Must(unix.SYS_GETPID), int(unix.SIGUSR1))
			if v := u.Load64(word); v != 12 {
				u.Errorf("the tracer's word is not to be seen: %d", v)
			}
			u.Must(unix.SYS_KILL, u.Must(unix.SYS_GETPID), int(unix.SIGUSR1))
			u.Errorf("it lives on")
		})
		wantStatus(u, "the first signal", waitFor(u, pid), stop(unix.SIGUSR1, 0))
		var info abi.SigInfo
		u.Must(unix.SYS_PTRACE, trInfo, pid, 0, info[:])
		if info.Signo() != unix.SIGUSR1 || int64(info.PID()) != pid {
			u.Errorf("signal %d of %d", info.Signo(), info.PID())
		}
		var v [1]uint64
		u.Must(unix.SYS_PTRACE, trPeek, pid, word, &v)
		if v[0] != 11 {
			u.Errorf("peek: %d", v[0])
		}
		u.Must(unix.SYS_PTRACE, trPoke, pid, word, 12)
		u.Expect(unix.EIO, unix.SYS_PTRACE, trPeek, pid, 1, &v)
		u.Expect(unix.EIO, unix.SYS_PTRACE, trCont, pid, 0, 65)
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0) // without the signal
		wantStatus(u, "the second", waitFor(u, pid), stop(unix.SIGUSR1, 0))
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, int(unix.SIGTERM)) // another in its place
		wantStatus(u, "the end", waitFor(u, pid), int32(unix.SIGTERM))
		u.Expect(unix.ESRCH, unix.SYS_PTRACE, trCont, pid, 0, 0)
	})
}

func TestPtraceCalls(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_PTRACE, 0, 0, 0, 0)
			u.Must(unix.SYS_KILL, u.Must(unix.SYS_GETPID), int(unix.SIGSTOP))
			if r := u.Syscall(unix.SYS_GETPGID, 0); r != 1234 {
				u.Errorf("the tracer's result is not to be seen: %d", r)
			}
			u.Exit(5)
		})
		wantStatus(u, "SIGSTOP", waitFor(u, pid), stop(unix.SIGSTOP, 0))
		u.Expect(unix.EINVAL, unix.SYS_PTRACE, trSetOptions, pid, 0, 1<<30)
		u.Must(unix.SYS_PTRACE, trSetOptions, pid, 0, 1)
		call := stop(unix.SIGTRAP|0x80, 0)
		for _, what := range []string{"entry to getpgid", "its exit"} {
			u.Must(unix.SYS_PTRACE, trSyscall, pid, 0, 0)
			wantStatus(u, what, waitFor(u, pid), call)
		}
		size, _ := abi.RegsSize(abi.RegsGeneral)
		regs := make([]byte, size)
		at := u.Bytes(regs)
		iov := [2]uint64{at, uint64(len(regs))}
		u.Must(unix.SYS_PTRACE, trGetRegset, pid, 1, &iov)
		u.Load(at, regs)
		u.Store(at, withResult(t, regs, 1234))
		u.Must(unix.SYS_PTRACE, trSetRegset, pid, 1, &iov)
		u.Must(unix.SYS_PTRACE, trDetach, pid, 0, 0)
		wantStatus(u, "the end", waitFor(u, pid), 5<<8)
	})
}

func TestPtraceSeize(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_NANOSLEEP, &[2]int64{100, 0}, nil)
			u.Errorf("the sleep has ended")
		})
		const fork = 2
		u.Expect(unix.EIO, unix.SYS_PTRACE, trSeize, pid, 1, 0)
		u.Must(unix.SYS_PTRACE, trSeize, pid, 0, fork)
		u.Expect(unix.EPERM, unix.SYS_PTRACE, trSeize, pid, 0, 0)
		u.Must(unix.SYS_PTRACE, trInterrupt, pid, 0, 0)
		wantStatus(u, "interrupt", waitFor(u, pid), stop(unix.SIGTRAP, 128))
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0)
		u.Must(unix.SYS_KILL, pid, int(unix.SIGCONT)) // ends nothing: the sleep goes on
		wantStatus(u, "what may have ended a stop", waitFor(u, pid), stop(unix.SIGTRAP, 128))
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0)
		wantStatus(u, "SIGCONT", waitFor(u, pid), stop(unix.SIGCONT, 0))
		u.Must(unix.SYS_PTRACE, trDetach, pid, 0, 0)
		u.Must(unix.SYS_KILL, pid, int(unix.SIGKILL))
		wantStatus(u, "the end", waitFor(u, pid), int32(unix.SIGKILL))
	})
}

func TestPtraceFork(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_PTRACE, 0, 0, 0, 0)
			u.Must(unix.SYS_KILL, u.Must(unix.SYS_GETPID), int(unix.SIGSTOP))
			child := u.Fork(func(u *sim.User) { u.Exit(6) })
			waitStatus(u, child)
			u.Exit(7)
		})
		waitFor(u, pid)
		u.Must(unix.SYS_PTRACE, trSetOptions, pid, 0, 2)
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0)
		wantStatus(u, "fork", waitFor(u, pid), stop(unix.SIGTRAP, 1))
		var id [1]uint64
		u.Must(unix.SYS_PTRACE, trMessage, pid, 0, &id)
		child := int64(id[0])
		wantStatus(u, "the child", waitFor(u, child), stop(unix.SIGSTOP, 0))
		u.Must(unix.SYS_PTRACE, trCont, child, 0, 0)
		wantStatus(u, "the child's end", waitFor(u, child), 6<<8)
		u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0)
		s := waitFor(u, pid)
		if s == stop(unix.SIGCHLD, 0) {
			u.Must(unix.SYS_PTRACE, trCont, pid, 0, 0)
			s = waitFor(u, pid)
		}
		wantStatus(u, "the end", s, 7<<8)
	})
}

// withResult is a general register set with another result of the call that it stopped at.
func withResult(t *testing.T, regs []byte, v uint64) []byte {
	t.Helper()
	r := machine.NewRegs()
	call, err := abi.DecodeRegs(r, abi.RegsGeneral, 0, regs)
	if err != nil {
		t.Fatal(err)
	}
	r.SetReturn(v)
	regs, err = abi.EncodeRegs(r, abi.RegsGeneral, call)
	if err != nil {
		t.Fatal(err)
	}
	return regs
}
