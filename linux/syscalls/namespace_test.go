package syscalls_test

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// node is the host name.
func node(u *sim.User) string {
	var b [390]byte
	u.Must(unix.SYS_UNAME, b[:])
	return string(b[65 : 65+bytes.IndexByte(b[65:], 0)])
}

func TestUnshareUTS(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		u.Must(unix.SYS_SETHOSTNAME, "outside", 7)
		pidfd := u.Must(unix.SYS_PIDFD_OPEN, 1, 0)
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_UNSHARE, unix.CLONE_NEWUTS)
			u.Must(unix.SYS_SETHOSTNAME, "inside", 6)
			if n := node(u); n != "inside" {
				u.Errorf("the name inside is %q", n)
			}
			u.Expect(unix.EINVAL, unix.SYS_SETNS, pidfd, 0)
			u.Must(unix.SYS_SETNS, pidfd, unix.CLONE_NEWUTS)
			if n := node(u); n != "outside" {
				u.Errorf("back outside the name is %q", n)
			}
		})
		waitStatus(u, pid)
		if n := node(u); n != "outside" {
			u.Errorf("the name outside is %q", n)
		}
		u.Expect(unix.EINVAL, unix.SYS_UNSHARE, unix.CLONE_NEWNET)
		u.Expect(unix.EBADF, unix.SYS_SETNS, 99, 0)
	})
}

func TestUnsharePID(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_UNSHARE, unix.CLONE_NEWPID)
			first := u.Fork(func(u *sim.User) {
				if pid := u.Must(unix.SYS_GETPID); pid != 1 {
					u.Errorf("the first child's ID is %d", pid)
				}
				if pid := u.Must(unix.SYS_GETPPID); pid != 0 {
					u.Errorf("its parent's ID is %d", pid)
				}
			})
			waitStatus(u, first)
			// The namespace has ended with its first process.
			if r := u.Fork(func(*sim.User) {}); r != -int64(unix.ENOMEM) {
				u.Errorf("fork: %d", r)
			}
		})
		if s := waitStatus(u, pid); s != 0 {
			u.Errorf("status %#x", s)
		}
	})
}

func TestUserNamespace(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		u.Must(unix.SYS_MKDIRAT, unix.AT_FDCWD, "d", 0o777)
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_SETRESUID, 1000, 1000, 1000)
			u.Expect(unix.EPERM, unix.SYS_UNSHARE, unix.CLONE_NEWUTS)
			u.Expect(unix.EINVAL, unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_FS, 0, 0, 0, 0)
			u.Must(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
			if id := u.Must(unix.SYS_GETUID); id != cred.Overflow {
				u.Errorf("without a map the ID is %d", id)
			}
			u.Expect(unix.EINVAL, unix.SYS_SETRESUID, 1000, 1000, 1000)
			u.Expect(unix.EINVAL, unix.SYS_FCHOWNAT, unix.AT_FDCWD, "d", 0, 0, 0)
			u.Expect(unix.EPERM, unix.SYS_SETGROUPS, 0, 0)
			u.Expect(unix.EPERM, unix.SYS_UNSHARE, unix.CLONE_NEWUSER) // nobody could say who owns it
			u.Expect(unix.EPERM, unix.SYS_SETHOSTNAME, "inside", 6)
			u.Must(unix.SYS_UNSHARE, unix.CLONE_NEWUTS|unix.CLONE_NEWNS)
			u.Must(unix.SYS_SETHOSTNAME, "inside", 6)
			u.Expect(unix.EPERM, unix.SYS_MKNODAT, unix.AT_FDCWD, "null", unix.S_IFCHR|0o666, 0x103)
		})
		if s := waitStatus(u, pid); s != 0 {
			u.Errorf("status %#x", s)
		}
	})
}

func TestUnshareIPC(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		id := u.Must(unix.SYS_SHMGET, 0x4e53, 4096, unix.IPC_CREAT|0o600)
		pid := u.Fork(func(u *sim.User) {
			at := uint64(u.Must(unix.SYS_SHMAT, id, 0, 0))
			u.Must(unix.SYS_UNSHARE, unix.CLONE_NEWIPC)
			u.Expect(unix.ENOENT, unix.SYS_SHMGET, 0x4e53, 4096, 0)
			u.Must(unix.SYS_SHMGET, 0x4e53, 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o600) // goes with the namespace
			u.Store32(at, 5)
		})
		if s := waitStatus(u, pid); s != 0 {
			u.Errorf("status %#x", s)
		}
		if v := u.Load32(uint64(u.Must(unix.SYS_SHMAT, id, 0, 0))); v != 5 {
			u.Errorf("the segment has %d", v)
		}
		u.Must(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0)
	})
}

func TestMembarrier(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		if m := u.Must(unix.SYS_MEMBARRIER, 0, 0, 0); m != 0x1ff {
			u.Errorf("commands %#x", m)
		}
		u.Expect(unix.EPERM, unix.SYS_MEMBARRIER, 8, 0, 0)
		u.Must(unix.SYS_MEMBARRIER, 16, 0, 0)
		pid := u.Fork(func(u *sim.User) {
			for {
				u.Spin() // until it is kicked
			}
		})
		for range 3 {
			u.Must(unix.SYS_MEMBARRIER, 1, 0, 0)
		}
		u.Must(unix.SYS_MEMBARRIER, 8, 0, 0)
		u.Expect(unix.EINVAL, unix.SYS_MEMBARRIER, 8, 1, 0)
		u.Must(unix.SYS_KILL, pid, int(unix.SIGKILL))
		waitStatus(u, pid)
	})
}
