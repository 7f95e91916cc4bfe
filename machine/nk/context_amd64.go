package nk

import "golang.org/x/sys/unix"

// gprs are the registers that every saved context starts with, in the order of
// machine.Regs.
type gprs struct {
	ax, bx, cx, dx, si, di, bp, rsp      uint64
	r8, r9, r10, r11, r12, r13, r14, r15 uint64
	ip, flags, fs, gs                    uint64
	cr2, err, vec, aux/* full, or known */ uint64
}

// Context is a saved M. A system call saves with aux 0: the vector registers are
// dead, as every SYSCALL of the runtime sits in an assembly function. Anything else
// saves all with aux 1. x87 and AVX state is not Go's, but a user program's
// (user_amd64.go). Go never changes MXCSR.
type Context struct {
	gprs
	xmm [16][2]uint64
}

func (x *Context) sysno() uint64       { return x.ax }
func (x *Context) setResult(v uint64)  { x.ax = v }
func (x *Context) sp() uintptr         { return uintptr(x.rsp) }
func (x *Context) setStack(sp uintptr) { x.rsp = uint64(sp) }
func (x *Context) setTLS(v uint64)     { x.fs = v }
func (x *Context) cloneTLS() uint64    { return x.r8 }

func (x *Context) arg(i int) uint64 {
	switch i {
	case 0:
		return x.di
	case 1:
		return x.si
	case 2:
		return x.dx
	case 3:
		return x.r10
	case 4:
		return x.r8
	}
	return x.r9
}

// start makes a context that begins at pc with interrupts on.
func (x *Context) start(pc, sp uintptr) {
	*x = Context{}
	x.ip, x.rsp, x.flags, x.aux = uint64(pc), uint64(sp), flagIF|flagAlways, 1
}

const (
	flagAlways = 1 << 1
	flagIF     = 1 << 9
)

// The signal frame is Linux's rt_sigframe (arch/x86, described by
// <sys/ucontext.h>): the restorer's address, the ucontext, the siginfo, and above
// them the FXSAVE image that the ucontext points to.
const (
	redZone = 128 // psABI section 3.2.2

	ucMcontext = 40    // uc_flags, uc_link, uc_stack
	ucSigmask  = 0x128 // after the 256 bytes of the mcontext
	ucSize     = 0x130
	infoSize   = 128
	fxSize     = 512
	fxXMM      = 160 // of XMM0 in the FXSAVE image

	epollEventSize  = 12 // packed on x86-64
	epollDataOffset = 4
)

// pushSignal builds the frame below sp and makes t enter the handler.
func (t *Thread) pushSignal(sp uintptr, sig int, code int32, addr uint64) {
	fx := (sp - fxSize) &^ 63
	zero(fx, fxSize)
	store32(fx, 0x37f)     // FCW
	store32(fx+24, 0x1f80) // MXCSR
	if t.aux != 0 {
		for i := range t.xmm {
			store64(fx+fxXMM+uintptr(i)*16, t.xmm[i][0])
			store64(fx+fxXMM+uintptr(i)*16+8, t.xmm[i][1])
		}
	}
	info := fx - infoSize
	uc := (info - ucSize) &^ 15
	zero(uc, ucSize)
	zero(info, infoSize)
	store32(info, uint32(sig))
	store32(info+8, uint32(code))
	store64(info+16, addr)
	m := uc + ucMcontext
	for i := 0; i < 15; i++ {
		store64(m+uintptr(i)*8, *t.gpr(i))
	}
	store64(m+15*8, t.rsp)
	store64(m+16*8, t.ip)
	store64(m+17*8, t.flags)
	store64(m+19*8, t.err)
	store64(m+20*8, t.vec)
	store64(m+22*8, t.cr2)
	store64(m+23*8, uint64(fx))
	store64(uc+ucSigmask, t.sigmask)
	store64(uc-8, sigactions[sig&63].restorer)

	t.ip, t.rsp, t.flags = sigactions[sig&63].handler, uint64(uc-8), flagIF|flagAlways
	t.di, t.si, t.dx = uint64(sig), uint64(info), uint64(uc)
	t.aux = 1
}

// sigreturn restores what pushSignal saved; the handler may have changed it. The
// restorer runs with the stack pointer at the ucontext.
func (t *Thread) sigreturn() {
	uc := t.sp()
	m := uc + ucMcontext
	for i := 0; i < 15; i++ {
		*t.gpr(i) = load64(m + uintptr(i)*8)
	}
	const user = 0xcd5 // CF PF AF ZF SF DF OF
	t.rsp, t.ip = load64(m+15*8), load64(m+16*8)
	t.flags = load64(m+17*8)&user | flagIF | flagAlways
	t.sigmask = load64(uc + ucSigmask)
	fx := uintptr(load64(m + 23*8))
	for i := range t.xmm {
		t.xmm[i][0] = load64(fx + fxXMM + uintptr(i)*16)
		t.xmm[i][1] = load64(fx + fxXMM + uintptr(i)*16 + 8)
	}
	t.aux = 1
}

// gpr is register i in the order of the mcontext's gregs.
func (x *gprs) gpr(i int) *uint64 {
	switch i {
	case 0:
		return &x.r8
	case 1:
		return &x.r9
	case 2:
		return &x.r10
	case 3:
		return &x.r11
	case 4:
		return &x.r12
	case 5:
		return &x.r13
	case 6:
		return &x.r14
	case 7:
		return &x.r15
	case 8:
		return &x.di
	case 9:
		return &x.si
	case 10:
		return &x.bp
	case 11:
		return &x.bx
	case 12:
		return &x.dx
	case 13:
		return &x.ax
	}
	return &x.cx
}

// dump prints the registers on the console, which the caller has locked.
func (x *gprs) dump() {
	putHex("vector", x.vec)
	putHex("error", x.err)
	putHex("cr2", x.cr2)
	puts("\n")
	putHex("ip", x.ip)
	putHex("sp", x.rsp)
	putHex("flags", x.flags)
	putHex("fs", x.fs)
	puts("\n")
	putHex("ax", x.ax)
	putHex("bx", x.bx)
	putHex("cx", x.cx)
	putHex("dx", x.dx)
	puts("\n")
	putHex("si", x.si)
	putHex("di", x.di)
	putHex("bp", x.bp)
	putHex("r8", x.r8)
	puts("\n")
	putHex("r9", x.r9)
	putHex("r10", x.r10)
	putHex("r11", x.r11)
	putHex("r12", x.r12)
	puts("\n")
	putHex("r13", x.r13)
	putHex("g", x.r14)
	putHex("r15", x.r15)
	puts("\n stack:")
	for i := uint64(0); i < 12; i++ {
		if a := uintptr(x.rsp + 8*i); readable(a) {
			putHex("", load64(a))
		}
	}
	puts("\n")
}

func (x *Context) framePointer() uintptr { return uintptr(x.bp) }
func (x *Context) instruction() uint64   { return x.ip }

// readable reports whether kernel code can load from va.
func readable(va uintptr) bool { return int64(va) < 0 && va&7 == 0 && isMapped(va) }

// archSyscall serves the calls that only x86-64 has.
func (c *CPU) archSyscall(t *Thread, nr uint64) uint64 {
	switch nr {
	case unix.SYS_ARCH_PRCTL:
		const archSetFS = 0x1002
		if t.arg(0) != archSetFS {
			return errno(int(unix.EINVAL))
		}
		t.fs = t.arg(1)
		return 0
	case unix.SYS_PIPE2, unix.SYS_MINCORE:
		return errno(int(unix.ENOSYS))
	}
	return unknownSyscall(nr)
}
