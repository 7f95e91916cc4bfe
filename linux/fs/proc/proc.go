// Package proc is the file system procfs (proc(5)): what programs see of each other and of
// the machine, as text. Its contents are those of Linux 6.1 as Debian's cloud kernel has
// it: for every file that is here, the fields and their order.
//
// A mount shows the processes of one PID namespace. Files of processes are made anew at
// each lookup and ask for their process at each read, so that an ID that is another's now
// does not show through an old descriptor (ESRCH).
package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

const magic = 0x9fa0

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "proc", NoDevice: true, ForUsers: true, Revealing: true, For: pidOwner}

// pidOwner is who the instance that c mounts belongs to: the user namespace that the PID
// namespace which it shows belongs to.
func pidOwner(c *vfs.Context) *cred.UserNS {
	if t := task.Of(c); t != nil {
		return t.PIDNamespace().Owner()
	}
	return nil
}

// Register makes the file system known and starts to count the load average; the kernel
// calls it at boot.
func Register(k *task.Kernel) {
	s := &system{k: k}
	Type.Mount = s.mount
	vfs.RegisterFS(Type)
	go k.CountLoad()
}

// system is what all instances show: the machine.
type system struct {
	k    *task.Kernel
	boot sync.Once
	id   string // of this boot, once boot is done
}

// FS is one instance.
type FS struct {
	vfs.DefaultSuper
	*system
	sb *vfs.Superblock
	ns *task.PIDNamespace // nil: the machine's first, which is not there yet

	mu  sync.RWMutex // guards opt; leaf
	opt options
}

// options are the mount options: proc(5), "Mount options".
type options struct {
	hide    hidden
	gid     uint32 // whom nothing is hidden from
	hasGID  bool
	onlyPID bool // subset=pid
}

type hidden uint32

const (
	hideNone   hidden = 0
	hideFiles  hidden = 1 // of other users' processes
	hideAll    hidden = 2 // even that they exist
	hideTraced hidden = 4 // all that the caller may not ptrace
)

var hiddenNames = map[string]hidden{
	"0": hideNone, "off": hideNone, "1": hideFiles, "noaccess": hideFiles,
	"2": hideAll, "invisible": hideAll, "4": hideTraced, "ptraceable": hideTraced,
}

func (o *options) parse(user *cred.UserNS, data string) error {
	for word := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "":
		case "hidepid":
			h, ok := hiddenNames[value]
			if !ok {
				return unix.EINVAL
			}
			o.hide = h
		case "gid":
			v, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return unix.EINVAL
			}
			if o.gid, o.hasGID = user.GID(uint32(v)), true; o.gid == cred.None {
				return unix.EINVAL
			}
		case "subset":
			if value != "pid" {
				return unix.EINVAL
			}
			o.onlyPID = true
		default:
			return unix.EINVAL
		}
	}
	return nil
}

func (o *options) String() string {
	var b strings.Builder
	if o.hasGID && o.gid != 0 {
		fmt.Fprintf(&b, ",gid=%d", o.gid)
	}
	switch o.hide {
	case hideFiles:
		b.WriteString(",hidepid=noaccess")
	case hideAll:
		b.WriteString(",hidepid=invisible")
	case hideTraced:
		b.WriteString(",hidepid=ptraceable")
	}
	if o.onlyPID {
		b.WriteString(",subset=pid")
	}
	return strings.TrimPrefix(b.String(), ",")
}

func (s *system) mount(c *vfs.Context, _ string, readOnly bool, data string) (*vfs.Superblock, error) {
	fs := &FS{system: s}
	if t := task.Of(c); t != nil {
		fs.ns = t.PIDNamespace()
	}
	if err := fs.opt.parse(c.Cred.User, data); err != nil {
		return nil, err
	}
	fs.sb = vfs.NewSuperblock(Type, magic, fs)
	fs.sb.SetReadOnly(readOnly)
	fs.sb.Options = func() string {
		o := fs.options()
		return o.String()
	}
	r := &root{pseudo.NewDir(fs.sb, 0o555, false), fs}
	i := r.Inode()
	i.Ops, i.Uncached = r, true // its names come and go with processes
	i.NoNegatives = true
	r.Add("self", pseudo.Node(fs.sb, &selfLink{fs: fs}, unix.S_IFLNK|0o777))
	r.Add("thread-self", pseudo.Node(fs.sb, &selfLink{fs: fs, thread: true}, unix.S_IFLNK|0o777))
	if !fs.opt.onlyPID {
		r.Later(func() { fs.addSystem(r.Dir) })
	}
	fs.sb.NewRoot(i)
	return fs.sb, nil
}

