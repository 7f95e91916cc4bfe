package syscalls_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

func TestMemfd(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		const page = 4096
		fd := u.Must(unix.SYS_MEMFD_CREATE, "name", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
		seal := func(s int) int64 { return u.Syscall(unix.SYS_FCNTL, fd, unix.F_ADD_SEALS, s) }
		u.Must(unix.SYS_WRITE, fd, "0123456789", 10)
		mmap := func(prot, flags int) int64 { return u.Syscall(unix.SYS_MMAP, 0, page, prot, flags, fd, 0) }
		const readWrite = unix.PROT_READ | unix.PROT_WRITE
		at := uint64(mmap(readWrite, unix.MAP_SHARED))
		want(u, "mapped", u.Load8(at), byte('0'))
		want(u, "F_SEAL_WRITE with a writable mapping", seal(unix.F_SEAL_WRITE), -int64(unix.EBUSY))
		u.Must(unix.SYS_MUNMAP, at, page)
		want(u, "F_SEAL_FUTURE_WRITE", seal(unix.F_SEAL_FUTURE_WRITE), int64(0))
		want(u, "writable mapping", mmap(readWrite, unix.MAP_SHARED), -int64(unix.EPERM))
		at = uint64(mmap(unix.PROT_READ, unix.MAP_SHARED))
		u.Expect(unix.EACCES, unix.SYS_MPROTECT, at, page, readWrite)
		u.Must(unix.SYS_MUNMAP, at, page)
		u.Expect(unix.EPERM, unix.SYS_WRITE, fd, "x", 1)
		want(u, "F_SEAL_GROW", seal(unix.F_SEAL_GROW|unix.F_SEAL_SEAL), int64(0))
		u.Expect(unix.EPERM, unix.SYS_FTRUNCATE, fd, 11)
		u.Must(unix.SYS_FTRUNCATE, fd, 9)
		want(u, "more seals", seal(unix.F_SEAL_SHRINK), -int64(unix.EPERM))
		if private := mmap(readWrite, unix.MAP_PRIVATE); private < 0 {
			u.Errorf("private mapping: %d", private)
		}

		plain := u.Must(unix.SYS_MEMFD_CREATE, "plain", 0)
		want(u, "seals", u.Must(unix.SYS_FCNTL, plain, unix.F_GET_SEALS, 0), int64(unix.F_SEAL_SEAL))
		var s unix.Stat_t
		u.Must(unix.SYS_FSTAT, plain, &s)
		want(u, "mode", s.Mode, uint32(unix.S_IFREG|0o777))
		want(u, "links", uint64(s.Nlink), uint64(0))
		u.Expect(unix.EINVAL, unix.SYS_MEMFD_CREATE, "x", 0x8000)
		u.Expect(unix.EINVAL, unix.SYS_MEMFD_CREATE, strings.Repeat("x", 250), 0)
		u.Must(unix.SYS_MEMFD_CREATE, strings.Repeat("x", 249), 0)
	})
}

// A write that F_SEAL_GROW lets in only in part comes as far as the last whole page.
func TestSealedGrowth(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_MEMFD_CREATE, "x", unix.MFD_ALLOW_SEALING)
		u.Must(unix.SYS_FTRUNCATE, fd, 5000)
		u.Must(unix.SYS_FCNTL, fd, unix.F_ADD_SEALS, unix.F_SEAL_GROW)
		data := u.Alloc(10000)
		want(u, "from a page before", u.Syscall(unix.SYS_PWRITE64, fd, data, 10000, 10), int64(4086))
		want(u, "in the last page", u.Syscall(unix.SYS_PWRITE64, fd, data, 1000, 4500), -int64(unix.EPERM))
		want(u, "to the end", u.Syscall(unix.SYS_PWRITE64, fd, data, 500, 4500), int64(500))
		u.Expect(unix.EPERM, unix.SYS_FALLOCATE, fd, 0, 0, 5001)
		u.Must(unix.SYS_FALLOCATE, fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096)
	})
}
