package sim_test

import (
	"bytes"
	"debug/elf"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
	"kevlar/machine/sim"
)

const signo = int(unix.SIGUSR1)

// kernel is the smallest personality that the simulation's own tests need: memory
// appears where it is touched, threads share it, raise runs a handler.
type kernel struct {
	t *testing.T
	m *sim.Machine

	mu      sync.Mutex
	space   *machine.Space
	brk     uint64
	out     bytes.Buffer
	faults  int
	ticks   int
	act     [4]uint64
	saved   []machine.Regs
	restart bool
	wg      sync.WaitGroup
}

func newKernel(t *testing.T) *kernel {
	m := sim.New(t, sim.Config{CPUs: 2})
	s, err := m.NewSpace()
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{t: t, m: m, space: s, brk: 0x10000000}
	t.Cleanup(func() {
		s.Range(0, pgtable.UserEnd, func(va uint64, e *pgtable.Entry) bool {
			if v := e.Clear(); v.Mapped() {
				m.FlushTLB(s, va, va+mem.PageSize)
				v.Frame().Unref()
			}
			return true
		})
		m.FreeSpace(s)
	})
	return k
}

func (k *kernel) start(pc uint64) *machine.Regs {
	r := machine.NewRegs()
	r.SetPC(pc)
	r.SetStackPtr(0x7000_0000)
	k.wg.Add(1)
	go k.loop(r)
	return r
}

// loop is the life of one thread.
func (k *kernel) loop(r *machine.Regs) {
	defer k.wg.Done()
	for {
		var trap machine.Trap
		k.m.Enter(r, k.space, &trap)
		k.mu.Lock()
		alive := k.serve(r, trap)
		k.mu.Unlock()
		if !alive {
			return
		}
	}
}

func (k *kernel) serve(r *machine.Regs, trap machine.Trap) bool {
	switch trap.Kind {
	case machine.Fault:
		k.faults++
		if trap.Access == machine.Execute || trap.Addr < 0x10000 {
			k.t.Errorf("wild access %+v at pc %#x", trap, r.PC())
			return false
		}
		e, err := k.space.MakePage(trap.Addr)
		if err != nil {
			k.t.Error(err)
			return false
		}
		if e.Load().Mapped() {
			return true
		}
		f, err := mem.Alloc()
		if err != nil {
			k.t.Error(err)
			return false
		}
		e.Set(f, pgtable.Read|pgtable.Write|pgtable.User)
		return true
	case machine.Interrupt:
		k.ticks++
		return true
	}
	var a [6]uint64
	nr := r.Syscall(&a)
	switch nr {
	case unix.SYS_EXIT, unix.SYS_EXIT_GROUP:
		return false
	case unix.SYS_MMAP:
		r.SetReturn(k.brk)
		k.brk += a[1]
	case unix.SYS_WRITE:
		p := make([]byte, a[2])
		for i := range p {
			va := a[1] + uint64(i)
			p[i] = k.space.Page(va).Load().Frame().Data()[va%mem.PageSize]
		}
		k.out.Write(p)
		r.SetReturn(a[2])
	case unix.SYS_CLONE:
		child := *r
		child.SetReturn(0)
		if a[1] != 0 {
			child.SetStackPtr(a[1])
		}
		k.wg.Add(1)
		go k.loop(&child)
		r.SetReturn(77)
	case unix.SYS_RT_SIGACTION:
		for i := range k.act {
			va := a[1] + 8*uint64(i)
			k.act[i] = k.space.Page(va).Load().Frame().Words()[va%mem.PageSize/8]
		}
		r.SetReturn(0)
	case unix.SYS_TGKILL: // to oneself: run the handler
		r.SetReturn(0)
		k.saved = append(k.saved, *r)
		r.SetPC(k.act[0])
		r.SetStackPtr(r.StackPtr() - 1024)
		setArg0(r, uint64(signo))
	case unix.SYS_RT_SIGRETURN:
		*r = k.saved[len(k.saved)-1]
		k.saved = k.saved[:len(k.saved)-1]
	case unix.SYS_GETPPID: // restarts once
		if k.restart = !k.restart; k.restart {
			r.RestartSyscall(nr, a[0])
		} else {
			r.SetReturn(42 + a[0])
		}
	default:
		e := unix.ENOSYS
		r.SetReturn(-uint64(e))
	}
	return true
}

func TestSyscallsAndMemory(t *testing.T) {
	k := newKernel(t)
	k.start(sim.Program(func(u *sim.User) {
		if n := u.Must(unix.SYS_WRITE, 1, "hello\n", 6); n != 6 {
			t.Errorf("write: %d", n)
		}
		u.Expect(unix.ENOSYS, unix.SYS_SETTIMEOFDAY)
		if n := u.Syscall(unix.SYS_GETPPID, 1); n != 43 {
			t.Errorf("restarted call: %d", n)
		}
		p := []byte("crosses a page")
		u.Store(0x5000_0ffa, p)
		q := make([]byte, len(p))
		u.Load(0x5000_0ffa, q)
		if !bytes.Equal(p, q) {
			t.Errorf("loaded %q", q)
		}
		ts := unix.Timespec{Sec: 5, Nsec: 6}
		var back unix.Timespec
		u.Get(u.Value(&ts), &back)
		if ts != back {
			t.Errorf("struct: %v", back)
		}
	}))
	k.wg.Wait()
	if got := k.out.String(); got != "hello\n" {
		t.Errorf("output %q", got)
	}
	if k.faults < 3 {
		t.Errorf("%d faults", k.faults)
	}
}

