package syscalls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls that read and change attributes of files.
var fsAttrRows = []Row{
	{Name: "faccessat2", Args: []Kind{DirFD, Path, AccessMode, AtFlags}, Do: sysFaccessat2,
		Contracts: []string{"filesystem/access_rights", "security/protected_access"}},
	{Name: "faccessat", Args: []Kind{DirFD, Path, AccessMode}, Do: sysFaccessat, Contracts: []string{"filesystem/access_rights", "filesystem/at_directory_calls"}},
	{Name: "access", Args: []Kind{Path, AccessMode}, Do: sysAccess, Contracts: []string{"filesystem/access_rights"}},
	{Name: "statx", Args: []Kind{DirFD, Path, AtFlags, StatxMask, Statx}, Do: sysStatx, Contracts: []string{"filesystem/statx_mask"}},
	{Name: "statfs", Args: []Kind{Path, Statfs}, Do: sysStatfs, Contracts: []string{"filesystem/statfs_fields", "filesystem/statfs_kinds"}},
	{Name: "fstatfs", Args: []Kind{FD, Statfs}, Do: sysFstatfs, Contracts: []string{"filesystem/statfs_kinds", "filesystem/statfs_fields"}},
	{Name: "fchmodat", Args: []Kind{DirFD, Path, Mode}, Do: sysFchmodat, Contracts: []string{"filesystem/chmod_chown", "filesystem/at_directory_calls"}},
	{Name: "fchmod", Args: []Kind{FD, Mode}, Do: sysFchmod, Contracts: []string{"filesystem/chmod_chown", "filesystem/path_descriptors"}},
	{Name: "chmod", Args: []Kind{Path, Mode}, Do: sysChmod, Contracts: []string{"filesystem/chmod_chown", "filesystem/set_id_bits", "abi/legacy_calls"}},
	{Name: "fchownat", Args: []Kind{DirFD, Path, Int, Int, AtFlags}, Do: sysFchownat,
		Contracts: []string{"filesystem/chmod_chown", "filesystem/at_directory_calls"}},
	{Name: "fchown", Args: []Kind{FD, Int, Int}, Do: sysFchown, Contracts: []string{"filesystem/path_descriptors"}},
	{Name: "chown", Args: []Kind{Path, Int, Int}, Do: sysChown, Contracts: []string{"filesystem/chmod_chown", "filesystem/set_id_bits", "abi/legacy_calls"}},
	{Name: "lchown", Args: []Kind{Path, Int, Int}, Do: sysLchown, Contracts: []string{"filesystem/chmod_chown", "abi/legacy_calls"}},
	{Name: "utimensat", Args: []Kind{DirFD, Path, Times, AtFlags}, Do: sysUtimensat,
		Contracts: []string{"filesystem/utimensat_rules", "filesystem/utimes_family"}},
	{Name: "futimesat", Args: []Kind{DirFD, Path, Ptr}, Do: sysFutimesat, Contracts: []string{"abi/legacy_calls", "filesystem/utimes_family"}},
	{Name: "utimes", Args: []Kind{Path, Ptr}, Do: sysUtimes, Contracts: []string{"filesystem/utimes_family"}},
	{Name: "utime", Args: []Kind{Path, Ptr}, Do: sysUtime, Contracts: []string{"filesystem/utimes_family", "abi/legacy_calls"}},
	{Name: "truncate", Args: []Kind{Path, Off}, Do: sysTruncate, Contracts: []string{"filesystem/truncate_rules"}},
}

// atFlags are the lookup flags of the *at calls that follow links unless told not to,
// EINVAL where flags has another bit than AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH and more.
func atFlags(flags, more uint32) (vfs.LookupFlags, error) {
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH|more) != 0 {
		return 0, unix.EINVAL
	}
	look := vfs.Follow
	if flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		look = 0
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		look |= vfs.AllowEmpty
	}
	return look, nil
}

// at calls do with the place that the path at p leads to.
func at(t *task.Task, dirfd int, p user.Addr, look vfs.LookupFlags, do func(c *vfs.Context, p vfs.Path) error) error {
	return withPath(t, p, func(name []byte) error {
		c := t.VFS()
		p, err := vfs.Lookup(c, dirfd, name, look)
		if err != nil {
			return err
		}
		return do(c, p)
	})
}

