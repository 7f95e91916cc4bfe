package vfs

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/user"
)

// Stat is what stat(2) and statx(2) tell of a file, before linux/abi encodes it.
type Stat struct {
	Dev, Rdev                  uint64
	Ino                        uint64
	Mode, Nlink, UID, GID      uint32
	Size, BlockSize            int64
	Blocks                     int64 // of 512 bytes
	Atime, Mtime, Ctime, Btime Time
	MountID                    int
	MountRoot                  bool
	HasBtime                   bool   // the file system keeps Btime
	Attributes                 uint64 // statx: stx_attributes, and which of them are known
	AttributesMask             uint64
}

// Stat fills s with the attributes of the inode at p.
func (p Path) Stat(c *Context, s *Stat) error {
	i := p.Inode()
	if i == nil {
		return unix.ENOENT
	}
	if err := i.Stat(c, s); err != nil {
		return err
	}
	s.MountID, s.MountRoot = p.Mnt.ID, p.D == p.Mnt.Root
	return nil
}

// Stat fills s with the attributes of the inode.
func (i *Inode) Stat(c *Context, s *Stat) error {
	*s = Stat{
		Dev: i.SB.Dev, Rdev: i.Rdev, Ino: i.Ino, Mode: i.Mode(), Nlink: i.Nlink(),
		UID: i.UID(), GID: i.GID(), Size: i.Size(), BlockSize: 4096,
	}
	i.attr.Lock()
	s.Atime, s.Mtime, s.Ctime, s.Btime = i.atime, i.mtime, i.ctime, i.btime
	i.attr.Unlock()
	return i.Ops.Getattr(c, i, s)
}

// Attr is a change of attributes.
type Attr struct {
	Set          AttrMask
	Mode         uint32 // permissions
	UID, GID     uint32
	Size         int64
	Atime, Mtime Time
}

// AttrMask says which fields of an Attr count.
type AttrMask uint8

const (
	SetMode AttrMask = 1 << iota
	SetUID
	SetGID
	SetSize
	SetAtime
	SetMtime
)

// change makes a change that has been permitted, and stamps ctime.
func (i *Inode) change(c *Context, a *Attr) error {
	if err := i.Ops.Setattr(c, i, a); err != nil {
		return err
	}
	i.attr.Lock()
	if a.Set&SetMode != 0 {
		i.mode.Store(i.mode.Load()&unix.S_IFMT | a.Mode&0o7777)
		if l := i.acl.Load(); l != nil {
			i.acl.Store(l.withMode(a.Mode))
		}
	}
	if a.Set&SetUID != 0 {
		i.uid.Store(a.UID)
	}
	if a.Set&SetGID != 0 {
		i.gid.Store(a.GID)
	}
	if a.Set&SetAtime != 0 {
		i.atime = a.Atime
	}
	if a.Set&SetMtime != 0 {
		i.mtime = a.Mtime
	}
	i.ctime = Clock()
	i.attr.Unlock()
	return nil
}

// Chmod changes permissions: fchmodat(2), fchmod(2).
func (p Path) Chmod(c *Context, mode uint32) error {
	i := p.Inode()
	if p.Mnt.ReadOnly() {
		return unix.EROFS
	}
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if !i.Owned(c) {
		return unix.EPERM
	}
	if i.Type() == unix.S_IFLNK {
		return unix.EOPNOTSUPP
	}
	mode &= 0o7777
	if !c.Cred.InGroup(i.GID()) && !i.capable(c, unix.CAP_FSETID) {
		mode &^= unix.S_ISGID
	}
	if err := i.change(c, &Attr{Set: SetMode, Mode: mode}); err != nil {
		return err
	}
	p.notify(InAttrib)
	return nil
}

// Unchanged is the owner or group that chown leaves as it is.
const Unchanged = ^uint32(0)

