package proc

import (
	"bytes"
	"io"
	"strconv"

	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

func jumpCwd(v *view) (vfs.Path, error) { return v.place((*vfs.FSInfo).Cwd) }

func jumpRoot(v *view) (vfs.Path, error) { return v.place((*vfs.FSInfo).Root) }

// place is a directory of the task's view of the file tree; ENOENT once it has none.
func (v *view) place(of func(*vfs.FSInfo) vfs.Path) (vfs.Path, error) {
	if fs := v.t.SeenFS(); fs != nil {
		if p := of(fs); p.D != nil {
			return p, nil
		}
	}
	return vfs.Path{}, unix.ENOENT
}

func jumpExe(v *view) (vfs.Path, error) {
	im := v.t.Image()
	if im == nil || im.Exe == nil {
		return vfs.Path{}, unix.ENOENT
	}
	return im.Exe.Path(), nil
}

// fdDir is fd, or fdinfo: an entry for each open descriptor.
type fdDir struct {
	node
	self uint64
	kind int                                 // of inode numbers: inoFD or inoFDInfo
	make func(s *subject, fd int) *vfs.Inode // of an open descriptor
	mode func(f *vfs.File) uint32            // of its entry
}

func newFDDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	return s.node(&fdDir{node{subject: s}, ino, inoFD, newFDLink, func(*vfs.File) uint32 { return unix.S_IFLNK }}, ino, e.mode)
}

func newFDInfoDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	return s.node(&fdDir{node{subject: s}, ino, inoFDInfo, newFDInfo, func(*vfs.File) uint32 { return unix.S_IFREG }}, ino, e.mode)
}

// Permission implements vfs.InodeOps: a process may always look at its own.
func (d *fdDir) Permission(c *vfs.Context, i *vfs.Inode, want vfs.Access) (bool, error) {
	d.own(i)
	if t := task.Of(c); t != nil && t.Group == d.g && want&vfs.MayWrite == 0 {
		return true, nil
	}
	return false, nil
}

// Getattr implements vfs.InodeOps: since Linux 6.2 the size of fd would be the number of
// descriptors; here it is 0.
func (d *fdDir) Getattr(c *vfs.Context, i *vfs.Inode, s *vfs.Stat) error {
	return d.node.Getattr(c, i, s)
}

func (s *subject) files() (*vfs.FDTable, error) {
	t, err := s.task()
	if err != nil {
		return nil, unix.ENOENT
	}
	if files := t.SeenFiles(); files != nil {
		return files, nil
	}
	return nil, unix.ENOENT
}

// file is the open file of a descriptor, with a reference for the caller.
func (s *subject) file(fd int) (*vfs.File, error) {
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	f, err := files.GetPath(fd)
	if err != nil {
		return nil, unix.ENOENT
	}
	return f, nil
}

// Lookup implements vfs.InodeOps.
func (d *fdDir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	fd, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(fd) != name {
		return nil, unix.ENOENT
	}
	f, err := d.file(fd)
	if err != nil {
		return nil, err
	}
	f.Unref()
	return d.make(d.subject, fd), nil
}

// Open implements vfs.InodeOps.
func (d *fdDir) Open(c *vfs.Context, _ *vfs.Inode, _ *vfs.File) (vfs.FileOps, error) {
	if t, err := d.task(); err == nil && d.kind == inoFDInfo && !task.Of(c).MayInspect(t) {
		return nil, unix.EACCES
	}
	return &pseudo.Listing{List: d.list}, nil
}

func (d *fdDir) list(_ *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	if pos < pseudo.FirstPos && !dots(d.self, d.ino(0), pos, emit) {
		return nil
	}
	files, err := d.files()
	if err != nil {
		return nil
	}
	files.Each(int(max(pos-pseudo.FirstPos, 0)), func(fd int, f *vfs.File) bool {
		return emit(vfs.DirEntry{
			Name: strconv.Itoa(fd), Ino: d.number(d.kind, fd+1), Type: vfs.DirType(d.mode(f)), Next: int64(fd) + pseudo.FirstPos + 1,
		})
	})
	return nil
}

// fdLink is the magic link of a descriptor.
type fdLink struct {
	magicLink
	fd int
}

func newFDLink(s *subject, fd int) *vfs.Inode {
	l := &fdLink{fd: fd}
	l.subject = s
	l.e = &entry{jump: func(*view) (vfs.Path, error) {
		f, err := s.file(fd)
		if err != nil {
			return vfs.Path{}, err
		}
		defer f.Unref()
		return f.Path(), nil
	}}
	i := s.node(l, s.number(inoFD, fd+1), unix.S_IFLNK)
	l.permit(i)
	return i
}

// permit gives the link the permissions that show how the file is open (proc(5)).
func (l *fdLink) permit(i *vfs.Inode) {
	f, err := l.file(l.fd)
	if err != nil {
		return
	}
	defer f.Unref()
	mode := uint32(unix.S_IFLNK)
	if f.Readable() {
		mode |= 0o500
	}
	if f.Writable() {
		mode |= 0o300
	}
	i.SetMode(mode)
}

