// Package devpts is the file system of pseudo-terminals, usually at /dev/pts, and
// the multiplexer /dev/ptmx, which makes one at each open (pts(4)). Each mount is an
// instance with terminals of its own.
package devpts

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/device"
	"kevlar/linux/tty"
	"kevlar/linux/vfs"
)

const magic = 0x1cd1

// maxPtys is how many pseudo-terminals one instance has at most, if its mount does not
// say (kernel.pty.max).
const maxPtys = 4096

// ptmxIno is the inode number of ptmx; pseudo-terminal n has firstIno + n.
const (
	rootIno  = 1
	ptmxIno  = 2
	firstIno = 3
)

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "devpts", NoDevice: true, ForUsers: true, OwnDevices: true}

func init() { Type.Mount = mount }

// Register makes the file system and its devices known; the kernel calls it at boot.
func Register() {
	vfs.RegisterFS(Type)
	// Terminals are opened through a devpts, which knows whose they are: a node of such a
	// number elsewhere leads to none.
	none := func(*vfs.Context, *vfs.File) (vfs.FileOps, error) { return nil, unix.EIO }
	vfs.RegisterCharMajor(128, "ptm", none)
	vfs.RegisterCharMajor(136, "pts", none)
	vfs.RegisterChar(5, 2, "/dev/ptmx", openMultiplexer)
	device.Add(&device.Device{Name: "ptmx", Class: "tty", Dev: tty.DevPtmx, Mode: 0o666})
}

// options are the mount options.
type options struct {
	uid, gid       uint32
	setUID, setGID bool
	mode, ptmxMode uint32
	max            int
}

func parse(user *cred.UserNS, data string) (o options, err error) {
	o = options{mode: 0o600, max: maxPtys}
	for _, word := range strings.Split(data, ",") {
		name, value, _ := strings.Cut(word, "=")
		base := 10
		if name == "mode" || name == "ptmxmode" {
			base = 8
		}
		v, bad := strconv.ParseUint(value, base, 32)
		switch name {
		case "", "newinstance":
			bad = nil
		case "uid":
			if o.uid, o.setUID = user.UID(uint32(v)), true; o.uid == cred.None {
				bad = unix.EINVAL
			}
		case "gid":
			if o.gid, o.setGID = user.GID(uint32(v)), true; o.gid == cred.None {
				bad = unix.EINVAL
			}
		case "mode":
			o.mode = uint32(v) & 0o7777
		case "ptmxmode":
			o.ptmxMode = uint32(v) & 0o7777
		case "max":
			o.max = int(v)
		default:
			return o, unix.EINVAL
		}
		if bad != nil {
			return o, unix.EINVAL
		}
	}
	return o, nil
}

// instance is one mount's terminals.
type instance struct {
	vfs.DefaultSuper
	sb *vfs.Superblock

	mu   sync.Mutex // guards what follows; a leaf
	opt  options
	ptmx *vfs.Inode
	ptys map[int]*vfs.Inode
}

func mount(c *vfs.Context, _ string, readOnly bool, data string) (*vfs.Superblock, error) {
	user := c.Cred.User
	opt, err := parse(user, data)
	if err != nil {
		return nil, err
	}
	fs := &instance{opt: opt, ptys: make(map[int]*vfs.Inode), ptmx: &vfs.Inode{}}
	fs.sb = vfs.NewSuperblock(Type, magic, fs)
	fs.sb.Options = fs.options
	fs.sb.SetReadOnly(readOnly)
	fs.ptmx.Init(fs.sb, &node{fs: fs}, ptmxIno, &vfs.NewNode{Mode: unix.S_IFCHR | opt.ptmxMode, UID: c.Cred.FSUID, GID: c.Cred.FSGID, Rdev: tty.DevPtmx})
	root := &vfs.Inode{Uncached: true}
	root.Init(fs.sb, &directory{fs: fs}, rootIno, &vfs.NewNode{Mode: unix.S_IFDIR | 0o755, UID: user.UID(0), GID: user.GID(0)})
	fs.sb.NewRoot(root)
	return fs.sb, nil
}

func (fs *instance) options() string {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var b strings.Builder
	if fs.opt.setUID {
		fmt.Fprintf(&b, ",uid=%d", fs.opt.uid)
	}
	if fs.opt.setGID {
		fmt.Fprintf(&b, ",gid=%d", fs.opt.gid)
	}
	fmt.Fprintf(&b, ",mode=%03o,ptmxmode=%03o", fs.opt.mode, fs.opt.ptmxMode)
	if fs.opt.max != maxPtys {
		fmt.Fprintf(&b, ",max=%d", fs.opt.max)
	}
	return strings.TrimPrefix(b.String(), ",")
}

// Remount implements vfs.SuperOps.
func (fs *instance) Remount(c *vfs.Context, readOnly bool, data string) error {
	opt, err := parse(c.Cred.User, data)
	if err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.opt = opt
	fs.ptmx.SetMode(unix.S_IFCHR | opt.ptmxMode)
	fs.sb.SetReadOnly(readOnly)
	return nil
}

