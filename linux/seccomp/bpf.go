// Package seccomp decides which system calls a program may make: seccomp(2). A filter is a
// program for the classic Berkeley packet filter that looks at a call's number and
// arguments. What is done about a call is linux/task's business.
package seccomp

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Insn is an instruction: struct sock_filter.
type Insn struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

// InsnSize is the size of struct sock_filter.
const InsnSize = 8

// MaxInsns is how long a program may be (BPF_MAXINSNS).
const MaxInsns = 4096

// Classes, operations, modes and sources of instructions (filter.h). A code is a sum of
// them.
const (
	ld, ldx, st, stx, alu, jmp, ret, misc = 0, 1, 2, 3, 4, 5, 6, 7

	imm, abs, memory, length = 0x00, 0x20, 0x60, 0x80

	add, sub, mul, div, or, and, lsh, rsh, neg, xor = 0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0xa0

	ja, jeq, jgt, jge, jset = 0x00, 0x10, 0x20, 0x30, 0x40

	x   = 0x08 // the second operand is X, not K
	a   = 0x10 // ret: the result is A, not K
	tax = 0x00
	txa = 0x80

	words = 16 // of memory (BPF_MEMWORDS)
)

// known are the codes that a filter may have.
var known = func() map[uint16]bool {
	m := map[uint16]bool{
		ld | abs: true, ld | imm: true, ldx | imm: true, ld | memory: true, ldx | memory: true, ld | length: true,
		ldx | length: true, st: true, stx: true, ret: true, ret | a: true, misc | tax: true, misc | txa: true,
		alu | neg: true, jmp | ja: true,
	}
	for _, op := range []uint16{add, sub, mul, div, or, and, lsh, rsh, xor} {
		m[alu|op], m[alu|op|x] = true, true
	}
	for _, op := range []uint16{jeq, jgt, jge, jset} {
		m[jmp|op], m[jmp|op|x] = true, true
	}
	return m
}()

// DataSize is the size of struct seccomp_data, what a filter looks at.
const DataSize = 64

// Data is struct seccomp_data.
type Data [DataSize]byte

// NewData makes the data of a call.
func NewData(nr, arch uint32, pc uint64, args [6]uint64) (d Data) {
	le := binary.LittleEndian
	le.PutUint32(d[0:], nr)
	le.PutUint32(d[4:], arch)
	le.PutUint64(d[8:], pc)
	for i, v := range args {
		le.PutUint64(d[16+8*i:], v)
	}
	return d
}

// check finds what is wrong with a program: EINVAL. One that passes ends, and accesses
// only what there is.
func check(prog []Insn) error {
	n := len(prog)
	if n == 0 || n > MaxInsns {
		return unix.EINVAL
	}
	// set[pc] are the words of memory that every way to pc has written.
	set := make([]uint16, n)
	for i := range set {
		set[i] = ^uint16(0)
	}
	valid := uint16(0)
	for pc, in := range prog {
		if !known[in.Code] {
			return unix.EINVAL
		}
		valid &= set[pc]
		left := n - pc - 1 // instructions that follow
		switch in.Code {
		case ld | abs:
			if in.K%4 != 0 || in.K >= DataSize {
				return unix.EINVAL
			}
		case alu | div:
			if in.K == 0 {
				return unix.EINVAL
			}
		case alu | lsh, alu | rsh:
			if in.K >= 32 {
				return unix.EINVAL
			}
		case st, stx, ld | memory, ldx | memory:
			if in.K >= words {
				return unix.EINVAL
			}
			if in.Code == st || in.Code == stx {
				valid |= 1 << in.K
			} else if valid>>in.K&1 == 0 {
				return unix.EINVAL // it could tell what the kernel left there
			}
		case jmp | ja:
			if uint64(in.K) >= uint64(left) {
				return unix.EINVAL
			}
			set[pc+1+int(in.K)] &= valid
			valid = ^uint16(0)
		}
		if in.Code&7 == jmp && in.Code != jmp|ja {
			if int(in.Jt) >= left || int(in.Jf) >= left {
				return unix.EINVAL
			}
			set[pc+1+int(in.Jt)] &= valid
			set[pc+1+int(in.Jf)] &= valid
			valid = ^uint16(0)
		}
	}
	if last := prog[n-1].Code; last != ret && last != ret|a {
		return unix.EINVAL
	}
	return nil
}

// run runs a program that check has passed. Jumps only go forward, so it ends.
func run(prog []Insn, d *Data) uint32 {
	var A, X uint32
	var mem [words]uint32
	for pc := 0; ; pc++ {
		in := prog[pc]
		k := in.K
		if in.Code&x != 0 {
			k = X
		}
		switch in.Code & 7 {
		case ret:
			if in.Code&0x18 == a {
				return A
			}
			return in.K
		case ld, ldx:
			v := in.K
			switch in.Code & 0xe0 {
			case abs:
				v = binary.LittleEndian.Uint32(d[in.K:])
			case memory:
				v = mem[in.K]
			case length:
				v = DataSize
			}
			if in.Code&7 == ld {
				A = v
			} else {
				X = v
			}
		case st:
			mem[in.K] = A
		case stx:
			mem[in.K] = X
		case misc:
			if in.Code&0xf8 == txa {
				A = X
			} else {
				X = A
			}
		case alu:
			var ok bool
			if A, ok = compute(in.Code&0xf0, A, k); !ok {
				return 0
			}
		case jmp:
			pc += jump(&in, A, k)
		}
	}
}

// compute is what an arithmetic instruction does: false for a division by zero, which
// ends the program with 0.
func compute(op uint16, a, k uint32) (uint32, bool) {
	switch op {
	case add:
		a += k
	case sub:
		a -= k
	case mul:
		a *= k
	case div:
		if k == 0 {
			return 0, false
		}
		a /= k
	case or:
		a |= k
	case and:
		a &= k
	case lsh:
		a <<= k & 31
	case rsh:
		a >>= k & 31
	case xor:
		a ^= k
	case neg:
		a = -a
	}
	return a, true
}

// jump is by how many instructions a jump goes on beyond the next.
func jump(in *Insn, a, k uint32) int {
	var taken bool
	switch in.Code & 0xf0 {
	case ja:
		return int(in.K)
	case jeq:
		taken = a == k
	case jgt:
		taken = a > k
	case jge:
		taken = a >= k
	case jset:
		taken = a&k != 0
	}
	if taken {
		return int(in.Jt)
	}
	return int(in.Jf)
}
