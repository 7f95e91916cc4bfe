package vfs

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/trace"
	"kevlar/linux/wait"
)

// LookupFlags change how a path is walked.
type LookupFlags uint32

const (
	Follow     LookupFlags = 1 << iota // follow a symbolic link in the last component
	MustBeDir                          // ENOTDIR unless the path leads to a directory
	AllowEmpty                         // an empty path is the descriptor itself: AT_EMPTY_PATH

	noExpire // does not count as a use of a mount that umount2(MNT_EXPIRE) has marked

	// openat2(2), resolve.
	NoXDev     // RESOLVE_NO_XDEV
	NoMagic    // RESOLVE_NO_MAGICLINKS
	NoSymlinks // RESOLVE_NO_SYMLINKS
	Beneath    // RESOLVE_BENEATH
	InRoot     // RESOLVE_IN_ROOT
)

const (
	maxLinks = 40  // symbolic links in one walk: path_resolution(7)
	nameMax  = 255 // bytes in a component
)

// walker is one walk of a path: the only one there is. It allocates nothing while
// names and link targets are in the cache.
type walker struct {
	c     *Context
	flags LookupFlags
	root  Path // where "/" leads and ".." ends
	at    Path // how far the walk has come
	links int
	// rooted says that the walk has looked at root: for RESOLVE_NO_XDEV an absolute link
	// crosses a mount unless it has.
	rooted bool
	inner  int // how many links the walk is in that are not at the end of its path
}

// component says what the last component of a path is.
type component uint8

const (
	normal component = iota
	rootDir
	dot
	dotdot
)

// last is the end of a path whose directory has been walked.
type last struct {
	name  []byte
	kind  component
	slash bool // slashes follow the name
}

// Lookup walks name from the directory of descriptor dirfd (unix.AT_FDCWD: the
// working directory) and returns where it leads. What keeps the Path takes a
// reference with Get.
func Lookup(c *Context, dirfd int, name []byte, flags LookupFlags) (Path, error) {
	if trace.On(trace.VFS) {
		return traceLookup(c, dirfd, name, flags)
	}
	return lookup(c, dirfd, name, flags)
}

// traceLookup is Lookup with a record.
func traceLookup(c *Context, dirfd int, name []byte, flags LookupFlags) (Path, error) {
	began := wait.Now()
	p, err := lookup(c, dirfd, name, flags)
	trace.EmitWalk(int(c.Waiter.ID.Load()), name, err, wait.Now()-began)
	return p, err
}

func lookup(c *Context, dirfd int, name []byte, flags LookupFlags) (Path, error) {
	var w walker
	if err := w.start(c, dirfd, name, flags); err != nil {
		return Path{}, err
	}
	if err := w.resolve(name, flags); err != nil {
		return Path{}, err
	}
	return w.at, nil
}

// start finds where the walk of name begins.
func (w *walker) start(c *Context, dirfd int, name []byte, flags LookupFlags) error {
	w.c, w.flags = c, flags
	if len(name) == 0 && flags&AllowEmpty == 0 {
		return unix.ENOENT
	}
	w.root = c.FS.Root()
	scoped := flags&(Beneath|InRoot) != 0
	if len(name) > 0 && name[0] == '/' && !scoped {
		w.rooted = true
		w.at = w.root
		return nil
	}
	at, err := c.base(dirfd, len(name) > 0)
	if err != nil {
		return err
	}
	w.at = at
	if scoped {
		w.root, w.rooted = at, true
		if len(name) > 0 && name[0] == '/' && flags&Beneath != 0 {
			return unix.EXDEV
		}
	}
	return nil
}

// base is the path of a descriptor that a walk starts at. The descriptor's file may be
// closed meanwhile; the path stays good, as anything kept takes its own reference.
func (c *Context) base(dirfd int, wantDir bool) (Path, error) {
	if dirfd == unix.AT_FDCWD {
		return c.FS.Cwd(), nil
	}
	if c.Files == nil {
		return Path{}, unix.EBADF
	}
	f, err := c.Files.GetPath(dirfd)
	if err != nil {
		return Path{}, err
	}
	defer f.Unref()
	if wantDir && !f.inode.IsDir() {
		return Path{}, unix.ENOTDIR
	}
	return f.path, nil
}

