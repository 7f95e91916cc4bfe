package task

import (
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
	Exe  *vfs.File
	User *cred.UserNS // of who executed it
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
	id, secure, err := t.Cred().Exec(p.privileges())
	if err != nil {
		return err
	}
	err = p.load(id, secure)
	if err != nil && err != errDoomed && err != errShort {
		return err
	}
	former := t.tracerID()
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
	t.ptraceExeced(former)
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

// privileges says what the file's mode and capabilities mean for the identity of who runs it.
func (p *program) privileges() cred.ExecFile {
	i := p.file.Inode()
	id, m := p.t.Cred(), p.file.Path().Mnt
	f := cred.ExecFile{UID: cred.Keep, GID: cred.Keep, Limited: p.t.ptraceLimits(id.User)}
	// Neither does a file count on which others than who is around the caller's user
	// namespace could have set them, nor the bits of one whose owner is nobody there:
	// user_namespaces(7).
	if m.Flags()&vfs.MntNoSuid != 0 || !m.In(p.t.FS.Namespace()) || !id.User.Within(m.SB.User) {
		return f
	}
	f.Caps = i.FileCaps(p.t.VFS())
	if id.NoNewPrivs || !id.User.Has(cred.UserIDs, i.UID()) || !id.User.Has(cred.GroupIDs, i.GID()) {
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
	g.endLastStops()
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
	old.ptraceUnlink(0)
	g.remove(old)
	g.mu.Lock()
	g.leader = t
	g.mu.Unlock()
	t.pid = g.pid
	t.Waiter.ID.Store(int32(t.pid.global()))
	g.pid.task = t
	own.task = nil
	own.free()
	old.release()
}

// replace is the point of no return: the caller goes on in the new program.
func (t *Task) replace(p *program, id *cred.Cred, secure bool) {
	g := t.Group
	t.leaveMemory()
	t.setMemory(p.space)
	p.space = nil
	t.Mem.SetLimits(g)
	p.image.Exe, p.image.User = p.file, t.Cred().User
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
	gains := id.Gains(t.Cred())
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
	t.newProgram(secure, gains)
	t.restart = nil
	t.clearTID = 0
	procs.Lock()
	g.execed = true
	if g.parent.Load() != nil {
		g.exitSignal = unix.SIGCHLD
	}
	procs.Unlock()

	t.Kernel.Machine.SaveFP(t.Regs)
	t.Regs.Start(p.entry, p.sp)
}

// Image is the program that the task runs, nil for one without a program.
func (t *Task) Image() *Image { return t.image.Load() }

func (t *Task) setImage(im *Image) { t.image.Swap(im).release() }
