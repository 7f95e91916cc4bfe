package nk

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What CPUs work at: the CPU profiles of the Go runtime (runtime/pprof), and the watchdog.

// profileEvery is for how much work the runtime wants a SIGPROF, in nanoseconds; 0 is never.
var profileEvery int64

// aliveLimit is how much a CPU may work without a call of Alive, in nanoseconds; 0 is for ever.
var aliveLimit int64

// account counts the time up to a timer interrupt, and does what it is counted for. Under
// sched.lock. A CPU that the host has kept waiting has worked for one tick at most.
func (c *CPU) account() {
	if c.isIdle() {
		return
	}
	atomic.StoreInt64(&c.worked, c.worked+min(now()-c.from, tick))
	if profileEvery != 0 && c.worked-c.sampled >= profileEvery {
		c.sampled = c.worked
		c.thread().pending |= bit(int(unix.SIGPROF))
	}
	if l := atomic.LoadInt64(&aliveLimit); l != 0 && c.worked-atomic.LoadInt64(&c.alive) > l {
		dumpThread(c.thread(), "a CPU works, and the Go scheduler does not", uint64(l))
		die()
	}
}

// setitimer is how the runtime asks for SIGPROF: ITIMER_PROF of the whole process, at
// intervals of less than a second.
func setitimer(which uint64, new, old uintptr) uint64 {
	const itimerProf = 2
	if which != itimerProf || old != 0 || load64(new) != 0 {
		return errno(int(unix.EINVAL))
	}
	profileEvery = int64(load64(new+8)) * 1000
	return 0
}

// Busy is how long a CPU has worked since boot.
func Busy(cpu int) time.Duration { return time.Duration(atomic.LoadInt64(&cpus[cpu%maxCPUs].worked)) }

// Alive says that the Go scheduler works. The machine ends, with what the CPU does, where a
// CPU works for longer than limit until the next call; 0 is no limit.
func Alive(limit time.Duration) {
	for i := 0; i < ncpu; i++ {
		atomic.StoreInt64(&cpus[i].alive, atomic.LoadInt64(&cpus[i].worked))
	}
	atomic.StoreInt64(&aliveLimit, int64(limit))
}