// Chown changes owner and group: fchownat(2), fchown(2). The IDs are as c's user namespace
// knows them: EINVAL for one that it does not, EOVERFLOW for one that the file system's does
// not.
func (p Path) Chown(c *Context, uid, gid uint32) error {
	i := p.Inode()
	if p.Mnt.ReadOnly() {
		return unix.EROFS
	}
	user, known := c.Cred.User, i.SB.User
	if uid != Unchanged {
		if uid = user.UID(uid); uid == cred.None {
			return unix.EINVAL
		}
	}
	if gid != Unchanged {
		if gid = user.GID(gid); gid == cred.None {
			return unix.EINVAL
		}
	}
	if uid != Unchanged && !known.Has(cred.UserIDs, uid) || gid != Unchanged && !known.Has(cred.GroupIDs, gid) {
		return unix.EOVERFLOW
	}
	i.Mu.Lock()
	defer i.Mu.Unlock()
	var a Attr
	owner := c.Cred.FSUID == i.UID()
	if uid != Unchanged {
		if !(owner && uid == i.UID()) && !i.capable(c, unix.CAP_CHOWN) {
			return unix.EPERM
		}
		a.Set |= SetUID
		a.UID = uid
	}
	if gid != Unchanged {
		if !(owner && (gid == i.GID() || c.Cred.InGroup(gid))) && !i.capable(c, unix.CAP_CHOWN) {
			return unix.EPERM
		}
		a.Set |= SetGID
		a.GID = gid
	}
	// Set-ID bits go whoever asks, root included: chown(2), "NOTES".
	if !i.IsDir() {
		i.killFileCaps(c)
	}
	if mode := i.withoutSetID(c); !i.IsDir() && mode != i.Mode() {
		if !i.Owned(c) {
			return unix.EPERM
		}
		a.Set |= SetMode
		a.Mode = mode
	}
	if err := i.change(c, &a); err != nil {
		return err
	}
	p.notify(InAttrib)
	return nil
}

// TimeChange is what utimensat does to one time stamp.
type TimeChange struct {
	Now, Omit bool
	Invalid   bool // EINVAL, once it is known that the file is there
	Time      Time
}

// Utimes changes time stamps: utimensat(2).
func (p Path) Utimes(c *Context, atime, mtime TimeChange) error {
	i := p.Inode()
	switch {
	case atime.Invalid || mtime.Invalid:
		return unix.EINVAL
	case p.Mnt.ReadOnly():
		return unix.EROFS
	}
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if !i.Owned(c) {
		if !atime.Now || !mtime.Now {
			return unix.EPERM
		}
		if err := i.Permit(c, MayWrite); err != nil {
			return err
		}
	}
	now := Clock()
	var a Attr
	if !atime.Omit {
		a.Set |= SetAtime
		if a.Atime = atime.Time; atime.Now {
			a.Atime = now
		}
	}
	if !mtime.Omit {
		a.Set |= SetMtime
		if a.Mtime = mtime.Time; mtime.Now {
			a.Mtime = now
		}
	}
	if err := i.change(c, &a); err != nil {
		return err
	}
	switch {
	case a.Set == SetAtime:
		p.notify(InAccess)
	case a.Set == SetMtime:
		p.notify(InModify)
	default:
		p.notify(InAttrib)
	}
	return nil
}

// Truncate changes the length of the file at p: truncate(2).
func (p Path) Truncate(c *Context, size int64) error {
	i := p.Inode()
	switch {
	case i.IsDir():
		return unix.EISDIR
	case i.Type() != unix.S_IFREG:
		return unix.EINVAL
	case p.Mnt.ReadOnly():
		return unix.EROFS
	}
	if err := i.Permit(c, MayWrite); err != nil {
		return err
	}
	if err := i.wantWrite(); err != nil {
		return err
	}
	defer i.allowWrite()
	return setSize(c, p, i, size)
}

// Truncate changes the length of the open file: ftruncate(2).
func (f *File) Truncate(c *Context, size int64) error {
	if f.inode.Type() != unix.S_IFREG || f.mode&canWrite == 0 {
		return unix.EINVAL
	}
	return setSize(c, f.path, f.inode, size)
}

// setSize changes the length of a regular file. A limit on sizes (RLIMIT_FSIZE)
// holds for growth.
func setSize(c *Context, p Path, i *Inode, size int64) error {
	if size > i.Size() {
		if err := c.CheckFileSize(size); err != nil {
			return err
		}
	}
	i.Mu.Lock()
	defer i.Mu.Unlock()
	i.stripSetID(c)
	now := Clock()
	if err := i.change(c, &Attr{Set: SetSize | SetMtime, Size: size, Mtime: now}); err != nil {
		return err
	}
	p.notify(InModify)
	return nil
}

