package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls that make, move and read names: links, renames, special files.
var fsLinkRows = []Row{
	{Name: "linkat", Args: []Kind{DirFD, Path, DirFD, Path, AtFlags}, Do: sysLinkat,
		Contracts: []string{"filesystem/tmpfile_linkat", "filesystem/link_symlink", "filesystem/at_directory_calls"}},
	{Name: "link", Args: []Kind{Path, Path}, Do: sysLink, Contracts: []string{"filesystem/link_symlink", "filesystem/link_counts"}},
	{Name: "symlinkat", Args: []Kind{Str, DirFD, Path}, Do: sysSymlinkat, Contracts: []string{"filesystem/at_directory_calls"}},
	{Name: "symlink", Args: []Kind{Str, Path}, Do: sysSymlink, Contracts: []string{"filesystem/link_symlink", "filesystem/symlink_resolution"}},
	{Name: "readlinkat", Args: []Kind{DirFD, Path, Ustring, Int}, Do: sysReadlinkat,
		Contracts: []string{"filesystem/link_symlink", "filesystem/path_descriptors"}},
	{Name: "readlink", Args: []Kind{Path, Ustring, Int}, Do: sysReadlink, Contracts: []string{"filesystem/link_symlink", "proc/self_links"}},
	{Name: "renameat2", Args: []Kind{DirFD, Path, DirFD, Path, RenameFlags}, Do: sysRenameat2,
		Contracts: []string{"filesystem/rename_matrix", "filesystem/rename_rules"}},
	{Name: "renameat", Args: []Kind{DirFD, Path, DirFD, Path}, Do: sysRenameat, Contracts: []string{"filesystem/at_directory_calls"}},
	{Name: "rename", Args: []Kind{Path, Path}, Do: sysRename,
		Contracts: []string{"filesystem/rename_rules", "filesystem/rename_matrix", "filesystem/rename_open_files"}},
	{Name: "mknodat", Args: []Kind{DirFD, Path, Mode, Dev}, Do: sysMknodat, Contracts: []string{"filesystem/at_directory_calls"}},
	{Name: "mknod", Args: []Kind{Path, Mode, Dev}, Do: sysMknod, Contracts: []string{"filesystem/mknod_rules", "filesystem/device_nodes"}},
}

// withPaths is withPath for calls that take two.
func withPaths(t *task.Task, a, b user.Addr, f func(a, b []byte) error) error {
	return withPath(t, a, func(first []byte) error {
		return withPath(t, b, func(second []byte) error { return f(first, second) })
	})
}

func sysLinkat(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(4)
	if flags&^(unix.AT_SYMLINK_FOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return 0, unix.EINVAL
	}
	var look vfs.LookupFlags
	if flags&unix.AT_SYMLINK_FOLLOW != 0 {
		look |= vfs.Follow
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		look |= vfs.AllowEmpty
	}
	return 0, link(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), look)
}

func sysLink(t *task.Task, a *Args) (uint64, error) {
	return 0, link(t, unix.AT_FDCWD, a.Addr(0), unix.AT_FDCWD, a.Addr(1), 0)
}

func link(t *task.Task, oldfd int, old user.Addr, newfd int, new user.Addr, look vfs.LookupFlags) error {
	return withPaths(t, old, new, func(old, new []byte) error {
		return vfs.Link(t.VFS(), oldfd, old, newfd, new, look)
	})
}

func sysSymlinkat(t *task.Task, a *Args) (uint64, error) {
	return 0, symlink(t, a.Addr(0), a.Int(1), a.Addr(2))
}

func sysSymlink(t *task.Task, a *Args) (uint64, error) {
	return 0, symlink(t, a.Addr(0), unix.AT_FDCWD, a.Addr(1))
}

func symlink(t *task.Task, target user.Addr, dirfd int, path user.Addr) error {
	return withPaths(t, target, path, func(target, name []byte) error {
		return vfs.Symlink(t.VFS(), string(target), dirfd, name)
	})
}

func sysReadlinkat(t *task.Task, a *Args) (uint64, error) {
	return readlink(t, a.Int(0), a.Addr(1), a.Addr(2), a.Int(3))
}

func sysReadlink(t *task.Task, a *Args) (uint64, error) {
	return readlink(t, unix.AT_FDCWD, a.Addr(0), a.Addr(1), a.Int(2))
}

func readlink(t *task.Task, dirfd int, path, to user.Addr, size int) (uint64, error) {
	if size <= 0 {
		return 0, unix.EINVAL
	}
	var target string
	err := withPath(t, path, func(name []byte) (err error) {
		target, err = vfs.Readlink(t.VFS(), dirfd, name)
		return err
	})
	if err != nil {
		return 0, err
	}
	target = target[:min(len(target), size)]
	return uint64(len(target)), t.CopyOut(to, []byte(target))
}

func sysRenameat2(t *task.Task, a *Args) (uint64, error) {
	return 0, rename(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), a.Uint(4))
}

func sysRenameat(t *task.Task, a *Args) (uint64, error) {
	return 0, rename(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), 0)
}

func sysRename(t *task.Task, a *Args) (uint64, error) {
	return 0, rename(t, unix.AT_FDCWD, a.Addr(0), unix.AT_FDCWD, a.Addr(1), 0)
}

func rename(t *task.Task, oldfd int, old user.Addr, newfd int, new user.Addr, flags uint32) error {
	if err := vfs.CheckRenameFlags(flags); err != nil {
		return err
	}
	return withPaths(t, old, new, func(old, new []byte) error {
		return vfs.Rename(t.VFS(), oldfd, old, newfd, new, flags)
	})
}

func sysMknodat(t *task.Task, a *Args) (uint64, error) {
	return 0, mknod(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func sysMknod(t *task.Task, a *Args) (uint64, error) {
	return 0, mknod(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2))
}

// mknod takes the device as the system call does, in 32 bits, whose layout is also
// that of the low half of dev_t.
func mknod(t *task.Task, dirfd int, path user.Addr, mode, dev uint32) error {
	return withPath(t, path, func(name []byte) error {
		return vfs.Mknod(t.VFS(), dirfd, name, mode&0xffff, uint64(dev))
	})
}