func sysFaccessat2(t *task.Task, a *Args) (uint64, error) {
	return 0, access(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func sysFaccessat(t *task.Task, a *Args) (uint64, error) {
	return 0, access(t, a.Int(0), a.Addr(1), a.Uint(2), 0)
}

func sysAccess(t *task.Task, a *Args) (uint64, error) {
	return 0, access(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1), 0)
}

func access(t *task.Task, dirfd int, path user.Addr, mode, flags uint32) error {
	if mode&^7 != 0 {
		return unix.EINVAL
	}
	look, err := atFlags(flags, unix.AT_EACCESS)
	if err != nil {
		return err
	}
	return withPath(t, path, func(name []byte) error {
		c := t.VFS()
		if flags&unix.AT_EACCESS == 0 {
			c = withRealIDs(c)
		}
		p, err := vfs.Lookup(c, dirfd, name, look)
		if err != nil {
			return err
		}
		return p.PermitAt(c, vfs.Access(mode))
	})
}

// withRealIDs is c with the identity that access(2) checks: the real IDs, and the
// capabilities that a program with those would have.
func withRealIDs(c *vfs.Context) *vfs.Context {
	id := c.Cred
	caps := id.Effective
	if id.SecureBits&cred.NoSetuidFix == 0 {
		caps = 0
		if id.UID == id.User.UID(0) {
			caps = id.Permitted
		}
	}
	if id.FSUID == id.UID && id.FSGID == id.GID && caps == id.Effective {
		return c
	}
	real := *id
	real.FSUID, real.FSGID, real.Effective = id.UID, id.GID, caps
	with := *c
	with.Cred = &real
	return &with
}

// statxSync is AT_STATX_SYNC_TYPE: both bits together make no sense.
const statxSync = unix.AT_STATX_FORCE_SYNC | unix.AT_STATX_DONT_SYNC

func sysStatx(t *task.Task, a *Args) (uint64, error) {
	flags, mask := a.Uint(2), a.Uint(3)
	if mask&unix.STATX__RESERVED != 0 || flags&statxSync == statxSync {
		return 0, unix.EINVAL
	}
	look, err := atFlags(flags, unix.AT_NO_AUTOMOUNT|statxSync)
	if err != nil {
		return 0, err
	}
	s := t.StatBuffer()
	err = at(t, a.Int(0), a.Addr(1), look, func(c *vfs.Context, p vfs.Path) error { return p.Stat(c, s) })
	if err != nil {
		return 0, err
	}
	ns := t.Cred().User
	e := abi.Statx{
		Mask: unix.STATX_BASIC_STATS | unix.STATX_MNT_ID, BlockSize: uint32(s.BlockSize),
		Attributes: s.Attributes, AttributesMask: s.AttributesMask | unix.STATX_ATTR_AUTOMOUNT | unix.STATX_ATTR_DAX | unix.STATX_ATTR_MOUNT_ROOT,
		Nlink: s.Nlink, UID: ns.ShowUID(s.UID), GID: ns.ShowGID(s.GID), Mode: s.Mode, Ino: s.Ino, Size: uint64(s.Size), Blocks: uint64(s.Blocks),
		Atime: stamp(s.Atime), Ctime: stamp(s.Ctime), Mtime: stamp(s.Mtime),
		RdevMajor: unix.Major(s.Rdev), RdevMinor: unix.Minor(s.Rdev), DevMajor: unix.Major(s.Dev), DevMinor: unix.Minor(s.Dev),
		MountID: uint64(s.MountID),
	}
	if s.HasBtime && mask&unix.STATX_BTIME != 0 {
		e.Mask |= unix.STATX_BTIME
		e.Btime = stamp(s.Btime)
	}
	if s.MountRoot {
		e.Attributes |= unix.STATX_ATTR_MOUNT_ROOT
	}
	var b [abi.StatxSize]byte
	e.Encode(&b)
	return 0, t.CopyOut(a.Addr(4), b[:])
}

func sysStatfs(t *task.Task, a *Args) (uint64, error) {
	var s vfs.Statfs
	err := at(t, unix.AT_FDCWD, a.Addr(0), vfs.Follow, func(_ *vfs.Context, p vfs.Path) error { return p.Statfs(&s) })
	if err != nil {
		return 0, err
	}
	return 0, putStatfs(t, a.Addr(1), &s)
}

func sysFstatfs(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	var s vfs.Statfs
	if err := f.Path().Statfs(&s); err != nil {
		return 0, err
	}
	return 0, putStatfs(t, a.Addr(1), &s)
}

func putStatfs(t *task.Task, to user.Addr, s *vfs.Statfs) error {
	e := abi.Statfs(*s)
	var b [abi.StatfsSize]byte
	e.Encode(&b)
	return t.CopyOut(to, b[:])
}

func sysFchmodat(t *task.Task, a *Args) (uint64, error) {
	return 0, chmod(t, a.Int(0), a.Addr(1), a.Uint(2))
}

func sysChmod(t *task.Task, a *Args) (uint64, error) {
	return 0, chmod(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1))
}

func chmod(t *task.Task, dirfd int, path user.Addr, mode uint32) error {
	return at(t, dirfd, path, vfs.Follow, func(c *vfs.Context, p vfs.Path) error { return p.Chmod(c, mode) })
}

