package syscalls_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// newFile makes a file and returns a descriptor at its begin.
func newFile(u *sim.User, name, contents string) int64 {
	fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, name, unix.O_CREAT|unix.O_RDWR|unix.O_TRUNC, 0o644)
	if contents != "" {
		u.Must(unix.SYS_PWRITE64, fd, contents, len(contents), 0)
	}
	return fd
}

func contents(u *sim.User, fd int64) string {
	b := make([]byte, 100)
	return string(b[:u.Must(unix.SYS_PREAD64, fd, b, len(b), 0)])
}

func want(u *sim.User, what string, got, want any) {
	if got != want {
		u.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestPositions(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		fd := newFile(u, "/f", "0123456789")
		b := make([]byte, 4)
		u.Must(unix.SYS_READ, fd, b, 4)
		want(u, "read", string(b), "0123")
		dup := u.Must(unix.SYS_DUP, fd)
		want(u, "the copy's position", u.Must(unix.SYS_LSEEK, dup, 0, unix.SEEK_CUR), int64(4))
		u.Must(unix.SYS_PREADV2, fd, u.Value(&[2]uint64{u.Alloc(2), 2}), 1, 0, 0, 0)
		want(u, "position after preadv2", u.Must(unix.SYS_LSEEK, fd, 0, unix.SEEK_CUR), int64(4))

		u.Must(unix.SYS_FCNTL, fd, unix.F_SETFL, unix.O_APPEND)
		u.Must(unix.SYS_PWRITE64, fd, "A", 1, 2) // appends: pwrite(2), BUGS
		want(u, "position after pwrite", u.Must(unix.SYS_LSEEK, fd, 0, unix.SEEK_CUR), int64(4))
		u.Must(unix.SYS_WRITE, fd, "B", 1)
		want(u, "position after an append", u.Must(unix.SYS_LSEEK, fd, 0, unix.SEEK_CUR), int64(12))
		u.Must(unix.SYS_FCNTL, fd, unix.F_SETFL, 0)
		iov := u.Value(&[2]uint64{u.Value(&[2]byte{'C', 'D'}), 2})
		u.Must(unix.SYS_PWRITEV2, fd, iov, 1, 0, 0, unix.RWF_APPEND)
		u.Must(unix.SYS_PWRITEV2, fd, iov, 1, -1, 0, 0)
		want(u, "contents", contents(u, fd), "0123456789ABCD")
		u.Expect(unix.EOPNOTSUPP, unix.SYS_PWRITEV2, fd, iov, 1, 0, 0, unix.RWF_NOWAIT)
		u.Expect(unix.EFAULT, unix.SYS_READ, fd, b, -1)
		u.Expect(unix.EINVAL, unix.SYS_LSEEK, fd, 0, 9)
	})
}

func TestCloseRange(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		u.Must(unix.SYS_DUP3, newFile(u, "/f", ""), 10, 0)
		for fd := 11; fd < 20; fd++ {
			u.Must(unix.SYS_DUP3, 10, fd, 0)
		}
		u.Must(unix.SYS_CLOSE_RANGE, 12, 14, 0)
		u.Must(unix.SYS_FCNTL, 11, unix.F_GETFD, 0)
		u.Expect(unix.EBADF, unix.SYS_FCNTL, 14, unix.F_GETFD, 0)
		u.Must(unix.SYS_CLOSE_RANGE, 15, uint32(1<<32-1), unix.CLOSE_RANGE_CLOEXEC)
		want(u, "flags", u.Must(unix.SYS_FCNTL, 19, unix.F_GETFD, 0), int64(unix.FD_CLOEXEC))
		pid := u.CloneArgs(unix.CLONE_FILES|uint64(unix.SIGCHLD), 0, 0, 0, 0, func(u *sim.User) {
			u.Must(unix.SYS_CLOSE_RANGE, 16, uint32(1<<32-1), unix.CLOSE_RANGE_UNSHARE)
			u.Expect(unix.EBADF, unix.SYS_FCNTL, 16, unix.F_GETFD, 0)
			u.Must(unix.SYS_CLOSE_RANGE, 10, 11, 0) // in its own table
			u.Exit(0)
		})
		want(u, "child", waitStatus(u, pid), int32(0))
		u.Must(unix.SYS_FCNTL, 16, unix.F_GETFD, 0)
		u.Must(unix.SYS_FCNTL, 10, unix.F_GETFD, 0)
		u.Expect(unix.EINVAL, unix.SYS_CLOSE_RANGE, 5, 4, 0)
	})
}

func TestSIGIO(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		fds := u.Value(&[2]int32{})
		u.Must(unix.SYS_PIPE2, fds, unix.O_NONBLOCK)
		r, w := u.Load32(fds), u.Load32(fds+4)
		set := u.Value(&[1]uint64{1 << (unix.SIGUSR1 - 1)})
		u.Must(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, set, nil, 8)
		self := u.Must(unix.SYS_GETPID)
		u.Expect(unix.ESRCH, unix.SYS_FCNTL, r, unix.F_SETOWN, 12345)
		u.Must(unix.SYS_FCNTL, r, unix.F_SETOWN, self)
		want(u, "owner", u.Must(unix.SYS_FCNTL, r, unix.F_GETOWN, 0), self)
		u.Must(unix.SYS_FCNTL, r, unix.F_SETSIG, unix.SIGUSR1)
		u.Must(unix.SYS_FCNTL, r, unix.F_SETFL, unix.O_ASYNC|unix.O_NONBLOCK)
		u.Must(unix.SYS_WRITE, w, "x", 1)
		info := u.Value(&[32]uint32{})
		u.Must(unix.SYS_RT_SIGTIMEDWAIT, set, info, u.Value(&[2]uint64{}), 8)
		want(u, "si_code", u.Load32(info+8), uint32(1)) // POLL_IN
		want(u, "si_fd", u.Load32(info+24), r)
		u.Must(unix.SYS_FCNTL, r, unix.F_SETFL, unix.O_NONBLOCK)
		u.Must(unix.SYS_WRITE, w, "x", 1)
		u.Expect(unix.EAGAIN, unix.SYS_RT_SIGTIMEDWAIT, set, info, u.Value(&[2]uint64{}), 8)
	})
}
