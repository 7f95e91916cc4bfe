package nk

import (
	"golang.org/x/sys/unix"
)

// Private system calls: what api.go asks of the nanokernel.
const (
	callTakeFrames = 0x10000 + iota
	callGiveFrames
	callFreeFrames
	callFlush
	callWaitIRQs
	callRouteIRQ
	callUnmaskIRQ
	callPowerOff
	callKick
	callMove
	callInterrupt // from Enter: an interrupt ended user mode and has still to be served
	callArch      // and above: the architecture's own
)

// onSyscall serves the system call of the current Thread.
func onSyscall() {
	c := thisCPU()
	t := c.thread()
	nr, a := t.sysno(), t.arg(0)
	if nr == unix.SYS_WRITE && (a == 1 || a == 2) {
		write(uintptr(t.arg(1)), t.arg(2)) // without the lock: it takes long
		t.setResult(t.arg(2))
		return
	}
	if c.quick(t, nr) {
		return
	}
	c.begin()
	c.dispatch(t, nr)
	c.end()
}

// quick serves private calls that have nothing to do with scheduling.
func (c *CPU) quick(t *Thread, nr uint64) bool {
	if nr < callTakeFrames {
		return false
	}
	r := uint64(0)
	switch a0, a1 := t.arg(0), t.arg(1); nr {
	case callTakeFrames:
		r = takeFrames(uintptr(a0), a1)
	case callGiveFrames:
		giveFrames(uintptr(a0), a1)
	case callFreeFrames:
		mm.lock.lock()
		r = spare()
		mm.lock.unlock()
	case callFlush:
		flushUser(a0, a1, t.arg(2))
	case callKick:
		kickUser(uintptr(a0))
	case callPowerOff:
		powerOffAs(a0, int(a1))
	default:
		return c.quickArch(t, nr)
	}
	t.setResult(r)
	return true
}

// dispatch serves a call under sched.lock. What a call that blocks returns is set
// when it is woken.
func (c *CPU) dispatch(t *Thread, nr uint64) {
	if nr < uint64(len(stats.syscalls)) {
		stats.syscalls[nr]++
	} else {
		stats.private++
	}
	a0, a1, a2, a3 := t.arg(0), t.arg(1), t.arg(2), t.arg(3)
	r := uint64(0)
	switch nr {
	case unix.SYS_FUTEX:
		r = c.futex(t, uintptr(a0), a1, a2, uintptr(a3))
	case unix.SYS_MMAP:
		r = mmap(uintptr(a0), uintptr(a1), a2, a3, int32(t.arg(4)))
	case unix.SYS_MUNMAP:
		r = munmap(uintptr(a0), uintptr(a1))
	case unix.SYS_MADVISE:
		r = madvise(uintptr(a0), uintptr(a1), a2)
	case unix.SYS_CLONE:
		r = c.clone(t, a0, a1)
	case unix.SYS_SETITIMER:
		r = setitimer(a0, uintptr(a1), uintptr(a2))
	case unix.SYS_TIMER_CREATE:
		r = errno(int(unix.ENOSYS)) // the runtime makes do with setitimer
	case unix.SYS_EXIT:
		t.state = stateFree
		sched.free.push(t)
		return
	case unix.SYS_EXIT_GROUP:
		// The runtime has said why on descriptor 2.
		die()
	case unix.SYS_SCHED_YIELD:
		c.resched = true
	case callMove:
		c.move(t, uint32(a0))
	case unix.SYS_NANOSLEEP:
		c.block(t, waitSleep, deadlineIn(timespec(uintptr(a0))))
	case unix.SYS_CLOCK_GETTIME:
		r = clockGettime(a0, uintptr(a1))
	case unix.SYS_GETPID:
		r = 1
	case unix.SYS_GETTID:
		r = uint64(t.tid)
	case unix.SYS_TGKILL:
		r = c.kill(uint32(a1), a2)
	case unix.SYS_KILL:
		r = c.kill(uint32(a0), a1)
	case unix.SYS_RT_SIGACTION:
		r = rtSigaction(a0, uintptr(a1), uintptr(a2))
	case unix.SYS_RT_SIGPROCMASK:
		r = t.rtSigprocmask(a0, uintptr(a1), uintptr(a2))
	case unix.SYS_SIGALTSTACK:
		r = t.sigaltstack(uintptr(a0), uintptr(a1))
	case unix.SYS_RT_SIGRETURN:
		t.sigreturn()
		return
	case unix.SYS_SCHED_GETAFFINITY:
		r = getaffinity(a1, uintptr(a2))
	case unix.SYS_EPOLL_CREATE1:
		r = openFile(fileEpoll, 0)
	case unix.SYS_EVENTFD2:
		r = openFile(fileEvent, a0)
	case unix.SYS_EPOLL_CTL:
		r = epollCtl(a0, a1, a2, uintptr(a3))
	case unix.SYS_EPOLL_PWAIT:
		r = c.epollWait(t, a0, uintptr(a1), int32(a2), int32(a3))
	case unix.SYS_READ:
		r = readFile(a0, uintptr(a1), a2)
	case unix.SYS_WRITE:
		r = c.writeFile(a0, uintptr(a1), a2)
	case unix.SYS_CLOSE:
		r = closeFile(a0)
	case unix.SYS_FCNTL:
		r = fcntl(a0, a1)
	case unix.SYS_OPENAT, unix.SYS_READLINKAT, unix.SYS_FACCESSAT, unix.SYS_NEWFSTATAT:
		r = errno(int(unix.ENOENT)) // there are no files at this level
	case unix.SYS_GETRANDOM:
		r = getrandom(uintptr(a0), a1)
	case unix.SYS_PRLIMIT64:
		r = prlimit(uintptr(a3))
	case unix.SYS_UNAME:
		r = errno(int(unix.ENOSYS)) // package os asks for the version, and makes do without
	case unix.SYS_PRCTL:
		r = errno(int(unix.EINVAL))
	case callWaitIRQs:
		r = c.waitIRQs(t, uintptr(a0))
	case callRouteIRQ:
		r = routeIRQ(int(a0), a1 != 0)
	case callUnmaskIRQ:
		unmaskIRQ(int(a0))
	case callInterrupt:
		c.serveInterrupt(a0, true)
	default:
		r = c.archSyscall(t, nr)
	}
	if t.state != stateRunning {
		return // the result comes when it is woken
	}
	t.setResult(r)
}

