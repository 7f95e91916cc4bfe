package nk

// The frame that Linux pushes for a signal on ARM64 (struct rt_sigframe: siginfo,
// then ucontext, whose sigcontext ends in records; arch/arm64 uapi/asm/sigcontext.h),
// followed by a frame record that links the handler to the interrupted function.
const (
	frameUcontext = 128
	frameSigmask  = frameUcontext + 40
	frameContext  = frameUcontext + 176 // sigcontext: fault address, X0-X30, SP, PC, PSTATE
	frameRegs     = frameContext + 8
	frameRecords  = frameContext + 288
	frameV        = frameRecords + 16
	frameEnd      = frameV + 512 // a record of zeroes
	frameLink     = frameEnd + 16
	frameSize     = frameLink + 16

	fpsimdMagic = 0x46508001
	fpsimdSize  = 528
)

// pushSignal builds the frame below sp and makes the Thread enter the handler.
func (t *Thread) pushSignal(sp uintptr, sig int, code int32, addr uint64) {
	f := (sp - frameSize) &^ 15
	zero(f, frameSize)
	store32(f, uint32(sig))
	store32(f+8, uint32(code))
	store64(f+16, addr)

	store64(f+frameUcontext+16, uint64(t.altSP))
	store64(f+frameUcontext+32, uint64(t.altSize))
	store64(f+frameSigmask, t.sigmask)
	store64(f+frameContext, addr)
	for i, v := range t.x {
		store64(f+frameRegs+uintptr(i)*8, v)
	}
	store64(f+frameRegs+31*8, t.rsp)
	store64(f+frameRegs+32*8, t.pc)
	store64(f+frameRegs+33*8, t.pstate)
	store32(f+frameRecords, fpsimdMagic)
	store32(f+frameRecords+4, fpsimdSize)
	store32(f+frameRecords+8, uint32(t.fpsr))
	for i, v := range t.q { // what a system call's caller does not expect back, it gets back
		store64(f+frameV+uintptr(i)*8, v)
	}
	store64(f+frameLink, t.x[29])
	store64(f+frameLink+8, t.x[30])

	t.x[0], t.x[1], t.x[2] = uint64(sig), uint64(f), uint64(f+frameUcontext)
	t.x[29] = uint64(f + frameLink)
	t.x[30] = uint64(sigreturnStub())
	t.rsp = uint64(f)
	t.pc = sigactions[sig&63].handler
	t.pstate = goPSTATE()
}

// sigreturn restores what pushSignal saved, t.sigmask included.
func (t *Thread) sigreturn() {
	f := t.sp()
	t.sigmask = load64(f + frameSigmask)
	for i := range t.x {
		t.x[i] = load64(f + frameRegs + uintptr(i)*8)
	}
	t.rsp = load64(f + frameRegs + 31*8)
	t.pc = load64(f + frameRegs + 32*8)
	t.pstate = load64(f+frameRegs+33*8)&(0xf<<28) | goPSTATE()
	t.fpsr = uint64(load32(f + frameRecords + 8))
	for i := range t.q {
		t.q[i] = load64(f + frameV + uintptr(i)*8)
	}
	t.full = 1
}
