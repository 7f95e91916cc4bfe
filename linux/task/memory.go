package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
)

// Copies go to the Space itself and not by way of user.Memory: what a caller hands to a method of
// an interface is allocated, and most system calls copy one small structure that lives on the stack.

// CopyIn fills p from the task's memory; EFAULT where it cannot be read whole.
func (t *Task) CopyIn(p []byte, from user.Addr) error {
	if _, err := t.Mem.CopyIn(p, from); err != nil {
		return unix.EFAULT
	}
	return nil
}

// CopyOut writes p to the task's memory; EFAULT where it cannot be written whole.
func (t *Task) CopyOut(to user.Addr, p []byte) error {
	if _, err := t.Mem.CopyOut(to, p); err != nil {
		return unix.EFAULT
	}
	return nil
}

// Memory is the task's memory, for transfers of files.
func (t *Task) Memory() user.Memory { return t.Mem }
