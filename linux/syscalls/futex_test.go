package syscalls_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// The operations of futex(2) that the tests use.
const (
	futexLockPI     = 6
	futexUnlockPI   = 7
	futexWaitBitset = 9
	futexPrivate    = 128
	futexRealtime   = 256
)

// ownerDied and waiters are bits of a lock's word.
const (
	waiters   = 0x80000000
	ownerDied = 0x40000000
)

func TestFutexErrors(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		w := mmap(u, 1, rw, private)
		past := &[2]int64{1, 0}
		u.Expect(unix.EAGAIN, unix.SYS_FUTEX, w, futexWait, 1, nil)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX, w, futexWait, 0, &[2]int64{0, 1e9})
		u.Expect(unix.EFAULT, unix.SYS_FUTEX, w, futexWait, 0, 8)
		u.Expect(unix.ETIMEDOUT, unix.SYS_FUTEX, w, futexWait|futexPrivate, 0, &[2]int64{0, 1000})
		u.Expect(unix.ETIMEDOUT, unix.SYS_FUTEX, w, futexWaitBitset|futexRealtime, 0, past, 0, -1)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX, w, futexWaitBitset, 0, nil, 0, 0)
		u.Expect(unix.ENOSYS, unix.SYS_FUTEX, w, futexWait|futexRealtime, 0, past)
		u.Expect(unix.ENOSYS, unix.SYS_FUTEX, w, 99, 0, nil)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX, w+1, futexWake, 1, nil)
		u.Expect(unix.EPERM, unix.SYS_FUTEX, w, futexUnlockPI, 0, nil)
		u.Expect(unix.EINVAL, unix.SYS_SET_ROBUST_LIST, w, 8)
		u.Expect(unix.ESRCH, unix.SYS_GET_ROBUST_LIST, 9999, nil, nil)
		u.Must(unix.SYS_SET_ROBUST_LIST, w, 24)
		u.Must(unix.SYS_GET_ROBUST_LIST, 0, w+64, w+72)
		if u.Load32(w+64) != uint32(w) || u.Load32(w+72) != 24 {
			u.Errorf("robust list %#x, %d", u.Load32(w+64), u.Load32(w+72))
		}
	})
}

// A process that ends gives its locks away: one that waits in the kernel gets the lock
// that knows its owner, and a robust one is marked.
func TestLocksOfTheDead(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		m := mmap(u, 1, rw, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
		lock, ready, head, robust := m, m+4, m+64, m+128
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_FUTEX, lock, futexLockPI, 0, nil)
			tid := uint32(u.Must(unix.SYS_GETTID))
			u.Store32(robust+16, tid)
			// A list of one lock, whose word is 16 bytes after its entry.
			b := make([]byte, 24)
			binary.LittleEndian.PutUint64(b, robust)
			binary.LittleEndian.PutUint64(b[8:], 16)
			u.Store(head, b)
			binary.LittleEndian.PutUint64(b, head)
			u.Store(robust, b[:8])
			u.Must(unix.SYS_SET_ROBUST_LIST, head, 24)
			u.Store32(ready, 1)
			u.Must(unix.SYS_FUTEX, ready, futexWake, 1, nil)
			for u.Load32(lock)&waiters == 0 { // until the parent waits
				u.Must(unix.SYS_SCHED_YIELD)
			}
		})
		for u.Load32(ready) == 0 {
			u.Syscall(unix.SYS_FUTEX, ready, futexWait, 0, nil)
		}
		u.Must(unix.SYS_FUTEX, lock, futexLockPI, 0, nil)
		tid := uint32(u.Must(unix.SYS_GETTID))
		if v := u.Load32(lock); v&^waiters != ownerDied|tid {
			u.Errorf("the lock is %#x", v)
		}
		waitStatus(u, pid)
		if v := u.Load32(robust + 16); v != ownerDied {
			u.Errorf("the robust lock is %#x", v)
		}
		u.Must(unix.SYS_FUTEX, lock, futexUnlockPI, 0, nil)
		if v := u.Load32(lock); v != 0 {
			u.Errorf("the lock is %#x after it was given up", v)
		}
	})
}

func TestFutexWaitv(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		m := mmap(u, 1, rw, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
		entry := func(value, addr, flags uint64) (b []byte) {
			for _, v := range []uint64{value, addr, flags} {
				b = binary.LittleEndian.AppendUint64(b, v)
			}
			return b
		}
		const word32 = 2
		words := append(entry(0, m, word32), entry(0, m+4, word32)...)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX_WAITV, words, 0, 0, nil, 0)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX_WAITV, words, 129, 0, nil, 0)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX_WAITV, words, 2, 1, nil, 0)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX_WAITV, entry(0, m, 0), 1, 0, nil, 0)
		u.Expect(unix.EAGAIN, unix.SYS_FUTEX_WAITV, entry(1, m, word32), 1, 0, nil, 0)
		u.Expect(unix.EINVAL, unix.SYS_FUTEX_WAITV, words, 2, 0, &[2]int64{1, 0}, 7)
		u.Expect(unix.ETIMEDOUT, unix.SYS_FUTEX_WAITV, words, 2, 0, &[2]int64{1, 0}, unix.CLOCK_REALTIME)
		pid := u.Fork(func(u *sim.User) {
			for u.Must(unix.SYS_FUTEX, m+4, futexWake, 1, nil) == 0 {
				u.Must(unix.SYS_SCHED_YIELD)
			}
		})
		if i := u.Must(unix.SYS_FUTEX_WAITV, words, 2, 0, nil, 0); i != 1 {
			u.Errorf("woken by %d", i)
		}
		waitStatus(u, pid)
	})
}
