package task

import (
	"encoding/binary"
	"errors"
	"path"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/binfmt"
	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Image is what execve has left for others to look at: the file that runs and where
// its parts are (/proc/PID/exe, cmdline, environ, auxv). Tasks that share memory share
// it.
type Image struct {
	Exe *vfs.File
	Layout

	refs atomic.Int32
}

// Layout is where things are in the memory of a program: addresses.
type Layout struct {
	ArgStart, ArgEnd   uint64
	EnvStart, EnvEnd   uint64
	AuxStart, AuxBytes uint64
	StackTop           uint64
	CodeStart, CodeEnd uint64
	DataStart, DataEnd uint64
}

// segments notes where the code and the data of a program are, as Linux counts: from
// the lowest executable segment to the end of the highest, and of the highest segment.
func (l *Layout) segments(e *binfmt.File, bias uint64) {
	for _, s := range e.Segments {
		start, end := bias+s.Addr, bias+s.FileEnd
		if s.Execute {
			if l.CodeStart == 0 || start < l.CodeStart {
				l.CodeStart = start
			}
			l.CodeEnd = max(l.CodeEnd, end)
		}
		l.DataStart, l.DataEnd = max(l.DataStart, start), max(l.DataEnd, end)
	}
}

func (im *Image) retain() *Image {
	if im != nil {
		im.refs.Add(1)
	}
	return im
}

func (im *Image) release() {
	if im != nil && im.refs.Add(-1) == 0 {
		im.Exe.Inode().AllowWrite()
		im.Exe.Unref()
	}
}

// ExecArgs is what execveat(2) takes. Strings reads the argument and environment
// strings; it is called once the file is open, as Linux does.
type ExecArgs struct {
	DirFD   int
	Path    []byte
	Flags   vfs.LookupFlags
	Strings func() (args, env []string, err error)
}

// maxInterps is how many interpreters one execve goes through, scripts' included.
const maxInterps = 5

// program is one execve under way.
type program struct {
	t      *Task
	file   *vfs.File // what to load, with a reference
	path   string    // how the program is called: AT_EXECFN
	name   string    // how the interpreter of a script is told what file is to run
	closes bool      // path goes through a descriptor that execve closes
	args   []string
	env    []string

	elf    *binfmt.File
	interp *vfs.File // PT_INTERP's, or nil
	loader *binfmt.File

	space *mm.Space
	image *Image
	bias  uint64 // of the program's addresses
	entry uint64
	sp    uint64
	vdso  user.Addr // of the shared object that the kernel brings; 0 without
	ret   user.Addr // of the code that returns from signals
}

// Exec replaces the program of the calling task's process: execve(2). After an error
// the old one goes on.
func (t *Task) Exec(a *ExecArgs) error {
	p := program{t: t}
	defer p.release()
	if err := p.open(a); err != nil {
		return err
	}
	var err error
	if p.args, p.env, err = a.Strings(); err != nil {
		return err
	}
	if len(p.args) == 0 {
		p.args = []string{""} // execve(2), "NOTES"
	}
	if err := p.resolve(); err != nil {
		return err
	}
	id, secure := t.Cred().Exec(p.privileges())
	err = p.load(id, secure)
	if err != nil && err != errDoomed && err != errShort {
		return err
	}
	if err := t.becomeOnly(); err != nil {
		return err
	}
	if err != nil {
		kill := unix.SIGSEGV
		if err == errShort {
			kill = unix.SIGBUS
		}
		t.forceFatal(kill, kill)
		return abi.ERESTARTNOINTR // there is no program to go back to, nor a handler to run
	}
	t.replace(&p, id, secure)
	return nil
}

// open opens the program's file.
func (p *program) open(a *ExecArgs) (err error) {
	t := p.t
	if p.file, err = vfs.OpenExec(t.VFS(), a.DirFD, a.Path, a.Flags); err != nil {
		return err
	}
	p.path = string(a.Path)
	if a.DirFD != unix.AT_FDCWD && !path.IsAbs(p.path) {
		fd := "/dev/fd/" + strconv.Itoa(a.DirFD)
		if p.path == "" {
			p.path = fd
		} else {
			p.path = fd + "/" + p.path
		}
		p.closes = t.Files.CloseOnExec(a.DirFD)
	}
	p.name = p.path
	if err := p.file.Inode().DenyWrite(); err != nil {
		p.file.Unref()
		p.file = nil
		return err
	}
	return nil
}

// release ends what a failed or finished execve holds.
func (p *program) release() {
	if p.file != nil {
		p.file.Inode().AllowWrite()
		p.file.Unref()
	}
	if p.interp != nil {
		p.interp.Unref()
	}
	if p.space != nil {
		p.space.Release()
	}
}

// fileReader reads a file for the kernel.
type fileReader struct {
	c *vfs.Context
	f *vfs.File
}

// ReadAt implements io.ReaderAt, but for the error at the end of the file: any short
// read is one.
func (r fileReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.read(b, off)
	if err == nil && n < len(b) {
		err = unix.EIO
	}
	return n, err
}

func (r fileReader) read(b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		dst := user.Kernel(b[n:])
		k, err := r.f.Ops.Read(r.c, r.f, &dst, off+int64(n))
		if err != nil || k == 0 {
			return n, err
		}
		n += k
	}
	return n, nil
}

