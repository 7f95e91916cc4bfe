package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/ipc"
)

// IPC is the namespace of System V IPC and message queues that the task is in.
func (t *Task) IPC() *ipc.Namespace { return t.attributes.ipc.Load() }

// IPCCaller says who the task is, for package ipc.
func (t *Task) IPCCaller() ipc.Caller {
	return ipc.Caller{Cred: t.Cred(), PID: int32(t.Group.pid.global()), Waiter: t.Waiter}
}

// SemUndo is what the task takes back of its semaphore operations when it ends.
func (t *Task) SemUndo() *ipc.Undo {
	u := &t.attributes.semUndo
	if u.Load() == nil {
		u.Store(ipc.NewUndo())
	}
	return u.Load()
}

// SharedUndo is what SemUndo returns, nil before the first use.
func (t *Task) SharedUndo() *ipc.Undo { return t.attributes.semUndo.Load() }

// SignalActions are the task's signal actions, which others may share.
func (t *Task) SignalActions() *Actions {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	return t.Group.actions
}

// shareIPC gives a task that clone makes from's namespace, and with CLONE_SYSVSEM its Undo.
func (t *Task) shareIPC(from *Task, flags uint64) {
	t.attributes.ipc.Store(from.IPC().Ref())
	if flags&unix.CLONE_SYSVSEM != 0 {
		u := from.SemUndo()
		u.Ref()
		t.attributes.semUndo.Store(u)
	}
}

// enterIPC moves the calling task to another namespace, whose reference it takes over. What
// it has done to semaphores is taken back.
func (t *Task) enterIPC(ns *ipc.Namespace) {
	t.releaseUndo()
	t.attributes.ipc.Swap(ns).Unref()
}

// leaveIPC is the end of a task that others may still look at.
func (t *Task) leaveIPC() {
	t.releaseUndo()
	if ns := t.IPC(); ns != nil {
		ns.Unref()
	}
}

func (t *Task) releaseUndo() {
	u := t.attributes.semUndo.Swap(nil)
	switch {
	case u == nil:
	case t.Group == nil || t.Group.pid == nil: // clone has failed; its caller has u
		u.Release(0)
	default:
		u.Release(int32(t.Group.pid.global()))
	}
}

// SeenID translates a process's ID in the initial PID namespace, which objects that
// outlive processes keep, to the one in t's; 0 where it cannot be seen.
func (t *Task) SeenID(global int32) int32 {
	if t.pid.ns.level == 0 {
		return global
	}
	procs.RLock()
	defer procs.RUnlock()
	root := t.pid.ns
	for root.parent != nil {
		root = root.parent
	}
	if p := root.ids[ID(global)]; p != nil {
		return int32(p.in(t.pid.ns))
	}
	return 0
}