func TestThreadsAndKick(t *testing.T) {
	k := newKernel(t)
	const word, n = 0x6000_0000, 8
	r := k.start(sim.Program(func(u *sim.User) {
		for range n {
			u.Clone(unix.CLONE_VM|unix.CLONE_THREAD, 0x7100_0000, func(u *sim.User) {
				for range 100 {
					u.Add32(word, 1)
				}
			})
		}
		for u.Load32(word) != n*100 {
			u.Tick()
		}
		u.Store32(word+4, 1)
		u.Spin()
		u.Store32(word+4, 2)
	}))
	k.m.Kick(r)
	// Kicks are not counted: each that the loop has served must have stopped the program.
	done := make(chan struct{})
	go func() { k.wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			if v := k.space.Page(word).Load().Frame().Word(4).Load(); v != 2 {
				t.Errorf("spinner ended at %d", v)
			}
			return
		default:
			k.m.Kick(r)
		}
	}
}

func TestSignalsNest(t *testing.T) {
	k := newKernel(t)
	var order []string
	k.start(sim.Program(func(u *sim.User) {
		depth := 0
		u.Signal(signo, 0, func(u *sim.User, sig int, _, _ uint64) {
			order = append(order, "in")
			if sig != signo {
				t.Errorf("signal %d", sig)
			}
			if depth++; depth < 3 {
				u.Must(unix.SYS_TGKILL, 0, 0, signo)
			}
			order = append(order, "out")
		})
		u.Must(unix.SYS_TGKILL, 0, 0, signo)
		order = append(order, "end")
	}))
	k.wg.Wait()
	if want := []string{"in", "in", "in", "out", "out", "out", "end"}; !slices.Equal(order, want) {
		t.Errorf("order %v", order)
	}
}

func TestStaleTranslation(t *testing.T) {
	k := newKernel(t)
	const va = 0x6000_0000
	m, s := k.m, k.space
	k.start(sim.Program(func(u *sim.User) {
		u.Store8(va, 1)
		e := s.Page(va)
		f := e.Clear().Frame() // as a kernel would, but without the flush
		u.Store8(va, 2)
		if f.Data()[0] != 2 {
			t.Error("the TLB forgot a translation by itself")
		}
		m.FlushTLB(s, va, va+mem.PageSize)
		f.Unref()
		if v := u.Load8(va); v != 0 {
			t.Errorf("after the flush: %d", v)
		}
	}))
	k.wg.Wait()
}

func TestELF(t *testing.T) {
	addr := sim.Program(func(*sim.User) {})
	f, err := elf.NewFile(bytes.NewReader(sim.ELF(addr)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Entry != addr || len(f.Progs) != 2 || f.Progs[0].Type != elf.PT_LOAD {
		t.Errorf("%+v", f.FileHeader)
	}
}

func TestPanicFailsTest(t *testing.T) {
	tb := &recorder{TB: t}
	m := sim.New(tb, sim.Config{})
	s, _ := m.NewSpace()
	r := machine.NewRegs()
	r.SetPC(sim.Program(func(*sim.User) { panic("oops") }))
	m.Enter(r, s, new(machine.Trap))
	var a [6]uint64
	nr := r.Syscall(&a)
	if nr != unix.SYS_EXIT_GROUP || a[0] != 1 || !tb.failed {
		t.Errorf("system call %d(%d), failed %v", nr, a[0], tb.failed)
	}
	m.FreeSpace(s)
}

type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestExhaust(t *testing.T) {
	restore := sim.Exhaust()
	defer restore()
	sim.New(t, sim.Config{})
	var frames []mem.Frame
	for {
		f, err := mem.Alloc()
		if err != nil {
			break
		}
		frames = append(frames, f)
	}
	if len(frames) > 1024 {
		t.Errorf("%d frames after memory ran out", len(frames))
	}
	for _, f := range frames {
		f.Unref()
	}
}

func TestConsole(t *testing.T) {
	m := sim.New(t, sim.Config{Ports: []string{"kevlar.control"}})
	c := m.Devices().Console
	m.Console.Type("in")
	b := make([]byte, 10)
	if n, err := c.Read(b); err != nil || string(b[:n]) != "in" {
		t.Errorf("read %q, %v", b[:n], err)
	}
	go c.Write([]byte("out"))
	m.Console.Await(t, "out")
	if m.Devices().Ports[0].Name() != "kevlar.control" {
		t.Error("port")
	}
}
