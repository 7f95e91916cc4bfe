// Package sim is a machine in memory: the Linux personality runs on it in ordinary
// Go tests, under the race detector, on any host. It has real frames and real page
// tables (from an arena outside the Go heap), a TLB that keeps stale translations
// until FlushTLB as hardware does, consoles and ports; what it lacks is an
// instruction set. User programs are Go functions:
//
//	m := sim.New(t, sim.Config{})
//	hello := sim.Program(func(u *sim.User) {
//		u.Must(unix.SYS_WRITE, 1, "hello\n", 6)
//		pid := u.Fork(func(u *sim.User) { u.Exit(3) })
//		var status int32
//		u.Must(unix.SYS_WAIT4, pid, &status, 0, 0)
//		if status != 3<<8 {
//			u.Errorf("status %#x", status)
//		}
//	})
//	regs := machine.NewRegs()
//	regs.SetPC(hello) // or let execve load sim.ELF(hello)
//	for {
//		m.Enter(regs, space, &trap) // runs hello to its next system call, fault, ...
//		...
//	}
//
// A program runs as a coroutine that belongs to its Regs: Enter begins one where the
// program counter is a registered address, and resumes it until it traps. Memory
// accesses (User.Load, User.Store and everything that builds on them) walk the page
// table and trap with Fault until the kernel has repaired them. The kernel moves a
// program as it would on hardware, by its registers:
//
//   - A new thread or process has the registers of its parent. User.Fork and
//     User.Clone trap with the child's function as program counter, so that
//     registers without a coroutine begin there, while the parent goes on.
//   - A signal handler (Handler) begins when the program counter arrives at its address;
//     it nests in the interrupted coroutine. Its return calls rt_sigreturn, and when
//     the kernel has restored program counter and stack pointer the interrupted one goes on.
//   - RestartSyscall, by the program counter before the system call, traps again.
//   - Entering with another Space is exec: the old coroutines end.
//
// A panic in a program fails the test and ends the program. Frames are shared by all
// machines of a test process; each machine has its own everything else.
package sim

import (
	"crypto/rand"
	"runtime"
	"sync"
	"testing"
	"time"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Config describes the machine to make. The zero value is a machine with one CPU, a
// console named ttyS0 and nothing else.
type Config struct {
	CPUs    int // default 1
	Cmdline string
	Init    string
	Initrd  []byte
	Ports   []string // names of virtio-console ports
	Blocks  []machine.Block
	Memory  uint64 // what Info says; default: the arena's size
}

// Machine is a machine.Machine in memory.
type Machine struct {
	tb    testing.TB
	start time.Time
	info  machine.Info
	devs  machine.Devices
	cpus  int

	// Console is the machine's console, Ports its ports, as the host sees them.
	Console *Console
	Ports   map[string]*Port

	stop chan Stopped

	mu      sync.Mutex // guards threads, spaces and the frames of threads that do not run; leaf
	threads map[*machine.Regs]*thread
	spaces  map[*machine.Space]*tlb
}

// Stopped tells how a machine ended.
type Stopped struct {
	How    machine.StopKind
	Status int
}

var _ machine.Machine = (*Machine)(nil)

// New makes a machine whose failures are tb's. It ends with the test.
func New(tb testing.TB, c Config) *Machine {
	arena.once.Do(newArena)
	if c.CPUs == 0 {
		c.CPUs = 1
	}
	if c.Memory == 0 {
		c.Memory = arenaFrames * mem.PageSize
	}
	m := &Machine{
		tb:    tb,
		start: time.Now(),
		cpus:  c.CPUs,
		info: machine.Info{
			Cmdline: c.Cmdline, Init: c.Init, Initrd: c.Initrd, Memory: c.Memory,
			Model: "sim", CPUModel: "sim", ClockHz: 1e9, Vendor: "KevlarSim",
		},
		Console: newConsole("ttyS0"),
		Ports:   make(map[string]*Port),
		stop:    make(chan Stopped, 1),
		threads: make(map[*machine.Regs]*thread),
		spaces:  make(map[*machine.Space]*tlb),
	}
	m.devs.Console = m.Console
	m.devs.Serial = []machine.Console{m.Console}
	m.devs.Blocks = c.Blocks
	m.devs.Entropy = true
	for _, name := range c.Ports {
		p := newPort(name)
		m.Ports[name] = p
		m.devs.Ports = append(m.devs.Ports, p)
	}
	tb.Cleanup(m.close)
	return m
}

// close ends the coroutines of threads that the kernel has abandoned.
func (m *Machine) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r, th := range m.threads {
		th.kill()
		delete(m.threads, r)
	}
}

// Enter implements machine.Machine.
func (m *Machine) Enter(r *machine.Regs, s *machine.Space, t *machine.Trap) {
	th := m.thread(r, s)
	if th.kicked.Swap(false) {
		t.Kind = machine.Interrupt
		return
	}
	began := time.Now()
	if !th.left.IsZero() {
		// A longer time was spent asleep.
		r.KernelTicks += uint64(min(began.Sub(th.left), time.Millisecond))
	}
	trap, exited := th.enter()
	th.left = time.Now()
	r.UserTicks += uint64(th.left.Sub(began))
	if exited {
		m.mu.Lock()
		if m.threads[r] == th {
			delete(m.threads, r)
		}
		th.kill()
		m.mu.Unlock()
	}
	*t = trap
}

