package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls on names: making, removing and describing files.
var fsRows = []Row{
	{Name: "mkdirat", Args: []Kind{DirFD, Path, Mode}, Do: sysMkdirat},
	{Name: "mkdir", Args: []Kind{Path, Mode}, Do: sysMkdir},
	{Name: "unlinkat", Args: []Kind{DirFD, Path, Hex}, Do: sysUnlinkat},
	{Name: "unlink", Args: []Kind{Path}, Do: sysUnlink},
	{Name: "rmdir", Args: []Kind{Path}, Do: sysRmdir},
	{Name: "newfstatat", Args: []Kind{DirFD, Path, Stat, Hex}, Do: sysNewfstatat},
	{Name: "stat", Args: []Kind{Path, Stat}, Do: sysStat},
	{Name: "lstat", Args: []Kind{Path, Stat}, Do: sysLstat},
	{Name: "fstat", Args: []Kind{FD, Stat}, Do: sysFstat},
	{Name: "chdir", Args: []Kind{Path}, Do: sysChdir},
	{Name: "fchdir", Args: []Kind{FD}, Do: sysFchdir},
	{Name: "getcwd", Args: []Kind{OutBuf, Size}, Do: sysGetcwd},
	{Name: "umask", Args: []Kind{Mode}, Do: sysUmask},
}

func sysMkdirat(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(1), func(name []byte) error { return vfs.Mkdir(t.VFS(), a.Int(0), name, a.Uint(2)) })
}

func sysMkdir(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error { return vfs.Mkdir(t.VFS(), unix.AT_FDCWD, name, a.Uint(1)) })
}

func sysUnlinkat(t *task.Task, a *Args) (uint64, error) {
	if a.Uint(2)&^unix.AT_REMOVEDIR != 0 {
		return 0, unix.EINVAL
	}
	return 0, withPath(t, a.Addr(1), func(name []byte) error {
		if a.Uint(2) != 0 {
			return vfs.Rmdir(t.VFS(), a.Int(0), name)
		}
		return vfs.Unlink(t.VFS(), a.Int(0), name)
	})
}

func sysUnlink(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error { return vfs.Unlink(t.VFS(), unix.AT_FDCWD, name) })
}

func sysRmdir(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error { return vfs.Rmdir(t.VFS(), unix.AT_FDCWD, name) })
}

func sysNewfstatat(t *task.Task, a *Args) (uint64, error) {
	return 0, statAt(t, a.Int(0), a.Addr(1), a.Addr(2), a.Uint(3))
}

func sysStat(t *task.Task, a *Args) (uint64, error) {
	return 0, statAt(t, unix.AT_FDCWD, a.Addr(0), a.Addr(1), 0)
}

func sysLstat(t *task.Task, a *Args) (uint64, error) {
	return 0, statAt(t, unix.AT_FDCWD, a.Addr(0), a.Addr(1), unix.AT_SYMLINK_NOFOLLOW)
}

func statAt(t *task.Task, dirfd int, path, to user.Addr, flags uint32) error {
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT|unix.AT_EMPTY_PATH) != 0 {
		return unix.EINVAL
	}
	look := vfs.Follow
	if flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		look = 0
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		look |= vfs.AllowEmpty
	}
	var s vfs.Stat
	err := withPath(t, path, func(name []byte) error {
		p, err := vfs.Lookup(t.VFS(), dirfd, name, look)
		if err != nil {
			return err
		}
		return p.Stat(t.VFS(), &s)
	})
	if err != nil {
		return err
	}
	return putStat(t, to, &s)
}

func sysFstat(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	var s vfs.Stat
	if err := f.Path().Stat(t.VFS(), &s); err != nil {
		return 0, err
	}
	return 0, putStat(t, a.Addr(1), &s)
}

// putStat writes s to t's memory in the architecture's layout.
func putStat(t *task.Task, to user.Addr, s *vfs.Stat) error {
	stamp := func(v vfs.Time) abi.Timestamp { return abi.Timestamp{Sec: v.Sec, Nsec: int64(v.Nsec)} }
	e := abi.Stat{
		Dev: s.Dev, Ino: s.Ino, Rdev: s.Rdev, Mode: s.Mode, Nlink: s.Nlink, UID: s.UID, GID: s.GID,
		Size: s.Size, BlockSize: s.BlockSize, Blocks: s.Blocks,
		Atime: stamp(s.Atime), Mtime: stamp(s.Mtime), Ctime: stamp(s.Ctime),
	}
	var b [abi.StatSize]byte
	e.Encode(&b)
	return t.CopyOut(to, b[:])
}

func sysChdir(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error {
		p, err := vfs.Lookup(t.VFS(), unix.AT_FDCWD, name, vfs.Follow|vfs.MustBeDir)
		if err != nil {
			return err
		}
		return enterDir(t, p)
	})
}

func sysFchdir(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	if !f.Inode().IsDir() {
		return 0, unix.ENOTDIR
	}
	return 0, enterDir(t, f.Path())
}

func enterDir(t *task.Task, p vfs.Path) error {
	if err := p.PermitAt(t.VFS(), vfs.MayExec); err != nil {
		return err
	}
	t.FS.SetCwd(p)
	return nil
}

func sysGetcwd(t *task.Task, a *Args) (uint64, error) {
	s, err := t.FS.Getcwd()
	if err != nil {
		return 0, err
	}
	if uint64(len(s)) >= a.Size(1) {
		return 0, unix.ERANGE
	}
	if err := t.CopyOut(a.Addr(0), append([]byte(s), 0)); err != nil {
		return 0, err
	}
	return uint64(len(s) + 1), nil
}

func sysUmask(t *task.Task, a *Args) (uint64, error) {
	return uint64(t.FS.SetUmask(a.Uint(0))), nil
}
