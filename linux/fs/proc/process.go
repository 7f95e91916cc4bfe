package proc

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// subject is the process, or with t the one thread of it, that files are about.
type subject struct {
	fs *FS
	g  *task.Group
	t  *task.Task // nil: whichever thread is the process's first
	id task.ID    // in the instance's namespace
	in where      // whose directory the files are in
}

// process finds a process; nil if there is none.
func (fs *FS) process(id task.ID) *subject {
	ns := fs.pids()
	if ns == nil {
		return nil
	}
	if g := ns.Group(id); g != nil {
		return &subject{fs: fs, g: g, id: id, in: ofProcess}
	}
	// The ID of a thread leads to its process too, though it is not listed: proc(5).
	if t := ns.Task(id); t != nil {
		return &subject{fs: fs, g: t.Group, t: t, id: id, in: ofProcess}
	}
	return nil
}

// task is the thread to ask: a process's first. ESRCH once it has been waited for.
func (s *subject) task() (*task.Task, error) {
	ns := s.fs.pids()
	if s.t != nil {
		if ns.Task(s.id) == s.t {
			return s.t, nil
		}
		return nil, unix.ESRCH
	}
	if ns.Group(s.id) == s.g {
		return s.g.Leader(), nil
	}
	return nil, unix.ESRCH
}

// Inode numbers of a process's files: kind, ID and number within them.
func (s *subject) number(kind, n int) uint64 {
	return uint64(kind)<<58 | uint64(s.in)<<56 | uint64(s.id)<<24 | uint64(n)
}

const (
	inoFile = iota
	inoFD
	inoFDInfo
	inoNS
	inoAttr
	inoNet
)

// ino is the inode number of the subject's file n; 0 is its directory.
func (s *subject) ino(n int) uint64 { return s.number(inoFile, n) }

// node makes the inode of one of the subject's files.
func (s *subject) node(ops vfs.InodeOps, ino uint64, mode uint32) *vfs.Inode {
	i := &vfs.Inode{Uncached: true, NoNegatives: true}
	i.Init(s.fs.sb, ops, ino, &vfs.NewNode{Mode: mode})
	s.own(i)
	return i
}

// openDir is the type and mode of a directory that belongs to the process's user even if
// the process is not dumpable.
const openDir = unix.S_IFDIR | 0o555

// own makes an inode belong to whom the process belongs to: its effective user, or where it
// is not dumpable the root of the user namespace that its program began in, or of the
// machine where that has none (proc(5)).
func (s *subject) own(i *vfs.Inode) {
	t, err := s.task()
	if err != nil {
		i.SetOwner(0, 0)
		return
	}
	if i.Mode() == openDir || t.Group.Dumpable() {
		id := t.Cred()
		i.SetOwner(id.EUID, id.EGID)
		return
	}
	uid, gid := uint32(0), uint32(0)
	if im := t.Image(); im != nil {
		uid, gid = im.User.UID(0), im.User.GID(0)
	}
	if uid == cred.None {
		uid = 0
	}
	if gid == cred.None {
		gid = 0
	}
	i.SetOwner(uid, gid)
}

// node is the part that inodes of processes have in common.
type node struct {
	vfs.DefaultInode
	*subject
}

// Permission implements vfs.InodeOps.
func (n node) Permission(_ *vfs.Context, i *vfs.Inode, _ vfs.Access) (bool, error) {
	n.own(i)
	return false, nil
}

// Getattr implements vfs.InodeOps.
func (n node) Getattr(_ *vfs.Context, i *vfs.Inode, s *vfs.Stat) error {
	n.own(i)
	s.UID, s.GID, s.BlockSize = i.UID(), i.GID(), 1024
	return nil
}

// Setattr implements vfs.InodeOps.
func (node) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return pseudo.Setattr(a) }

// view is one read or write of a process's file.
type view struct {
	*bytes.Buffer
	*subject
	c *vfs.Context
	t *task.Task // who is asked
}

