package nk

import "golang.org/x/sys/unix"

// Signals of the Go runtime: SIGURG from tgkill (preemption), and SIGSEGV, SIGBUS,
// SIGFPE and SIGILL made from exceptions in Go code, which the runtime turns into
// panics. The frame is the architecture's rt_sigframe (pushSignal).

// sigaction is the kernel's struct: ARM64 has no restorer, but the runtime lays out
// the field all the same.
type sigaction struct{ handler, flags, restorer, mask uint64 }

var sigactions [65]sigaction

const (
	saOnStack  = 0x08000000
	saNoDefer  = 0x40000000
	sigDefault = 0
	sigIgnore  = 1

	// si_code values (sigaction(2)).
	siTkill    = -6
	segvMaperr = 1
	segvAccerr = 2
	busAdrErr  = 2
	fpeIntDiv  = 1
	illIllOpc  = 1
	trapBrkpt  = 1
	siKernel   = 0x80
)

func bit(sig int) uint64 { return 1 << uint(sig-1) }

// deliver makes t, which is about to be resumed, take its lowest pending signal.
func (t *Thread) deliver() {
	sig := 1
	for p := t.pending &^ t.sigmask; p&1 == 0; p >>= 1 {
		sig++
	}
	t.pending &^= bit(sig)
	switch sigactions[sig].handler {
	case sigIgnore:
	case sigDefault:
		switch unix.Signal(sig) {
		case unix.SIGURG, unix.SIGCHLD, unix.SIGWINCH, unix.SIGCONT:
		default:
			dumpThread(t, "the Go runtime got a fatal signal", uint64(sig))
			die()
		}
	default:
		t.handle(sig, siTkill, 1)
	}
}

// raise makes t take the signal of an exception that its own instruction caused.
// It reports whether t can.
func (t *Thread) raise(sig int, code int32, addr uint64) bool {
	if h := sigactions[sig].handler; h == sigDefault || h == sigIgnore || t.sigmask&bit(sig) != 0 {
		return false
	}
	if t.altSP == 0 {
		return false
	}
	t.handle(sig, code, addr)
	return true
}

// handle pushes the frame and masks what the action says.
func (t *Thread) handle(sig int, code int32, addr uint64) {
	a := &sigactions[sig]
	sp := t.sp()
	if a.flags&saOnStack != 0 && t.altSP != 0 && !(sp > t.altSP && sp <= t.altSP+t.altSize) {
		sp = t.altSP + t.altSize
	} else {
		sp -= redZone
	}
	t.pushSignal(sp, sig, code, addr)
	t.sigmask |= a.mask
	if a.flags&saNoDefer == 0 {
		t.sigmask |= bit(sig)
	}
}

func rtSigaction(sig uint64, act, old uintptr) uint64 {
	if sig == 0 || sig > 64 || act != 0 && (sig == uint64(unix.SIGKILL) || sig == uint64(unix.SIGSTOP)) {
		return errno(int(unix.EINVAL))
	}
	a := &sigactions[sig]
	was := *a
	if act != 0 {
		a.handler, a.flags, a.restorer, a.mask = load64(act), load64(act+8), load64(act+16), load64(act+24)
	}
	if old != 0 {
		store64(old, was.handler)
		store64(old+8, was.flags)
		store64(old+16, was.restorer)
		store64(old+24, was.mask)
	}
	return 0
}

func (t *Thread) rtSigprocmask(how uint64, set, old uintptr) uint64 {
	was := t.sigmask
	if set != 0 {
		switch m := load64(set); how {
		case unix.SIG_BLOCK:
			t.sigmask |= m
		case unix.SIG_UNBLOCK:
			t.sigmask &^= m
		case unix.SIG_SETMASK:
			t.sigmask = m
		default:
			return errno(int(unix.EINVAL))
		}
	}
	if old != 0 {
		store64(old, was)
	}
	return 0
}

func (t *Thread) sigaltstack(ss, old uintptr) uint64 {
	const onStack, disable = 1, 2
	sp, size, flags := t.altSP, t.altSize, uint32(0)
	if cur := t.sp(); sp == 0 {
		flags = disable
	} else if cur > sp && cur <= sp+size {
		flags = onStack
	}
	if ss != 0 {
		t.setAltStack(ss)
	}
	if old != 0 {
		store64(old, uint64(sp))
		store32(old+8, flags)
		store64(old+16, uint64(size))
	}
	return 0
}

func (t *Thread) setAltStack(ss uintptr) {
	if load32(ss+8)&2 != 0 { // SS_DISABLE
		t.altSP, t.altSize = 0, 0
		return
	}
	t.altSP, t.altSize = uintptr(load64(ss)), uintptr(load64(ss+16))
}

// signal is tgkill: a Thread that waits returns with EINTR, one that runs elsewhere
// is interrupted, also in user mode.
func (c *CPU) signal(t *Thread, sig int) {
	t.pending |= bit(sig)
	if t.sigmask&bit(sig) != 0 {
		return
	}
	switch t.state {
	case stateBlocked:
		c.wake(t, errno(int(unix.EINTR)))
	case stateRunning:
		if t.cpu != c.id {
			sendIPI(&cpus[t.cpu%maxCPUs], ipiKick)
		}
	}
}
