package syscalls

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

var le = binary.LittleEndian

var processRows = []Row{
	{Name: "getpid", Do: sysGetpid, Contracts: []string{"process/fork_ids", "threading/thread_ids", "security/pid_namespace"}},
	{Name: "gettid", Do: sysGettid, Contracts: []string{"threading/thread_ids"}},
	{Name: "getppid", Do: sysGetppid, Contracts: []string{"process/exit_orphans", "process/fork_ids", "security/pid_namespace"}},
	{Name: "exit", Args: []Kind{Int}, Do: sysExit,
		Contracts: []string{"process/exit_group_threads", "threading/create_join_storm", "threading/clone_thread_flags"}},
	{Name: "exit_group", Args: []Kind{Int}, Do: sysExitGroup, Contracts: []string{"process/exit_status", "process/exit_group_threads"}},
	{Name: "wait4", Args: []Kind{PID, Status, WaitOptions, Rusage}, Do: sysWait4,
		Contracts: []string{"process/waitpid_arguments", "process/wait_stop_continue", "process/wait_zombie"}},
	{Name: "waitid", Args: []Kind{IDType, PID, Out | SigInfo, WaitOptions, Rusage}, Do: sysWaitid, Contracts: []string{"process/waitid_info"}},
	{Name: "setsid", Do: sysSetsid, Contracts: []string{"process/setsid_rules"}},
	{Name: "getsid", Args: []Kind{PID}, Do: sysGetsid, Contracts: []string{"process/setsid_rules", "process/fork_ids"}},
	{Name: "setpgid", Args: []Kind{PID, PID}, Do: sysSetpgid, Contracts: []string{"process/setpgid_rules"}},
	{Name: "getpgid", Args: []Kind{PID}, Do: sysGetpgid, Contracts: []string{"process/setpgid_rules"}},
	{Name: "getpgrp", Do: func(t *task.Task, _ *Args) (uint64, error) { return id(t.Getpgid(0)) },
		Contracts: []string{"tty/job_control", "abi/legacy_calls"}},
	{Name: "getrusage", Args: []Kind{Int, Rusage}, Do: sysGetrusage, Contracts: []string{"process/wait_rusage", "time/cpu_clocks", "vm/fault_counts"}},
	{Name: "times", Args: []Kind{Ptr}, Do: sysTimes, Contracts: []string{"time/times_cpu"}},
	{Name: "prlimit64", Args: []Kind{PID, Resource, Rlimit, Out | Rlimit}, Do: sysPrlimit64,
		Contracts: []string{"process/getrlimit_values", "process/setrlimit_unprivileged", "process/setrlimit_fsize"}},
	{Name: "getrlimit", Args: []Kind{Resource, Out | Rlimit}, Do: sysGetrlimit, Contracts: []string{"process/getrlimit_values", "abi/legacy_calls"}},
	{Name: "setrlimit", Args: []Kind{Resource, Rlimit}, Do: sysSetrlimit,
		Contracts: []string{"process/setrlimit_unprivileged", "process/setrlimit_fsize", "abi/legacy_calls"}},
}

// id makes the result of a call that returns an ID.
func id(v task.ID, err error) (uint64, error) { return uint64(v), err }

func sysGetpid(t *task.Task, _ *Args) (uint64, error) { return uint64(t.Group.ID()), nil }
func sysGettid(t *task.Task, _ *Args) (uint64, error) { return uint64(t.ID()), nil }

func sysGetppid(t *task.Task, _ *Args) (uint64, error) {
	return uint64(t.Group.Parent().IDIn(t.PIDNamespace())), nil
}

func sysExit(t *task.Task, a *Args) (uint64, error) {
	t.Exit(a.Int(0))
	return 0, nil
}

func sysExitGroup(t *task.Task, a *Args) (uint64, error) {
	t.ExitGroup(a.Int(0))
	return 0, nil
}

func sysSetsid(t *task.Task, _ *Args) (uint64, error) { return id(t.Setsid()) }

func sysGetsid(t *task.Task, a *Args) (uint64, error) { return id(t.Getsid(task.ID(a.Int(0)))) }

func sysGetpgid(t *task.Task, a *Args) (uint64, error) { return id(t.Getpgid(task.ID(a.Int(0)))) }

func sysSetpgid(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Setpgid(task.ID(a.Int(0)), task.ID(a.Int(1)))
}

func sysWait4(t *task.Task, a *Args) (uint64, error) {
	pid, options := a.Int(0), a.Uint(2)
	const known = task.WNOHANG | task.WSTOPPED | task.WCONTINUED | task.WNOTHREAD | task.WCLONE | task.WALL
	if options&^uint32(known) != 0 {
		return 0, unix.EINVAL
	}
	if pid == -1<<31 {
		return 0, unix.ESRCH // it has no negative
	}
	var who task.WaitFor
	switch {
	case pid > 0:
		who.ID = task.ID(pid)
	case pid == -1:
		who.Any = true
	default:
		if who.Job = t.WaitJob(task.ID(-pid)); who.Job == nil {
			return 0, unix.ECHILD
		}
	}
	w, err := t.Wait(who, options|task.WEXITED)
	if err != nil || w.ID == 0 {
		return 0, err
	}
	if p := a.Addr(1); p != 0 {
		if err := t.CopyOut(p, le.AppendUint32(nil, uint32(w.Status))); err != nil {
			return 0, err
		}
	}
	return uint64(w.ID), putUsage(t, a.Addr(3), &w.Usage)
}