// unknownSyscall names a call that the runtime made and nobody serves.
func unknownSyscall(nr uint64) uint64 {
	consoleLock.lock()
	puts("kernel: the Go runtime made an unknown system call:")
	putHex("number", nr)
	puts("\n")
	consoleLock.unlock()
	return errno(int(unix.ENOSYS))
}

// clone makes a new M. The runtime asks for one kind of thread only.
func (c *CPU) clone(t *Thread, flags, stack uint64) uint64 {
	if flags&unix.CLONE_VM == 0 || flags&unix.CLONE_THREAD == 0 {
		return errno(int(unix.ENOSYS))
	}
	n := newThread()
	if n == nil {
		return errno(int(unix.EAGAIN))
	}
	n.Context = t.Context
	n.setResult(0)
	n.setStack(uintptr(stack))
	if flags&unix.CLONE_SETTLS != 0 {
		n.setTLS(t.cloneTLS())
	}
	n.sigmask = t.sigmask
	n.state = stateReady
	sched.ready.push(n)
	c.kickIdle()
	return uint64(n.tid)
}

func (c *CPU) kill(tid uint32, sig uint64) uint64 {
	if sig > 64 {
		return errno(int(unix.EINVAL))
	}
	w := findThread(tid)
	if w == nil {
		return errno(int(unix.ESRCH))
	}
	if sig != 0 {
		c.signal(w, int(sig))
	}
	return 0
}

func getaffinity(n uint64, p uintptr) uint64 {
	if n < maxCPUs/8 {
		return errno(int(unix.EINVAL))
	}
	store64(p, ^uint64(0)>>uint(64-ncpu))
	return maxCPUs / 8
}

func clockGettime(clock uint64, p uintptr) uint64 {
	ns := uint64(now())
	switch clock {
	case unix.CLOCK_REALTIME:
		ns += boot.wallBase
	case unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME, unix.CLOCK_MONOTONIC_RAW:
	default:
		return errno(int(unix.EINVAL))
	}
	store64(p, ns/1_000_000_000)
	store64(p+8, ns%1_000_000_000)
	return 0
}

// getrandom fills the buffer from the CPU's generator.
func getrandom(p uintptr, n uint64) uint64 {
	var block [8]uint64
	for i := uint64(0); i < n; i++ {
		store8(p+uintptr(i), randomByte(&block, i))
	}
	return n
}

// randomByte is byte i of random numbers that are asked for in turn, from 0 on: block has those around it.
func randomByte(block *[8]uint64, i uint64) byte {
	if i%64 == 0 {
		randomBlock(block)
	}
	return byte(block[i/8%8] >> (8 * (i % 8)))
}

// prlimit: nothing is limited at this level.
func prlimit(old uintptr) uint64 {
	if old != 0 {
		store64(old, ^uint64(0))
		store64(old+8, ^uint64(0))
	}
	return 0
}
