package sim

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"sync"
)

// A code address stands for a registered function. The area is one that address
// space layouts leave alone; nothing is mapped there. Addresses are far enough apart
// that the program counters of one program (entry, entry+pcRunning) mean no other.
const (
	codeBase  = 0x2000_0000_0000
	codeStep  = 0x40
	pcRunning = 0x20
)

type kind uint8

const (
	process kind = iota // returning means exit_group(0)
	thread_             // returning means exit(0)
	handler             // returning means rt_sigreturn
)

type program struct {
	kind kind
	run  func(*User)
	sig  func(u *User, sig int, info, context uint64)
	addr uint64
}

var programs struct {
	mu  sync.RWMutex // leaf
	all []*program
}

func register(p *program) uint64 {
	programs.mu.Lock()
	defer programs.mu.Unlock()
	p.addr = codeBase + uint64(len(programs.all))*codeStep
	programs.all = append(programs.all, p)
	return p.addr
}

func programAt(pc uint64) *program {
	if pc < codeBase || (pc-codeBase)%codeStep != 0 {
		return nil
	}
	programs.mu.RLock()
	defer programs.mu.RUnlock()
	if i := (pc - codeBase) / codeStep; i < uint64(len(programs.all)) {
		return programs.all[i]
	}
	return nil
}

// Program registers run and returns its code address. When run returns, the process
// exits with status 0.
func Program(run func(u *User)) uint64 { return register(&program{kind: process, run: run}) }

// Handler registers a signal handler and returns its address. It gets what the
// kernel put into the argument registers. Its return calls rt_sigreturn.
func Handler(do func(u *User, sig int, info, context uint64)) uint64 {
	return register(&program{kind: handler, sig: do})
}

// elfBase is where ELF programs have their only segment.
const elfBase = 0x400000

// ELF returns a static executable whose entry point is the registered address: what
// execve in a test loads.
func ELF(addr uint64) []byte {
	const ehsize, phentsize, phnum = 64, 56, 2
	le := binary.LittleEndian
	size := uint64(ehsize + phentsize*phnum)
	var b bytes.Buffer
	binary.Write(&b, le, elf.Header64{
		Ident:   [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:    uint16(elf.ET_EXEC),
		Machine: elfMachine,
		Version: uint32(elf.EV_CURRENT),
		Entry:   addr,
		Phoff:   ehsize, Ehsize: ehsize, Phentsize: phentsize, Phnum: phnum,
	})
	binary.Write(&b, le, elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: elfBase, Paddr: elfBase, Filesz: size, Memsz: size, Align: 0x1000,
	})
	binary.Write(&b, le, elf.Prog64{
		Type: uint32(elf.PT_GNU_STACK), Flags: uint32(elf.PF_R | elf.PF_W), Align: 16,
	})
	return b.Bytes()
}
