package syscalls_test

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

const (
	sigBlock   = 0
	sigUnblock = 1
)

// mask changes the mask of blocked signals by one.
func mask(u *sim.User, how, sig int) {
	set := [1]uint64{1 << (sig - 1)}
	u.Must(unix.SYS_RT_SIGPROCMASK, how, &set, nil, 8)
}

// take waits for a signal with sigtimedwait, which has to be blocked.
func take(u *sim.User, sig int) (info abi.SigInfo) {
	set := [1]uint64{1 << (sig - 1)}
	timeout := [2]int64{20, 0}
	u.Must(unix.SYS_RT_SIGTIMEDWAIT, &set, info[:], &timeout, 8)
	return info
}

// pending reports whether a signal is pending.
func pending(u *sim.User, sig int) bool {
	var set [1]uint64
	u.Must(unix.SYS_RT_SIGPENDING, &set, 8)
	return set[0]>>(sig-1)&1 != 0
}

func TestItimerReal(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		mask(u, sigBlock, int(unix.SIGALRM))
		set := [4]int64{0, 1000, 0, 1000}
		u.Must(unix.SYS_SETITIMER, unix.ITIMER_REAL, &set, nil)
		for range 3 {
			if info := take(u, int(unix.SIGALRM)); info.Code() != abi.SI_KERNEL {
				u.Errorf("si_code %d", info.Code())
			}
		}
		var old, now [4]int64
		u.Must(unix.SYS_SETITIMER, unix.ITIMER_REAL, &[4]int64{0, 0, 100, 0}, &old)
		u.Must(unix.SYS_GETITIMER, unix.ITIMER_REAL, &now)
		if old[1] != 1000 || now[1] != 0 || now[2] != 99 {
			u.Errorf("before %v, now %v", old, now)
		}
		u.Expect(unix.EINVAL, unix.SYS_SETITIMER, 3, &set, nil)
		u.Expect(unix.EINVAL, unix.SYS_SETITIMER, 0, &[4]int64{0, 0, 0, 1000000}, nil)
		u.Expect(unix.EFAULT, unix.SYS_SETITIMER, 3, 1, nil)
		pid := u.Fork(func(u *sim.User) {
			var now [4]int64
			u.Must(unix.SYS_GETITIMER, unix.ITIMER_REAL, &now)
			if now != [4]int64{} {
				u.Errorf("the child has its parent's timer: %v", now)
			}
		})
		waitStatus(u, pid)
	})
}

func TestItimersOfCPUTime(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		for which, sig := range map[int]int{unix.ITIMER_VIRTUAL: int(unix.SIGVTALRM), unix.ITIMER_PROF: int(unix.SIGPROF)} {
			mask(u, sigBlock, sig)
			u.Must(unix.SYS_SETITIMER, which, &[4]int64{0, 0, 0, 3000}, nil)
			u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, 5000000}, nil)
			if pending(u, sig) {
				u.Errorf("timer %d counts time asleep", which)
			}
			for began := time.Now(); !pending(u, sig); {
				if time.Since(began) > 20*time.Second {
					u.Fatalf("timer %d does not expire", which)
				}
				u.Tick()
			}
			var now [4]int64
			u.Must(unix.SYS_GETITIMER, which, &now)
			if now != [4]int64{} {
				u.Errorf("timer %d is still set: %v", which, now)
			}
		}
	})
}

func TestCPULimit(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			mask(u, sigBlock, int(unix.SIGXCPU))
			u.Must(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CPU, &[2]uint64{0, 0}, nil)
			u.Tick()
			u.Fatalf("it runs on")
		})
		if s := waitStatus(u, pid); s != int32(unix.SIGKILL) {
			u.Errorf("status %#x", s)
		}
	})
}

func sigevent(notify, signo int, value uint64) []byte {
	b := make([]byte, 64)
	binary.LittleEndian.PutUint64(b, value)
	binary.LittleEndian.PutUint32(b[8:], uint32(signo))
	binary.LittleEndian.PutUint32(b[12:], uint32(notify))
	return b
}

func TestPosixTimer(t *testing.T) {
	const sig = 40
	linuxtest.Run(t, func(u *sim.User) {
		mask(u, sigBlock, sig)
		var id, other [1]int32
		u.Must(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, sigevent(0, sig, 0x1234), &id)
		u.Must(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, nil, &other)
		if id[0] != 0 || other[0] != 1 {
			u.Errorf("IDs %d and %d", id[0], other[0])
		}
		u.Must(unix.SYS_TIMER_SETTIME, id[0], 0, &[4]int64{0, 1000000, 0, 1000000}, nil)
		// Many intervals pass while the signal is pending: it tells them.
		u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, 30000000}, nil)
		info := take(u, sig)
		if info.Code() != abi.SI_TIMER || info.Timer() != 0 || info.Value() != 0x1234 || info.Overrun() < 20 {
			u.Errorf("code %d, timer %d, value %#x, overrun %d", info.Code(), info.Timer(), info.Value(), info.Overrun())
		}
		if n := u.Must(unix.SYS_TIMER_GETOVERRUN, id[0]); n != int64(info.Overrun()) {
			u.Errorf("timer_getoverrun %d, si_overrun %d", n, info.Overrun())
		}
		take(u, sig)
		var old, now [4]int64
		u.Must(unix.SYS_TIMER_SETTIME, id[0], 0, &[4]int64{0, 0, 1000, 0}, &old)
		u.Must(unix.SYS_TIMER_GETTIME, id[0], &now)
		if old[1] != 1000000 || now[2] != 999 {
			u.Errorf("old %v, now %v", old, now)
		}
		u.Must(unix.SYS_TIMER_DELETE, id[0])
		u.Expect(unix.EINVAL, unix.SYS_TIMER_DELETE, id[0])
		u.Must(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, nil, &id)
		if id[0] != 2 {
			u.Errorf("the next ID is %d", id[0])
		}
		pid := u.Fork(func(u *sim.User) { u.Expect(unix.EINVAL, unix.SYS_TIMER_DELETE, 1) })
		waitStatus(u, pid)
	})
}