func (fs *FS) options() options {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	return fs.opt
}

// Remount implements vfs.SuperOps.
func (fs *FS) Remount(c *vfs.Context, readOnly bool, data string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	o := fs.opt
	if err := o.parse(c.Cred.User, data); err != nil {
		return err
	}
	fs.opt = o
	fs.sb.SetReadOnly(readOnly)
	return nil
}

// pids is the namespace that the instance shows.
func (fs *FS) pids() *task.PIDNamespace {
	if fs.ns != nil {
		return fs.ns
	}
	return fs.k.PIDNamespace()
}

// root is the top directory: its names, and the processes.
type root struct {
	*pseudo.Dir
	fs *FS
}

// Lookup implements vfs.InodeOps.
func (r *root) Lookup(c *vfs.Context, i *vfs.Inode, name string) (*vfs.Inode, error) {
	if id, ok := parseID(name); ok {
		if p := r.fs.process(id); p != nil && r.fs.visible(c, p) {
			return p.dir(), nil
		}
		return nil, unix.ENOENT
	}
	return r.Dir.Lookup(c, i, name)
}

// parseID reads an ID as it stands in a directory: without leading zeroes.
func parseID(name string) (task.ID, bool) {
	if name == "" || name[0] < '1' || name[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(name, 10, 32)
	return task.ID(n), err == nil
}

// Open implements vfs.InodeOps.
func (r *root) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &pseudo.Listing{List: r.list}, nil
}

// firstPID is the position of process 0; below it are the other names.
const firstPID = 1 << 10

func (r *root) list(c *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	stopped := false
	if pos < firstPID {
		r.Dir.List(c, pos, func(e vfs.DirEntry) bool {
			stopped = !emit(e)
			return !stopped
		})
		pos = firstPID
	}
	ns := r.fs.pids()
	if stopped || ns == nil {
		return nil
	}
	ns.Groups(task.ID(pos-firstPID), func(id task.ID, g *task.Group) bool {
		p := &subject{fs: r.fs, g: g, id: id, in: ofProcess}
		if !r.fs.visible(c, p) {
			return true
		}
		return emit(vfs.DirEntry{Name: strconv.Itoa(int(id)), Ino: p.ino(0), Type: unix.DT_DIR, Next: firstPID + int64(id) + 1})
	})
	return nil
}

// visible reports whether the caller may know of a process (hidepid).
func (fs *FS) visible(c *vfs.Context, p *subject) bool {
	o := fs.options()
	return o.hide < hideAll || fs.permits(c, p, &o)
}

// permits reports whether the mount options let the caller look into a process.
func (fs *FS) permits(c *vfs.Context, p *subject, o *options) bool {
	if o.hide == hideNone || o.hide != hideTraced && c.Cred.InGroup(o.gid) {
		return true
	}
	t, err := p.task()
	return err == nil && task.Of(c).MayInspect(t)
}

// selfLink is self or thread-self.
type selfLink struct {
	vfs.DefaultInode
	fs     *FS
	thread bool
}

// Readlink implements vfs.InodeOps. ENOENT for a task that the instance does not show.
func (l *selfLink) Readlink(c *vfs.Context, _ *vfs.Inode) (string, error) {
	t, ns := task.Of(c), l.fs.pids()
	if t == nil || ns == nil || t.Group.IDIn(ns) == 0 {
		return "", unix.ENOENT
	}
	s := strconv.Itoa(int(t.Group.IDIn(ns)))
	if l.thread {
		s += "/task/" + strconv.Itoa(int(t.IDIn(ns)))
	}
	return s, nil
}

// Setattr implements vfs.InodeOps.
func (*selfLink) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return pseudo.Setattr(a) }

// file adds a file of the system to a directory.
func file(d *pseudo.Dir, name string, show func(w *bytes.Buffer)) {
	d.AddText(name, 0o444, &pseudo.Text{
		Show:    func(_ *vfs.Context, w *bytes.Buffer) error { show(w); return nil },
		NoStore: unix.EIO,
	})
}
