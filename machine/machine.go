// Package machine is the seam between hardware and the Linux personality.
//
// It holds only what both sides need to agree on: the registers of a user
// program, why user code stopped, the hardware's view of an address space, and
// the interface Machine with everything else that linux/ asks of the hardware.
// It knows nothing of Linux. Two packages implement it: machine/metal on a real
// or virtual ARM64 or x86-64 machine, and machine/sim in memory, for tests.
package machine

import (
	"time"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// TrapKind says why user code stopped running.
type TrapKind uint8

const (
	// Syscall: the program executed the system call instruction. The program
	// counter is after it.
	Syscall TrapKind = iota
	// Fault: an access to memory failed: Addr, Access and Present tell which.
	// The program counter is at the instruction that faulted.
	Fault
	// Interrupt: a timer, a device or Machine.Kick stopped the program between two
	// instructions; the machine layer has served the interrupt itself. The caller
	// must give other goroutines a chance to run.
	Interrupt
	// Exception: the instruction raised an exception other than a memory fault:
	// Exception tells which.
	Exception
)

// Exception is an architecture-independent name for what an instruction did wrong.
type ExceptionKind uint8

const (
	NoException      ExceptionKind = iota
	IllegalOp                      // undefined or privileged instruction (SIGILL; a privileged one on x86 is Protection)
	Breakpoint                     // breakpoint instruction (SIGTRAP, TRAP_BRKPT)
	SingleStep                     // a step has ended (SIGTRAP, TRAP_TRACE)
	DivideByZero                   // integer division (SIGFPE, FPE_INTDIV); x86 only
	Overflow                       // INTO/BOUND (SIGSEGV); x86 only
	FloatingPoint                  // unmasked floating-point exception (SIGFPE; the code follows from the FPU state)
	Misaligned                     // alignment check (SIGBUS, BUS_ADRALN)
	Protection                     // x86 general protection, stack segment (SIGSEGV, SI_KERNEL)
	BadPC                          // misaligned program counter; arm64 only (SIGBUS, BUS_ADRALN)
	UnknownException               // anything else (SIGILL, ILL_ILLOPC)
)

// Access is how a faulting instruction used memory.
type Access uint8

const (
	Read Access = iota
	Write
	Execute
)

// Trap is the result of Machine.Enter. Of a Syscall or an Interrupt only Kind means anything:
// the rest is left as it was.
type Trap struct {
	Kind      TrapKind
	Exception ExceptionKind
	Access    Access
	Present   bool   // Fault: a translation exists and its permissions forbid the access
	Addr      uint64 // Fault: the user virtual address; Exception: the address that matters for si_addr
	// Code is the architecture's own word on the trap, for signal frames: on
	// x86-64 vector<<32 | error code, on ARM64 ESR_EL1.
	Code uint64
}

// Space is the hardware's view of one address space: a page table whose upper
// half is the kernel's, and what its TLB entries are tagged with. The Linux
// personality changes user entries through Table while it holds its own lock, and
// calls Machine.FlushTLB before it lets go of a frame it unmapped.
type Space struct {
	pgtable.Table
	Tag  uint64    // ASID or PCID and its generation; the machine's own
	CPUs [4]uint64 // bit set of CPUs that may hold TLB entries; the machine's own
}

// Machine is what the Linux personality needs from the hardware. Methods may be
// called from any goroutine.
type Machine interface {
	// Enter runs user code with the registers in r and the address space s, until
	// the next trap, which it describes in t. It saves and restores everything that user
	// code can see, vector registers included. One goroutine at a time enters with the same r.
	Enter(r *Regs, s *Space, t *Trap)

	// Kick makes an Enter that runs with r, or the next one to begin, return
	// promptly with an Interrupt trap.
	Kick(r *Regs)

	// SaveFP brings what a CPU still holds of r's floating-point state into r, so that
	// it can be read and copied. No Enter with r may be running.
	SaveFP(r *Regs)

	// Ticks tells how often a clock's tick, or another interrupt, has found the program of r in
	// user mode, and how often the kernel at work since it left. Only their ratio means
	// anything: reading a clock at each trap would cost more than most system calls. No Enter
	// with r may be running.
	Ticks(r *Regs) (user, kernel uint64)

	// NewSpace makes an address space without user mappings.
	NewSpace() (*Space, error)

	// FreeSpace gives back the page tables of s. Its user frames must be unmapped
	// and flushed already, and no Enter with s may be running or follow.
	FreeSpace(s *Space)

	// FlushTLB returns once no CPU uses a translation that s held for user
	// addresses in [from, to) when it was called.
	FlushTLB(s *Space, from, to uint64)

	// SyncCode makes what was written to f visible to instruction fetches.
	SyncCode(f mem.Frame)

	// VDSO is the shared object that every program gets, nil where there is none.
	VDSO() *VDSO

	// SetWallClock tells programs that read VDSO's clocks that the wall clock is Now
	// plus offset.
	SetWallClock(offset time.Duration)

	// NumCPU is the number of CPUs that run; CPU is the one that runs the caller,
	// which may have changed when the answer arrives.
	NumCPU() int
	CPU() int

	// MoveTo has the caller go on on a CPU, which may have changed again by the time it returns: only
	// Regs.OnlyCPU keeps a program to one.
	MoveTo(cpu int)

	// Busy is how long CPU number cpu has worked since boot, in programs and in the kernel,
	// to a few milliseconds. Time in which the host did not let it run does not count.
	Busy(cpu int) time.Duration

	// Alive says that goroutines run. Where it has been called, and a CPU then works for
	// longer than limit without another call, the machine tells what that CPU does and ends;
	// a limit of 0 ends this.
	Alive(limit time.Duration)

	// Now is the time since boot on the machine's one monotonic clock, the same that
	// Go's time package reads: deadlines on it may be awaited with Go timers.
	Now() time.Duration

	// BootTime is the wall clock's time when Now was zero, as the hardware's
	// real-time clock had it.
	BootTime() time.Time

	// Random fills p with numbers fit for keys.
	Random(p []byte)

	// Info describes the machine and how it was booted.
	Info() *Info

	// Devices lists what the machine found, once drivers are up.
	Devices() *Devices

	// Stop ends the machine. It does not return.
	Stop(how StopKind, status int)
}

// VDSO is a shared object that the kernel maps into every program, so that it reads
// clocks without a system call (vdso(7)): an ELF image of one page, to be mapped
// executable, right after a page of data, to be mapped read-only.
type VDSO struct {
	Data, Image mem.Frame
	// SigReturn is the offset in the image of what signal handlers return to, 0 where
	// programs bring that themselves.
	SigReturn uint64
}

// StopKind is a way to end the machine.
type StopKind uint8

const (
	PowerOff StopKind = iota
	Reboot
	Halt
)

// Info is what the boot loader and the CPU said about the machine.
type Info struct {
	Cmdline string // the boot loader's command line
	Init    string // the patched init slot's path, "" where it is empty
	Initrd  []byte // the initial RAM disk, in place; nil without one
	Memory  uint64 // bytes of RAM that the machine has
	Model   string // what the machine calls itself, for people

	CPUModel string   // as /proc/cpuinfo names it
	Features []string // CPU features as /proc/cpuinfo names them
	HWCap    uint64   // AT_HWCAP
	HWCap2   uint64   // AT_HWCAP2
	ClockHz  uint64   // TSC or generic timer frequency
	// CPUInfo is the architecture's identification: on x86-64 family, model, stepping, the
	// highest standard CPUID leaf and the KiB of the second-level cache; on ARM64 MIDR_EL1's implementer, variant, architecture, part, revision.
	CPUInfo [5]uint32
	Vendor  string // x86-64: the CPUID vendor string
}

// Devices are the devices that drivers found.
type Devices struct {
	Console Console   // the console that the boot loader or command line chose; never nil
	Serial  []Console // all serial consoles (ttyS0.., ttyAMA0.., hvc0..), in that order
	Blocks  []Block   // vda, vdb, ... in the machine's order
	Ports   []Port    // virtio-console ports with a name
	// Entropy is true where a hardware source seeds Random.
	Entropy bool
}

// Console is a character device that people or programs sit behind.
type Console interface {
	Name() string // ttyS0, ttyAMA0, hvc0
	// Read waits until there is input, and returns at least one byte.
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	// Size is the terminal's size where the device knows it (virtio-console), else
	// zero. Resized, where not nil, gets a value after each change.
	Size() (columns, rows int)
	Resized() <-chan struct{}
}

// Port is a named byte stream to the host.
type Port interface {
	Name() string
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
}

// Block is a block device. Offsets and lengths are multiples of 512 bytes.
type Block interface {
	Name() string
	Size() int64 // bytes
	ReadOnly() bool
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Flush() error
}
