package vfs

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// ValidOpenFlags are the flags that open(2) knows; others it ignores and openat2(2)
// refuses. PathOpenFlags are those that mean something together with O_PATH.
const (
	ValidOpenFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_APPEND |
		unix.O_NONBLOCK | unix.O_SYNC | unix.O_DSYNC | unix.O_ASYNC | unix.O_DIRECT | abi.O_LARGEFILE |
		unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_CLOEXEC | unix.O_PATH | tmpfileBit
	PathOpenFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
)

// tmpfileBit is what O_TMPFILE adds to O_DIRECTORY.
const tmpfileBit = unix.O_TMPFILE &^ unix.O_DIRECTORY

// CheckOpenFlags answers EINVAL to open flags that make no sense together.
func CheckOpenFlags(flags uint32) error {
	const createDir = unix.O_CREAT | unix.O_DIRECTORY
	switch {
	case flags&unix.O_PATH != 0:
		return nil // the others do not count
	case flags&createDir == createDir:
		return unix.EINVAL
	case flags&tmpfileBit != 0 && (flags&unix.O_TMPFILE != unix.O_TMPFILE || flags&(unix.O_WRONLY|unix.O_RDWR) == 0):
		return unix.EINVAL
	}
	return nil
}

// Open opens, and with O_CREAT makes, the file that name leads to from dirfd:
// openat(2), openat2(2). flags are open flags, mode the permissions of a new file
// before the umask, resolve openat2's restrictions.
func Open(c *Context, dirfd int, name []byte, flags, mode uint32, resolve LookupFlags) (*File, error) {
	flags &= ValidOpenFlags
	if flags&unix.O_PATH != 0 {
		flags &= PathOpenFlags
	}
	if err := CheckOpenFlags(flags); err != nil {
		return nil, err
	}
	look := resolve
	if flags&unix.O_DIRECTORY != 0 {
		look |= MustBeDir
	}
	if flags&unix.O_NOFOLLOW == 0 && flags&(unix.O_CREAT|unix.O_EXCL) != unix.O_CREAT|unix.O_EXCL {
		look |= Follow
	}
	return again(func() (*File, *Dentry, error) { return open(c, dirfd, name, flags, mode, look) })
}

// open is Open once its flags make sense, for again.
func open(c *Context, dirfd int, name []byte, flags, mode uint32, look LookupFlags) (*File, *Dentry, error) {
	var w walker
	if err := w.start(c, dirfd, name, look); err != nil {
		return nil, nil, err
	}
	created := false
	switch {
	case flags&tmpfileBit != 0:
		f, err := w.openTemp(name, flags, mode, look)
		return f, nil, err
	case flags&unix.O_CREAT != 0:
		var err error
		if created, err = w.create(name, flags, mode, look); err != nil {
			return nil, nil, err
		}
	default:
		if err := w.resolve(name, look); err != nil {
			return nil, nil, err
		}
	}
	f, err := openAt(c, w.at, flags, created)
	return f, w.at.D, err
}

// again calls open, which returns the name too, where it has got so far, until that leads to a file. One that is found
// may be gone before it is opened, as another takes its name: that happens at once (rename(2)), so the name is looked up
// again. Where it leads to the same file twice, that has gone for good: ENOENT.
func again(open func() (*File, *Dentry, error)) (*File, error) {
	var last *Dentry
	for {
		f, d, err := open()
		if err != unix.ENOENT || d == nil || d == last || d.Inode() == nil || !d.Inode().gone() {
			return f, err
		}
		last = d
		if p := d.Parent(); p != nil {
			p.Inode().Mu.RLock() // until the change is complete
			p.Inode().Mu.RUnlock()
		}
	}
}