func (v *view) printf(format string, args ...any) { fmt.Fprintf(v.Buffer, format, args...) }

// permitted reports whether the reader may see what its owner may.
func (v *view) permitted() bool { return task.Of(v.c).MayInspect(v.t) }

// where says in which directories a file is.
type where uint8

const (
	ofProcess where = 1 << iota
	ofThread
	ofBoth = ofProcess | ofThread
)

// entry is a file in the directory of a process or a thread: text with show and store, a
// magic link with jump, or a directory with dir.
type entry struct {
	name   string
	mode   uint32
	in     where
	secret bool // only for who may ptrace the process (EACCES)
	show   func(v *view) error
	store  func(v *view, data []byte) error
	watch  func(s *subject) (*wait.Queue, uint64) // pseudo.Text's Watch
	jump   func(v *view) (vfs.Path, error)
	dir    func(s *subject, e *entry, ino uint64) *vfs.Inode
	open   func(s *subject) vfs.InodeOps
}

// pidDir is the directory of a process or a thread.
type pidDir struct {
	node
	entries []entry
}

func (s *subject) dir() *vfs.Inode {
	return s.node(&pidDir{node{subject: s}, pidEntries}, s.ino(0), openDir)
}

// Permission implements vfs.InodeOps: hidepid. ESRCH once the process has gone.
func (d *pidDir) Permission(c *vfs.Context, i *vfs.Inode, want vfs.Access) (bool, error) {
	if _, err := d.task(); err != nil {
		return true, err
	}
	if o := d.fs.options(); !d.fs.permits(c, d.subject, &o) {
		if o.hide == hideAll {
			return true, unix.ENOENT
		}
		return true, unix.EPERM
	}
	return d.node.Permission(c, i, want)
}

// Lookup implements vfs.InodeOps.
func (d *pidDir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	if _, err := d.task(); err != nil {
		return nil, unix.ENOENT
	}
	for n := range d.entries {
		if e := &d.entries[n]; e.name == name && e.in&d.in != 0 {
			return e.inode(d.subject, d.ino(n+1)), nil
		}
	}
	return nil, unix.ENOENT
}

func (e *entry) inode(s *subject, ino uint64) *vfs.Inode {
	switch {
	case e.jump != nil:
		return s.node(&magicLink{node{subject: s}, e}, ino, e.mode)
	case e.dir != nil:
		return e.dir(s, e, ino)
	case e.open != nil:
		return s.node(e.open(s), ino, e.mode)
	}
	return s.node(newText(s, e), ino, e.mode)
}

// Open implements vfs.InodeOps.
func (d *pidDir) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &pseudo.Listing{List: d.list}, nil
}

func (d *pidDir) list(_ *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	if _, err := d.task(); err != nil {
		return unix.ENOENT
	}
	if pos < pseudo.FirstPos && !dots(d.ino(0), d.fs.sb.Root.Inode().Ino, pos, emit) {
		return nil
	}
	for n := int(max(pos, pseudo.FirstPos)) - pseudo.FirstPos; n < len(d.entries); n++ {
		e := &d.entries[n]
		if e.in&d.in != 0 &&
			!emit(vfs.DirEntry{Name: e.name, Ino: d.ino(n + 1), Type: vfs.DirType(e.mode), Next: int64(n) + pseudo.FirstPos + 1}) {
			return nil
		}
	}
	return nil
}

// dots emits "." and ".." from pos on; it reports whether emit has taken them.
func dots(self, parent uint64, pos int64, emit func(vfs.DirEntry) bool) bool {
	return (pos > 0 || emit(vfs.DirEntry{Name: ".", Ino: self, Type: unix.DT_DIR, Next: 1})) &&
		emit(vfs.DirEntry{Name: "..", Ino: parent, Type: unix.DT_DIR, Next: pseudo.FirstPos})
}

// text is a text file of a process.
type text struct {
	pseudo.Text
	node node
}