// resolve follows interpreters until there is an executable, and reads its headers.
func (p *program) resolve() (err error) {
	for range maxInterps {
		var first [binfmt.ScriptMax]byte
		n, err := fileReader{p.t.VFS(), p.file}.read(first[:], 0)
		if err != nil {
			return err
		}
		interp, arg, ok, err := binfmt.Script(first[:n])
		if err != nil {
			return err
		}
		if !ok {
			return p.headers()
		}
		if err := p.script(interp, arg); err != nil {
			return err
		}
	}
	return unix.ELOOP
}

// script replaces the file by the interpreter of the script that it is.
func (p *program) script(interp, arg string) error {
	if p.closes {
		return unix.ENOENT // the interpreter could not open it: execveat(2)
	}
	args := []string{interp}
	if arg != "" {
		args = append(args, arg)
	}
	p.args = append(append(args, p.name), p.args[1:]...)
	p.name = interp
	f, err := vfs.OpenExec(p.t.VFS(), unix.AT_FDCWD, []byte(interp), vfs.Follow)
	if err != nil {
		return err
	}
	if err := f.Inode().DenyWrite(); err != nil {
		f.Unref()
		return err
	}
	p.file.Inode().AllowWrite()
	p.file.Unref()
	p.file = f
	return nil
}

// headers reads the ELF headers of the file and of its interpreter.
func (p *program) headers() (err error) {
	c := p.t.VFS()
	if p.elf, err = binfmt.Parse(fileReader{c, p.file}); err != nil {
		return err
	}
	if p.elf.Interp == "" {
		return nil
	}
	if p.interp, err = vfs.OpenExec(c, unix.AT_FDCWD, []byte(p.elf.Interp), vfs.Follow); err != nil {
		return err
	}
	p.loader, err = binfmt.Parse(fileReader{c, p.interp})
	switch {
	case err == unix.ENOEXEC:
		return unix.ELIBBAD
	case err == nil && !p.loader.Dynamic:
		return unix.ELIBBAD
	}
	return err
}