// create walks name to the end and makes a regular file there if there is nothing.
func (w *walker) create(name []byte, flags, mode uint32, look LookupFlags) (created bool, err error) {
	for {
		l, err := w.parent(name)
		if err != nil {
			return false, err
		}
		if l.kind != normal {
			if err := w.step(l, true); err != nil {
				return false, err
			}
			if flags&unix.O_EXCL != 0 {
				return false, unix.EEXIST
			}
			return false, unix.EISDIR
		}
		if l.slash {
			return false, unix.EISDIR
		}
		if err := w.search(); err != nil {
			return false, err
		}
		dir := w.at.Inode()
		d, created, err := w.lookupOrCreate(l.name, mode, flags)
		if err != nil {
			return false, err
		}
		if created {
			w.at = Path{w.at.Mnt, d}
			return true, nil
		}
		i := d.Inode()
		if i != nil && i.Type() == unix.S_IFLNK && look&Follow != 0 {
			if name, err = w.readlink(Path{w.at.Mnt, d}); err != nil {
				return false, err
			}
			if name == nil { // a magic link has gone to its end
				return false, nil
			}
			continue
		}
		if err := w.enter(d, false); err != nil {
			return false, err
		}
		if w.at.Inode().IsDir() {
			return false, unix.EISDIR
		}
		return false, mayCreateInSticky(w.c, dir, w.at.Inode())
	}
}

// lookupOrCreate finds the name in w.at, or makes it.
func (w *walker) lookupOrCreate(name []byte, mode, flags uint32) (*Dentry, bool, error) {
	dir := w.at.D
	if d := dir.cached(name); d != nil && d.Inode() != nil {
		return w.existing(d, flags)
	}
	i := dir.Inode()
	i.Mu.Lock()
	defer i.Mu.Unlock()
	d, err := lookupLocked(w.c, dir, name)
	if err != nil {
		return nil, false, err
	}
	if d.Inode() != nil {
		return w.existing(d, flags)
	}
	if w.at.Mnt.ReadOnly() {
		return nil, false, unix.EROFS
	}
	n := NewNode{Mode: unix.S_IFREG | mode&0o7777}
	if err := makeNode(w.c, dir, d, &n); err != nil {
		return nil, false, err
	}
	return d, true, nil
}

func (w *walker) existing(d *Dentry, flags uint32) (*Dentry, bool, error) {
	if flags&unix.O_EXCL != 0 {
		return nil, false, unix.EEXIST
	}
	return d, false, nil
}

// openTemp makes a file without a name in the directory that name leads to.
func (w *walker) openTemp(name []byte, flags, mode uint32, look LookupFlags) (*File, error) {
	if err := w.resolve(name, look); err != nil {
		return nil, err
	}
	if w.at.Mnt.ReadOnly() {
		return nil, unix.EROFS
	}
	dir := w.at.Inode()
	if err := dir.Permit(w.c, MayWrite|MayExec); err != nil {
		return nil, err
	}
	n := NewNode{Mode: unix.S_IFREG | mode&0o7777}
	finish := inherit(w.c, dir, &n)
	i, err := dir.Ops.Temp(w.c, dir, &n)
	if err != nil {
		return nil, err
	}
	finish(i)
	i.nlink.Store(0)
	d := newDentry(w.at.D, "#"+itoa(i.Ino), i)
	d.unlinked.Store(true)
	i.linkable = flags&unix.O_EXCL == 0
	return openAt(w.c, Path{w.at.Mnt, d}, flags, true)
}

// Reopen opens what p leads to, as opening a path that ends there would.
func Reopen(c *Context, p Path, flags uint32) (*File, error) { return openAt(c, p, flags, false) }

// openAt opens the file at p, in the order of checks that Linux has after the walk.
// created says that this open has just made it: its permissions do not matter.
func openAt(c *Context, p Path, flags uint32, created bool) (*File, error) {
	i := p.Inode()
	if i == nil {
		return nil, unix.ENOENT
	}
	if flags&unix.O_CREAT != 0 && !created && i.IsDir() {
		return nil, unix.EISDIR
	}
	if flags&unix.O_DIRECTORY != 0 && flags&tmpfileBit == 0 && !i.IsDir() {
		return nil, unix.ENOTDIR
	}
	if flags&unix.O_PATH == 0 {
		if err := mayOpen(c, p, flags, created); err != nil {
			return nil, err
		}
	}
	if err := i.use(); err != nil {
		return nil, err
	}
	f := newFile(p.Get(), i, flags&^(unix.O_CREAT|unix.O_EXCL|unix.O_TRUNC|unix.O_CLOEXEC))
	if f.mode&pathOnly != 0 {
		f.Ops = pathOps{}
		return f, nil
	}
	regular := i.Type() == unix.S_IFREG
	if regular && f.mode&canWrite != 0 {
		if err := f.beginWrite(); err != nil {
			f.abandon()
			return nil, err
		}
	}
	ops, err := i.Ops.Open(c, i, f)
	f.flags.And(^uint32(unix.O_NOCTTY)) // only a terminal's open wants to know
	if err != nil {
		f.abandon()
		return nil, err
	}
	f.Ops = ops
	if regular && flags&unix.O_TRUNC != 0 && !created {
		if err := truncate(c, f, p); err != nil {
			f.Unref()
			return nil, err
		}
	}
	f.notify(InOpen)
	return f, nil
}

