package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/inotify"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var inotifyRows = []Row{
	{Name: "inotify_init", Do: sysInotifyInit, Contracts: []string{"abi/legacy_calls"}},
	{Name: "inotify_init1", Args: []Kind{FDFlags}, Do: sysInotifyInit1, Contracts: []string{"events/inotify_limits", "events/inotify_events"}},
	{Name: "inotify_add_watch", Args: []Kind{FD, Path, Hex}, Do: sysInotifyAddWatch,
		Contracts: []string{"events/inotify_events", "events/inotify_limits", "events/inotify_masks"}},
	{Name: "inotify_rm_watch", Args: []Kind{FD, Int}, Do: sysInotifyRmWatch, Contracts: []string{"events/inotify_limits"}},
}

func sysInotifyInit(t *task.Task, _ *Args) (uint64, error) { return inotifyInit(t, 0) }

func sysInotifyInit1(t *task.Task, a *Args) (uint64, error) { return inotifyInit(t, a.Uint(0)) }

func inotifyInit(t *task.Task, flags uint32) (uint64, error) {
	if flags&^(unix.IN_CLOEXEC|unix.IN_NONBLOCK) != 0 {
		return 0, unix.EINVAL
	}
	in, err := inotify.New(t.VFS())
	if err != nil {
		return 0, err
	}
	f := vfs.NewAnonFile("inotify", in, unix.O_RDONLY|flags&unix.IN_NONBLOCK)
	return install(t, f, flags&unix.IN_CLOEXEC != 0)
}

// inotifyBits are all bits that may make a mask valid.
const inotifyBits = unix.IN_ALL_EVENTS | unix.IN_UNMOUNT | unix.IN_Q_OVERFLOW | unix.IN_IGNORED | unix.IN_ONLYDIR |
	unix.IN_DONT_FOLLOW | unix.IN_EXCL_UNLINK | unix.IN_MASK_ADD | unix.IN_MASK_CREATE | unix.IN_ISDIR | unix.IN_ONESHOT

// onInotify calls do with the instance behind descriptor argument 0.
func onInotify(t *task.Task, a *Args, do func(in *inotify.Instance) error) error {
	_, err := onFile(t, a, func(f *vfs.File) error {
		in, ok := f.Ops.(*inotify.Instance)
		if !ok {
			return unix.EINVAL
		}
		return do(in)
	})
	return err
}

func sysInotifyAddWatch(t *task.Task, a *Args) (uint64, error) {
	mask := a.Uint(2)
	if mask&inotifyBits == 0 {
		return 0, unix.EINVAL
	}
	var look vfs.LookupFlags
	if mask&unix.IN_DONT_FOLLOW == 0 {
		look |= vfs.Follow
	}
	if mask&unix.IN_ONLYDIR != 0 {
		look |= vfs.MustBeDir
	}
	var wd int32
	err := onInotify(t, a, func(in *inotify.Instance) error {
		if mask&unix.IN_MASK_ADD != 0 && mask&unix.IN_MASK_CREATE != 0 {
			return unix.EINVAL
		}
		return at(t, unix.AT_FDCWD, a.Addr(1), look, func(c *vfs.Context, p vfs.Path) (err error) {
			if err := p.PermitAt(c, vfs.MayRead); err != nil {
				return err
			}
			wd, err = in.Add(p.Inode(), mask)
			return err
		})
	})
	return uint64(wd), err
}

func sysInotifyRmWatch(t *task.Task, a *Args) (uint64, error) {
	return 0, onInotify(t, a, func(in *inotify.Instance) error { return in.Remove(int32(a.Int(1))) })
}
