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
	{Name: "mkdirat", Args: []Kind{DirFD, Path, Mode}, Do: sysMkdirat,
		Contracts: []string{"filesystem/open_mode_umask", "filesystem/at_directory_calls", "filesystem/link_counts", "filesystem/acl_inheritance"}},
	{Name: "mkdir", Args: []Kind{Path, Mode}, Do: sysMkdir, Contracts: []string{"filesystem/open_mode_umask", "abi/legacy_calls"}},
	{Name: "unlinkat", Args: []Kind{DirFD, Path, UnlinkFlags}, Do: sysUnlinkat, Contracts: []string{"filesystem/unlink_rmdir", "filesystem/at_directory_calls"}},
	{Name: "unlink", Args: []Kind{Path}, Do: sysUnlink, Contracts: []string{"filesystem/unlink_rmdir", "abi/legacy_calls"}},
	{Name: "rmdir", Args: []Kind{Path}, Do: sysRmdir, Contracts: []string{"filesystem/unlink_rmdir", "abi/legacy_calls"}},
	{Name: "newfstatat", Args: []Kind{DirFD, Path, Stat, AtFlags}, Do: sysNewfstatat, Contracts: []string{"filesystem/stat_fields", "abi/stat_layout"}},
	{Name: "stat", Args: []Kind{Path, Stat}, Do: sysStat, Contracts: []string{"filesystem/stat_fields", "abi/legacy_calls"}},
	{Name: "lstat", Args: []Kind{Path, Stat}, Do: sysLstat, Contracts: []string{"filesystem/stat_fields", "abi/legacy_calls"}},
	{Name: "fstat", Args: []Kind{FD, Stat}, Do: sysFstat, Contracts: []string{"filesystem/stat_fields", "abi/stat_layout"}},
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
	look, err := atFlags(flags, unix.AT_NO_AUTOMOUNT)
	if err != nil {
		return err
	}
	s := t.StatBuffer()
	if err := at(t, dirfd, path, look, func(c *vfs.Context, p vfs.Path) error { return p.Stat(c, s) }); err != nil {
		return err
	}
	return putStat(t, to, s)
}

func sysFstat(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	s := t.StatBuffer()
	err = f.Path().Stat(t.VFS(), s)
	f.Unref()
	if err != nil {
		return 0, err
	}
	return 0, putStat(t, a.Addr(1), s)
}

// putStat writes s to t's memory in the architecture's layout.
func putStat(t *task.Task, to user.Addr, s *vfs.Stat) error {
	ns := t.Cred().User
	e := abi.Stat{
		Dev: s.Dev, Ino: s.Ino, Rdev: s.Rdev, Mode: s.Mode, Nlink: s.Nlink, UID: ns.ShowUID(s.UID), GID: ns.ShowGID(s.GID),
		Size: s.Size, BlockSize: s.BlockSize, Blocks: s.Blocks,
		Atime: stamp(s.Atime), Mtime: stamp(s.Mtime), Ctime: stamp(s.Ctime),
	}
	var b [abi.StatSize]byte
	e.Encode(&b)
	return t.CopyOut(to, b[:])
}

func stamp(v vfs.Time) abi.Timestamp { return abi.Timestamp{Sec: v.Sec, Nsec: int64(v.Nsec)} }