// thread finds the coroutines that belong to r, or an empty record. s is nil for Kick.
func (m *Machine) thread(r *machine.Regs, s *machine.Space) *thread {
	m.mu.Lock()
	defer m.mu.Unlock()
	th := m.threads[r]
	if th == nil {
		th = &thread{m: m, regs: r, kick: make(chan struct{}, 1)}
		m.threads[r] = th
	}
	if s != nil && th.space != s {
		th.kill()
		th.space = s
		th.tlb = m.spaces[s]
		if th.tlb == nil {
			panic("sim: Enter with a Space that is not this machine's, or freed")
		}
	}
	return th
}

// Kick implements machine.Machine.
func (m *Machine) Kick(r *machine.Regs) {
	th := m.thread(r, nil)
	th.kicked.Store(true)
	select {
	case th.kick <- struct{}{}:
	default:
	}
}

// Ticks implements machine.Machine: there is one each nanosecond.
func (m *Machine) Ticks(r *machine.Regs) (user, kernel uint64) { return r.UserTicks, r.KernelTicks }

// SaveFP implements machine.Machine: there is no floating-point unit.
func (m *Machine) SaveFP(*machine.Regs) {}

// NewSpace implements machine.Machine.
func (m *Machine) NewSpace() (*machine.Space, error) {
	root, err := mem.Alloc()
	if err != nil {
		return nil, err
	}
	s := &machine.Space{Table: pgtable.Table{Root: root}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spaces[s] = &tlb{entries: make(map[uint64]pgtable.Value)}
	return s, nil
}

// FreeSpace implements machine.Machine. It fails the test where user pages are still
// mapped, or where a translation was never flushed.
func (m *Machine) FreeSpace(s *machine.Space) {
	m.mu.Lock()
	t := m.spaces[s]
	delete(m.spaces, s)
	for r, th := range m.threads {
		if th.space == s {
			th.kill()
			delete(m.threads, r)
		}
	}
	m.mu.Unlock()
	if t == nil {
		m.tb.Errorf("sim: FreeSpace of a space that is not this machine's, or freed")
		return
	}
	t.mu.Lock()
	for va := range t.entries {
		m.tb.Errorf("sim: FreeSpace while the TLB holds a translation of %#x: FlushTLB is missing", va)
		break
	}
	t.mu.Unlock()
	s.Range(0, pgtable.UserEnd, func(va uint64, e *pgtable.Entry) bool {
		if e.Load().Mapped() {
			m.tb.Errorf("sim: FreeSpace while %#x is mapped", va)
			return false
		}
		return true
	})
	s.FreeUser()
	s.Root.Unref()
}

// FlushTLB implements machine.Machine.
func (m *Machine) FlushTLB(s *machine.Space, from, to uint64) {
	m.mu.Lock()
	t := m.spaces[s]
	m.mu.Unlock()
	if t != nil {
		t.flush(from, to)
	}
}

// SyncCode implements machine.Machine: there is no code.
func (m *Machine) SyncCode(mem.Frame) {}

// VDSO implements machine.Machine: there is no code that could be in one.
func (m *Machine) VDSO() *machine.VDSO { return nil }

// SetWallClock implements machine.Machine.
func (m *Machine) SetWallClock(time.Duration) {}

// NumCPU implements machine.Machine.
func (m *Machine) NumCPU() int { return m.cpus }

// CPU implements machine.Machine: the simulation does not tell CPUs apart.
func (m *Machine) CPU() int { return 0 }

// MoveTo implements machine.Machine, with nothing to do.
func (m *Machine) MoveTo(int) {}

// Now implements machine.Machine.
func (m *Machine) Now() time.Duration { return time.Since(m.start) }

// Busy implements machine.Machine: a CPU here is always at work.
func (m *Machine) Busy(int) time.Duration { return m.Now() }

// Alive implements machine.Machine. The host's Go runtime finds its own deadlocks.
func (m *Machine) Alive(time.Duration) {}

// BootTime implements machine.Machine.
func (m *Machine) BootTime() time.Time { return m.start }

// Random implements machine.Machine.
func (m *Machine) Random(p []byte) { rand.Read(p) }

// Info implements machine.Machine.
func (m *Machine) Info() *machine.Info { return &m.info }

// Devices implements machine.Machine.
func (m *Machine) Devices() *machine.Devices { return &m.devs }

// Stop implements machine.Machine: it ends the calling goroutine.
func (m *Machine) Stop(how machine.StopKind, status int) {
	select {
	case m.stop <- Stopped{how, status}:
	default:
	}
	runtime.Goexit()
}

// Stopped receives one value when Stop is called.
func (m *Machine) Stopped() <-chan Stopped { return m.stop }
