package task

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/binfmt"
	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Where programs go: the lowest address of position-independent ones without an
// interpreter to load them (two thirds of the address space, as on Linux), and by how
// many random bits of pages things move.
const (
	pieBase    = 0x5555_5555_4000
	pieBits    = 28
	maxStack   = 0x7fff_ffff_f000
	stackBits  = 17
	brkBits    = 13
	stackFirst = 132 << 10 // what the stack has beyond the strings at first
)

func (t *Task) randomPages(bits int) uint64 {
	var b [8]byte
	t.Kernel.Machine.Random(b[:])
	return le.Uint64(b[:]) >> (64 - bits) * pageSize
}

const pageSize = 4096

var le = binary.LittleEndian

// errDoomed is load's answer where Linux has no way back to the old program any more.
var errDoomed = errors.New("the program cannot be loaded")

// errShort is the same for a file that ends before what a segment begins with.
var errShort = errors.New("the program's file is too short")

// load makes the new address space.
func (p *program) load(id *cred.Cred, secure bool) (err error) {
	t := p.t
	if p.space, err = mm.New(t.Kernel.Machine); err != nil {
		return err
	}
	if p.elf.Bad != nil || p.loader != nil && p.loader.Bad != nil {
		return errDoomed
	}
	p.space.SetOwner(int32(t.Group.pid.global()))
	bias := uint64(0)
	if p.elf.Dynamic {
		if p.elf.Interp != "" {
			bias = pieBase + t.randomPages(pieBits)
			bias = bias &^ (p.elf.Align - 1)
		} else if bias, err = p.place(p.elf); err != nil {
			return err
		}
		bias -= p.elf.Low
	}
	if err := p.mapSegments(p.file, p.elf, bias); err != nil {
		return err
	}
	brk := bias + p.elf.High
	if p.elf.Dynamic && p.elf.Interp == "" {
		brk = pieBase // the mappings above would not let it grow
	}
	p.space.SetBrk(user.Addr(brk + t.randomPages(brkBits)))
	p.bias = bias
	entry, base := bias+p.elf.Entry, uint64(0)
	p.entry = entry
	if p.loader != nil {
		base, err = p.place(p.loader)
		if err != nil {
			return err
		}
		base -= p.loader.Low
		if err := p.mapSegments(p.interp, p.loader, base); err != nil {
			return err
		}
		p.entry = base + p.loader.Entry
	}
	if err := p.mapVDSO(); err != nil {
		return err
	}
	phdr := uint64(0)
	if p.elf.Phdr != 0 {
		phdr = bias + p.elf.Phdr
	}
	return p.stack(id, secure, phdr, base, entry)
}

// place finds room for a position-independent file among the mappings.
func (p *program) place(f *binfmt.File) (uint64, error) {
	size := f.High - f.Low
	room := size
	if f.Align > pageSize {
		room += f.Align
	}
	at, err := p.space.Mmap(mm.Request{
		Length: room, Prot: unix.PROT_NONE, Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE,
	})
	if err != nil {
		return 0, err
	}
	if err := p.space.Munmap(at, room); err != nil {
		return 0, err
	}
	return (uint64(at) + f.Align - 1) &^ (f.Align - 1), nil
}

func (p *program) mapSegments(f *vfs.File, e *binfmt.File, bias uint64) error {
	for i := range e.Segments {
		if err := p.mapSegment(f, &e.Segments[i], bias); err == errShort {
			return errShort
		} else if err != nil {
			return errDoomed
		}
	}
	return nil
}

