package selftest

import (
	"encoding/binary"
	"fmt"

	"kevlar/machine"
)

// Machine code, assembled by hand.
var (
	userSyscall = code(
		0xd2800000, // mov x0, #0
		0xd2800548, // again: mov x8, #42
		0xd4000001, // svc #0
		0x17fffffe, // b again
	)
	userSpin = code(0x14000000) // b .
)

func code(words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// userFill loads Q0-31 from [x1], spins, makes a system call and stores them to
// [x1+512].
var userFill = func() []byte {
	var w []uint32
	for i := range uint32(32) {
		w = append(w, 0x3dc00020|i|i<<10) // ldr q(i), [x1, #16*i]
	}
	w = append(w, 0xd2a00082, 0xf1000442, 0x54ffffe1, 0xd4000001) // mov x2, #0x40000; subs x2, x2, #1; b.ne; svc
	for i := range uint32(32) {
		w = append(w, 0x3d800020|i|(32+i)<<10) // str q(i), [x1, #512+16*i]
	}
	return code(append(w, 0xd4000001, 0x14000000)...)
}()

// fill runs userFill with values that differ per program and checks them.
func fill(m machine.Machine, seed uint64) error {
	p, err := start(m, userFill)
	if err != nil {
		return err
	}
	defer p.end()
	d := p.data.Data()
	for round := range uint64(20) {
		for i := range uint64(64) {
			binary.LittleEndian.PutUint64(d[i*8:], (seed*1000+round*64+i+1)*0x9e3779b97f4a7c15)
		}
		p.r.SetPC(codeAt)
		p.r.X[1], p.r.X[19], p.r.X[28] = dataAt, seed, ^seed
		for range 2 {
			if t := p.trap(); t.Kind != machine.Syscall {
				return fmt.Errorf("trap %+v at %#x", t, p.r.PC())
			}
		}
		for i := range 512 {
			if d[i] != d[512+i] {
				return fmt.Errorf("program %d, round %d: V%d, byte %d differs", seed, round, i/16, i%16)
			}
		}
		if p.r.X[19] != seed || p.r.X[28] != ^seed {
			return fmt.Errorf("program %d: general registers differ", seed)
		}
	}
	return nil
}

// registers checks that the registers reach the program after a system call.
func (p *program) registers() error {
	// stp x2, x30, [x1]; svc #0
	copy(p.code.Data()[0x100:], code(0xa9007822, 0xd4000001))
	p.m.SyncCode(p.code)
	p.r.SetPC(codeAt + 0x100)
	p.r.X[1], p.r.X[2], p.r.X[30] = dataAt, 0x1111, 0x2222
	if t := p.trap(); t.Kind != machine.Syscall {
		return fmt.Errorf("trap %+v", t)
	}
	w := p.data.Words()
	if w[0] != 0x1111 || w[1] != 0x2222 {
		return fmt.Errorf("X2 %#x, X30 %#x", w[0], w[1])
	}
	return nil
}
