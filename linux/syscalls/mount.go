package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls on mounts.
var mountRows = []Row{
	{Name: "mount", Args: []Kind{Str, Path, Str, Hex, Str}, Do: sysMount,
		Contracts: []string{"filesystem/mount_flags", "filesystem/mount_bind", "filesystem/mount_propagation", "security/user_namespace_mounts"}},
	{Name: "umount2", Args: []Kind{Path, Hex}, Do: sysUmount2,
		Contracts: []string{"filesystem/mount_binds", "filesystem/mount_tmpfs", "filesystem/mount_bind"}},
	{Name: "pivot_root", Args: []Kind{Path, Path}, Do: sysPivotRoot, Contracts: []string{"filesystem/pivot_root_rules", "filesystem/pivot_chroot", "security/user_namespace_mounts"}},
}

// optional copies a string that may be the null pointer; EINVAL where it is longer than
// a path may be.
func optional(t *task.Task, p user.Addr) (s string, ok bool, err error) {
	if p == 0 {
		return "", false, nil
	}
	err = withPath(t, p, func(name []byte) error {
		s = string(name)
		return nil
	})
	if err == unix.ENAMETOOLONG {
		err = unix.EINVAL
	}
	return s, true, err
}

// mountData copies the options of mount(2): a page at most, of which there may be less.
func mountData(t *task.Task, p user.Addr) (string, error) {
	if p == 0 {
		return "", nil
	}
	buf := pathBuffers.Get().(*[pathMax]byte)
	defer pathBuffers.Put(buf)
	n, _ := t.Memory().CopyIn(buf[:], p)
	if n == 0 {
		return "", unix.EFAULT
	}
	for i, b := range buf[:n] {
		if b == 0 {
			return string(buf[:i]), nil
		}
	}
	return string(buf[:n-1]), nil
}

func sysMount(t *task.Task, a *Args) (uint64, error) {
	var m vfs.MountArgs
	var err error
	if m.Type, m.HasType, err = optional(t, a.Addr(2)); err != nil {
		return 0, err
	}
	if m.Source, m.HasSource, err = optional(t, a.Addr(0)); err != nil {
		return 0, err
	}
	if m.Data, err = mountData(t, a.Addr(4)); err != nil {
		return 0, err
	}
	m.Flags = a[3]
	return 0, withPath(t, a.Addr(1), func(name []byte) error {
		m.Target = name
		return vfs.MountAt(t.VFS(), &m)
	})
}

func sysUmount2(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error { return vfs.Umount(t.VFS(), name, a.Uint(1)) })
}

func sysPivotRoot(t *task.Task, a *Args) (uint64, error) {
	return 0, withPaths(t, a.Addr(0), a.Addr(1), func(to, put []byte) error { return vfs.PivotRoot(t.VFS(), to, put) })
}