func (p *program) mapSegment(f *vfs.File, s *binfmt.Segment, bias uint64) error {
	prot := 0
	if s.Read {
		prot |= unix.PROT_READ
	}
	if s.Write {
		prot |= unix.PROT_WRITE
	}
	if s.Execute {
		prot |= unix.PROT_EXEC
	}
	const flags = unix.MAP_PRIVATE | unix.MAP_FIXED_NOREPLACE
	if s.FileLen > 0 {
		r := mm.Request{Addr: user.Addr(bias + s.Addr), Length: s.FileLen, Prot: prot, Flags: flags, Offset: uint64(s.Off)}
		f.Map(&r)
		if _, err := p.space.Mmap(r); err != nil {
			return err
		}
	}
	if s.MemLen > s.FileLen {
		if _, err := p.space.Mmap(mm.Request{
			Addr: user.Addr(bias + s.Addr + s.FileLen), Length: s.MemLen - s.FileLen, Prot: prot,
			Flags: flags | unix.MAP_ANONYMOUS,
		}); err != nil {
			return err
		}
	}
	// What follows the file's bytes in their last page is zero, where the program
	// could write it: the page belongs to its bss too.
	if tail := s.Addr + s.FileLen - s.FileEnd; s.FileLen > 0 && s.Write && tail > 0 && s.MemEnd > s.FileEnd {
		if _, err := p.space.CopyOut(user.Addr(bias+s.FileEnd), make([]byte, tail)); err != nil {
			if s.Off+int64(s.FileEnd-s.Addr) > f.Inode().Size() {
				return errShort
			}
			return unix.ENOMEM
		}
	}
	return nil
}

// stack lays out the first stack.
func (p *program) stack(id *cred.Cred, secure bool, phdr, base, entry uint64) error {
	t := p.t
	info := t.Kernel.Machine.Info()
	limit := t.Limit(unix.RLIMIT_STACK)
	s := binfmt.Stack{Args: p.args, Env: p.env, Path: p.path, Platform: abi.ELFPlatform}
	t.Kernel.Machine.Random(s.Random[:])
	secureWord := uint64(0)
	if secure {
		secureWord = 1
	}
	s.Aux = []binfmt.Aux{
		{Type: binfmt.AtMinsigstksz, Value: abi.MinSigStack},
		{Type: binfmt.AtHWCap, Value: info.HWCap},
		{Type: binfmt.AtPagesz, Value: pageSize},
		{Type: binfmt.AtClktck, Value: 100},
		{Type: binfmt.AtPhdr, Value: phdr},
		{Type: binfmt.AtPhent, Value: 56},
		{Type: binfmt.AtPhnum, Value: uint64(p.elf.PhNum)},
		{Type: binfmt.AtBase, Value: base},
		{Type: binfmt.AtFlags, Value: 0},
		{Type: binfmt.AtEntry, Value: entry},
		{Type: binfmt.AtUID, Value: uint64(id.User.ShowUID(id.UID))},
		{Type: binfmt.AtEUID, Value: uint64(id.User.ShowUID(id.EUID))},
		{Type: binfmt.AtGID, Value: uint64(id.User.ShowGID(id.GID))},
		{Type: binfmt.AtEGID, Value: uint64(id.User.ShowGID(id.EGID))},
		{Type: binfmt.AtSecure, Value: secureWord},
		{Type: binfmt.AtHWCap2, Value: info.HWCap2},
	}
	if p.vdso != 0 {
		s.Aux = append([]binfmt.Aux{{Type: binfmt.AtSysinfoEhdr, Value: uint64(p.vdso)}}, s.Aux...)
	}
	top := uint64(maxStack) - t.randomPages(stackBits)
	im, err := s.Layout(top, limit)
	if err != nil {
		return err
	}
	size := (uint64(len(im.Bytes)) + stackFirst + pageSize - 1) &^ (pageSize - 1)
	if err := p.space.MapStack(user.Addr(top), size, max(limit, size)); err != nil {
		return err
	}
	if _, err := p.space.CopyOut(user.Addr(im.SP), im.Bytes); err != nil {
		return unix.ENOMEM
	}
	p.sp = im.SP
	p.image = &Image{Layout: Layout{
		ArgStart: im.ArgStart, ArgEnd: im.ArgEnd, EnvStart: im.EnvStart, EnvEnd: im.EnvEnd,
		AuxStart: im.AuxStart, AuxBytes: im.AuxBytes, StackTop: im.SP,
	}}
	p.image.segments(p.elf, p.bias)
	p.image.refs.Store(1)
	return nil
}
