package nk

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"kevlar/machine"
)

// Layout of the address space: 48 bits behind TTBR0. Go's pointers fit in 48 bits,
// so that TTBR1's half is of no use. Each of the kernel's parts is one top-level
// entry (512 GiB), of which every address space has a copy.
const (
	directBase = uintptr(0x8000_0000_0000)
	directEnd  = heapBase
	heapBase   = 0x8080_0000_0000
	heapEnd    = 0x80f0_0000_0000 // stacks of the nanokernel lie above
	imageBase  = 0xff80_0000_0000 // internal/image links the kernel here
	treeBase   = imageBase + 1<<30 - 4<<20
)

const (
	redZone         = 0
	epollEventSize  = 16 // struct epoll_event is packed on x86-64 only
	epollDataOffset = 8
)

// Context is a saved M; entry_arm64.s knows it.
type Context struct {
	x       [31]uint64
	rsp, pc uint64 // stored as a pair
	pstate  uint64
	fpsr    uint64
	full    uint64     // q and fpsr hold something; 0 in a system call
	q       [64]uint64 // Q0 to Q31, low half first. FPCR is always 0 in Go code
}

func (x *Context) sysno() uint64       { return x.x[8] }
func (x *Context) arg(i int) uint64    { return x.x[i%8] }
func (x *Context) setResult(v uint64)  { x.x[0] = v }
func (x *Context) sp() uintptr         { return uintptr(x.rsp) }
func (x *Context) setStack(sp uintptr) { x.rsp = uint64(sp) }

// Without cgo the runtime keeps g in a register and has no use for a TLS pointer.
func (x *Context) setTLS(uint64)    {}
func (x *Context) cloneTLS() uint64 { return 0 }

// start makes a new context at pc with interrupts enabled.
func (x *Context) start(pc, sp uintptr) {
	*x = Context{pc: uint64(pc), rsp: uint64(sp), pstate: goPSTATE()}
}

// PSTATE as SPSR_EL1 has it.
const (
	psEL1t = 4
	psF    = 1 << 6
	psD    = 1 << 9
	psPAN  = 1 << 22

	// userPSTATE is what a program may choose: flags, DIT, single step, SSBS, BTYPE.
	userPSTATE = 0xf<<28 | 1<<24 | 1<<21 | 1<<12 | 3<<10
)

// goPSTATE is the state of Go code: EL1 with SP_EL0, interrupts on, no access to the
// pages of programs where the CPU can forbid it.
func goPSTATE() uint64 {
	p := uint64(psEL1t | psF | psD)
	if cpuHas.pan {
		p |= psPAN
	}
	return p
}

// archCPU is the part of CPU that assembly knows.
type archCPU struct {
	cur      uintptr // the current Thread
	uregs    uintptr // the machine.Regs of the program that runs, or 0
	stack    uintptr // top of the nanokernel's stack
	g        uintptr // its fake g
	goSP     uintptr // enterUser's caller
	goLR     uintptr
	goG      uintptr
	goFP     uintptr
	fromUser uintptr // 1: the next interrupt of Go code ended user mode
	step     uintptr // 1: a program single-steps
	active   uint64  // the tag of the Space that TTBR0_EL1 has; see asid_arm64.go
	ticked   uint64  // 1: a tick has found the kernel at work; loaded with active
	root     uint64  // and the frame of its table, or 0

	number    uint64 // 1 + id, as machine.Regs.OnlyCPU has it
	mpidr     uint64
	gicTarget uint32  // GICv2: its bit
	redist    uintptr // GICv3: its redistributor
	requests  uint32  // of other CPUs; changed atomically

	gMem [64]uint64
}

// What enterUser needs to know of other packages' types. spaceRoot and spaceTag are
// offsets in a machine.Space, the others in a machine.Regs.
const (
	spaceRoot  = unsafe.Offsetof(machine.Space{}.Table)
	spaceTag   = unsafe.Offsetof(machine.Space{}.Tag)
	regsSP     = unsafe.Offsetof(machine.Regs{}.SP)
	regsPSTATE = unsafe.Offsetof(machine.Regs{}.PSTATE)
	regsFPSR   = unsafe.Offsetof(machine.Regs{}.FPSR)
	regsV      = unsafe.Offsetof(machine.Regs{}.V)
	regsKick   = unsafe.Offsetof(machine.Regs{}.Kick)
	regsTicks  = unsafe.Offsetof(machine.Regs{}.KernelTicks)
)

// Implemented in assembly.
func thisCPU() *CPU
func rt0() uintptr
func idleLoop() uintptr
func sigreturnStub() uintptr
func secondaryEntry() uintptr
func bootTablesAddress() uintptr
func vdsoFunction() uintptr
func imageBounds() (text, etext, rodata, erodata, end uintptr)
func pause()
func wfi()
func fullBarrier()
func storeBarrier()
func counter() uint64
func counterHz() uint64
func cacheType() uint64
func setTimer(value, control uint64)
func loadKernelTable(ttbr uint64)
func loadTTBR(ttbr uint64)
func flushAll()
func flushASID(id uint64)
func flushPages(first, n uint64)
func cleanToUnification(from, to, line uintptr)
func invalidateInstructions()
func cleanImage()
func idRegister(n int) uint64
func hardwareRandom() (v uint64, ok bool)
func gicEnableInterface()
func gicAcknowledge() uint32
func gicComplete(iar uint32)
func gicSend(v uint64)
func hvc(fn, a, b, c uint64) uint64
func smc(fn, a, b, c uint64) uint64
func semihostingExit(status uint64)

// The vDSO's function, as ARM64 names it.
const vdsoName = "__kernel_clock_gettime"

// call makes a private system call.
func call(nr, a, b, c uint64) uint64

