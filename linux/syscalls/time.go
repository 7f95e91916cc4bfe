package syscalls

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

var timeRows = []Row{
	{Name: "clock_gettime", Args: []Kind{ClockID, Ptr}, Do: sysClockGettime, Support: Partial, Note: "CPU-time clocks of the caller only"},
	{Name: "clock_getres", Args: []Kind{ClockID, Ptr}, Do: sysClockGetres, Support: Partial, Note: "CPU-time clocks of the caller only"},
	{Name: "clock_settime", Args: []Kind{ClockID, Timespec}, Do: sysClockSettime},
	{Name: "clock_nanosleep", Args: []Kind{ClockID, Int, Timespec, Ptr}, Do: sysClockNanosleep, Support: Partial, Note: "no CPU-time clocks; setting the clock does not end a sleep"},
	{Name: "nanosleep", Args: []Kind{Timespec, Ptr}, Do: sysNanosleep},
	{Name: "gettimeofday", Args: []Kind{Ptr, Ptr}, Do: sysGettimeofday},
	{Name: "time", Args: []Kind{Ptr}, Do: sysTime},
}

func putTimeval(b []byte, d time.Duration) {
	le.PutUint64(b[0:], uint64(d/time.Second))
	le.PutUint64(b[8:], uint64(d%time.Second/time.Microsecond))
}

func putTimespec(t *task.Task, to user.Addr, d time.Duration) error {
	var b [16]byte
	le.PutUint64(b[0:], uint64(d/time.Second))
	le.PutUint64(b[8:], uint64(d%time.Second))
	return t.CopyOut(to, b[:])
}

// getTimespec reads a time that is not negative; EINVAL for one that is no time. What
// is too long for a Duration becomes the longest.
func getTimespec(t *task.Task, from user.Addr) (time.Duration, error) {
	var b [16]byte
	if err := t.CopyIn(b[:], from); err != nil {
		return 0, err
	}
	sec, nsec := int64(le.Uint64(b[0:])), int64(le.Uint64(b[8:]))
	switch {
	case sec < 0 || nsec < 0 || nsec >= int64(time.Second):
		return 0, unix.EINVAL
	case sec > math.MaxInt64/int64(time.Second)/4:
		return math.MaxInt64 / 4, nil // room to add a clock's time
	}
	return time.Duration(sec)*time.Second + time.Duration(nsec), nil
}

// read is the time on a clock, for t; EINVAL for a clock that is not known.
func read(t *task.Task, id clock.ID) (time.Duration, error) {
	switch {
	case id.Known():
		return id.Read(), nil
	case id == clock.ThreadCPU:
		u := t.Usage()
		return u.User + u.System, nil
	case id == clock.ProcessCPU:
		t.Usage()
		return t.Group.CPUTime(), nil
	}
	return 0, unix.EINVAL
}

func sysClockGettime(t *task.Task, a *Args) (uint64, error) {
	d, err := read(t, clock.ID(a.Int(0)))
	if err != nil {
		return 0, err
	}
	return 0, putTimespec(t, a.Addr(1), d)
}

func sysClockGetres(t *task.Task, a *Args) (uint64, error) {
	id := clock.ID(a.Int(0))
	if _, err := read(t, id); err != nil || a.Addr(1) == 0 {
		return 0, err
	}
	return 0, putTimespec(t, a.Addr(1), id.Resolution())
}

func sysClockSettime(t *task.Task, a *Args) (uint64, error) {
	if clock.ID(a.Int(0)) != clock.Realtime {
		return 0, unix.EINVAL
	}
	d, err := getTimespec(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	if !t.Capable(unix.CAP_SYS_TIME) {
		return 0, unix.EPERM
	}
	clock.Set(d)
	return 0, nil
}

func sysNanosleep(t *task.Task, a *Args) (uint64, error) {
	d, err := getTimespec(t, a.Addr(0))
	if err != nil {
		return 0, err
	}
	return sleep(t, wait.Now()+d, a.Addr(1))
}

func sysClockNanosleep(t *task.Task, a *Args) (uint64, error) {
	id := clock.ID(a.Int(0))
	switch {
	case id == clock.ThreadCPU:
		return 0, unix.EINVAL // it would never end: clock_nanosleep(2)
	case !id.Known(), id == clock.MonotonicRaw, id == clock.RealtimeCoarse, id == clock.MonotonicCoarse:
		if _, err := read(t, id); err != nil {
			return 0, err
		}
		return 0, unix.EOPNOTSUPP
	}
	d, err := getTimespec(t, a.Addr(2))
	if err != nil {
		return 0, err
	}
	if a.Int(1)&unix.TIMER_ABSTIME == 0 {
		return sleep(t, wait.Now()+d, a.Addr(3))
	}
	err = sleepUntil(t, id.Deadline(d))
	if err == abi.ERESTARTSYS {
		err = abi.ERESTARTNOHAND
	}
	return 0, err
}

func sleepUntil(t *task.Task, deadline time.Duration) error {
	for {
		if err := t.Waiter.Sleep(deadline); err == unix.ETIMEDOUT {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// sleep is a sleep of some length: a signal that runs no handler lets it go on to the
// same deadline, another learns how much was left.
func sleep(t *task.Task, deadline time.Duration, rem user.Addr) (uint64, error) {
	if sleepUntil(t, deadline) == nil {
		return 0, nil
	}
	if rem != 0 {
		if err := putTimespec(t, rem, max(deadline-wait.Now(), 0)); err != nil {
			return 0, err
		}
	}
	t.SetRestart(func(t *task.Task) (uint64, error) { return sleep(t, deadline, rem) })
	return 0, abi.ERESTART_RESTARTBLOCK
}

func sysGettimeofday(t *task.Task, a *Args) (uint64, error) {
	if p := a.Addr(0); p != 0 {
		var b [16]byte
		putTimeval(b[:], clock.Realtime.Read())
		if err := t.CopyOut(p, b[:]); err != nil {
			return 0, err
		}
	}
	if p := a.Addr(1); p != 0 {
		return 0, t.CopyOut(p, make([]byte, 8)) // no time zone
	}
	return 0, nil
}

func sysTime(t *task.Task, a *Args) (uint64, error) {
	now := uint64(clock.Realtime.Read() / time.Second)
	if p := a.Addr(0); p != 0 {
		return now, t.CopyOut(p, le.AppendUint64(nil, now))
	}
	return now, nil
}