// Getattr implements vfs.InodeOps. The size of these is 64, to please who allocates room
// for the target by it.
func (l *fdLink) Getattr(c *vfs.Context, i *vfs.Inode, s *vfs.Stat) error {
	l.permit(i)
	s.Mode, s.Size = i.Mode(), 64
	return l.node.Getattr(c, i, s)
}

// FDInfo is an open file that has more to say in fdinfo: lines of "name:\tvalue".
type FDInfo interface{ FDInfo(w io.Writer) }

func newFDInfo(s *subject, fd int) *vfs.Inode {
	e := &entry{secret: true, show: func(v *view) error { return v.fdInfo(fd) }}
	return s.node(newText(s, e), s.number(inoFDInfo, fd+1), unix.S_IFREG|0o444)
}

func (v *view) fdInfo(fd int) error {
	files, err := v.files()
	if err != nil {
		return err
	}
	f, err := files.GetPath(fd)
	if err != nil {
		return unix.ENOENT
	}
	defer f.Unref()
	flags := f.Flags()
	if files.CloseOnExec(fd) {
		flags |= unix.O_CLOEXEC
	}
	v.printf("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", f.Pos(), flags, f.Path().Mnt.ID, f.Inode().Ino)
	for n, l := range f.Inode().Locks() {
		v.printf("lock:\t%d: %s\n", n+1, l.String(f.Inode()))
	}
	if more, ok := f.Ops.(FDInfo); ok {
		more.FDInfo(v.Buffer)
	}
	return nil
}

// nsDir is ns: a link for each kind of namespace.
type nsDir struct {
	node
	self uint64
}

func newNSDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	return s.node(&nsDir{node{subject: s}, ino}, ino, e.mode)
}

// namespaces are the links in ns, and which namespace of a task each is.
var namespaces = []struct {
	name     string
	kind     uint64
	children bool // that of the task's children
}{
	{"cgroup", unix.CLONE_NEWCGROUP, false},
	{"ipc", unix.CLONE_NEWIPC, false},
	{"mnt", unix.CLONE_NEWNS, false},
	{"net", unix.CLONE_NEWNET, false},
	{"pid", unix.CLONE_NEWPID, false},
	{"pid_for_children", unix.CLONE_NEWPID, true},
	{"time", unix.CLONE_NEWTIME, false},
	{"time_for_children", unix.CLONE_NEWTIME, true},
	{"user", unix.CLONE_NEWUSER, false},
	{"uts", unix.CLONE_NEWUTS, false},
}

// Lookup implements vfs.InodeOps.
func (d *nsDir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	for n := range namespaces {
		if namespaces[n].name == name {
			return d.node.node(&nsLink{d.node, n}, d.number(inoNS, n), link777), nil
		}
	}
	return nil, unix.ENOENT
}

// Open implements vfs.InodeOps.
func (d *nsDir) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &pseudo.Listing{List: d.list}, nil
}

func (d *nsDir) list(c *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	t, err := d.task()
	switch {
	case err != nil:
		return unix.ENOENT
	case !task.Of(c).MayInspect(t):
		return unix.EACCES
	}
	if pos < pseudo.FirstPos && !dots(d.self, d.ino(0), pos, emit) {
		return nil
	}
	for n := int(max(pos, pseudo.FirstPos)) - pseudo.FirstPos; n < len(namespaces); n++ {
		if !emit(vfs.DirEntry{Name: namespaces[n].name, Ino: d.number(inoNS, n), Type: unix.DT_LNK, Next: int64(n) + pseudo.FirstPos + 1}) {
			break
		}
	}
	return nil
}

// nsLink is the link of one namespace.
type nsLink struct {
	node
	n int
}

func (l *nsLink) namespace(c *vfs.Context) (task.Namespace, error) {
	t, err := l.task()
	switch {
	case err != nil:
		return task.Namespace{}, unix.ENOENT
	case !task.Of(c).MayInspect(t):
		return task.Namespace{}, unix.EACCES
	}
	n := namespaces[l.n]
	ns := t.Namespace(n.kind, n.children)
	if ns.Number == 0 {
		return ns, unix.ENOENT
	}
	return ns, nil
}

// Readlink implements vfs.InodeOps.
func (l *nsLink) Readlink(c *vfs.Context, _ *vfs.Inode) (string, error) {
	ns, err := l.namespace(c)
	if err != nil {
		return "", err
	}
	return ns.String(), nil
}

// Jump implements vfs.InodeOps.
func (l *nsLink) Jump(c *vfs.Context, _ *vfs.Inode) (vfs.Path, error) {
	ns, err := l.namespace(c)
	if err != nil {
		return vfs.Path{}, err
	}
	return ns.Path(), nil
}

// newAttrDir is attr: what security modules say of a task. There is none.
func newAttrDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	d := pseudo.NewDir(s.fs.sb, 0o555, true)
	for n, a := range []struct {
		name string
		mode uint32
	}{{"current", 0o666}, {"exec", 0o666}, {"fscreate", 0o666}, {"keycreate", 0o666}, {"prev", 0o444}, {"sockcreate", 0o666}} {
		none := func(*vfs.Context, *bytes.Buffer) error { return unix.EINVAL }
		i := s.node(&pseudo.Text{Show: none}, s.number(inoAttr, n), unix.S_IFREG|a.mode)
		d.Add(a.name, i)
	}
	s.own(d.Inode())
	return d.Inode()
}
