package syscalls

import (
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

var timeRows = []Row{
	{Name: "clock_gettime", Args: []Kind{ClockID, Out | Timespec}, Do: sysClockGettime,
		Contracts: []string{"time/clock_gettime_clocks", "time/cpu_clocks", "abi/vdso_symbols"}},
	{Name: "clock_getres", Args: []Kind{ClockID, Out | Timespec}, Do: sysClockGetres, Contracts: []string{"time/clock_gettime_clocks"}},
	{Name: "clock_settime", Args: []Kind{ClockID, Timespec}, Do: sysClockSettime, Contracts: []string{"time/clock_setting"}},
	{Name: "clock_nanosleep", Args: []Kind{ClockID, Int, Timespec, Out | Timespec}, Do: sysClockNanosleep,
		Contracts: []string{"time/nanosleep_rules", "abi/syscall_restart"}},
	{Name: "clock_adjtime", Args: []Kind{ClockID, Ptr}, Do: sysClockAdjtime, Support: Partial, Note: adjtimeNote,
		Contracts: []string{"time/clock_adjtime_modes"}},
	{Name: "adjtimex", Args: []Kind{Ptr}, Do: sysAdjtimex, Support: Partial, Note: adjtimeNote,
		Contracts: []string{"time/clock_adjtime_modes", "time/clock_setting"}},
	{Name: "nanosleep", Args: []Kind{Timespec, Out | Timespec}, Do: sysNanosleep,
		Contracts: []string{"time/nanosleep_rules", "time/timeouts_precision", "signals/restart_never"}},
	{Name: "gettimeofday", Args: []Kind{Out | Timeval, Ptr}, Do: sysGettimeofday, Contracts: []string{"time/clock_gettime_clocks", "time/clock_setting"}},
	{Name: "settimeofday", Args: []Kind{Timeval, Ptr}, Do: sysSettimeofday, Contracts: []string{"time/clock_setting"}},
	{Name: "time", Args: []Kind{Itself}, Do: sysTime, Contracts: []string{"time/clock_gettime_clocks", "abi/legacy_calls"}},
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
	if id.Known() {
		return id.Read(), nil
	}
	c, err := t.CPUClock(int32(id))
	if err != nil {
		return 0, err
	}
	return c.Read(t), nil
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
	d := id.Resolution()
	if task.Ticking(int32(id)) {
		d = clock.MonotonicCoarse.Resolution()
	}
	return 0, putTimespec(t, a.Addr(1), d)
}

func sysClockSettime(t *task.Task, a *Args) (uint64, error) {
	id := clock.ID(a.Int(0))
	if id != clock.Realtime && id >= 0 {
		return 0, unix.EINVAL
	}
	d, err := getTimespec(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	if id != clock.Realtime {
		if _, err := t.CPUClock(int32(id)); err != nil {
			return 0, err
		}
		return 0, unix.EPERM // nobody may set CPU-time clocks: clock_settime(2)
	}
	return 0, setClock(t, d)
}

// setClock sets the wall clock; EPERM without CAP_SYS_TIME, EINVAL for a time that puts
// the boot before 1970.
func setClock(t *task.Task, d time.Duration) error {
	if !t.Capable(unix.CAP_SYS_TIME) {
		return unix.EPERM
	}
	if d < clock.Monotonic.Read() {
		return unix.EINVAL
	}
	clock.Set(d)
	return nil
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
	cpu := false
	switch id {
	case clock.Realtime, clock.Monotonic, clock.Boottime, clock.TAI, clock.RealtimeAlarm, clock.BoottimeAlarm:
	case clock.ThreadCPU:
		return 0, unix.EOPNOTSUPP
	default:
		if _, err := read(t, id); err != nil {
			return 0, err
		}
		if id.Known() {
			return 0, unix.EOPNOTSUPP
		}
		cpu = true
	}
	d, err := getTimespec(t, a.Addr(2))
	if err != nil {
		return 0, err
	}
	absolute := a.Int(1)&unix.TIMER_ABSTIME != 0
	switch {
	case cpu:
		return cpuSleep(t, id, d, absolute, a.Addr(3))
	case (id == clock.RealtimeAlarm || id == clock.BoottimeAlarm) && !t.Capable(unix.CAP_WAKE_ALARM):
		return 0, unix.EPERM
	case !absolute:
		return sleep(t, wait.Now()+d, a.Addr(3))
	}
	return 0, noHand(sleepOn(t, id, d))
}

// noHand turns the interruption of a call that has nothing to remember into one that
// begins anew where no handler runs.
func noHand(err error) error {
	if err == abi.ERESTARTSYS {
		return abi.ERESTARTNOHAND
	}
	return err
}

// sleepOn sleeps until a clock says at. One that is set meanwhile is asked again.
func sleepOn(t *task.Task, id clock.ID, at time.Duration) error {
	if !id.Wall() {
		return sleepUntil(t, id.Deadline(at))
	}
	e := wait.Entry{To: t.Waiter, Events: wait.All}
	clock.Changed().Add(&e)
	defer clock.Changed().Remove(&e)
	for {
		if err := t.Waiter.Sleep(id.Deadline(at)); err == unix.ETIMEDOUT {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// cpuSleep sleeps on a CPU-time clock: EINVAL for the caller's own, which would never end.
func cpuSleep(t *task.Task, id clock.ID, d time.Duration, absolute bool, rem user.Addr) (uint64, error) {
	c, err := t.CPUClock(int32(id))
	if err != nil {
		return 0, err
	}
	if c.Of(t) {
		return 0, unix.EINVAL
	}
	if absolute {
		return 0, noHand(c.Sleep(t, d))
	}
	return cpuSleepUntil(t, c, c.Read(t)+d, rem)
}

func cpuSleepUntil(t *task.Task, c task.CPUClock, at time.Duration, rem user.Addr) (uint64, error) {
	if c.Sleep(t, at) == nil {
		return 0, nil
	}
	if rem != 0 {
		if err := putTimespec(t, rem, max(at-c.Read(t), 0)); err != nil {
			return 0, err
		}
	}
	t.SetRestart(func(t *task.Task) (uint64, error) { return cpuSleepUntil(t, c, at, rem) })
	return 0, abi.ERESTART_RESTARTBLOCK
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
		var b [8]byte
		le.PutUint64(b[:], timeZone.Load())
		return 0, t.CopyOut(p, b[:])
	}
	return 0, nil
}

// timeZone is the struct timezone that settimeofday set: two ints. The kernel only keeps
// it, and does not warp the clock by it.
var timeZone atomic.Uint64

func sysSettimeofday(t *task.Task, a *Args) (uint64, error) {
	var now, zone [16]byte
	if p := a.Addr(0); p != 0 {
		if err := t.CopyIn(now[:], p); err != nil {
			return 0, err
		}
		if usec := int64(le.Uint64(now[8:])); usec < 0 || usec > 1e6 {
			return 0, unix.EINVAL
		}
	}
	if p := a.Addr(1); p != 0 {
		if err := t.CopyIn(zone[:8], p); err != nil {
			return 0, err
		}
	}
	d, ok := timeval(now[:])
	switch west := int32(le.Uint32(zone[:])); {
	case !ok:
		return 0, unix.EINVAL
	case !t.Capable(unix.CAP_SYS_TIME):
		return 0, unix.EPERM
	case west > 15*60 || west < -15*60:
		return 0, unix.EINVAL
	}
	if a.Addr(1) != 0 {
		timeZone.Store(le.Uint64(zone[:]))
	}
	if a.Addr(0) != 0 {
		clock.Set(d)
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
