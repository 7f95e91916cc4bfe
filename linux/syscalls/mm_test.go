package syscalls_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

const (
	page      = 4096
	futexWait = 0
	futexWake = 1
	rw        = unix.PROT_READ | unix.PROT_WRITE
	private   = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
)

// mmap makes n pages of memory.
func mmap(u *sim.User, n, prot, flags int) uint64 {
	return uint64(u.Must(unix.SYS_MMAP, 0, n*page, prot, flags, -1, 0))
}

func TestMmapFile(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/f", unix.O_RDWR|unix.O_CREAT, 0o600)
		u.Must(unix.SYS_WRITE, fd, "hello", 5)
		m := uint64(u.Must(unix.SYS_MMAP, 0, page, rw, unix.MAP_SHARED, fd, 0))
		u.Expect(unix.EINVAL, unix.SYS_MMAP, 0, page, rw, unix.MAP_SHARED, fd, 1)
		u.Expect(unix.EINVAL, unix.SYS_MMAP, 0, 0, rw, unix.MAP_SHARED, fd, 0)
		u.Expect(unix.EBADF, unix.SYS_MMAP, 0, page, rw, unix.MAP_SHARED, 99, 0)
		u.Must(unix.SYS_CLOSE, fd)
		if pid := u.Fork(func(u *sim.User) { u.Store8(m, 'J') }); waitStatus(u, pid) != 0 {
			u.Errorf("the child failed")
		}
		fd = u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/f", unix.O_RDONLY, 0)
		b := make([]byte, 5)
		u.Must(unix.SYS_READ, fd, b, 5)
		if string(b) != "Jello" {
			u.Errorf("%q", b)
		}
		u.Expect(unix.EACCES, unix.SYS_MMAP, 0, page, rw, unix.MAP_SHARED, fd, 0)
	})
}

func TestMemoryLimits(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		brk := u.Must(unix.SYS_BRK, 0)
		limit := func(u *sim.User, resource int, cur uint64) {
			u.Must(unix.SYS_PRLIMIT64, 0, resource, &unix.Rlimit{Cur: cur, Max: unix.RLIM_INFINITY}, nil)
		}
		limit(u, unix.RLIMIT_DATA, 0)
		if now := u.Must(unix.SYS_BRK, brk+page); now != brk {
			u.Errorf("brk over RLIMIT_DATA: %#x", now)
		}
		u.Expect(unix.ENOMEM, unix.SYS_MMAP, 0, page, rw, private, -1, 0)
		none := mmap(u, 1, unix.PROT_NONE, private)
		u.Expect(unix.ENOMEM, unix.SYS_MPROTECT, none, page, rw)
		// Within the limit, but not with what is there already.
		limit(u, unix.RLIMIT_DATA, 64*page)
		none = mmap(u, 64, unix.PROT_READ, private)
		u.Expect(unix.ENOMEM, unix.SYS_MPROTECT, none, 64*page, rw)
		u.Expect(unix.ENOMEM, unix.SYS_MMAP, 0, 1<<45, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_ANONYMOUS, -1, 0)
		limit(u, unix.RLIMIT_DATA, unix.RLIM_INFINITY)
		u.Expect(unix.ENOMEM, unix.SYS_MMAP, 0, 1<<45, rw, private, -1, 0)
		u.Must(unix.SYS_MMAP, 0, 1<<45, rw, private|unix.MAP_NORESERVE, -1, 0)
		limit(u, unix.RLIMIT_AS, 1<<20)
		u.Expect(unix.ENOMEM, unix.SYS_MMAP, 0, 1<<20, unix.PROT_NONE, private, -1, 0)
		limit(u, unix.RLIMIT_AS, unix.RLIM_INFINITY)
		// RLIMIT_STACK decides how far a mapping grows down, and when it is read, not
		// when the program began.
		top := uint64(0x3000_0000)
		u.Must(unix.SYS_MMAP, top-page, page, rw, private|unix.MAP_FIXED|unix.MAP_GROWSDOWN, -1, 0)
		u.Store8(top-16*page, 1)
		pid := u.Fork(func(u *sim.User) {
			limit(u, unix.RLIMIT_STACK, 20*page)
			u.Store8(top-20*page, 1)
			u.Store8(top-21*page, 1)
		})
		if s := waitStatus(u, pid); s&0x7f != int32(unix.SIGSEGV) {
			u.Errorf("status %#x", s)
		}
	})
}