// create makes a pseudo-terminal with the lowest free number.
func (fs *instance) create(c *vfs.Context) (*tty.Pty, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := 0
	for fs.ptys[n] != nil {
		n++
	}
	if n >= fs.opt.max {
		return nil, unix.ENOSPC
	}
	p := tty.NewPty(n)
	uid, gid := c.Cred.FSUID, c.Cred.FSGID
	if fs.opt.setUID {
		uid = fs.opt.uid
	}
	if fs.opt.setGID {
		gid = fs.opt.gid
	}
	i := &vfs.Inode{Uncached: true} // its name goes with the master
	i.Init(fs.sb, &node{fs: fs, pty: p}, firstIno+uint64(n),
		&vfs.NewNode{Mode: unix.S_IFCHR | fs.opt.mode, UID: uid, GID: gid, Rdev: p.Slave().Dev})
	fs.ptys[n] = i
	p.Gone = func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		i.SetNlink(0)
		delete(fs.ptys, n)
	}
	return p, nil
}

// directory is the root.
type directory struct {
	vfs.DefaultInode
	fs *instance
}

// Lookup implements vfs.InodeOps.
func (d *directory) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	if name == "ptmx" {
		return d.fs.ptmx, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(n) != name {
		return nil, unix.ENOENT
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if i := d.fs.ptys[n]; i != nil {
		return i, nil
	}
	return nil, unix.ENOENT
}

// Open implements vfs.InodeOps.
func (d *directory) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &listing{fs: d.fs}, nil
}

// listing is an open root directory. Positions are inode numbers, after "." and "..".
type listing struct {
	vfs.DefaultOps
	fs *instance
}

// Seekable implements vfs.FileOps.
func (*listing) Seekable() bool { return true }

// ReadDir implements vfs.FileOps.
func (l *listing) ReadDir(_ *vfs.Context, _ *vfs.File, pos int64, emit func(vfs.DirEntry) bool) error {
	l.fs.mu.Lock()
	names := make([]int, 0, len(l.fs.ptys))
	for n := range l.fs.ptys {
		names = append(names, n)
	}
	l.fs.mu.Unlock()
	sort.Ints(names)
	entries := []vfs.DirEntry{
		{Name: ".", Ino: rootIno, Type: unix.DT_DIR, Next: 1},
		{Name: "..", Ino: rootIno, Type: unix.DT_DIR, Next: 2},
		{Name: "ptmx", Ino: ptmxIno, Type: unix.DT_CHR, Next: 3},
	}
	for _, n := range names {
		entries = append(entries, vfs.DirEntry{Name: strconv.Itoa(n), Ino: firstIno + uint64(n), Type: unix.DT_CHR, Next: int64(n) + 4})
	}
	for _, e := range entries {
		if e.Next > pos && !emit(e) {
			break
		}
	}
	return nil
}

// node is ptmx or a terminal.
type node struct {
	vfs.DefaultInode
	fs  *instance
	pty *tty.Pty // nil for ptmx
}

// Getattr implements vfs.InodeOps.
func (n *node) Getattr(_ *vfs.Context, _ *vfs.Inode, s *vfs.Stat) error {
	s.BlockSize = 1024
	return nil
}

// Open implements vfs.InodeOps.
func (n *node) Open(c *vfs.Context, _ *vfs.Inode, f *vfs.File) (vfs.FileOps, error) {
	if n.pty == nil {
		return n.fs.open(c, f.Path())
	}
	return n.pty.Slave().Open(c, f.Flags())
}

// openMultiplexer is the open of a device node 5:2 outside of a devpts: it belongs to the
// instance that is mounted at pts beside it.
func openMultiplexer(c *vfs.Context, f *vfs.File) (vfs.FileOps, error) {
	pts, err := vfs.Lookup(c, unix.AT_FDCWD, []byte(sibling(c, f.Path(), "pts")), vfs.Follow)
	if err != nil {
		return nil, unix.ENODEV
	}
	fs, ok := pts.Inode().SB.Ops.(*instance)
	if !ok {
		return nil, unix.ENODEV
	}
	return fs.openIn(c, pts.String(c.FS.Root()))
}

// sibling is the path of name in the directory that p is in.
func sibling(c *vfs.Context, p vfs.Path, name string) string {
	s := p.String(c.FS.Root())
	return s[:strings.LastIndexByte(s, '/')+1] + name
}

func (fs *instance) open(c *vfs.Context, ptmx vfs.Path) (vfs.FileOps, error) {
	return fs.openIn(c, strings.TrimSuffix(sibling(c, ptmx, ""), "/"))
}

// openIn makes a pseudo-terminal in the instance that is mounted at dir.
func (fs *instance) openIn(c *vfs.Context, dir string) (vfs.FileOps, error) {
	p, err := fs.create(c)
	if err != nil {
		return nil, err
	}
	path := []byte(dir + "/" + strconv.Itoa(p.Index))
	p.Peer = func(c *vfs.Context, flags uint32) (uint64, error) {
		at, err := vfs.Lookup(c, unix.AT_FDCWD, path, 0)
		if err != nil {
			return 0, unix.EIO
		}
		f, err := vfs.Reopen(c, at, flags&^unix.O_CLOEXEC)
		if err != nil {
			return 0, err
		}
		fd, err := c.Files.Install(c, f, 0, flags&unix.O_CLOEXEC != 0)
		if err != nil {
			f.Unref()
			return 0, err
		}
		return uint64(fd), nil
	}
	return p, nil
}
