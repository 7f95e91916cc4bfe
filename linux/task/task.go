// Package task owns processes and threads: their life from clone to wait, signals,
// credentials, sessions and process groups, namespaces and scheduling policy.
//
// A Task is a goroutine whose run loop enters user mode and serves what stopped it
// (run.go). Tasks that share a process are a Group. System call handlers live in
// linux/syscalls and reach this package through methods of Task.
package task

import (
	"sync"
	"sync/atomic"

	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// ID is a process, thread, process group or session ID as seen from some PID
// namespace.
type ID int32

// procs guards what ties tasks to each other: the tree of processes, the threads of
// a group, PID namespaces, process groups, sessions and controlling terminals. It is
// taken before Group.mu.
var procs sync.RWMutex

// Task is one thread, as Linux's scheduler and gettid see it.
//
// Fields without a lock in their comment are written by the task itself only, and
// read by others only where it cannot run (before its start, after its end).
type Task struct {
	Regs   *machine.Regs
	Waiter *wait.Waiter // how it blocks
	Mem    *mm.Space    // its memory: shared by CLONE_VM
	Files  *vfs.FDTable // its descriptors: shared by CLONE_FILES
	FS     *vfs.FSInfo  // root, working directory, umask: shared by CLONE_FS
	Group  *Group       // its process

	cred atomic.Pointer[cred.Cred] // written by the task, read by anybody
	vfs  vfs.Context
}

// Group is a thread group: what POSIX calls a process.
type Group struct {
	process *ProcessGroup // guarded by procs
}

// VFS is the context for operations on files. It is valid during one system call.
func (t *Task) VFS() *vfs.Context { return &t.vfs }

// Of returns the task that an operation on files serves, nil for the kernel itself.
func Of(c *vfs.Context) *Task {
	t, _ := c.Task.(*Task)
	return t
}

// Cred is the task's identity. It must not be changed: see SetCred.
func (t *Task) Cred() *cred.Cred { return t.cred.Load() }

// SetCred replaces the identity of the calling task.
func (t *Task) SetCred(c *cred.Cred) {
	t.cred.Store(c)
	t.vfs.Cred = c
}

// Capable reports whether the task has capability c (a unix.CAP_ constant).
func (t *Task) Capable(c int) bool { return t.Cred().Capable(c) }