// resolve walks all of name from w.at, and its last component as flags say.
func (w *walker) resolve(name []byte, flags LookupFlags) error {
	l, err := w.parent(name)
	if err != nil {
		return err
	}
	return w.finish(l, flags)
}

// finish walks the last component. Slashes behind it ask for a directory, and so for
// the end of a link.
func (w *walker) finish(l last, flags LookupFlags) error {
	if l.slash {
		flags |= Follow | MustBeDir
	}
	if err := w.step(l, flags&Follow != 0); err != nil {
		return err
	}
	if flags&MustBeDir != 0 && !w.at.Inode().IsDir() {
		return unix.ENOTDIR
	}
	return nil
}

// parent walks name up to its last component, which it returns: w.at is then the
// directory that has it.
func (w *walker) parent(name []byte) (last, error) {
	i := 0
	for i < len(name) && name[i] == '/' {
		i++
	}
	if i == len(name) {
		return last{kind: rootDir}, nil
	}
	for {
		if err := w.search(); err != nil {
			return last{}, err
		}
		start := i
		for i < len(name) && name[i] != '/' {
			i++
		}
		l := last{name: name[start:i]}
		switch {
		case len(l.name) == 1 && l.name[0] == '.':
			l.kind = dot
		case len(l.name) == 2 && l.name[0] == '.' && l.name[1] == '.':
			l.kind = dotdot
		}
		for i < len(name) && name[i] == '/' {
			i++
			l.slash = true
		}
		if i == len(name) {
			return l, nil
		}
		w.inner++
		err := w.step(l, true)
		w.inner--
		if err != nil {
			return last{}, err
		}
		if !w.at.Inode().IsDir() {
			return last{}, unix.ENOTDIR
		}
	}
}

// search checks that the walk may go on through the directory it is in.
func (w *walker) search() error {
	i := w.at.Inode()
	if i == nil {
		return unix.ENOENT
	}
	if !i.IsDir() {
		return unix.ENOTDIR
	}
	return i.Permit(w.c, MayExec)
}

// step goes from w.at, a directory, to its entry l.
func (w *walker) step(l last, follow bool) error {
	switch l.kind {
	case rootDir, dot:
		return nil
	case dotdot:
		return w.up()
	}
	d, err := lookupIn(w.c, w.at.D, l.name)
	if err != nil {
		return err
	}
	return w.enter(d, follow)
}

// enter goes from the directory w.at to its child d: onto what is mounted there, and
// through a symbolic link if follow says so. ENOENT where d is negative.
func (w *walker) enter(d *Dentry, follow bool) error {
	i := d.Inode()
	if i == nil {
		return unix.ENOENT
	}
	if i.Type() == unix.S_IFLNK && follow {
		return w.follow(Path{w.at.Mnt, d})
	}
	next := Path{w.at.Mnt, d}.crossed()
	if next.Mnt != w.at.Mnt {
		if w.flags&NoXDev != 0 {
			return unix.EXDEV
		}
		if next.Mnt.expired.Load() && w.flags&noExpire == 0 {
			next.Mnt.expired.Store(false)
		}
	}
	w.at = next
	return nil
}

// up goes to the parent directory, never above w.root.
func (w *walker) up() error {
	w.rooted = true
	for w.at != w.root {
		if w.at.D != w.at.Mnt.Root {
			parent := w.at.D.Parent()
			if parent == nil {
				break
			}
			next := Path{w.at.Mnt, parent}.crossed()
			if next.Mnt != w.at.Mnt && w.flags&NoXDev != 0 {
				return unix.EXDEV
			}
			w.at = next
			return nil
		}
		next, ok := w.at.up()
		if !ok {
			break
		}
		if w.flags&NoXDev != 0 {
			return unix.EXDEV
		}
		w.at = next
	}
	if w.flags&Beneath != 0 {
		return unix.EXDEV
	}
	w.at = w.at.crossed()
	return nil
}

