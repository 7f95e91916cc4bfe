package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
)

// CopyIn fills p from the task's memory; EFAULT where it cannot be read whole.
func (t *Task) CopyIn(p []byte, from user.Addr) error {
	if n, err := t.mem.CopyIn(p, from); err != nil || n < len(p) {
		return unix.EFAULT
	}
	return nil
}

// CopyOut writes p to the task's memory; EFAULT where it cannot be written whole.
func (t *Task) CopyOut(to user.Addr, p []byte) error {
	if n, err := t.mem.CopyOut(to, p); err != nil || n < len(p) {
		return unix.EFAULT
	}
	return nil
}

// Memory is the task's memory, for transfers of files.
func (t *Task) Memory() user.Memory { return t.mem }
