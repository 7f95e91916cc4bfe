package nk

import (
	"math"

	"golang.org/x/sys/unix"
)

// The runtime's futexes, hashed by address.
var futexes [256]queue

func bucket(addr uintptr) *queue {
	return &futexes[uint32(addr>>2)*0x9e3779b9>>24]
}

// From linux/futex.h; x/sys/unix lacks them.
const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 128
)

// futex is futex(2) with FUTEX_WAIT and FUTEX_WAKE. The word is read under the
// lock that the waker takes, so no wakeup is lost.
func (c *CPU) futex(t *Thread, addr uintptr, op, val uint64, timeout uintptr) uint64 {
	switch op &^ futexPrivate {
	case futexWait:
		if load32(addr) != uint32(val) {
			return errno(int(unix.EAGAIN))
		}
		deadline := int64(0)
		if timeout != 0 {
			deadline = deadlineIn(timespec(timeout))
		}
		t.addr = addr
		c.block(t, waitFutex, deadline)
		bucket(addr).push(t)
		return 0 // replaced by unblock
	case futexWake:
		n := uint64(0)
		for slot := bucket(addr).head; slot != 0 && n < val; {
			w := at(slot)
			slot = w.next
			if w.addr == addr {
				c.wake(w, 0)
				n++
			}
		}
		return n
	}
	return errno(int(unix.ENOSYS))
}

// timeoutResult is what a wait returns when its deadline passes.
func timeoutResult(t *Thread) uint64 {
	if t.wait == waitFutex {
		return errno(int(unix.ETIMEDOUT))
	}
	return 0
}

// timespec reads a struct timespec as nanoseconds, at most 2^62.
func timespec(p uintptr) int64 {
	s, ns := int64(load64(p)), int64(load64(p+8))
	if s > math.MaxInt64/2/1_000_000_000 {
		return math.MaxInt64 / 2
	}
	return s*1_000_000_000 + ns
}

// deadlineIn is the time ns from now; never 0.
func deadlineIn(ns int64) int64 { return now() + max(ns, 0) + 1 }