// follow goes where the symbolic link at p, in the directory w.at, leads.
func (w *walker) follow(p Path) error {
	target, err := w.readlink(p)
	if err != nil || target == nil {
		return err
	}
	return w.resolve(target, Follow)
}

// readlink prepares to follow the symbolic link at p: it returns the target to walk
// from w.at, which it moves to the root for an absolute one; nil where a magic link
// has moved w.at to the end.
func (w *walker) readlink(p Path) ([]byte, error) {
	i := p.Inode()
	if w.links++; w.links > maxLinks {
		return nil, unix.ELOOP
	}
	if w.inner == 0 {
		if err := mayFollow(w.c, w.at.Inode(), i); err != nil {
			return nil, err
		}
	}
	if w.flags&NoSymlinks != 0 || p.Mnt.Flags()&MntNoSymFollow != 0 {
		return nil, unix.ELOOP
	}
	i.accessedAt(p.Mnt)
	target := i.Target
	if target == nil {
		switch jump, err := i.Ops.Jump(w.c, i); {
		case err == nil:
			if w.flags&NoMagic != 0 {
				return nil, unix.ELOOP
			}
			if w.flags&(Beneath|InRoot) != 0 || w.flags&NoXDev != 0 && jump.Mnt != w.at.Mnt {
				return nil, unix.EXDEV
			}
			w.at = jump
			return nil, nil
		case err != unix.EINVAL:
			return nil, err
		}
		s, err := i.Ops.Readlink(w.c, i)
		if err != nil {
			return nil, err
		}
		target = []byte(s)
	}
	if len(target) > 0 && target[0] == '/' {
		if w.flags&Beneath != 0 || w.flags&NoXDev != 0 && !(w.rooted && w.at.Mnt == w.root.Mnt) {
			return nil, unix.EXDEV
		}
		w.at, w.rooted = w.root, true
	}
	return target, nil
}

// lookupIn finds the dentry of a name in a directory, negative where there is no such
// name.
func lookupIn(c *Context, dir *Dentry, name []byte) (*Dentry, error) {
	if d := dir.cached(name); d != nil {
		return d, nil
	}
	i := dir.Inode()
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	return lookupLocked(c, dir, name)
}

// lookupLocked is lookupIn with the directory's Mu held.
func lookupLocked(c *Context, dir *Dentry, name []byte) (*Dentry, error) {
	i := dir.Inode()
	if i.Dead() {
		return nil, unix.ENOENT
	}
	if d := dir.cached(name); d != nil {
		return d, nil
	}
	if len(name) > nameMax {
		return nil, unix.ENAMETOOLONG
	}
	s := string(name)
	found, err := i.Ops.Lookup(c, i, s)
	switch {
	case err == unix.ENOENT && !i.NoNegatives:
		if i.Uncached {
			return newDentry(dir, s, nil), nil
		}
		return dir.add(s, nil), nil
	case err != nil:
		return nil, err
	case found.Uncached:
		return newDentry(dir, s, found), nil
	}
	return dir.add(s, found), nil
}

// Path strings.

// String is the path as somebody whose root is root sees it in /proc: " (deleted)"
// follows a name that has been removed, and what is not below root is shown from
// wherever it is.
func (p Path) String(root Path) string {
	s, _ := p.From(root)
	if p.D.Unlinked() {
		s += " (deleted)"
	}
	return s
}

// Getcwd is the working directory as getcwd(2) gives it: "(unreachable)" before a path
// that is not below the root; ENOENT if it has been removed.
func (fs *FSInfo) Getcwd() (string, error) {
	cwd, root := fs.Cwd(), fs.Root()
	if cwd.D.Unlinked() {
		return "", unix.ENOENT
	}
	s, ok := cwd.From(root)
	if !ok {
		s = "(unreachable)" + s
	}
	return s, nil
}
