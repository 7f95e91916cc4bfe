package syscalls_test

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

func newPipe(u *sim.User, flags int) (r, w int32) {
	var fds [2]int32
	u.Must(unix.SYS_PIPE2, &fds, flags)
	return fds[0], fds[1]
}

func readFD(u *sim.User, fd any, n int) string {
	b := make([]byte, n)
	return string(b[:u.Must(unix.SYS_READ, fd, b, n)])
}

func TestSplice(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		in, out := newFile(u, "/in", "0123456789"), newFile(u, "/out", "")
		r, w := newPipe(u, 0)
		off := uint64(1)
		want(u, "file to pipe", u.Syscall(unix.SYS_SPLICE, in, &off, w, nil, 6, 0), int64(6))
		want(u, "offset", off, uint64(7))
		want(u, "pipe to file", u.Syscall(unix.SYS_SPLICE, r, nil, out, nil, 4, 0), int64(4))
		want(u, "the rest", readFD(u, r, 10), "56")
		want(u, "file", contents(u, out), "1234")
		u.Expect(unix.EAGAIN, unix.SYS_SPLICE, r, nil, out, nil, 1, unix.SPLICE_F_NONBLOCK)
		u.Expect(unix.ESPIPE, unix.SYS_SPLICE, r, &off, out, nil, 1, 0)
		u.Expect(unix.EINVAL, unix.SYS_SPLICE, in, nil, out, nil, 1, 0)
		iov := u.Value(&[2]uint64{u.String("user"), 4})
		want(u, "vmsplice", u.Syscall(unix.SYS_VMSPLICE, w, iov, 1, 0), int64(4))
		want(u, "what it brought", readFD(u, r, 10), "user")

		// What a file does not take stays in the pipe, in its order.
		u.Must(unix.SYS_WRITE, w, "abc", 3)
		full := u.Must(unix.SYS_MEMFD_CREATE, "full", unix.MFD_ALLOW_SEALING)
		u.Must(unix.SYS_FCNTL, full, unix.F_ADD_SEALS, unix.F_SEAL_GROW)
		u.Expect(unix.EPERM, unix.SYS_SPLICE, r, nil, full, nil, 2, 0)
		want(u, "what came back", readFD(u, r, 10), "abc")
		u.Must(unix.SYS_CLOSE, w)
		want(u, "end of file", u.Syscall(unix.SYS_SPLICE, r, nil, out, nil, 1, 0), int64(0))
	})
}

func TestSendfile(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		big := bytes.Repeat([]byte("0123456789abcdef"), 10000)
		in := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/in", unix.O_CREAT|unix.O_RDWR, 0o644)
		u.Must(unix.SYS_WRITE, in, big, len(big))
		out := newFile(u, "/out", "")
		off := uint64(2)
		want(u, "all", u.Syscall(unix.SYS_SENDFILE, out, in, &off, 1<<40), int64(len(big)-2))
		copied := make([]byte, len(big))
		n := u.Must(unix.SYS_PREAD64, out, copied, len(copied), 0)
		want(u, "contents", bytes.Equal(copied[:n], big[2:]), true)
		want(u, "at the end", u.Syscall(unix.SYS_SENDFILE, out, in, nil, 10), int64(0))
		u.Must(unix.SYS_LSEEK, in, 0, unix.SEEK_SET)
		want(u, "by its position", u.Syscall(unix.SYS_SENDFILE, out, in, nil, 5), int64(5))
		want(u, "position", u.Must(unix.SYS_LSEEK, in, 0, unix.SEEK_CUR), int64(5))

		r, w := newPipe(u, 0)
		want(u, "to a pipe, as much as it holds", u.Syscall(unix.SYS_SENDFILE, w, in, nil, len(big)), int64(65536))
		want(u, "position", u.Must(unix.SYS_LSEEK, in, 0, unix.SEEK_CUR), int64(5+65536))
		want(u, "from the pipe", readFD(u, r, 10), string(big[5:15]))
		u.Expect(unix.EINVAL, unix.SYS_SENDFILE, out, r, nil, 1)

		from, to := uint64(3), uint64(1)
		want(u, "copy_file_range", u.Syscall(unix.SYS_COPY_FILE_RANGE, in, &from, out, &to, 4, 0), int64(4))
		want(u, "offsets", [2]uint64{from, to}, [2]uint64{7, 5})
		to = 4
		u.Expect(unix.EINVAL, unix.SYS_COPY_FILE_RANGE, in, &from, in, &to, 8, 0)
		u.Expect(unix.EINVAL, unix.SYS_COPY_FILE_RANGE, r, nil, out, nil, 8, 0)
	})
}
