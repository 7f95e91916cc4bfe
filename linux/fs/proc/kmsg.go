package proc

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
	"kevlar/linux/klog"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// kmsg is /proc/kmsg: the log as syslog(2) reads it, each byte once for all readers.
type kmsg struct{ vfs.DefaultInode }

// Open implements vfs.InodeOps.
func (kmsg) Open(c *vfs.Context, _ *vfs.Inode, _ *vfs.File) (vfs.FileOps, error) {
	if !c.Capable(unix.CAP_SYSLOG) && !c.Capable(unix.CAP_SYS_ADMIN) {
		return nil, unix.EPERM
	}
	return openKmsg{}, nil
}

// Setattr implements vfs.InodeOps.
func (kmsg) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return pseudo.Setattr(a) }

type openKmsg struct{ vfs.DefaultOps }

// Read implements vfs.FileOps. It waits until there is something.
func (openKmsg) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	buf := make([]byte, min(dst.Len(), klog.Capacity()))
	if len(buf) == 0 {
		return 0, nil
	}
	n := klog.Take(buf)
	if n == 0 {
		if f.NonBlock() {
			return 0, unix.EAGAIN
		}
		err := c.Waiter.Until(klog.Queue(), wait.In, wait.Forever, func() bool {
			n = klog.Take(buf)
			return n > 0
		})
		if err != nil {
			return 0, err
		}
	}
	return dst.Write(buf[:n])
}

// Poll implements vfs.FileOps.
func (openKmsg) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		klog.Queue().Add(e)
	}
	if klog.Untaken() > 0 {
		return wait.In | wait.RdNorm
	}
	return 0
}

// Unpoll implements vfs.FileOps.
func (openKmsg) Unpoll(_ *vfs.File, e *wait.Entry) { klog.Queue().Remove(e) }
