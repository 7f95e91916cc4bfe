// Package vdso builds the shared object that the kernel gives every program, so that
// it reads clocks without a system call (vdso(7)): an ELF image of one page, complete
// with what dynamic linkers look for. The code comes from the machine layer, which
// writes it; nothing here knows an instruction.
package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// Size is the size of an image: a page.
const Size = 4096

// Func is a function of the image: position-independent code, and the names that
// programs know it by.
type Func struct {
	Names []string
	Code  []byte
}

// Object is a built image.
type Object struct {
	Image   [Size]byte
	Offsets map[string]uint64 // of the functions, by name
}

// Build makes the object with all functions in one version of symbols. The code of
// each begins at a multiple of 16.
func Build(m elf.Machine, version string, funcs []Func) (*Object, error) {
	const soname = "linux-vdso.so.1"
	o := &Object{Offsets: make(map[string]uint64)}
	strings := "\x00"
	str := func(s string) uint32 {
		at := uint32(len(strings))
		strings += s + "\x00"
		return at
	}
	sonameAt, versionAt := str(soname), str(version)

	// Version 1 is the file itself, 2 the symbols'.
	versions := []uint16{0}
	symbols := []elf.Sym64{{}}
	for _, f := range funcs {
		for _, n := range f.Names {
			symbols = append(symbols, elf.Sym64{
				Name: str(n), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: codeSection, Size: uint64(len(f.Code)),
			})
			versions = append(versions, 2)
		}
	}

	b := newBuffer(binary.Size(elf.Header64{}) + 2*binary.Size(elf.Prog64{}))
	codeAt := b.align(16)
	codeEnd := codeAt
	k := 1
	for _, f := range funcs {
		at := b.align(16)
		b.Write(f.Code)
		codeEnd = uint64(b.Len())
		for _, n := range f.Names {
			o.Offsets[n] = at
			symbols[k].Value = at
			k++
		}
	}
	symAt := b.put(8, symbols)
	hashAt := b.put(4, hashTable(len(symbols)))
	versymAt := b.put(2, versions)
	verdefAt := b.put(4, []any{
		verdef{1, 1, 1, 1, sysvHash(soname), 20, 28}, verdaux{sonameAt, 0},
		verdef{1, 0, 2, 1, sysvHash(version), 20, 0}, verdaux{versionAt, 0},
	})
	strAt := uint64(b.Len())
	b.WriteString(strings)
	dynAt := b.put(8, []elf.Dyn64{
		{Tag: int64(elf.DT_SONAME), Val: uint64(sonameAt)},
		{Tag: int64(elf.DT_HASH), Val: hashAt},
		{Tag: int64(elf.DT_STRTAB), Val: strAt},
		{Tag: int64(elf.DT_SYMTAB), Val: symAt},
		{Tag: int64(elf.DT_STRSZ), Val: uint64(len(strings))},
		{Tag: int64(elf.DT_SYMENT), Val: 24},
		{Tag: int64(elf.DT_VERSYM), Val: versymAt},
		{Tag: int64(elf.DT_VERDEF), Val: verdefAt},
		{Tag: int64(elf.DT_VERDEFNUM), Val: 2},
		{},
	})
	dynEnd := uint64(b.Len())

	// Debuggers and nm look for sections.
	const names = "\x00.text\x00.dynsym\x00.hash\x00.gnu.version\x00.gnu.version_d\x00.dynstr\x00.dynamic\x00.shstrtab\x00"
	namesAt := uint64(b.Len())
	b.WriteString(names)
	name := func(s string) uint32 { return uint32(bytes.Index([]byte(names), []byte("\x00"+s+"\x00")) + 1) }
	section := func(n string, t elf.SectionType, at, size uint64, link, info uint32, align, entry uint64) elf.Section64 {
		return elf.Section64{Name: name(n), Type: uint32(t), Flags: uint64(elf.SHF_ALLOC), Addr: at, Off: at, Size: size,
			Link: link, Info: info, Addralign: align, Entsize: entry}
	}
	text := section(".text", elf.SHT_PROGBITS, codeAt, codeEnd-codeAt, 0, 0, 16, 0)
	text.Flags |= uint64(elf.SHF_EXECINSTR)
	strtab := section(".shstrtab", elf.SHT_STRTAB, namesAt, uint64(len(names)), 0, 0, 1, 0)
	strtab.Flags, strtab.Addr = 0, 0
	n := uint64(len(symbols))
	sections := []elf.Section64{
		{},
		text,
		section(".dynsym", elf.SHT_DYNSYM, symAt, n*24, strSection, 1, 8, 24),
		section(".hash", elf.SHT_HASH, hashAt, (3+n)*4, symSection, 0, 4, 4),
		section(".gnu.version", elf.SHT_GNU_VERSYM, versymAt, n*2, symSection, 0, 2, 2),
		section(".gnu.version_d", elf.SHT_GNU_VERDEF, verdefAt, 2*28, strSection, 2, 4, 0),
		section(".dynstr", elf.SHT_STRTAB, strAt, uint64(len(strings)), 0, 0, 1, 0),
		section(".dynamic", elf.SHT_DYNAMIC, dynAt, dynEnd-dynAt, strSection, 0, 8, 16),
		strtab,
	}
	sectionsAt := b.put(8, sections)
	if b.Len() > Size {
		return nil, fmt.Errorf("vdso: %d bytes do not fit in a page", b.Len())
	}

	copy(o.Image[:], b.Bytes())
	head := newBuffer(0)
	head.put(1, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(m), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Shoff: sectionsAt, Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64,
		Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1),
	})
	end := uint64(b.Len())
	head.put(1, []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Filesz: end, Memsz: end, Align: Size},
		{Type: uint32(elf.PT_DYNAMIC), Flags: uint32(elf.PF_R), Off: dynAt, Vaddr: dynAt, Paddr: dynAt,
			Filesz: dynEnd - dynAt, Memsz: dynEnd - dynAt, Align: 8},
	})
	copy(o.Image[:], head.Bytes())
	return o, nil
}

// Sections that others refer to by number.
const (
	codeSection = 1
	symSection  = 2
	strSection  = 6
)

// verdef and verdaux are Elf64_Verdef and Elf64_Verdaux (the gABI does not have them;
// see "Symbol Versioning" of the Linux Standard Base).
type verdef struct {
	Version, Flags, Index, Count uint16
	Hash, Aux, Next              uint32
}
type verdaux struct{ Name, Next uint32 }

// hashTable is DT_HASH with one bucket (gABI, chapter 5): all symbols in one chain.
func hashTable(symbols int) []uint32 {
	n := uint32(symbols)
	t := []uint32{1, n, 1, 0}
	for i := uint32(1); i < n; i++ {
		t = append(t, (i+1)%n)
	}
	return t
}

// sysvHash is the gABI's hash of a name.
func sysvHash(s string) (h uint32) {
	for i := range len(s) {
		h = h<<4 + uint32(s[i])
		g := h & 0xf000_0000
		h = (h ^ g>>24) &^ g
	}
	return h
}

// buffer is the image as it grows.
type buffer struct{ bytes.Buffer }

func newBuffer(n int) *buffer {
	b := new(buffer)
	b.Write(make([]byte, n))
	return b
}

// align pads to a multiple of n and returns the offset.
func (b *buffer) align(n int) uint64 {
	for b.Len()%n != 0 {
		b.WriteByte(0)
	}
	return uint64(b.Len())
}

// put appends a value, or the values of a list, at a multiple of n and returns where.
func (b *buffer) put(n int, v any) uint64 {
	at := b.align(n)
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, v := range list {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err) // a type without a fixed size
		}
	}
	return at
}
