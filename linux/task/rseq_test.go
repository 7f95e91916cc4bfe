package task

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
)

func TestRestartableSequence(t *testing.T) {
	const (
		area    = stackTop - 0x1000
		section = area + 0x100
		code    = area + 0x200 // as if it were
		abort   = area + 0x304
		sig     = 0x53053053
	)
	f := first(t)
	put64 := func(at user.Addr, v uint64) { f.CopyOut(at, le.AppendUint64(nil, v)) }
	word := func(at user.Addr) uint64 {
		var b [8]byte
		f.CopyIn(b[:], at)
		return le.Uint64(b[:])
	}
	wantErr(t, "wrong size", f.RegisterRseq(area, 16, sig), unix.EINVAL)
	wantErr(t, "misaligned", f.RegisterRseq(area+8, rseqSize, sig), unix.EINVAL)
	wantErr(t, "register", f.RegisterRseq(area, rseqSize, sig), nil)
	wantErr(t, "again", f.RegisterRseq(area, rseqSize, sig), unix.EBUSY)
	wantErr(t, "with another signature", f.RegisterRseq(area, rseqSize, 1), unix.EPERM)

	put64(section+8, code)
	put64(section+16, 0x20)
	put64(section+24, abort)
	f.CopyOut(abort-4, le.AppendUint32(nil, sig))
	put64(area+rseqSection, section)
	f.Regs.SetPC(code + 0x10)
	f.leaveSection()
	if f.Regs.PC() != abort || word(area+rseqSection) != 0 {
		t.Errorf("program counter %#x, section %#x", f.Regs.PC(), word(area+rseqSection))
	}

	put64(area+rseqSection, section)
	f.Regs.SetPC(code + 0x20) // just past the section
	f.leaveSection()
	if f.Regs.PC() != code+0x20 || word(area+rseqSection) != 0 {
		t.Errorf("outside: program counter %#x, section %#x", f.Regs.PC(), word(area+rseqSection))
	}

	put64(area+rseqSection, section)
	f.CopyOut(abort-4, le.AppendUint32(nil, sig+1))
	f.Regs.SetPC(code)
	f.leaveSection()
	if !f.pending.set.Has(unix.SIGSEGV) || f.Regs.PC() != code {
		t.Errorf("an abort handler without signature was run: %#x", f.Regs.PC())
	}
	wantErr(t, "unregister", f.UnregisterRseq(area, rseqSize, sig), nil)
	if uint32(word(area+rseqCPU)) != noCPU {
		t.Errorf("CPU %#x", word(area+rseqCPU))
	}
}
