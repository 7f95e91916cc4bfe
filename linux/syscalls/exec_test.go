package syscalls_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// waitStatus waits for a child and returns its status.
func waitStatus(u *sim.User, pid int64) int32 {
	var status int32
	u.Must(unix.SYS_WAIT4, pid, &status, 0, nil)
	return status
}

func TestForkAndWait(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		word := u.Value(&[1]uint32{1})
		pid := u.Fork(func(u *sim.User) {
			u.Store32(word, 2)
			u.Exit(3)
		})
		if s := waitStatus(u, pid); s != 3<<8 {
			u.Errorf("status %#x", s)
		}
		if v := u.Load32(word); v != 1 {
			u.Errorf("the child wrote its parent's memory: %d", v)
		}
	})
}

func TestThreadsShareMemory(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
			unix.CLONE_CHILD_CLEARTID | unix.CLONE_PARENT_SETTID
		word := u.Value(&[2]uint32{0, 1})
		stack := u.Alloc(4096) + 4096
		tid := u.CloneArgs(flags, stack, word+4, word+4, 0, func(u *sim.User) {
			u.Store32(word, 7)
			u.ExitThread(0)
		})
		if tid <= 0 {
			u.Fatalf("clone: %d", tid)
		}
		for v := u.Load32(word + 4); v != 0; v = u.Load32(word + 4) {
			u.Syscall(unix.SYS_FUTEX, word+4, 0, v, nil)
		}
		if v := u.Load32(word); v != 7 {
			u.Errorf("the thread's store is not to be seen: %d", v)
		}
	})
}

func TestExecReplacesTheProgram(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		second := sim.ELF(sim.Program(func(u *sim.User) {
			args, env, _ := u.Stack()
			if len(args) != 2 || args[1] != "two" || len(env) != 1 || env[0] != "A=1" {
				u.Errorf("arguments %q, environment %q", args, env)
			}
			// What was open close-on-exec is closed, the rest is not.
			u.Must(unix.SYS_FCNTL, 5, unix.F_GETFD, 0)
			u.Expect(unix.EBADF, unix.SYS_FCNTL, 6, unix.F_GETFD, 0)
			u.Exit(9)
		}))
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/second", unix.O_CREAT|unix.O_WRONLY, 0o755)
		u.Must(unix.SYS_WRITE, fd, second, len(second))
		u.Expect(unix.ETXTBSY, unix.SYS_EXECVE, "/second", nil, nil)
		u.Must(unix.SYS_DUP3, fd, 5, 0)
		u.Must(unix.SYS_CLOSE, fd)
		fd = u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp", unix.O_RDONLY, 0)
		u.Must(unix.SYS_DUP3, fd, 5, 0)
		u.Must(unix.SYS_DUP3, fd, 6, unix.O_CLOEXEC)
		u.Must(unix.SYS_CLOSE, fd)
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_EXECVE, "/second", u.Strings("/second", "two"), u.Strings("A=1"))
		})
		if s := waitStatus(u, pid); s != 9<<8 {
			u.Errorf("status %#x", s)
		}
	})
}

func TestExecErrors(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		make := func(name, data string, mode int) {
			fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, name, unix.O_CREAT|unix.O_WRONLY, mode)
			u.Must(unix.SYS_WRITE, fd, data, len(data))
			u.Must(unix.SYS_CLOSE, fd)
		}
		make("/text", "hello", 0o755)
		make("/plain", "\x7fELF", 0o644)
		make("/loop", "#!/loop\n", 0o755)
		make("/nobody", "#!/nothing\n", 0o755)
		for _, c := range []struct {
			path  string
			errno unix.Errno
		}{
			{"/none", unix.ENOENT}, {"/text", unix.ENOEXEC}, {"/plain", unix.EACCES}, {"/loop", unix.ELOOP},
			{"/nobody", unix.ENOENT}, {"/tmp", unix.EACCES}, {"/text/x", unix.ENOTDIR}, {"", unix.ENOENT},
		} {
			u.Expect(c.errno, unix.SYS_EXECVE, c.path, u.Strings("x"), nil)
		}
		u.Expect(unix.EFAULT, unix.SYS_EXECVE, "/text", 8, nil)
	})
}

// A thread that is not the leader takes the process's ID when it calls execve, and the
// others end.
func TestExecInAThread(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		second := sim.ELF(sim.Program(func(u *sim.User) {
			if pid, tid := u.Must(unix.SYS_GETPID), u.Must(unix.SYS_GETTID); pid != tid {
				u.Errorf("process %d, thread %d", pid, tid)
			}
			u.Exit(4)
		}))
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/second", unix.O_CREAT|unix.O_WRONLY, 0o755)
		u.Must(unix.SYS_WRITE, fd, second, len(second))
		u.Must(unix.SYS_CLOSE, fd)
		pid := u.Fork(func(u *sim.User) {
			const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
			path, args := u.String("/second"), u.Strings("/second")
			u.Clone(flags, u.Alloc(4096)+4096, func(u *sim.User) { u.Must(unix.SYS_EXECVE, path, args, nil) })
			u.Syscall(unix.SYS_PPOLL, nil, 0, nil, nil, 0)
		})
		if s := waitStatus(u, pid); s != 4<<8 {
			u.Errorf("status %#x", s)
		}
	})
}
