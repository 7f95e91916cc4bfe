package nk

import (
	"math/bits"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Device interrupts. Drivers are goroutines; the nanokernel only notes which lines
// fired, and sees that Go code looks soon: see docs/decisions/interrupts.md.

// MaxIRQ is the number of interrupt lines: I/O APIC inputs, or GIC interrupts.
const MaxIRQ = 1024

// IRQs is a set of interrupt lines.
type IRQs [MaxIRQ / 64]uint64

// pendingIRQs are the lines that fired and were not taken yet, and anyIRQ is not 0
// while there are any. Changed atomically.
var (
	pendingIRQs IRQs
	anyIRQ      uint32
)

// onDevice notes that line n fired. A line that stays asserted has been masked by
// the caller. When the CPU was in user mode, Enter's caller takes the set at once;
// otherwise the Thread in WaitIRQ does.
func (c *CPU) onDevice(n int, fromUser bool) {
	stats.irqs++
	orIRQ(n)
	if !fromUser && sched.irqWaiter != 0 {
		w := at(sched.irqWaiter)
		takeIRQs(w.addr)
		c.wakeNow(w, 0)
	}
}

func orIRQ(n int) {
	for p := &pendingIRQs[n/64%len(pendingIRQs)]; ; {
		was := atomic.LoadUint64(p)
		if atomic.CompareAndSwapUint64(p, was, was|1<<uint(n%64)) {
			break
		}
	}
	atomic.StoreUint32(&anyIRQ, 1)
}

// takeIRQs moves the pending set to the IRQs at p.
func takeIRQs(p uintptr) {
	atomic.StoreUint32(&anyIRQ, 0)
	for i := range pendingIRQs {
		v := uint64(0)
		if atomic.LoadUint64(&pendingIRQs[i]) != 0 {
			v = atomic.SwapUint64(&pendingIRQs[i], 0)
		}
		store64(p+uintptr(i)*8, v)
	}
}

// waitIRQs is the private call behind WaitIRQs.
func (c *CPU) waitIRQs(t *Thread, p uintptr) uint64 {
	if sched.irqWaiter != 0 {
		return errno(int(unix.EBUSY))
	}
	if atomic.LoadUint32(&anyIRQ) != 0 {
		takeIRQs(p)
		return 0
	}
	t.addr = p
	c.block(t, waitIRQ, 0)
	sched.irqWaiter = t.slot
	return 0
}

// Next removes the lowest line from s and returns it, or -1.
func (s *IRQs) Next() int {
	for i, w := range s {
		if w != 0 {
			n := bits.TrailingZeros64(w)
			s[i] &= w - 1
			return i*64 + n
		}
	}
	return -1
}
