package vfs

import (
	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// Context is what an operation on files needs to know of the task it serves. A task
// has one and passes it down; nothing keeps it after the call. The kernel's own
// work before the first task uses one with root's identity.
type Context struct {
	Cred   *cred.Cred
	Waiter *wait.Waiter
	FS     *FSInfo

	// Task is the *task.Task that is served, nil for the kernel itself. Packages above
	// linux/task read it through task.Of: terminals, /proc/self, F_SETOWN.
	Task any
}

// FSInfo is a task's view of the file tree, shared by clone(CLONE_FS): root
// directory, working directory and umask.
type FSInfo struct{}

// File is an open file description.
type File struct{}

// FDTable is a table of file descriptors, shared by clone(CLONE_FILES).
type FDTable struct{}