func sysFchmod(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Path().Chmod(t.VFS(), a.Uint(1)) })
}

func sysFchownat(t *task.Task, a *Args) (uint64, error) {
	look, err := atFlags(a.Uint(4), 0)
	if err != nil {
		return 0, err
	}
	return 0, chown(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3), look)
}

func sysChown(t *task.Task, a *Args) (uint64, error) {
	return 0, chown(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2), vfs.Follow)
}

func sysLchown(t *task.Task, a *Args) (uint64, error) {
	return 0, chown(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2), 0)
}

func chown(t *task.Task, dirfd int, path user.Addr, uid, gid uint32, look vfs.LookupFlags) error {
	return at(t, dirfd, path, look, func(c *vfs.Context, p vfs.Path) error { return p.Chown(c, uid, gid) })
}

func sysFchown(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Path().Chown(t.VFS(), a.Uint(1), a.Uint(2)) })
}

// times are what the utime family of calls sets access and modification time to.
type times [2]vfs.TimeChange

var timesNow = times{{Now: true}, {Now: true}}

// readTimes reads two struct timespec or, with micro, struct timeval. The null pointer
// means now.
func readTimes(t *task.Task, p user.Addr, micro bool) (times, error) {
	if p == 0 {
		return timesNow, nil
	}
	var b [32]byte
	if err := t.CopyIn(b[:], p); err != nil {
		return times{}, err
	}
	var ts times
	for i := range ts {
		sec, frac := int64(binary.LittleEndian.Uint64(b[16*i:])), int64(binary.LittleEndian.Uint64(b[16*i+8:]))
		switch {
		case micro && (frac < 0 || frac >= 1e6):
			return times{}, unix.EINVAL
		case micro:
			frac *= 1000
		case frac == unix.UTIME_NOW:
			ts[i].Now = true
			continue
		case frac == unix.UTIME_OMIT:
			ts[i].Omit = true
			continue
		case frac < 0 || frac >= 1e9:
			ts[i].Invalid = true // EINVAL, but only for a path that is there
			continue
		}
		ts[i].Time = vfs.Time{Sec: sec, Nsec: uint32(frac)}
	}
	return ts, nil
}

func sysUtimensat(t *task.Task, a *Args) (uint64, error) {
	ts, err := readTimes(t, a.Addr(2), false)
	if err != nil {
		return 0, err
	}
	if ts[0].Omit && ts[1].Omit {
		return 0, nil // not even the path is looked at
	}
	return 0, utimes(t, a.Int(0), a.Addr(1), ts, a.Uint(3))
}

func sysFutimesat(t *task.Task, a *Args) (uint64, error) {
	ts, err := readTimes(t, a.Addr(2), true)
	if err != nil {
		return 0, err
	}
	return 0, utimes(t, a.Int(0), a.Addr(1), ts, 0)
}

func sysUtimes(t *task.Task, a *Args) (uint64, error) {
	ts, err := readTimes(t, a.Addr(1), true)
	if err != nil {
		return 0, err
	}
	return 0, utimes(t, unix.AT_FDCWD, a.Addr(0), ts, 0)
}

func sysUtime(t *task.Task, a *Args) (uint64, error) {
	ts := timesNow
	if p := a.Addr(1); p != 0 {
		var b [16]byte
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		for i := range ts {
			ts[i] = vfs.TimeChange{Time: vfs.Time{Sec: int64(binary.LittleEndian.Uint64(b[8*i:]))}}
		}
	}
	return 0, utimes(t, unix.AT_FDCWD, a.Addr(0), ts, 0)
}

// utimes sets times of a path, or of the descriptor dirfd where there is none.
func utimes(t *task.Task, dirfd int, path user.Addr, ts times, flags uint32) error {
	if path == 0 && dirfd != unix.AT_FDCWD {
		if flags != 0 {
			return unix.EINVAL
		}
		f, err := t.Files.Get(dirfd)
		if err != nil {
			return err
		}
		defer f.Unref()
		return f.Path().Utimes(t.VFS(), ts[0], ts[1])
	}
	look, err := atFlags(flags, 0)
	if err != nil {
		return err
	}
	return at(t, dirfd, path, look, func(c *vfs.Context, p vfs.Path) error { return p.Utimes(c, ts[0], ts[1]) })
}

func sysTruncate(t *task.Task, a *Args) (uint64, error) {
	if a.Long(1) < 0 {
		return 0, unix.EINVAL
	}
	return 0, at(t, unix.AT_FDCWD, a.Addr(0), vfs.Follow, func(c *vfs.Context, p vfs.Path) error {
		return p.Truncate(c, a.Long(1))
	})
}
