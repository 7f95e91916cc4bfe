package syscalls

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/task"
)

// Timers of processes.
var timersRows = []Row{
	{Name: "getitimer", Args: []Kind{ItimerWhich, Out | Itimerval}, Do: sysGetitimer, Contracts: []string{"time/setitimer_real"}},
	{Name: "setitimer", Args: []Kind{ItimerWhich, Itimerval, Out | Itimerval}, Do: sysSetitimer, Contracts: []string{"time/setitimer_real", "time/setitimer_virtual"}},
	{Name: "alarm", Args: []Kind{Uint}, Do: sysAlarm, Contracts: []string{"time/setitimer_real", "process/execve_keeps"}},
	{Name: "timer_create", Args: []Kind{ClockID, Ptr, Ptr}, Do: sysTimerCreate, Support: Partial, Note: "no timers on the CPU time of another process",
		Contracts: []string{"time/timer_create_signals", "time/timer_threads"}},
	{Name: "timer_settime", Args: []Kind{Int, Hex, Itimerspec, Out | Itimerspec}, Do: sysTimerSettime, Contracts: []string{"time/timer_create_signals"}},
	{Name: "timer_gettime", Args: []Kind{Int, Out | Itimerspec}, Do: sysTimerGettime, Contracts: []string{"time/timer_threads"}},
	{Name: "timer_getoverrun", Args: []Kind{Int}, Do: sysTimerGetoverrun, Contracts: []string{"time/timer_threads"}},
	{Name: "timer_delete", Args: []Kind{Int}, Do: sysTimerDelete, Contracts: []string{"time/timer_threads"}},
}

func sysGetitimer(t *task.Task, a *Args) (uint64, error) {
	left, every, err := t.Itimer(a.Int(0), nil)
	if err != nil {
		return 0, err
	}
	return 0, putItimerval(t, a, 1, left, every)
}

// putItimerval writes struct itimerval to where argument i points.
func putItimerval(t *task.Task, a *Args, i int, left, every time.Duration) error {
	var b [32]byte
	putTimeval(b[0:], every)
	putTimeval(b[16:], left)
	return t.CopyOut(a.Addr(i), b[:])
}

func sysSetitimer(t *task.Task, a *Args) (uint64, error) {
	var set [2]time.Duration
	if p := a.Addr(1); p != 0 {
		var b [32]byte
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		for i, off := range [...]int{16, 0} {
			d, ok := timeval(b[off:])
			if !ok {
				return 0, unix.EINVAL
			}
			set[i] = d
		}
	}
	left, every, err := t.Itimer(a.Int(0), &set)
	if err != nil || a.Addr(2) == 0 {
		return 0, err
	}
	return 0, putItimerval(t, a, 2, left, every)
}

// timeval decodes struct timeval of a time that is not negative.
func timeval(b []byte) (d time.Duration, ok bool) {
	sec, usec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || usec < 0 || usec >= 1e6 {
		return 0, false
	}
	d, err := duration(min(sec, 1<<31), usec*1000)
	return d, err == nil
}

func sysAlarm(t *task.Task, a *Args) (uint64, error) {
	set := [2]time.Duration{time.Duration(min(a.Uint(0), math.MaxInt32)) * time.Second}
	left, _, err := t.Itimer(unix.ITIMER_REAL, &set)
	if left > 0 && left < time.Second {
		return 1, err // 0 would say that there was none
	}
	return uint64((left + time.Second/2) / time.Second), err
}

func sysTimerCreate(t *task.Task, a *Args) (uint64, error) {
	var event *task.SigEvent
	if p := a.Addr(1); p != 0 {
		var b [64]byte // struct sigevent
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		event = getSigEvent(b[:])
	}
	id, err := t.CreateTimer(clock.ID(a.Int(0)), event)
	if err != nil {
		return 0, err
	}
	if err := putInt(t, a, 2, int(id)); err != nil {
		t.DeleteTimer(id)
		return 0, err
	}
	return 0, nil
}

// getSigEvent decodes struct sigevent.
func getSigEvent(b []byte) *task.SigEvent {
	return &task.SigEvent{
		Value: le.Uint64(b[0:]), Signo: unix.Signal(le.Uint32(b[8:])), Notify: int(int32(le.Uint32(b[12:]))),
		Thread: task.ID(le.Uint32(b[16:])),
	}
}

func sysTimerSettime(t *task.Task, a *Args) (uint64, error) {
	if a.Addr(2) == 0 {
		return 0, unix.EINVAL
	}
	var b [32]byte
	if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
		return 0, err
	}
	every, err := duration(int64(le.Uint64(b[0:])), int64(le.Uint64(b[8:])))
	if err != nil {
		return 0, err
	}
	value, err := duration(int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:])))
	if err != nil {
		return 0, err
	}
	left, was, err := t.SetTimer(int32(a.Int(0)), a.Int(1)&unix.TIMER_ABSTIME != 0, value, every)
	if err != nil || a.Addr(3) == 0 {
		return 0, err
	}
	return 0, putTimerSpec(t, a.Addr(3), left, was)
}

func sysTimerGettime(t *task.Task, a *Args) (uint64, error) {
	left, every, err := t.GetTimer(int32(a.Int(0)))
	if err != nil {
		return 0, err
	}
	return 0, putTimerSpec(t, a.Addr(1), left, every)
}

func sysTimerGetoverrun(t *task.Task, a *Args) (uint64, error) {
	n, err := t.TimerOverrun(int32(a.Int(0)))
	return uint64(n), err
}

func sysTimerDelete(t *task.Task, a *Args) (uint64, error) {
	return 0, t.DeleteTimer(int32(a.Int(0)))
}