// CheckFileSize answers EFBIG, and sends SIGXFSZ, where a file may not become that
// long (getrlimit(2), RLIMIT_FSIZE).
func (c *Context) CheckFileSize(size int64) error {
	if c.Task != nil && uint64(size) > c.Task.Limit(unix.RLIMIT_FSIZE) {
		c.Signal(unix.SIGXFSZ)
		return unix.EFBIG
	}
	return nil
}

// Allocate reserves or frees storage of the open file: fallocate(2).
func (f *File) Allocate(c *Context, mode uint32, off, n int64) error {
	const keep, punch = unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE
	const collapse, zero, insert, unshare = unix.FALLOC_FL_COLLAPSE_RANGE, unix.FALLOC_FL_ZERO_RANGE,
		unix.FALLOC_FL_INSERT_RANGE, unix.FALLOC_FL_UNSHARE_RANGE
	switch {
	case off < 0 || n <= 0:
		return unix.EINVAL
	case mode&^(keep|punch|collapse|zero|insert|unshare) != 0,
		mode&(punch|zero) == punch|zero,
		mode&punch != 0 && mode&keep == 0:
		return unix.EOPNOTSUPP
	case mode&collapse != 0 && mode != collapse, mode&insert != 0 && mode != insert,
		mode&unshare != 0 && mode&^(unshare|keep) != 0:
		return unix.EINVAL
	case f.mode&canWrite == 0:
		return unix.EBADF
	}
	switch f.inode.Type() {
	case unix.S_IFIFO:
		return unix.ESPIPE
	case unix.S_IFDIR:
		return unix.EISDIR
	case unix.S_IFREG, unix.S_IFBLK:
	default:
		return unix.ENODEV
	}
	if off > maxFileSize-n {
		return unix.EFBIG
	}
	if err := f.Ops.Fallocate(c, f, mode, off, n); err != nil {
		return err
	}
	f.notify(InModify)
	return nil
}

const maxFileSize = 1<<63 - 1

// Sync writes the file's data back: fsync(2), fdatasync(2).
func (f *File) Sync(c *Context, dataOnly bool) error { return f.Ops.Fsync(c, f, dataOnly) }

// Statfs tells about the file system behind p: statfs(2).
func (p Path) Statfs(s *Statfs) error {
	sb := p.Mnt.SB
	*s = Statfs{Type: sb.Magic, BlockSize: 4096, FragmentSize: 4096, NameLen: nameMax, ID: sb.Dev}
	if err := sb.Ops.Statfs(s); err != nil {
		return err
	}
	s.Flags = stValid | p.Mnt.statFlags()
	return nil
}

// stValid is ST_VALID, which tells libc that f_flags holds something.
const stValid = 0x20

// statFlags are the mount's flags as statfs has them, which for these equal mount(2)'s
// but for relatime and nosymfollow.
func (m *Mount) statFlags() int64 {
	flags := m.Flags()
	s := int64(flags & (MntNoSuid | MntNoDev | MntNoExec | MntNoAtime | MntNoDirAtime))
	if m.ReadOnly() {
		s |= unix.ST_RDONLY
	}
	if flags&MntRelAtime != 0 {
		s |= unix.ST_RELATIME
	}
	if flags&MntNoSymFollow != 0 {
		s |= 0x2000 // ST_NOSYMFOLLOW
	}
	return s
}

// LimitWrite shortens a write at off so that it keeps within RLIMIT_FSIZE; where
// nothing is left it answers EFBIG and sends SIGXFSZ.
func (c *Context) LimitWrite(src *user.IO, off int64) error {
	limit := c.Limit(unix.RLIMIT_FSIZE)
	if uint64(off)+uint64(src.Len()) <= limit {
		return nil
	}
	if uint64(off) >= limit {
		c.Signal(unix.SIGXFSZ)
		return unix.EFBIG
	}
	src.Limit(int(limit - uint64(off)))
	return nil
}
