package nk

import "golang.org/x/sys/unix"

// Interrupt vectors. Line n of the I/O APICs has vector vecDevice+n.
const (
	vecDevice   = 0x30
	vecKick     = 0xf0
	vecRequest  = 0xf1
	vecTimer    = 0xf2
	vecSpurious = 0xff

	lastLine = 0xef - vecDevice
)

// Exceptions: SDM volume 3, table 6-1.
const (
	vecDivide     = 0
	vecDebug      = 1
	vecBreakpoint = 3
	vecOverflow   = 4
	vecBound      = 5
	vecInvalidOp  = 6
	vecStack      = 12
	vecProtection = 13
	vecPageFault  = 14
	vecX87        = 16
	vecAlignment  = 17
	vecSIMD       = 19
)

// Error code of a page fault: SDM volume 3, section 4.7.
const (
	pfPresent = 1 << 0
	pfWrite   = 1 << 1
	pfFetch   = 1 << 4
)

// onInterrupt serves an interrupt that hit Go code or an idle CPU.
func onInterrupt(vec uint64) {
	c := thisCPU()
	if vec == vecRequest { // must not wait for a lock: the sender may hold it
		serveRequests()
		endOfInterrupt()
		return
	}
	c.begin()
	c.serveInterrupt(vec, false)
	c.end()
}

// serveInterrupt serves an interrupt under sched.lock.
func (c *CPU) serveInterrupt(vec uint64, fromUser bool) {
	switch {
	case vec == vecTimer:
		endOfInterrupt()
		c.onTimer(fromUser)
	case vec == vecRequest:
		serveRequests()
		endOfInterrupt()
	case vec == vecKick:
		endOfInterrupt()
	case vec >= vecDevice && vec-vecDevice <= lastLine:
		n := int(vec - vecDevice)
		maskLevel(n)
		endOfInterrupt()
		c.onDevice(n, fromUser)
	default: // spurious: no end of interrupt (SDM volume 3, section 10.9)
	}
}

// onException serves an exception of Go code, saved in the current Thread.
func onException() {
	c := thisCPU()
	t := c.thread()
	vec, err, addr, ip := t.vec, t.err, t.cr2, t.ip
	if vec == vecPageFault && err&pfPresent == 0 && demand(uintptr(addr), err&pfWrite != 0) {
		return
	}
	sig, code := unix.SIGSEGV, int32(segvMaperr)
	switch vec {
	case vecPageFault:
		if err&pfPresent != 0 {
			code = segvAccerr
		}
	case vecDivide:
		sig, code, addr = unix.SIGFPE, fpeIntDiv, ip
	case vecInvalidOp:
		sig, code, addr = unix.SIGILL, illIllOpc, ip
	case vecBreakpoint, vecDebug:
		sig, code, addr = unix.SIGTRAP, trapBrkpt, ip
	case vecProtection, vecStack:
		code, addr = siKernel, 0
	case vecAlignment:
		sig, code = unix.SIGBUS, busAdrErr
	}
	c.begin()
	ok := !c.isIdle() && t.raise(int(sig), code, addr)
	c.end()
	if !ok {
		dumpThread(t, "exception in kernel code", vec)
		die()
	}
}

// onNested serves an exception of the nanokernel itself: a page of the runtime's
// memory that it touches has still to be made.
func onNested(x *Context) {
	// This CPU never touches such memory while it holds mm.lock.
	if x.vec == vecPageFault && x.err&pfPresent == 0 && demand(uintptr(x.cr2), x.err&pfWrite != 0) {
		return
	}
	onFatal(x)
}

// onFatal ends the machine with what is known.
func onFatal(x *Context) {
	startDying()
	puts("\nkernel: exception in the nanokernel:")
	x.dump()
	backtrace("calls", x.framePointer())
	puts("kernel: it came from")
	dumpGo()
	die()
}