func TestMlock(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		m := mmap(u, 4, rw, private)
		v := make([]byte, 4)
		u.Must(unix.SYS_MLOCK, m+1, 2*page-1)
		u.Must(unix.SYS_MINCORE, m, 4*page, v)
		if v[0] != 1 || v[1] != 1 || v[2] != 0 {
			u.Errorf("present %v", v)
		}
		u.Expect(unix.EINVAL, unix.SYS_MADVISE, m, page, unix.MADV_DONTNEED)
		u.Must(unix.SYS_MADVISE, m, page, unix.MADV_DONTNEED_LOCKED)
		u.Must(unix.SYS_MUNLOCK, m, 4*page)
		u.Must(unix.SYS_MLOCK2, m, 4*page, unix.MLOCK_ONFAULT)
		u.Expect(unix.EINVAL, unix.SYS_MLOCK2, m, page, 8)
		u.Expect(unix.ENOMEM, unix.SYS_MLOCK, 0x1000_0000, page)
		u.Expect(unix.EINVAL, unix.SYS_MLOCKALL, 0)
		u.Must(unix.SYS_MLOCKALL, unix.MCL_FUTURE)
		n := mmap(u, 1, rw, private)
		u.Must(unix.SYS_MINCORE, n, page, v[:1])
		if v[0] != 1 {
			u.Errorf("a new mapping after MCL_FUTURE is not there")
		}
		u.Must(unix.SYS_MUNLOCKALL)
		u.Must(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: page, Max: page}, nil)
		u.Must(unix.SYS_SETUID, 1000)
		u.Must(unix.SYS_MLOCK, m, page)
		u.Must(unix.SYS_MLOCK, m, page)
		u.Expect(unix.ENOMEM, unix.SYS_MLOCK, m, 2*page)
		u.Expect(unix.EAGAIN, unix.SYS_MMAP, 0, page, rw, private|unix.MAP_LOCKED, -1, 0)
		u.Must(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_MEMLOCK, &unix.Rlimit{}, nil)
		u.Expect(unix.EPERM, unix.SYS_MLOCK, m, page)
		u.Expect(unix.EPERM, unix.SYS_MMAP, 0, page, rw, private|unix.MAP_LOCKED, -1, 0)
	})
}

func TestMremap(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		const fixed, move, keep = unix.MREMAP_FIXED, unix.MREMAP_MAYMOVE, unix.MREMAP_DONTUNMAP
		m := mmap(u, 4, rw, private)
		for i := range uint64(4) {
			u.Store8(m+i*page, byte('a'+i))
		}
		if at := u.Must(unix.SYS_MREMAP, m, 4*page, 2*page, 0, 0); uint64(at) != m {
			u.Errorf("shrinking moved")
		}
		u.Must(unix.SYS_MMAP, m+2*page, page, unix.PROT_READ, private|unix.MAP_FIXED, -1, 0)
		u.Expect(unix.ENOMEM, unix.SYS_MREMAP, m, 2*page, 8*page, 0, 0)
		g := uint64(u.Must(unix.SYS_MREMAP, m, 2*page, 8*page, move, 0))
		if u.Load8(g) != 'a' || u.Load8(g+page) != 'b' || u.Load8(g+7*page) != 0 {
			u.Errorf("contents after a move")
		}
		u.Expect(unix.EFAULT, unix.SYS_MREMAP, m, page, page, 0, 0)
		to := mmap(u, 2, rw, private)
		if at := u.Must(unix.SYS_MREMAP, g, 2*page, 2*page, move|fixed, to); uint64(at) != to || u.Load8(to+page) != 'b' {
			u.Errorf("MREMAP_FIXED")
		}
		empty := uint64(u.Must(unix.SYS_MREMAP, to, 2*page, 2*page, move|keep, 0))
		if u.Load8(empty) != 'a' || u.Load8(to) != 0 {
			u.Errorf("MREMAP_DONTUNMAP")
		}
		for _, c := range []struct {
			errno             unix.Errno
			at, n, size, flag uint64
		}{
			{unix.EINVAL, to, page, page, fixed}, {unix.EINVAL, to + 1, page, page, 0}, {unix.EINVAL, to, page, 0, 0},
			{unix.EFAULT, 0x1000_0000, page, 2 * page, move}, {unix.EINVAL, to, page, page, 0x80},
			{unix.EINVAL, to, 0, page, move}, {unix.EINVAL, to, page, 2 * page, move | keep},
			{unix.EFAULT, to, 3 * page, 4 * page, move},
		} {
			u.Expect(c.errno, unix.SYS_MREMAP, c.at, c.n, c.size, c.flag, to+page)
		}
		shared := mmap(u, 1, rw, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
		twin := uint64(u.Must(unix.SYS_MREMAP, shared, 0, page, move, 0))
		u.Store8(shared, 5)
		if u.Load8(twin) != 5 {
			u.Errorf("the twin of a shared mapping differs")
		}
	})
}

