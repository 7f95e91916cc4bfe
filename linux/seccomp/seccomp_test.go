package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// onCall makes a program that returns action for call nr, else Allow.
func onCall(nr, action uint32) []Insn {
	return []Insn{{Code: ld | abs}, {Code: jmp | jeq, Jf: 1, K: nr}, {Code: ret, K: action}, {Code: ret, K: Allow}}
}

func TestTheStricterWins(t *testing.T) {
	var s *State
	for _, action := range []uint32{Errno | 5, Allow, Errno | 7, Log} {
		var err error
		if s, err = s.New(onCall(39, action)); err != nil {
			t.Fatal(err)
		}
	}
	d := NewData(39, 0, 0, [6]uint64{})
	if action, data := s.Check(&d); action != Errno || data != 7 {
		t.Errorf("action %#x, data %d", action, data)
	}
	d = NewData(40, 0, 0, [6]uint64{})
	if action, _ := s.Check(&d); action != Allow {
		t.Errorf("another call: %#x", action)
	}
	s, _ = s.New(onCall(39, KillProcess))
	d = NewData(39, 0, 0, [6]uint64{})
	if action, _ := s.Check(&d); action != KillProcess {
		t.Errorf("kill: %#x", action)
	}
	if _, err := s.NewStrict(); err != unix.EINVAL {
		t.Errorf("strict on top of filters: %v", err)
	}
}

func TestArithmetic(t *testing.T) {
	cases := []struct {
		prog []Insn
		want uint32
	}{
		{[]Insn{{Code: ld | imm, K: 6}, {Code: ldx | imm, K: 7}, {Code: alu | mul | x}, {Code: ret | a}}, 42},
		{[]Insn{{Code: ld | imm, K: 6}, {Code: ldx | imm, K: 0}, {Code: alu | div | x}, {Code: ret, K: 9}}, 0},
		{[]Insn{{Code: ld | imm, K: 5}, {Code: st, K: 3}, {Code: ldx | memory, K: 3}, {Code: misc | txa}, {Code: ret | a}}, 5},
		{[]Insn{{Code: ld | length}, {Code: alu | neg}, {Code: ret | a}}, 1<<32 - 64},
		{[]Insn{{Code: ld | abs, K: 20}, {Code: ret | a}}, 0x11}, // the upper half of the first argument
	}
	d := NewData(1, 2, 3, [6]uint64{0x11_0000_0022})
	for i, c := range cases {
		if err := check(c.prog); err != nil {
			t.Errorf("program %d: %v", i, err)
		} else if got := run(c.prog, &d); got != c.want {
			t.Errorf("program %d: %#x, want %#x", i, got, c.want)
		}
	}
}

func TestBadPrograms(t *testing.T) {
	for i, p := range [][]Insn{
		nil,
		{{Code: ld | imm}},                             // does not end
		{{Code: 0xff}, {Code: ret}},                    // no instruction
		{{Code: ld | abs, K: 64}, {Code: ret}},         // outside of the data
		{{Code: ld | abs, K: 2}, {Code: ret}},          // not aligned
		{{Code: 0x28, K: 0}, {Code: ret}},              // a half word
		{{Code: alu | div, K: 0}, {Code: ret}},         // division by zero
		{{Code: alu | lsh, K: 32}, {Code: ret}},        // shifted out
		{{Code: jmp | ja, K: 1}, {Code: ret}},          // past the end
		{{Code: jmp | jeq, Jt: 1, Jf: 0}, {Code: ret}}, // past the end
		{{Code: ld | memory, K: 1}, {Code: ret}},       // never written
		{{Code: st, K: 16}, {Code: ret}},               // no such word
		{{Code: jmp | jeq, Jt: 1}, {Code: st, K: 1}, {Code: ld | memory, K: 1}, {Code: ret}}, // written on one way only
	} {
		if err := check(p); err != unix.EINVAL {
			t.Errorf("program %d: %v", i, err)
		}
	}
}

// Whatever check lets pass must end without a panic.
func TestCheckedProgramsAreSafe(t *testing.T) {
	var codes []uint16
	for c := range known {
		codes = append(codes, c)
	}
	rapid.Check(t, func(t *rapid.T) {
		insn := rapid.Custom(func(t *rapid.T) Insn {
			return Insn{
				Code: rapid.SampledFrom(codes).Draw(t, "code"), Jt: uint8(rapid.IntRange(0, 4).Draw(t, "jt")),
				Jf: uint8(rapid.IntRange(0, 4).Draw(t, "jf")), K: uint32(rapid.IntRange(0, 70).Draw(t, "k")),
			}
		})
		prog := append(rapid.SliceOfN(insn, 1, 20).Draw(t, "program"), Insn{Code: ret | a})
		d := NewData(1, 2, 3, [6]uint64{4, 5, 6})
		if check(prog) == nil {
			run(prog, &d)
		}
	})
}
