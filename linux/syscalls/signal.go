package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

var signalRows = []Row{
	{Name: "rt_sigaction", Args: []Kind{Signal, SigAction, Out | SigAction, Size}, Do: sysRtSigaction,
		Contracts: []string{"signals/sigaction_fields", "signals/sigaction_delivery", "signals/sigaction_siginfo"}},
	{Name: "rt_sigprocmask", Args: []Kind{SigHow, SigSet, Out | SigSet, Size}, Do: sysRtSigprocmask, Contracts: []string{"signals/sigprocmask_rules"}},
	{Name: "rt_sigpending", Args: []Kind{Out | SigSet, Size}, Do: sysRtSigpending, Contracts: []string{"signals/sigprocmask_rules"}},
	{Name: "rt_sigsuspend", Args: []Kind{SigSet, Size}, Do: sysRtSigsuspend, Contracts: []string{"signals/sigsuspend_mask"}},
	{Name: "rt_sigtimedwait", Args: []Kind{SigSet, Out | SigInfo, Timespec, Size}, Do: sysRtSigtimedwait, Contracts: []string{"signals/sigtimedwait_results"}},
	{Name: "rt_sigreturn", Do: func(t *task.Task, _ *Args) (uint64, error) { return t.SignalReturn() },
		Contracts: []string{"abi/signal_frame", "signals/handler_context"}},
	{Name: "rt_sigqueueinfo", Args: []Kind{PID, Signal, SigInfo}, Do: sysRtSigqueueinfo,
		Contracts: []string{"signals/sigqueueinfo_rules", "signals/sigaction_siginfo"}},
	{Name: "rt_tgsigqueueinfo", Args: []Kind{PID, PID, Signal, SigInfo}, Do: sysRtTgsigqueueinfo, Contracts: []string{"signals/sigqueueinfo_rules"}},
	{Name: "sigaltstack", Args: []Kind{SigStack, Out | SigStack}, Do: sysSigaltstack, Contracts: []string{"signals/sigaltstack_use", "signals/sigaltstack_autodisarm"}},
	{Name: "kill", Args: []Kind{PID, Signal}, Do: sysKill, Contracts: []string{"signals/kill_targets", "signals/kill_permission", "security/kill_matrix"}},
	{Name: "tkill", Args: []Kind{PID, Signal}, Do: sysTkill, Contracts: []string{"signals/kill_targets"}},
	{Name: "tgkill", Args: []Kind{PID, PID, Signal}, Do: sysTgkill, Contracts: []string{"signals/thread_directed", "signals/sigqueueinfo_rules"}},
	{Name: "pause", Do: func(t *task.Task, _ *Args) (uint64, error) { return 0, t.Suspend() },
		Contracts: []string{"signals/pause_returns", "abi/legacy_calls"}},
	{Name: "restart_syscall", Do: func(t *task.Task, _ *Args) (uint64, error) { return t.Restart() },
		Contracts: []string{"abi/syscall_restart", "signals/restart_blocking"}},
}

// setSize is sizeof(sigset_t), which the calls want told.
const setSize = 8

func getSet(t *task.Task, from user.Addr) (abi.SigSet, error) {
	var b [setSize]byte
	err := t.CopyIn(b[:], from)
	return abi.SigSet(le.Uint64(b[:])), err
}

func putSet(t *task.Task, to user.Addr, s abi.SigSet) error {
	var b [setSize]byte
	le.PutUint64(b[:], uint64(s))
	return t.CopyOut(to, b[:])
}

func sysRtSigaction(t *task.Task, a *Args) (uint64, error) {
	if a.Size(3) != setSize {
		return 0, unix.EINVAL
	}
	var b [abi.SigActionSize]byte
	var set *abi.SigAction
	if p := a.Addr(1); p != 0 {
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		set = new(abi.SigAction)
		set.Decode(b[:])
	}
	old, err := t.SetAction(unix.Signal(a.Int(0)), set)
	if err != nil || a.Addr(2) == 0 {
		return 0, err
	}
	old.Encode(b[:])
	return 0, t.CopyOut(a.Addr(2), b[:])
}

