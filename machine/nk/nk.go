// Package nk is the nanokernel: the Linux under the Go runtime.
//
// The kernel is an ordinary GOOS=linux program. The runtime's system calls and the
// exceptions of Go code trap into this package, which multiplexes the runtime's
// threads (Ms) on the CPUs, maps memory on demand, delivers signals, keeps time,
// and runs user programs for the layer above (Enter). docs/nanokernel.md tells how
// it works and how to debug it.
//
// Everything reachable from the trap entries runs on a CPU's own nanokernel stack,
// with interrupts off and a fake g. Therefore it never allocates, stores no
// pointer outside its stack (write barriers), makes no indirect calls and does not
// panic: tables are static and pointer-free, linked by small integers, and
// addresses are uintptrs. A test walks the linked kernel's call graph and proves
// it. The functions of api.go are for ordinary Go code; they come in through
// private system calls.
//
// An entry saves the whole context of the interrupted M in its Thread; the exit
// resumes whichever Thread is the CPU's current one by then. No Thread has a stack
// in here.
//
// Locks: sched.lock guards threads, queues, timers, files and signals; mm.lock
// guards the kernel's address space and physical frames; consoleLock guards the
// console. sched.lock is taken before mm.lock (a page fault may hit the nanokernel
// when it touches the runtime's memory); nobody touches the runtime's memory while
// holding mm.lock; consoleLock is a leaf.
package nk

import "sync/atomic"

// spinlock is held with interrupts off, and shortly.
type spinlock struct{ held uint32 }

// lock waits for the lock. It serves other CPUs' requests meanwhile: their sender
// may hold the lock and wait for us.
func (l *spinlock) lock() {
	var w watch
	for !atomic.CompareAndSwapUint32(&l.held, 0, 1) {
		serveRequests()
		pause()
		w.check("a CPU waits for a lock that nobody lets go of")
	}
}

// watch ends the machine when a CPU has waited too long for another: a hang says
// nothing, its registers do.
type watch struct {
	rounds uint32
	since  int64
}

// stuck is how long a CPU waits. The host may stop any of ours for seconds.
const stuck = 60_000_000_000 // ns

func (w *watch) check(why string) {
	if w.rounds++; w.rounds&0xfffff != 0 {
		return
	}
	switch t := now(); {
	case w.since == 0:
		w.since = t
	case t-w.since > stuck && w.rounds > 64<<20: // not when the host has slept
		dumpThread(thisCPU().thread(), why, 0)
		die()
	}
}

func (l *spinlock) unlock() { atomic.StoreUint32(&l.held, 0) }

// maxCPUs is how many CPUs there can be; sched.idle has one bit for each.
const maxCPUs = 64

// CPU is what the nanokernel keeps per CPU.
type CPU struct {
	archCPU // first: assembly knows its offsets. It has cur, the current *Thread, and uregs, the *machine.Regs in user mode or 0

	id      uint32 // index in cpus
	online  uint32
	resched bool  // the current Thread must let others run at the next exit
	armed   int64 // the timer goes off then; 0: it is off
	faults  int   // depth of page faults being served inside the nanokernel

	// What the CPU did while it was not idle, in nanoseconds: the timer's interrupts tell,
	// so that the host's own delays do not count.
	from    int64 // the CPU has worked since then, at least
	worked  int64
	sampled int64 // worked at the last SIGPROF
	alive   int64 // and at the last call of Alive

	idle Thread // runs when nothing else can
}

var (
	cpus [maxCPUs]CPU
	ncpu = 1 // CPUs that run: cpus[:ncpu]
)

// Counters of events, for diagnosis.
var stats struct {
	syscalls [512]uint64
	private  uint64
	switches uint64
	irqs     uint64
	ticks    uint64
	faults   uint64
}

// errno is the result of a system call that failed.
func errno(e int) uint64 { return uint64(-e) }
