package selftest

import (
	"encoding/binary"
	"fmt"

	"kevlar/machine"
)

// Machine code, assembled by hand.
var (
	// 1: mov eax, 42; xor edi... the argument is what the last call returned.
	userSyscall = []byte{
		0x31, 0xff, // xor edi, edi
		0xb8, 42, 0, 0, 0, // again: mov eax, 42
		0x0f, 0x05, // syscall
		0x48, 0x89, 0xc7, // mov rdi, rax
		0xeb, 0xf4, // jmp again
	}
	userSpin = []byte{0xeb, 0xfe}

	// Loads YMM0-15 from [rsi] and pushes an x87 value, spins, makes a system call,
	// stores YMM0-15 to [rsi+512].
	userFill = func() []byte {
		var b []byte
		b = append(b, 0xdf, 0xae, 0, 8, 0, 0) // fild qword [rsi+0x800]
		for i := range 16 {
			b = append(b, vmovdqu(0x6f, i, 32*i)...)
		}
		b = append(b, 0xb9, 0, 0, 4, 0) // mov ecx, 0x40000
		b = append(b, 0xff, 0xc9)       // dec ecx
		b = append(b, 0x75, 0xfc)       // jnz
		b = append(b, 0x0f, 0x05)       // syscall
		for i := range 16 {
			b = append(b, vmovdqu(0x7f, i, 512+32*i)...)
		}
		b = append(b, 0xdf, 0xbe, 8, 8, 0, 0) // fistp qword [rsi+0x808]
		return append(b, 0x0f, 0x05, 0xeb, 0xfe)
	}()
)

// vmovdqu encodes a load (0x6f) or store (0x7f) of ymm i at [rsi+off].
func vmovdqu(op byte, i, off int) []byte {
	r := byte(0x80) // VEX.R is inverted
	if i >= 8 {
		r = 0
	}
	return append([]byte{0xc5, r | 0x7e, op, 0x80 | byte(i&7)<<3 | 6}, binary.LittleEndian.AppendUint32(nil, uint32(off))...)
}

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
		binary.LittleEndian.PutUint64(d[0x800:], seed<<32|round)
		p.r.SetPC(codeAt)
		p.r.SI, p.r.AX = dataAt, 7
		p.r.BX, p.r.BP, p.r.R15 = seed, ^seed, seed*3
		for range 2 {
			if t := p.trap(); t.Kind != machine.Syscall {
				return fmt.Errorf("trap %+v at %#x", t, p.r.PC())
			}
		}
		for i := range 512 {
			if d[i] != d[512+i] {
				return fmt.Errorf("program %d, round %d: YMM%d, byte %d differs", seed, round, i/32, i%32)
			}
		}
		if binary.LittleEndian.Uint64(d[0x800:]) != binary.LittleEndian.Uint64(d[0x808:]) {
			return fmt.Errorf("program %d, round %d: x87 differs", seed, round)
		}
		if p.r.BX != seed || p.r.BP != ^seed || p.r.R15 != seed*3 {
			return fmt.Errorf("program %d: general registers differ", seed)
		}
	}
	return nil
}

// registers checks that CX and R11 reach the program after a system call.
func (p *program) registers() error {
	// mov [rsi], rcx; mov [rsi+8], r11; syscall
	copy(p.code.Data()[0x100:], []byte{0x48, 0x89, 0x0e, 0x4c, 0x89, 0x5e, 0x08, 0x0f, 0x05})
	p.r.SetPC(codeAt + 0x100)
	p.r.SI, p.r.CX, p.r.R11 = dataAt, 0x1111, 0x2222
	if t := p.trap(); t.Kind != machine.Syscall {
		return fmt.Errorf("trap %+v", t)
	}
	w := p.data.Words()
	if w[0] != 0x1111 || w[1] != 0x2222 {
		return fmt.Errorf("CX %#x, R11 %#x", w[0], w[1])
	}
	return nil
}