// privileges says what the file's mode means for the identity of who runs it.
func (p *program) privileges() cred.ExecFile {
	i := p.file.Inode()
	f := cred.ExecFile{UID: cred.Keep, GID: cred.Keep}
	if p.file.Path().Mnt.Flags()&vfs.MntNoSuid != 0 || p.t.Cred().NoNewPrivs {
		return f
	}
	if i.Mode()&unix.S_ISUID != 0 {
		f.UID = i.UID()
	}
	if i.Mode()&(unix.S_ISGID|unix.S_IXGRP) == unix.S_ISGID|unix.S_IXGRP {
		f.GID = i.GID()
	}
	return f
}

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
		{Type: binfmt.AtUID, Value: uint64(id.UID)},
		{Type: binfmt.AtEUID, Value: uint64(id.EUID)},
		{Type: binfmt.AtGID, Value: uint64(id.GID)},
		{Type: binfmt.AtEGID, Value: uint64(id.EGID)},
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

// becomeOnly ends all other threads of the process, and makes the caller its leader,
// with the process's ID. Where the process ends meanwhile, or another thread was
// first, the caller is to end: the error only gets it out of the call.
func (t *Task) becomeOnly() error {
	g := t.Group
	g.mu.Lock()
	if g.exiting || g.execer != nil {
		g.mu.Unlock()
		return abi.ERESTARTNOINTR
	}
	g.execer = t
	for o := g.threads; o != nil; o = o.next {
		if o != t && !o.gone {
			o.killed = true
			o.interrupt()
			o.die()
		}
	}
	for g.alive > 1 && !g.exiting {
		g.execWait.Wait()
	}
	g.execer = nil
	exiting := g.exiting
	g.mu.Unlock()
	if exiting {
		return abi.ERESTARTNOINTR
	}
	procs.Lock()
	defer procs.Unlock()
	if t != g.leader {
		t.takeLead()
	}
	return nil
}

// takeLead gives the caller, the last thread of its process, the place and the ID of
// the leader, which has ended. The caller holds procs.
func (t *Task) takeLead() {
	g := t.Group
	old, own := g.leader, t.pid
	for c := g.children; c != nil; c = c.sibling {
		if c.leader.forker == old {
			c.leader.forker = t
		}
	}
	t.forker = old.forker
	g.remove(old)
	g.mu.Lock()
	g.leader = t
	g.mu.Unlock()
	t.pid = g.pid
	g.pid.task = t
	own.task = nil
	own.free()
	old.release()
}

// replace is the point of no return: the caller goes on in the new program.
func (t *Task) replace(p *program, id *cred.Cred, secure bool) {
	g := t.Group
	t.leaveMemory()
	t.Mem, t.mem, p.space = p.space, p.space, nil
	t.Mem.SetLimits(g)
	p.image.Exe = p.file
	p.file = nil
	t.setImage(p.image)
	if t.Files.Refs() > 1 {
		own := t.Files.Fork()
		t.Files.Unref(&t.vfs)
		t.Files = own
	}
	t.show()
	t.Files.Exec(t.VFS())
	t.SetName(path.Base(p.path))
	t.SetCred(id)

	g.mu.Lock()
	if g.actions.refs.Load() > 1 {
		own := g.actions.copy()
		g.actions.refs.Add(-1)
		g.actions = own
	}
	g.actions.reset()
	g.mu.Unlock()
	t.altStack = abi.SigStack{}
	t.sigReturn = p.ret
	t.newProgram(secure)
	t.restart = nil
	t.clearTID = 0
	procs.Lock()
	g.execed = true
	if g.parent.Load() != nil {
		g.exitSignal = unix.SIGCHLD
	}
	procs.Unlock()
	for _, f := range atExec {
		f(t)
	}

	t.Kernel.Machine.SaveFP(t.Regs)
	t.Regs.Start(p.entry, p.sp)
}

// atExec are what packages of other families do to a task that has a new program.
var atExec []func(*Task)

// AtExec registers f, to be called for each task that execve has given a new program.
// It is called before the first task.
func AtExec(f func(*Task)) { atExec = append(atExec, f) }

// Image is the program that the task runs, nil for one without a program.
func (t *Task) Image() *Image { return t.image.Load() }

func (t *Task) setImage(im *Image) { t.image.Swap(im).release() }
