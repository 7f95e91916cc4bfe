package syscalls_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// filter installs a filter that returns action for call nr and allows all others, and
// returns seccomp's result.
func filter(u *sim.User, flags, nr int, action uint32) int64 {
	le := binary.LittleEndian
	var b []byte
	for _, i := range []struct {
		code   uint16
		jt, jf byte
		k      uint32
	}{{0x20, 0, 0, 0}, {0x15, 0, 1, uint32(nr)}, {0x06, 0, 0, action}, {0x06, 0, 0, 0x7fff0000}} {
		b = le.AppendUint16(b, i.code)
		b = append(b, i.jt, i.jf)
		b = le.AppendUint32(b, i.k)
	}
	prog := [2]uint64{4, u.Bytes(b)}
	return u.Syscall(unix.SYS_SECCOMP, 1, flags, &prog)
}

func TestSeccompFilter(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		u.Expect(unix.EFAULT, unix.SYS_PRCTL, unix.PR_SET_SECCOMP, 2, 0)
		u.Expect(unix.EOPNOTSUPP, unix.SYS_SECCOMP, 2, 0, &[1]uint32{0x12340000})
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_SETRESUID, 1000, 1000, 1000)
			if r := filter(u, 0, unix.SYS_GETPPID, 0x50005); r != -int64(unix.EACCES) {
				u.Errorf("without no_new_privs: %d", r)
			}
			u.Must(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
			if r := filter(u, 0, unix.SYS_GETPPID, 0x50005); r != 0 {
				u.Errorf("with: %d", r)
			}
			u.Expect(unix.EIO, unix.SYS_GETPPID)
			child := u.Fork(func(u *sim.User) { u.Expect(unix.EIO, unix.SYS_GETPPID) })
			waitStatus(u, child)
			filter(u, 0, unix.SYS_GETPGID, 0x80000000)
			u.Syscall(unix.SYS_GETPGID, 0)
			u.Errorf("it lives on")
		})
		if s := waitStatus(u, pid); s != int32(unix.SIGSYS) {
			u.Errorf("status %#x", s)
		}
		pid = u.Fork(func(u *sim.User) {
			u.Signal(int(unix.SIGSYS), abi.SA_SIGINFO, func(u *sim.User, sig int, info, _ uint64) {
				var i abi.SigInfo
				u.Load(info, i[:])
				if i.Code() != 1 || i.Errno() != 33 {
					u.Errorf("si_code %d, si_errno %d", i.Code(), i.Errno())
				}
				u.Exit(7)
			})
			filter(u, 0, unix.SYS_GETPPID, 0x30000|33)
			u.Syscall(unix.SYS_GETPPID)
		})
		if s := waitStatus(u, pid); s != 7<<8 {
			u.Errorf("after a trap: status %#x", s)
		}
	})
}

func TestSeccompStrict(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		for nr, want := range map[int]int32{unix.SYS_EXIT: 0, unix.SYS_EXIT_GROUP: int32(unix.SIGKILL), unix.SYS_GETPID: int32(unix.SIGKILL)} {
			pid := u.Fork(func(u *sim.User) {
				u.Must(unix.SYS_SECCOMP, 0, 0, 0)
				u.Syscall(nr)
			})
			if s := waitStatus(u, pid); s != want {
				u.Errorf("system call %d: status %#x", nr, s)
			}
		}
	})
}