func sysWaitid(t *task.Task, a *Args) (uint64, error) {
	options := a.Uint(3)
	const states = task.WEXITED | task.WSTOPPED | task.WCONTINUED
	const known = states | task.WNOHANG | task.WNOWAIT | task.WNOTHREAD | task.WCLONE | task.WALL
	if options&^uint32(known) != 0 || options&states == 0 {
		return 0, unix.EINVAL
	}
	var who task.WaitFor
	again := false // a pidfd that does not block: EAGAIN where there is nothing yet
	pid := task.ID(a.Int(1))
	switch a.Int(0) {
	case unix.P_ALL:
		who.Any = true
	case unix.P_PID:
		if pid <= 0 {
			return 0, unix.EINVAL
		}
		who.ID = pid
	case unix.P_PGID:
		if pid < 0 {
			return 0, unix.EINVAL
		}
		if who.Job = t.WaitJob(pid); who.Job == nil {
			return 0, unix.ECHILD
		}
	case unix.P_PIDFD:
		if pid < 0 {
			return 0, unix.EINVAL
		}
		g, flags, err := t.GroupByPIDFD(int(pid))
		switch {
		case err != nil:
			return 0, err
		case g == nil:
			return 0, unix.ECHILD
		case flags&unix.O_NONBLOCK != 0 && options&task.WNOHANG == 0:
			options |= task.WNOHANG
			again = true
		}
		who.Group = g
	default:
		return 0, unix.EINVAL
	}
	w, err := t.Wait(who, options)
	if err == nil && w.ID == 0 && again {
		err = unix.EAGAIN
	}
	if err != nil {
		return 0, err
	}
	if err := putUsage(t, a.Addr(4), &w.Usage); err != nil {
		return 0, err
	}
	if p := a.Addr(2); p != 0 {
		var info abi.SigInfo // zero where there is nothing yet: waitid(2)
		if w.ID != 0 {
			info = abi.Child(w.Code, int32(w.ID), w.UID, w.Value, 0, 0)
		}
		// Only these fields: what follows si_status is not waitid's to write.
		return 0, t.CopyOut(p, info[:28])
	}
	return 0, nil
}

// putUsage writes struct rusage, unless to is null.
func putUsage(t *task.Task, to user.Addr, u *task.Usage) error {
	if to == 0 {
		return nil
	}
	var b [144]byte
	putTimeval(b[0:], u.User)
	putTimeval(b[16:], u.System)
	le.PutUint64(b[32:], u.MaxRSS/1024)
	le.PutUint64(b[64:], uint64(u.MinorFaults))
	le.PutUint64(b[72:], uint64(u.MajorFaults))
	le.PutUint64(b[88:], uint64(u.InBlocks))
	le.PutUint64(b[96:], uint64(u.OutBlocks))
	le.PutUint64(b[128:], uint64(u.Voluntary))
	le.PutUint64(b[136:], uint64(u.Preempted))
	return t.CopyOut(to, b[:])
}

func sysGetrusage(t *task.Task, a *Args) (uint64, error) {
	var u task.Usage
	switch own := t.Usage(); a.Int(0) {
	case unix.RUSAGE_SELF:
		u = t.Group.Usage()
	case unix.RUSAGE_CHILDREN:
		u = t.Group.ChildUsage()
	case unix.RUSAGE_THREAD:
		u = own
	default:
		return 0, unix.EINVAL
	}
	if a.Addr(1) == 0 {
		return 0, unix.EFAULT
	}
	return 0, putUsage(t, a.Addr(1), &u)
}

func sysTimes(t *task.Task, a *Args) (uint64, error) {
	t.Usage() // brings the thread's own times up to date
	if p := a.Addr(0); p != 0 {
		own, children := t.Group.Usage(), t.Group.ChildUsage()
		var b [32]byte
		for i, d := range []time.Duration{own.User, own.System, children.User, children.System} {
			le.PutUint64(b[8*i:], uint64(task.Ticks(d)))
		}
		if err := t.CopyOut(p, b[:]); err != nil {
			return 0, err
		}
	}
	return uint64(task.Ticks(wait.Now())), nil
}

func sysPrlimit64(t *task.Task, a *Args) (uint64, error) {
	var b [16]byte
	var set *unix.Rlimit
	if p := a.Addr(2); p != 0 {
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		set = &unix.Rlimit{Cur: le.Uint64(b[:]), Max: le.Uint64(b[8:])}
	}
	g := t.Group
	if pid := task.ID(a.Int(0)); pid != 0 {
		o := t.PIDNamespace().Task(pid)
		if o == nil {
			return 0, unix.ESRCH
		}
		if err := t.MayLimit(o); err != nil {
			return 0, err
		}
		g = o.Group
	}
	old, err := g.Limits(t, int(a.Uint(1)), set)
	if err != nil || a.Addr(3) == 0 {
		return 0, err
	}
	le.PutUint64(b[0:], old.Cur)
	le.PutUint64(b[8:], old.Max)
	return 0, t.CopyOut(a.Addr(3), b[:])
}

func sysGetrlimit(t *task.Task, a *Args) (uint64, error) {
	l, err := t.Group.Limits(t, int(a.Uint(0)), nil)
	if err != nil {
		return 0, err
	}
	var b [16]byte
	le.PutUint64(b[0:], l.Cur)
	le.PutUint64(b[8:], l.Max)
	return 0, t.CopyOut(a.Addr(1), b[:])
}

func sysSetrlimit(t *task.Task, a *Args) (uint64, error) {
	var b [16]byte
	if err := t.CopyIn(b[:], a.Addr(1)); err != nil {
		return 0, err
	}
	_, err := t.Group.Limits(t, int(a.Uint(0)), &unix.Rlimit{Cur: le.Uint64(b[:]), Max: le.Uint64(b[8:])})
	return 0, err
}