const (
	cpuStack      = 32 << 10
	bootStackSize = 32 << 10
)

// The boot CPU's stack and fake g until it has its own.
var (
	bootStack [bootStackSize + 16]byte
	bootG     [64]uint64
)

// kernelTTBR is TTBR0_EL1 for the kernel alone: no user memory, address space 0.
var kernelTTBR uint64

// archPrepare gives the CPU its stack and fake g.
func (c *CPU) archPrepare() {
	lo, hi := newStack(cpuStack)
	c.stack = hi
	c.g = addressOfG(c)
	c.gMem[0], c.gMem[1] = uint64(lo), uint64(hi) // g.stack
	c.gMem[2], c.gMem[3] = uint64(lo)+1024, uint64(lo)+1024
	c.number = uint64(c.id) + 1
	c.mpidr = platform.CPUs[c.id%maxCPUs]
}

// load makes the CPU that runs it c.
func (c *CPU) load() {
	loadKernelTable(kernelTTBR)
	gicInitCPU(c)
}

// startIdle makes t halt in a loop with interrupts enabled.
func (c *CPU) startIdle(t *Thread) { t.Context.start(idleLoop(), c.stack) }

// callAssignASID is the private call with which Enter asks for an address space
// identifier, callForgetSpace that behind ForgetSpace.
const (
	callAssignASID = callArch + iota
	callForgetSpace
)

func (c *CPU) archSyscall(t *Thread, nr uint64) uint64 {
	switch nr {
	case callAssignASID:
		c.assignASID(uintptr(t.arg(0)))
		return 0
	case callForgetSpace:
		return c.leaveSpace(t.arg(0))
	}
	return unknownSyscall(nr)
}

// quickArch: none of them does without the lock.
func (c *CPU) quickArch(*Thread, uint64) bool { return false }

// onInterrupt serves what is pending after an interrupt of Go code.
func onInterrupt() {
	c := thisCPU()
	c.begin()
	fromUser := c.fromUser != 0
	c.fromUser = 0
	c.serveIRQs(fromUser)
	c.end()
}

// serveInterrupt is for callInterrupt, which this architecture does not use: what
// ends user mode comes in as an interrupt of enterUser.
func (c *CPU) serveInterrupt(uint64, bool) {}

// onException serves a fault of Go code: a page to supply, or a signal for the runtime.
func onException(esr, far uint64) {
	c := thisCPU()
	t := c.thread()
	f := decode(esr)
	if f.kind == esrFault && !f.present && demand(uintptr(far), f.access == machine.Write) {
		return
	}
	c.begin()
	sig, code := int(unix.SIGILL), int32(illIllOpc)
	addr := t.pc
	switch f.kind {
	case esrFault:
		sig, code, addr = int(unix.SIGSEGV), segvMaperr, far
		if f.present {
			code = segvAccerr
		}
	case esrAlignment, esrBadPC, esrBadSP:
		sig, code, addr = int(unix.SIGBUS), busAdrAln, far
	case esrBreakpoint:
		sig, code = int(unix.SIGTRAP), trapBrkpt
	}
	if !t.raise(sig, code, addr) {
		dumpThread(t, "Go code took an exception that it cannot handle", esr)
		puts(" ")
		putHex("far", far)
		puts("\n")
		die()
	}
	c.end()
}

const busAdrAln = 1

// onNested repairs a page fault of the nanokernel itself on the runtime's memory.
func onNested(esr, far, elr uint64) {
	f := decode(esr)
	c := thisCPU()
	if f.kind == esrFault && !f.present && c.faults == 0 {
		c.faults++
		ok := demand(uintptr(far), f.access == machine.Write)
		c.faults--
		if ok {
			return
		}
	}
	onFatal(16, esr, far, elr, 0)
}

// onFatal ends the machine after an exception that nobody expects.
func onFatal(vector, esr, far, elr, lr uint64) {
	startDying()
	puts("\nkernel: fatal exception in the nanokernel:")
	putHex("vector", vector)
	putHex("esr", esr)
	putHex("far", far)
	putHex("elr", elr)
	putHex("lr", lr)
	putHex("cpu", uint64(thisCPU().id))
	puts("\nkernel: it came from")
	dumpGo()
	die()
}

// dump prints the registers on the console, which the caller has locked.
func (t *Thread) dump() {
	putHex("pc", t.pc)
	putHex("sp", t.rsp)
	putHex("pstate", t.pstate)
	for i, v := range t.x {
		if i%4 == 0 {
			puts("\n ")
		}
		putc('x')
		if i >= 10 {
			putc('0' + byte(i/10))
		}
		putc('0' + byte(i%10))
		putHex("", v)
		putc(' ')
	}
	puts("\n")
}

func (x *Context) instruction() uint64 { return x.pc }

// framePointer: where R29 points, Go keeps the caller's R29, and above it the return
// address.
func (x *Context) framePointer() uintptr { return uintptr(x.x[29]) }

// readable reports whether kernel code can load from va.
func readable(va uintptr) bool { return va >= heapBase && va&7 == 0 && isMapped(va) }

// Requests of one CPU to another: bits of archCPU.requests, with an interrupt that
// makes it look.
const (
	ipiKick   = 0 // look at the ready queue and at the Thread's signals
	ipiLeave  = 1 // load the kernel's own table: the current Space goes away
	ipiNumber = 1 // the software-generated interrupt that all of them use
)

// serveRequests does what other CPUs asked for. It takes no lock: their sender may
// hold it and wait.
func serveRequests() {
	c := thisCPU()
	if atomic.LoadUint32(&c.requests) == 0 {
		return
	}
	if atomic.SwapUint32(&c.requests, 0)&(1<<ipiLeave) != 0 {
		c.leaveTable()
	}
}
