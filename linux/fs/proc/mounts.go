package proc

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

func showMounts(v *view) error     { return v.mounts((*vfs.MountNS).MountsText) }
func showMountInfo(v *view) error  { return v.mounts((*vfs.MountNS).MountInfoText) }
func showMountStats(v *view) error { return v.mounts((*vfs.MountNS).MountStatsText) }

// mounts writes the mounts that the task sees. EINVAL where it sees none any more.
func (v *view) mounts(text func(ns *vfs.MountNS, root vfs.Path) string) error {
	fs := v.t.SeenFS()
	if fs == nil {
		return unix.EINVAL
	}
	root := fs.Root()
	if root.D == nil {
		return unix.EINVAL
	}
	v.WriteString(text(fs.Namespace(), root))
	return nil
}

// watchMounts makes poll tell of changes of the mounts.
func watchMounts(s *subject) (*wait.Queue, uint64) {
	if t, err := s.task(); err == nil {
		if fs := t.SeenFS(); fs != nil {
			if ns := fs.Namespace(); ns != nil {
				return ns.Changes(), ns.Event()
			}
		}
	}
	return &never, 0
}

// never is the queue of what does not change any more.
var never wait.Queue
