package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/machine/pgtable"
)

// rseq is a thread's restartable sequences: rseq(2). The program says in shared memory
// which critical section it is in; when anything else has run meanwhile, it goes on at
// the section's abort handler instead.
type rseq struct {
	area user.Addr // struct rseq; 0 where none is registered
	sig  uint32    // what must stand before abort handlers
}

// Struct rseq and struct rseq_cs: sizes and offsets.
const (
	rseqSize     = 32
	rseqCPUStart = 0
	rseqCPU      = 4
	rseqSection  = 8
	rseqFlags    = 16

	sectionSize = 32

	noCPU = ^uint32(0) // RSEQ_CPU_ID_UNINITIALIZED
)

// RegisterRseq is rseq(2) without flags.
func (t *Task) RegisterRseq(area user.Addr, size, sig uint32) error {
	r := &t.attributes.rseq
	switch {
	case r.area != 0 && (r.area != area || size != rseqSize):
		return unix.EINVAL
	case r.area != 0 && r.sig != sig:
		return unix.EPERM
	case r.area != 0:
		return unix.EBUSY
	case area%rseqSize != 0 || size != rseqSize:
		return unix.EINVAL
	case area >= pgtable.UserEnd:
		return unix.EFAULT
	}
	*r = rseq{area, sig}
	t.Regs.OnlyCPU = 0 // so that the area is written
	t.settle()
	return nil
}

// UnregisterRseq is rseq(2) with RSEQ_FLAG_UNREGISTER.
func (t *Task) UnregisterRseq(area user.Addr, size, sig uint32) error {
	r := &t.attributes.rseq
	switch {
	case r.area == 0 || r.area != area || size != rseqSize:
		return unix.EINVAL
	case r.sig != sig:
		return unix.EPERM
	}
	if err := t.putRseqCPU(0, noCPU); err != nil {
		return err
	}
	t.endRseq()
	return nil
}

// endRseq makes t a thread without restartable sequences.
func (t *Task) endRseq() {
	t.attributes.rseq = rseq{}
	t.settle()
}

func (t *Task) putRseqCPU(start, cpu uint32) error {
	b := le.AppendUint32(nil, start)
	return t.CopyOut(t.attributes.rseq.area+rseqCPUStart, le.AppendUint32(b, cpu))
}

// leaveSection makes a program that is within a critical section go on at its abort handler:
// something else has run, or a signal handler is about to.
func (t *Task) leaveSection() {
	if t.attributes.rseq.area != 0 && t.abortSection() != nil {
		t.rseqFault()
	}
}

func (t *Task) rseqFault() { t.trapSignal(unix.SIGSEGV, abi.SI_KERNEL, 0) }

// abortSection reads the section that the program is in, and leaves it. EINVAL and EFAULT
// where what the program says makes no sense.
func (t *Task) abortSection() error {
	r := &t.attributes.rseq
	var b [sectionSize]byte
	if err := t.CopyIn(b[:16], r.area+rseqSection); err != nil {
		return err
	}
	at, flags := user.Addr(le.Uint64(b[:])), le.Uint32(b[rseqFlags-rseqSection:])
	if at == 0 {
		return nil
	}
	if at >= pgtable.UserEnd {
		return unix.EINVAL
	}
	if err := t.CopyIn(b[:], at); err != nil {
		return err
	}
	version, start, length, abort := le.Uint32(b[:]), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	if version != 0 || start >= pgtable.UserEnd || start+length < start || start+length > pgtable.UserEnd ||
		abort >= pgtable.UserEnd || abort-start < length {
		return unix.EINVAL
	}
	if t.Regs.PC()-start >= length {
		return t.CopyOut(r.area+rseqSection, make([]byte, 8)) // it has left the section, and not said so
	}
	var sig [4]byte
	if err := t.CopyIn(sig[:], user.Addr(abort)-4); err != nil {
		return err
	}
	if le.Uint32(sig[:]) != r.sig || flags|le.Uint32(b[4:]) != 0 {
		return unix.EINVAL // anybody's code, or flags that Linux no longer knows either
	}
	if err := t.CopyOut(r.area+rseqSection, make([]byte, 8)); err != nil {
		return err
	}
	t.Regs.SetPC(abort)
	return nil
}