// beginWrite counts f as a writer of its inode, mount and file system: ETXTBSY where
// the inode is a program that runs, EROFS where the mount has become read-only.
func (f *File) beginWrite() error {
	if err := f.inode.wantWrite(); err != nil {
		return err
	}
	m := f.path.Mnt
	m.writers.Add(1)
	m.SB.writers.Add(1)
	f.mode |= countsAsWriter
	if m.ReadOnly() {
		return unix.EROFS
	}
	return nil
}

// endWrite ends what beginWrite began.
func (f *File) endWrite() {
	if f.mode&countsAsWriter != 0 {
		f.inode.allowWrite()
		f.path.Mnt.writers.Add(-1)
		f.path.Mnt.SB.writers.Add(-1)
	}
}

// truncate is O_TRUNC. It needs permission to write, which mayOpen has checked, but
// not a descriptor that can write.
func truncate(c *Context, f *File, p Path) error {
	if f.mode&countsAsWriter == 0 {
		if err := f.inode.wantWrite(); err != nil {
			return err
		}
		defer f.inode.allowWrite()
	}
	return setSize(c, p, f.inode, 0)
}

// abandon ends a File whose open failed before it had Ops.
func (f *File) abandon() {
	f.mode |= noNotify
	f.Ops = DefaultOps{}
	f.Unref()
}

// pathOps serve a file opened with O_PATH: calls that reach it answer EBADF.
type pathOps struct{ DefaultOps }

// mayOpen checks that the file at p may be opened with flags.
func mayOpen(c *Context, p Path, flags uint32, created bool) error {
	i := p.Inode()
	var want Access
	switch flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		want = MayRead
	case unix.O_WRONLY:
		want = MayWrite
	default:
		want = MayRead | MayWrite
	}
	if flags&unix.O_TRUNC != 0 {
		want |= MayWrite
	}
	switch i.Type() {
	case unix.S_IFLNK:
		return unix.ELOOP
	case unix.S_IFDIR:
		if want&MayWrite != 0 {
			return unix.EISDIR
		}
	case unix.S_IFCHR, unix.S_IFBLK:
		if p.Mnt.Flags()&MntNoDev != 0 || p.Mnt.SB.User != nil && !p.Mnt.SB.Type.OwnDevices {
			return unix.EACCES
		}
	}
	if !created {
		if err := p.PermitAt(c, want); err != nil {
			return err
		}
	}
	if flags&unix.O_NOATIME != 0 && !i.Owned(c) {
		return unix.EPERM
	}
	return nil
}

// OpenExec opens the file that name leads to for execve, with execute permission.
func OpenExec(c *Context, dirfd int, name []byte, flags LookupFlags) (*File, error) {
	return again(func() (*File, *Dentry, error) { return openExec(c, dirfd, name, flags) })
}

// openExec is OpenExec, for again.
func openExec(c *Context, dirfd int, name []byte, flags LookupFlags) (*File, *Dentry, error) {
	p, err := Lookup(c, dirfd, name, flags)
	if err != nil {
		return nil, p.D, err
	}
	i := p.Inode()
	if i.Type() == unix.S_IFLNK {
		return nil, nil, unix.ELOOP
	}
	if i.Type() != unix.S_IFREG {
		return nil, nil, unix.EACCES
	}
	if err := p.PermitAt(c, MayExec); err != nil {
		return nil, p.D, err
	}
	if err := i.use(); err != nil {
		return nil, p.D, err
	}
	f := newFile(p.Get(), i, unix.O_RDONLY)
	if f.Ops, err = i.Ops.Open(c, i, f); err != nil {
		f.abandon()
		return nil, p.D, err
	}
	f.notify(InOpen)
	return f, p.D, nil
}

// OpenPath opens the file that a path of the kernel's own names.
func OpenPath(c *Context, name string, flags, mode uint32) (*File, error) {
	return Open(c, unix.AT_FDCWD, []byte(name), flags, mode, 0)
}
