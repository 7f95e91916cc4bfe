package task

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/futex"
	"kevlar/linux/user"
)

// futexes is what futexes keep of a thread.
type futexes struct {
	waiter futex.Waiter
	robust atomic.Uint64 // where its list of robust locks is, 0 for none; written by the task only
}

// Futexes is the thread as futexes know it.
func (t *Task) Futexes() futex.Thread {
	return futex.Thread{Waiter: &t.futexes.waiter, Task: t.Waiter, TID: uint32(t.ID()), Find: t.findFutexes}
}

func (t *Task) findFutexes(tid uint32) *futex.Waiter {
	if o := t.PIDNamespace().Task(ID(tid)); o != nil {
		return &o.futexes.waiter
	}
	return nil
}

// SetRobust is set_robust_list(2) after its checks, Robust get_robust_list(2).
func (t *Task) SetRobust(head user.Addr) { t.futexes.robust.Store(uint64(head)) }
func (t *Task) Robust() user.Addr        { return user.Addr(t.futexes.robust.Load()) }

// releaseFutexes gives the locks of a thread that leaves its memory to those who wait for
// them.
func (t *Task) releaseFutexes() {
	if head := t.Robust(); head != 0 {
		t.SetRobust(0)
		futex.ReleaseRobust(t.Mem, head, uint32(t.ID()))
	}
	t.futexes.waiter.Die(true)
}

// MayAccess reports whether t may look at and change the memory and the state of o, as
// ptrace(2), "Ptrace access mode checking", has it: EPERM where not. real says that it
// is t's real identity that counts, not the one for files. A process that is not dumpable,
// or may do more than t, is open only to CAP_SYS_PTRACE.
func (t *Task) MayAccess(o *Task, real bool) error {
	if t.Group == o.Group {
		return nil
	}
	c, d := t.Cred(), o.Cred()
	uid, gid, may := c.FSUID, c.FSGID, c.Effective
	if real {
		uid, gid, may = c.UID, c.GID, c.Permitted
	}
	same := uid == d.UID && uid == d.EUID && uid == d.SUID && gid == d.GID && gid == d.EGID && gid == d.SGID
	over := c.CapableIn(d.User, unix.CAP_SYS_PTRACE)
	if !same && !over {
		return unix.EPERM
	}
	// Without dumpability it is the user namespace that counts in which the program began.
	if im := o.Image(); im != nil && !o.Group.Dumpable() && !c.CapableIn(im.User, unix.CAP_SYS_PTRACE) {
		return unix.EPERM
	}
	if !over && (c.User != d.User || d.Permitted&^may != 0) {
		return unix.EPERM
	}
	return nil
}