func sysRtSigprocmask(t *task.Task, a *Args) (uint64, error) {
	if a.Size(3) != setSize {
		return 0, unix.EINVAL
	}
	old := t.Blocked()
	if p := a.Addr(1); p != 0 {
		set, err := getSet(t, p)
		if err != nil {
			return 0, err
		}
		switch a.Int(0) {
		case unix.SIG_BLOCK:
			t.SetBlocked(old | set)
		case unix.SIG_UNBLOCK:
			t.SetBlocked(old &^ set)
		case unix.SIG_SETMASK:
			t.SetBlocked(set)
		default:
			return 0, unix.EINVAL
		}
	}
	if p := a.Addr(2); p != 0 {
		return 0, putSet(t, p, old)
	}
	return 0, nil
}

func sysRtSigpending(t *task.Task, a *Args) (uint64, error) {
	size := a.Size(1)
	if size > setSize {
		return 0, unix.EINVAL
	}
	var b [setSize]byte
	le.PutUint64(b[:], uint64(t.Pending()))
	return 0, t.CopyOut(a.Addr(0), b[:size])
}

func sysRtSigsuspend(t *task.Task, a *Args) (uint64, error) {
	if a.Size(1) != setSize {
		return 0, unix.EINVAL
	}
	set, err := getSet(t, a.Addr(0))
	if err != nil {
		return 0, err
	}
	t.SetTemporaryMask(set)
	return 0, t.Suspend()
}

func sysRtSigtimedwait(t *task.Task, a *Args) (uint64, error) {
	if a.Size(3) != setSize {
		return 0, unix.EINVAL
	}
	set, err := getSet(t, a.Addr(0))
	if err != nil {
		return 0, err
	}
	deadline := wait.Forever
	if p := a.Addr(2); p != 0 {
		d, err := getTimespec(t, p)
		if err != nil {
			return 0, err
		}
		deadline = wait.Now() + d
	}
	info, err := t.TimedWait(set, deadline)
	if err != nil {
		return 0, err
	}
	if p := a.Addr(1); p != 0 {
		if err := t.CopyOut(p, info[:]); err != nil {
			return 0, err
		}
	}
	return uint64(info.Signo()), nil
}

func sysRtSigqueueinfo(t *task.Task, a *Args) (uint64, error) {
	var info abi.SigInfo
	if err := t.CopyIn(info[:], a.Addr(2)); err != nil {
		return 0, err
	}
	return 0, t.Queue(task.ID(a.Int(0)), unix.Signal(a.Int(1)), info)
}

func sysRtTgsigqueueinfo(t *task.Task, a *Args) (uint64, error) {
	var info abi.SigInfo
	if err := t.CopyIn(info[:], a.Addr(3)); err != nil {
		return 0, err
	}
	return 0, t.QueueThread(task.ID(a.Int(0)), task.ID(a.Int(1)), unix.Signal(a.Int(2)), info)
}

func sysSigaltstack(t *task.Task, a *Args) (uint64, error) {
	var b [abi.SigStackSize]byte
	var set *abi.SigStack
	if p := a.Addr(0); p != 0 {
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		set = new(abi.SigStack)
		set.Decode(b[:])
	}
	old, err := t.AltStack(set)
	if err != nil || a.Addr(1) == 0 {
		return 0, err
	}
	clear(b[:])
	old.Encode(b[:])
	return 0, t.CopyOut(a.Addr(1), b[:])
}

func sysKill(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Kill(task.ID(a.Int(0)), unix.Signal(a.Int(1)))
}

func sysTkill(t *task.Task, a *Args) (uint64, error) {
	if a.Int(0) <= 0 {
		return 0, unix.EINVAL
	}
	return 0, t.KillThread(0, task.ID(a.Int(0)), unix.Signal(a.Int(1)))
}

func sysTgkill(t *task.Task, a *Args) (uint64, error) {
	if a.Int(0) <= 0 || a.Int(1) <= 0 {
		return 0, unix.EINVAL
	}
	return 0, t.KillThread(task.ID(a.Int(0)), task.ID(a.Int(1)), unix.Signal(a.Int(2)))
}
