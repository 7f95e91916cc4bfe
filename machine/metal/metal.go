// Package metal implements machine.Machine on a real or virtual ARM64 or x86-64
// machine, above the nanokernel. It is ordinary Go: what needs interrupts off, other
// stacks or assembly is machine/nk's.
package metal

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/nk"
	"kevlar/machine/pgtable"
)

// Metal is the machine. There is one, from New.
type Metal struct {
	nk.Programs
	info    machine.Info
	devices machine.Devices

	irq struct {
		mu       sync.Mutex
		handlers [nk.MaxIRQ]func()
	}
	random struct {
		mu sync.Mutex
		r  *rand.ChaCha8
	}
}

var _ machine.Machine = (*Metal)(nil)

// New takes charge of the machine: frames for programs, interrupts, randomness,
// devices. problem is called for each device that does not work; the machine goes on
// without it.
func New(problem func(error)) *Metal {
	mem.SetSource(nk.Frames{})
	var seed [32]byte
	nk.Seed(seed[:])
	m := &Metal{}
	m.OnIRQs = m.dispatch
	m.random.r = rand.NewChaCha8(seed)
	m.info = machine.Info{
		Cmdline: nk.Cmdline(),
		Init:    initPath(),
		Initrd:  nk.Initrd(),
		Memory:  nk.Memory(),
		ClockHz: nk.ClockHz(),
	}
	m.info.HWCap, m.info.HWCap2 = nk.HWCap()
	m.identify()
	go m.serveIRQs()
	m.findDevices(problem)
	m.chooseConsole()
	return m
}

// Kick implements machine.Machine.
func (m *Metal) Kick(r *machine.Regs) { nk.Kick(r) }

// SaveFP implements machine.Machine.
func (m *Metal) SaveFP(r *machine.Regs) { nk.SaveFP(r) }

// NewSpace implements machine.Machine.
func (m *Metal) NewSpace() (*machine.Space, error) {
	f, err := mem.Alloc()
	if err != nil {
		return nil, err
	}
	s := &machine.Space{Table: pgtable.Table{Root: f}}
	nk.InitSpace(s)
	return s, nil
}

// FreeSpace implements machine.Machine.
func (m *Metal) FreeSpace(s *machine.Space) {
	nk.ForgetSpace(s)
	s.FreeUser()
	s.Root.Unref()
	s.Root = 0
}

// FlushTLB implements machine.Machine.
func (m *Metal) FlushTLB(s *machine.Space, from, to uint64) { nk.FlushTLB(s, from, to) }

// SyncCode implements machine.Machine.
func (m *Metal) SyncCode(f mem.Frame) { nk.SyncCode(f) }

// VDSO implements machine.Machine.
func (m *Metal) VDSO() *machine.VDSO { return nk.UserVDSO() }

// SetWallClock implements machine.Machine.
func (m *Metal) SetWallClock(offset time.Duration) { nk.SetWallClock(offset) }

// NumCPU implements machine.Machine.
func (m *Metal) NumCPU() int { return nk.NumCPU() }

// CPU implements machine.Machine.
func (m *Metal) CPU() int { return nk.CPUID() }

// MoveTo implements machine.Machine.
func (m *Metal) MoveTo(cpu int) { nk.MoveTo(cpu) }

// Busy implements machine.Machine.
func (m *Metal) Busy(cpu int) time.Duration { return nk.Busy(cpu) }

// Alive implements machine.Machine.
func (m *Metal) Alive(limit time.Duration) { nk.Alive(limit) }

// Now implements machine.Machine.
func (m *Metal) Now() time.Duration { return nk.Now() }

// BootTime implements machine.Machine.
func (m *Metal) BootTime() time.Time { return nk.BootTime() }

// Random implements machine.Machine.
func (m *Metal) Random(p []byte) {
	m.random.mu.Lock()
	defer m.random.mu.Unlock()
	m.random.r.Read(p)
}

// Info implements machine.Machine.
func (m *Metal) Info() *machine.Info { return &m.info }

// Devices implements machine.Machine.
func (m *Metal) Devices() *machine.Devices { return &m.devices }

// Stop implements machine.Machine.
func (m *Metal) Stop(how machine.StopKind, status int) { nk.Stop(how, status) }

// HandleIRQ has f called, on some goroutine, soon after interrupt line n fired, and
// enables the line. f must not block; a level-triggered line stays masked until it
// returns.
func (m *Metal) HandleIRQ(n int, level bool, f func()) error {
	if n < 0 || n >= nk.MaxIRQ {
		return unix.EINVAL
	}
	m.irq.mu.Lock()
	m.irq.handlers[n] = f
	m.irq.mu.Unlock()
	if n >= firstMessage {
		return nil
	}
	return nk.RouteIRQ(n, level)
}

// serveIRQs serves the interrupts that hit kernel code or an idle CPU.
func (m *Metal) serveIRQs() {
	for {
		m.dispatch(nk.WaitIRQs())
		// Whom that made ready runs first. A system call keeps its P until the runtime's monitor
		// takes it away, which may be 10 ms later.
		runtime.Gosched()
	}
}

func (m *Metal) dispatch(s nk.IRQs) {
	for n := s.Next(); n >= 0; n = s.Next() {
		m.irq.mu.Lock()
		f := m.irq.handlers[n]
		m.irq.mu.Unlock()
		if f != nil {
			f()
			nk.UnmaskIRQ(n)
		}
	}
}
