package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var memfdRows = []Row{
	{Name: "memfd_create", Args: []Kind{Str, Hex}, Do: sysMemfdCreate,
		Support: Partial, Note: "no huge pages",
		Contracts: []string{"vm/memfd_seals"}},
}

// memfdNameMax is the longest name with its NUL: "memfd:" comes before it.
const memfdNameMax = 255 - len("memfd:") + 1

func sysMemfdCreate(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(1)
	known := uint32(unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING)
	if flags&unix.MFD_HUGETLB != 0 {
		known |= unix.MFD_HUGETLB | unix.MFD_HUGE_MASK<<unix.MFD_HUGE_SHIFT
	}
	if flags&^known != 0 {
		return 0, unix.EINVAL
	}
	var name [memfdNameMax]byte
	s, err := copyString(t, name[:], a.Addr(0))
	if err == unix.ENAMETOOLONG {
		err = unix.EINVAL
	}
	if err != nil {
		return 0, err
	}
	if flags&unix.MFD_HUGETLB != 0 {
		return 0, unix.ENODEV // as where no huge pages of the size exist
	}
	f, err := tmpfs.NewMemfd(t.VFS(), string(s), flags&unix.MFD_ALLOW_SEALING != 0)
	if err != nil {
		return 0, err
	}
	return install(t, f, flags&unix.MFD_CLOEXEC != 0)
}

// seals does F_ADD_SEALS and F_GET_SEALS.
func seals(f *vfs.File, cmd int, add uint32) (uint64, error) {
	s, ok := f.Ops.(vfs.Sealed)
	if !ok {
		return 0, unix.EINVAL
	}
	switch {
	case cmd == unix.F_GET_SEALS:
		return uint64(s.Seals().Get()), nil
	case !f.Writable():
		return 0, unix.EPERM
	case add&^vfs.AllSeals != 0:
		return 0, unix.EINVAL
	}
	return 0, s.AddSeals(add)
}
