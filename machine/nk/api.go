package nk

import (
	"sync/atomic"
	"syscall"
	"time"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// For ordinary Go code, that is machine/metal: none of these functions may be
// called in the nanokernel.

// Programs is how a program runs, for machine.Machine's implementation to embed: its
// methods are that interface's. Each architecture has its own Enter, which calls
// OnIRQs after an interrupt that ended user mode.
type Programs struct {
	// OnIRQs serves the lines that interrupted a program. It is called on the goroutine
	// in Enter, and must not block.
	OnIRQs func(IRQs)
}

// interrupted describes an interrupt that ended user mode, and has its lines served.
func (p *Programs) interrupted(t *machine.Trap) {
	t.Kind = machine.Interrupt
	if atomic.LoadUint32(&anyIRQ) != 0 {
		var s IRQs
		takeIRQs(addressOfIRQs(&s))
		p.OnIRQs(s)
	}
}

// Ticks implements machine.Machine.
func (*Programs) Ticks(r *machine.Regs) (user, kernel uint64) { return r.UserTicks, r.KernelTicks }

// Kick makes an Enter that runs with r, or the next one to begin, return promptly
// with an Interrupt trap.
func Kick(r *machine.Regs) {
	atomic.StoreUint32(&r.Kick, 1)
	// The CPU in question stored its uregs before it looked at Kick, with a full
	// barrier between. It has left user mode where uregs is not r.
	p := addressOfRegs(r)
	for i := 0; i < ncpu; i++ {
		if atomic.LoadUintptr(&cpus[i].uregs) == p {
			call(callKick, uint64(p), 0, 0)
			return
		}
	}
}

// kickUser interrupts the CPU that runs user code with the registers at p.
func kickUser(p uintptr) {
	for i := 0; i < ncpu; i++ {
		if atomic.LoadUintptr(&cpus[i].uregs) == p && &cpus[i] != thisCPU() {
			sendIPI(&cpus[i], ipiKick)
		}
	}
}

// InitSpace gives the top-level table in s.Root, a zeroed frame, the kernel's half.
func InitSpace(s *machine.Space) { copyKernelHalf(s.Root) }

// KernelTable is the kernel's own page table. The upper layer only reads it.
func KernelTable() pgtable.Table { return mm.table }

// FlushTLB returns once no CPU uses a translation that s held for user addresses in
// [from, to) when it was called.
func FlushTLB(s *machine.Space, from, to uint64) { flushSpace(s, from, to) }

// ForgetSpace returns once no CPU walks the tables of s any more: they can be freed.
func ForgetSpace(s *machine.Space) { forgetSpace(s) }

// Frames is the mem.Source of the frames that programs can have.
type Frames struct{}

func (Frames) Take(out []mem.Frame) int {
	if len(out) == 0 {
		return 0
	}
	return int(call(callTakeFrames, uint64(addressOfFrames(out)), uint64(len(out)), 0))
}

func (Frames) Give(f []mem.Frame) {
	if len(f) != 0 {
		call(callGiveFrames, uint64(addressOfFrames(f)), uint64(len(f)), 0)
	}
}

func (Frames) Free() int  { return int(call(callFreeFrames, 0, 0, 0)) }
func (Frames) Total() int { return int(frames.total - frames.reserve) }

func (Frames) Heap() (has, share int) { return int(frames.heap), int(frames.reserve) }

// WaitIRQs waits until a device interrupts while no CPU's Enter takes notice of it,
// and returns the lines that did. One goroutine at a time; it blocks like a system
// call does, without holding up others. The set may be empty.
func WaitIRQs() IRQs {
	var s IRQs
	syscall.Syscall(callWaitIRQs, addressOfIRQs(&s), 0, 0)
	return s
}

// RouteIRQ enables interrupt line n. A line that is level-triggered is masked each
// time it fires, until UnmaskIRQ.
func RouteIRQ(n int, level bool) error {
	l := uint64(0)
	if level {
		l = 1
	}
	if r := call(callRouteIRQ, uint64(n), l, 0); r != 0 {
		return syscall.Errno(-r)
	}
	return nil
}

// UnmaskIRQ enables line n again once its device is quiet.
func UnmaskIRQ(n int) { call(callUnmaskIRQ, uint64(n), 0, 0) }

// Now is the time since boot, on the clock that Go's time package reads.
func Now() time.Duration { return time.Duration(now()) }

// BootTime is the wall clock's time when Now was zero.
func BootTime() time.Time { return time.Unix(0, int64(boot.wallBase)) }

// NumCPU is the number of CPUs that run.
func NumCPU() int { return ncpu }

// CPUID is the CPU that runs the caller, which may have changed by now.
func CPUID() int { return int(thisCPU().id) }

// MoveTo has the caller go on on a CPU. It may be moved again at once.
func MoveTo(cpu int) { call(callMove, uint64(cpu), 0, 0) }

// Seed fills p with random bytes, as good as the CPU has them.
func Seed(p []byte) {
	var block [8]uint64
	for i := range p {
		p[i] = randomByte(&block, uint64(i))
	}
}

// Cmdline is the boot loader's command line.
func Cmdline() string { return string(boot.cmdline[:boot.ncmdline]) }

// Initrd is the initial RAM disk, in place; nil without one.
func Initrd() []byte {
	return physical(boot.initrd.start, boot.initrd.end-boot.initrd.start)
}

// FreeInitrd gives the frames of the initial RAM disk to programs. Nobody may use
// it afterwards.
func FreeInitrd() {
	r := boot.initrd
	boot.initrd = region{}
	for pa := (r.start + mem.PageSize - 1) &^ (mem.PageSize - 1); pa+mem.PageSize <= r.end; pa += mem.PageSize {
		Frames{}.Give([]mem.Frame{mem.FrameOf(pa)})
	}
}

// Memory is how much RAM the machine has, in bytes.
func Memory() uint64 { return boot.memory }

// ClockHz is the frequency of the counter behind Now.
func ClockHz() uint64 { return boot.clockHz }

// HWCap is AT_HWCAP and AT_HWCAP2 for programs.
func HWCap() (uint64, uint64) { return boot.hwcap, boot.hwcap2 }

// Stop ends the machine.
func Stop(how machine.StopKind, status int) {
	for {
		call(callPowerOff, uint64(how), uint64(status), 0)
	}
}

// powerOffAs is Stop in the nanokernel.
func powerOffAs(how uint64, status int) {
	reportProfile()
	switch machine.StopKind(how) {
	case machine.Reboot:
		reboot()
	case machine.Halt:
		halt()
	}
	powerOff(status)
}
