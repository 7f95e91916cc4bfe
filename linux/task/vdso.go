package task

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// page is an object of one page that all programs map.
type page struct {
	mm.Mappings
	frame mem.Frame
}

// Page implements mm.Object. Private mappings only show it: nobody writes to it.
func (p *page) Page(index uint64, _ bool) (mem.Frame, error) {
	if index > 0 {
		return 0, unix.ENXIO
	}
	p.frame.Ref()
	return p.frame, nil
}

// vdso is the machine's shared object for programs (machine.VDSO) as things to map.
type vdso struct {
	once        sync.Once
	data, image *page // nil where the machine has none
	sigReturn   uint64
}

func (k *Kernel) sharedObject() *vdso {
	k.vdso.once.Do(func() {
		if v := k.Machine.VDSO(); v != nil {
			k.vdso.data, k.vdso.image, k.vdso.sigReturn = &page{frame: v.Data}, &page{frame: v.Image}, v.SigReturn
		}
	})
	return &k.vdso
}

// mapVDSO maps the shared object with which programs read clocks, and finds the code
// that returns from signal handlers, where the architecture's C library expects the
// kernel to bring it. Without a shared object that code gets a page of its own.
func (p *program) mapVDSO() (err error) {
	v := p.t.Kernel.sharedObject()
	if v.image == nil {
		return p.mapSigReturn()
	}
	at, err := p.space.Mmap(mm.Request{
		Length: 2 * pageSize, Prot: unix.PROT_READ, Flags: unix.MAP_PRIVATE, Object: v.data, ReadOnly: true, Name: "[vvar]",
	})
	if err != nil {
		return err
	}
	p.vdso, err = p.space.Mmap(mm.Request{
		Addr: at + pageSize, Length: pageSize, Prot: unix.PROT_READ | unix.PROT_EXEC,
		Flags: unix.MAP_PRIVATE | unix.MAP_FIXED, Object: v.image, ReadOnly: true, Name: "[vdso]",
	})
	if v.sigReturn != 0 {
		p.ret = p.vdso + user.Addr(v.sigReturn)
	}
	return err
}

// mapSigReturn maps the code that returns from signal handlers alone.
func (p *program) mapSigReturn() (err error) {
	if len(abi.SigReturnCode) == 0 {
		return nil
	}
	p.ret, err = p.space.Mmap(mm.Request{
		Length: pageSize, Prot: unix.PROT_READ | unix.PROT_WRITE, Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, Name: "[vdso]",
	})
	if err != nil {
		return err
	}
	if _, err := p.space.CopyOut(p.ret, abi.SigReturnCode); err != nil {
		return unix.ENOMEM
	}
	return p.space.Mprotect(p.ret, pageSize, unix.PROT_READ|unix.PROT_EXEC)
}
