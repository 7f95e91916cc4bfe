package selftest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Addresses of the program's pages.
const (
	codeAt = 0x400000
	dataAt = 0x600000
)

// program runs machine code in user mode.
type program struct {
	m    machine.Machine
	s    *machine.Space
	r    *machine.Regs
	code mem.Frame
	data mem.Frame
}

// start makes an address space with a page of code and one of data.
func start(m machine.Machine, code []byte) (*program, error) {
	s, err := m.NewSpace()
	if err != nil {
		return nil, err
	}
	p := &program{m: m, s: s, r: machine.NewRegs()}
	f, err := p.mapPage(codeAt, pgtable.Read|pgtable.Execute|pgtable.User)
	if err != nil {
		return nil, err
	}
	p.code = f
	copy(f.Data()[:], code)
	m.SyncCode(f)
	if p.data, err = p.mapPage(dataAt, pgtable.Read|pgtable.Write|pgtable.User); err != nil {
		return nil, err
	}
	p.r.SetPC(codeAt)
	p.r.SetStackPtr(dataAt + mem.PageSize)
	return p, nil
}

func (p *program) mapPage(va uint64, prot pgtable.Prot) (mem.Frame, error) {
	f, err := mem.Alloc()
	if err != nil {
		return 0, err
	}
	e, err := p.s.MakePage(va)
	if err != nil {
		return 0, err
	}
	e.Set(f, prot)
	return f, nil
}

// trap runs until something other than an interrupt stops the program.
func (p *program) trap() machine.Trap {
	var t machine.Trap
	for {
		p.m.Enter(p.r, p.s, &t)
		if t.Kind != machine.Interrupt {
			return t
		}
		runtime.Gosched()
	}
}

func (p *program) end() {
	for _, va := range []uint64{codeAt, dataAt} {
		if e := p.s.Page(va); e != nil {
			v := e.Clear()
			p.m.FlushTLB(p.s, va, va+mem.PageSize)
			v.Frame().Unref()
		}
	}
	p.m.FreeSpace(p.s)
}

// UserMode returns the tests of user mode on m.
func UserMode(m machine.Machine) []Test {
	return []Test{
		{"system call", func() error {
			p, err := start(m, userSyscall)
			if err != nil {
				return err
			}
			defer p.end()
			for i := range uint64(1000) {
				t := p.trap()
				var args [6]uint64
				nr := p.r.Syscall(&args)
				if t.Kind != machine.Syscall || nr != 42 || args[0] != i {
					return fmt.Errorf("trap %+v, call %d(%d) for the %dth", t, nr, args[0], i)
				}
				p.r.SetReturn(i + 1)
			}
			return nil
		}},
		{"system call keeps registers", func() error {
			// After a system call the upper layer may set any registers, as at the return
			// from a signal handler: the program sees them all.
			p, err := start(m, userSyscall)
			if err != nil {
				return err
			}
			defer p.end()
			p.trap()
			if err := p.registers(); err != nil {
				return err
			}
			return nil
		}},
		{"faults", func() error {
			p, err := start(m, userSyscall)
			if err != nil {
				return err
			}
			defer p.end()
			p.r.SetPC(0x7000)
			if t := p.trap(); t.Kind != machine.Fault || t.Access != machine.Execute || t.Present || t.Addr != 0x7000 {
				return fmt.Errorf("jump to nowhere: %+v", t)
			}
			p.r.SetPC(dataAt)
			if t := p.trap(); t.Kind != machine.Fault || t.Access != machine.Execute || !t.Present {
				return fmt.Errorf("jump to data: %+v", t)
			}
			return nil
		}},
		{"running out of memory", func() error {
			before := mem.Usage().InUse
			var all []mem.Frame
			for len(all) < 1<<16 { // of a big machine, not all
				f, err := mem.AllocDirty()
				if err != nil {
					break
				}
				f.Words()[0] = uint64(f)
				all = append(all, f)
			}
			for i := range 1000 { // the heap has its share still
				_ = make([]byte, 1000+i)
			}
			runtime.GC()
			for _, f := range all {
				if f.Words()[0] != uint64(f) {
					return fmt.Errorf("frame %#x belongs to two", uint64(f))
				}
				f.Unref()
			}
			if n := mem.Usage().InUse; n != before || len(all) == 0 {
				return fmt.Errorf("%d frames in use, %d before; had %d", n, before, len(all))
			}
			return nil
		}},
		{"kick", func() error {
			p, err := start(m, userSpin)
			if err != nil {
				return err
			}
			defer p.end()
			stop := make(chan bool)
			go func() {
				time.Sleep(10 * time.Millisecond)
				p.m.Kick(p.r)
				close(stop)
			}()
			var t machine.Trap
			for n := 0; ; n++ {
				p.m.Enter(p.r, p.s, &t)
				if t.Kind != machine.Interrupt {
					return fmt.Errorf("trap %+v", t)
				}
				select {
				case <-stop:
					return nil
				default:
				}
				runtime.Gosched()
				if n > 1000 {
					return errors.New("the kick did not arrive")
				}
			}
		}},
		{"registers survive", func() error {
			var wg sync.WaitGroup
			errs := make(chan error, 8)
			for i := range uint64(8) {
				wg.Go(func() { errs <- fill(m, i) })
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"collection beside a spinner", func() error {
			p, err := start(m, userSpin)
			if err != nil {
				return err
			}
			defer p.end()
			stop, done := make(chan bool), make(chan bool)
			go func() {
				defer close(done)
				var t machine.Trap
				for {
					p.m.Enter(p.r, p.s, &t)
					select {
					case <-stop:
						return
					default:
						runtime.Gosched()
					}
				}
			}()
			t := time.Now()
			for range 10 {
				runtime.GC()
			}
			d := time.Since(t) / 10
			close(stop)
			<-done
			if d > time.Second {
				return fmt.Errorf("%v each", d)
			}
			return nil
		}},
	}
}