func newText(s *subject, e *entry) *text {
	t := &text{node: node{subject: s}}
	view := func(c *vfs.Context, w *bytes.Buffer) (*view, error) {
		t, err := s.task()
		if err != nil {
			return nil, err
		}
		return &view{w, s, c, t}, nil
	}
	if e.show != nil {
		t.Show = func(c *vfs.Context, w *bytes.Buffer) error {
			v, err := view(c, w)
			if err != nil {
				return err
			}
			return e.show(v)
		}
	}
	if e.store != nil {
		t.Store = func(c *vfs.Context, data []byte) error {
			v, err := view(c, nil)
			if err != nil {
				return err
			}
			return e.store(v, data)
		}
	}
	if e.watch != nil {
		t.Watch = func() (*wait.Queue, uint64) { return e.watch(s) }
	}
	if e.secret {
		t.Check = func(c *vfs.Context, _ *vfs.File) error {
			o, err := s.task()
			if err == nil && !task.Of(c).MayInspect(o) {
				err = unix.EACCES
			}
			return err
		}
	}
	return t
}

// Permission implements vfs.InodeOps.
func (t *text) Permission(c *vfs.Context, i *vfs.Inode, want vfs.Access) (bool, error) {
	return t.node.Permission(c, i, want)
}

// Getattr implements vfs.InodeOps.
func (t *text) Getattr(c *vfs.Context, i *vfs.Inode, s *vfs.Stat) error {
	return t.node.Getattr(c, i, s)
}

// magicLink is a link that leads to a file itself, whatever its path.
type magicLink struct {
	node
	e *entry
}

// Jump implements vfs.InodeOps. EACCES for who may not ptrace the process.
func (l *magicLink) Jump(c *vfs.Context, _ *vfs.Inode) (vfs.Path, error) {
	t, err := l.task()
	switch {
	case err != nil:
		return vfs.Path{}, unix.ENOENT
	case !task.Of(c).MayInspect(t):
		return vfs.Path{}, unix.EACCES
	}
	return l.e.jump(&view{nil, l.subject, c, t})
}

// Readlink implements vfs.InodeOps.
func (l *magicLink) Readlink(c *vfs.Context, i *vfs.Inode) (string, error) {
	p, err := l.Jump(c, i)
	if err != nil {
		return "", err
	}
	return p.String(c.FS.Root()), nil
}

// taskDir is /proc/PID/task.
type taskDir struct {
	node
	self uint64 // its inode number
}

func newTaskDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	return s.node(&taskDir{node{subject: s}, ino}, ino, e.mode)
}

// threads are the IDs of the process's threads, sorted.
func (s *subject) threads() (ids []task.ID) {
	for _, t := range s.g.Threads() {
		if id := t.IDIn(s.fs.pids()); id != 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Lookup implements vfs.InodeOps.
func (d *taskDir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	id, ok := parseID(name)
	if !ok {
		return nil, unix.ENOENT
	}
	t := d.fs.pids().Task(id)
	if t == nil || t.Group != d.g {
		return nil, unix.ENOENT
	}
	return (&subject{fs: d.fs, g: d.g, t: t, id: id, in: ofThread}).dir(), nil
}

// Open implements vfs.InodeOps.
func (d *taskDir) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &pseudo.Listing{List: d.list}, nil
}

func (d *taskDir) list(_ *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	if _, err := d.task(); err != nil {
		return unix.ENOENT
	}
	if pos < pseudo.FirstPos && !dots(d.self, d.ino(0), pos, emit) {
		return nil
	}
	// Positions follow the IDs, which grow but for a wrap-around.
	for _, id := range d.threads() {
		if next := int64(id) + pseudo.FirstPos + 1; next > pos {
			s := subject{id: id, in: ofThread}
			if !emit(vfs.DirEntry{Name: strconv.Itoa(int(id)), Ino: s.ino(0), Type: unix.DT_DIR, Next: next}) {
				return nil
			}
		}
	}
	return nil
}