func TestPosixTimerErrors(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		var id [1]int32
		u.Expect(unix.EOPNOTSUPP, unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC_RAW, nil, &id)
		u.Expect(unix.EINVAL, unix.SYS_TIMER_CREATE, 12, nil, &id)
		u.Expect(unix.EFAULT, unix.SYS_TIMER_CREATE, 12, 1, &id)
		u.Expect(unix.EFAULT, unix.SYS_TIMER_CREATE, 1, nil, 1)
		for _, e := range [][]byte{sigevent(0, 0, 0), sigevent(0, 65, 0), sigevent(3, 5, 0), sigevent(4, 5, 0)} {
			u.Expect(unix.EINVAL, unix.SYS_TIMER_CREATE, 1, e, &id)
		}
		u.Must(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, sigevent(1, 0, 0), &id)
		u.Expect(unix.EINVAL, unix.SYS_TIMER_SETTIME, id[0], 0, nil, nil)
		u.Expect(unix.EINVAL, unix.SYS_TIMER_SETTIME, id[0], 0, &[4]int64{0, 0, -1, 0}, nil)
		u.Must(unix.SYS_TIMER_SETTIME, id[0], 0, &[4]int64{0, 0, 5, 0}, nil)
		u.Must(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_SIGPENDING, &[2]uint64{0, 100}, nil)
		u.Expect(unix.EAGAIN, unix.SYS_TIMER_CREATE, 1, nil, &id)
	})
}

func TestClocksOfCPUTime(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		var a, b [2]int64
		u.Must(unix.SYS_CLOCK_GETTIME, unix.CLOCK_PROCESS_CPUTIME_ID, &a)
		u.Must(unix.SYS_CLOCK_GETTIME, ^1<<3|2, &b) // of process 1, by its ID
		if b[0] < a[0] || b[0] == a[0] && b[1] < a[1] {
			u.Errorf("%v, then %v", a, b)
		}
		u.Expect(unix.EINVAL, unix.SYS_CLOCK_GETTIME, ^99<<3|2, &a)
		u.Expect(unix.EINVAL, unix.SYS_CLOCK_GETTIME, -5, &a)
		u.Expect(unix.EOPNOTSUPP, unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_THREAD_CPUTIME_ID, 0, &a, nil)
		u.Expect(unix.EINVAL, unix.SYS_CLOCK_NANOSLEEP, -2, 0, &a, nil)
		u.Expect(unix.EPERM, unix.SYS_CLOCK_SETTIME, -6, &a)
		pid := u.Fork(func(u *sim.User) {
			for {
				u.Tick()
			}
		})
		// The child's clock advances though this process sleeps.
		u.Must(unix.SYS_CLOCK_NANOSLEEP, ^pid<<3|2, 0, &[2]int64{0, 2000000}, nil)
		u.Must(unix.SYS_KILL, pid, int(unix.SIGKILL))
		waitStatus(u, pid)
	})
}

func TestSettingTheClockMovesSleepers(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		var now [2]int64
		u.Must(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, &now)
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_REALTIME, unix.TIMER_ABSTIME, &[2]int64{now[0] + 10000, 0}, nil)
			u.Exit(4)
		})
		u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, 10000000}, nil)
		u.Must(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, &[2]int64{now[0] + 20000, 0})
		if s := waitStatus(u, pid); s != 4<<8 {
			u.Errorf("status %#x", s)
		}
		u.Must(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, &now)
	})
}

func TestLimitsOfAnotherProcess(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		var old [2]uint64
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_SETRESUID, 1000, 1000, 1000)
			u.Expect(unix.EPERM, unix.SYS_PRLIMIT64, 1, unix.RLIMIT_CORE, nil, &[2]uint64{})
			u.Expect(unix.ESRCH, unix.SYS_PRLIMIT64, 99, 77, nil, nil)
			for {
				u.Must(unix.SYS_NANOSLEEP, &[2]int64{100, 0}, nil)
			}
		})
		u.Must(unix.SYS_PRLIMIT64, pid, unix.RLIMIT_CORE, &[2]uint64{5, 6}, nil)
		u.Must(unix.SYS_PRLIMIT64, pid, unix.RLIMIT_CORE, nil, &old)
		if old != [2]uint64{5, 6} {
			u.Errorf("limits %v", old)
		}
		u.Must(unix.SYS_KILL, pid, int(unix.SIGKILL))
		waitStatus(u, pid)
	})
}