func TestMsyncAndMincoreErrors(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		m := mmap(u, 3, rw, private)
		v := make([]byte, 3)
		u.Expect(unix.EINVAL, unix.SYS_MINCORE, m+1, page, v)
		u.Expect(unix.EFAULT, unix.SYS_MINCORE, m, page, 8)
		u.Expect(unix.ENOMEM, unix.SYS_MINCORE, uint64(0xffff_8000_0000_0000), page, v)
		u.Must(unix.SYS_MSYNC, m, page, unix.MS_SYNC)
		u.Expect(unix.EINVAL, unix.SYS_MSYNC, m, page, unix.MS_SYNC|unix.MS_ASYNC)
		u.Must(unix.SYS_MUNMAP, m+page, page)
		u.Expect(unix.ENOMEM, unix.SYS_MSYNC, m, 3*page, unix.MS_ASYNC)
		u.Expect(unix.ENOMEM, unix.SYS_MINCORE, m, 3*page, v)
		u.Must(unix.SYS_MLOCK, m, page)
		u.Expect(unix.EBUSY, unix.SYS_MSYNC, m, page, unix.MS_INVALIDATE)
	})
}

func TestProcessVM(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		// Two words to synchronize, then the text.
		m := mmap(u, 1, rw, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
		text := mmap(u, 2, rw, private)
		u.Must(unix.SYS_MUNMAP, text+page, page)
		u.Store(text, []byte("parent"))
		pid := u.Fork(func(u *sim.User) {
			u.Store(text, []byte("child!"))
			u.Store32(m, 1)
			u.Must(unix.SYS_FUTEX, m, futexWake, 1, nil)
			for u.Load32(m+4) == 0 {
				u.Syscall(unix.SYS_FUTEX, m+4, futexWait, 0, nil)
			}
			b := make([]byte, 6)
			if u.Load(text, b); string(b) != "wrote!" {
				u.Errorf("the child reads %q", b)
			}
		})
		for u.Load32(m) == 0 {
			u.Syscall(unix.SYS_FUTEX, m, futexWait, 0, nil)
		}
		local := u.Alloc(16)
		vec := func(at, n uint64) *[2]uint64 { return &[2]uint64{at, n} }
		if n := u.Must(unix.SYS_PROCESS_VM_READV, pid, vec(local, 6), 1, vec(text, 6), 1, 0); n != 6 {
			u.Errorf("read %d", n)
		}
		b := make([]byte, 6)
		if u.Load(local, b); string(b) != "child!" {
			u.Errorf("read %q", b)
		}
		u.Store(local, []byte("wrote!"))
		u.Must(unix.SYS_PROCESS_VM_WRITEV, pid, vec(local, 6), 1, vec(text, 6), 1, 0)
		// What can be moved is moved.
		if n := u.Must(unix.SYS_PROCESS_VM_READV, pid, vec(local, 8), 1, vec(text+page-4, 8), 1, 0); n != 4 {
			u.Errorf("read %d across the end", n)
		}
		u.Expect(unix.EFAULT, unix.SYS_PROCESS_VM_READV, pid, vec(local, 6), 1, vec(8, 6), 1, 0)
		u.Expect(unix.EINVAL, unix.SYS_PROCESS_VM_READV, pid, vec(local, 6), 1, vec(text, 6), 1, 1)
		u.Expect(unix.ESRCH, unix.SYS_PROCESS_VM_READV, 9999, vec(local, 6), 1, vec(text, 6), 1, 0)
		other := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_SETUID, 1000)
			u.Expect(unix.EPERM, unix.SYS_PROCESS_VM_READV, pid, vec(local, 6), 1, vec(text, 6), 1, 0)
		})
		waitStatus(u, other)
		u.Store32(m+4, 1)
		u.Must(unix.SYS_FUTEX, m+4, futexWake, 1, nil)
		if s := waitStatus(u, pid); s != 0 {
			u.Errorf("status %#x", s)
		}
	})
}
