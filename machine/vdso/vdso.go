// Package vdso builds the shared object that the kernel gives every program, so that
// it reads clocks without a system call (vdso(7)): an ELF image of one page, complete
// with what dynamic linkers look for. The code comes from the machine layer, which
// writes it; nothing here knows an instruction.
package vdso

import (
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

// Constants of ELF (gABI; "Symbol Versioning" of the Linux Standard Base). Package debug/elf has
// them, and brings so much more that every boot would be longer.
const (
	EMX8664   = 62
	EMAARCH64 = 183

	etDyn = 3

	ptLoad, ptDynamic = 1, 2
	pfX, pfR          = 1, 4

	dtHash, dtStrtab, dtSymtab, dtStrsz, dtSyment, dtSoname = 4, 5, 6, 10, 11, 14
	dtVersym, dtVerdef, dtVerdefnum                         = 0x6ffffff0, 0x6ffffffc, 0x6ffffffd

	shtProgbits, shtStrtab, shtHash, shtDynamic, shtDynsym = 1, 3, 5, 6, 11
	shtVerdef, shtVersym                                   = 0x6ffffffd, 0x6fffffff
	shfAlloc, shfExecinstr                                 = 2, 4

	globalFunc = 1<<4 | 2 // st_info: STB_GLOBAL, STT_FUNC
)

// Sections that others refer to by number.
const (
	codeSection = 1
	symSection  = 2
	strSection  = 6
	sections    = 9
)

// Sizes of the gABI's structures.
const (
	headerSize  = 64
	programSize = 56
	symbolSize  = 24
)

// Build makes the object with all functions in one version of symbols, for the ELF machine m.
// The code of each begins at a multiple of 16.
func Build(m uint16, version string, funcs []Func) (*Object, error) {
	const soname = "linux-vdso.so.1"
	o := &Object{Offsets: make(map[string]uint64)}
	b := &buffer{b: make([]byte, headerSize+2*programSize, Size)}
	codeAt := b.align(16)
	for _, f := range funcs {
		at := b.align(16)
		b.add(string(f.Code))
		for _, n := range f.Names {
			o.Offsets[n] = at
		}
	}
	codeEnd := b.len()

	strings := "\x00"
	str := func(s string) uint64 {
		at := len(strings)
		strings += s + "\x00"
		return uint64(at)
	}
	sonameAt, versionAt := str(soname), str(version)
	symAt := b.align(8)
	b.zero(symbolSize)
	n := 1
	for _, f := range funcs {
		for _, name := range f.Names {
			b.put("411288", str(name), globalFunc, 0, codeSection, o.Offsets[name], uint64(len(f.Code)))
			n++
		}
	}
	hashAt := b.len()
	for _, w := range hashTable(n) {
		b.put("4", uint64(w))
	}
	// Version 1 is the file itself, 2 the symbols'.
	versymAt := b.len()
	b.put("2", 0)
	for range n - 1 {
		b.put("2", 2)
	}
	verdefAt := b.align(4)
	b.put("222244444", 1, 1, 1, 1, uint64(sysvHash(soname)), 20, 28, sonameAt, 0)
	b.put("222244444", 1, 0, 2, 1, uint64(sysvHash(version)), 20, 0, versionAt, 0)
	strAt := b.len()
	b.add(strings)
	dynAt := b.align(8)
	for _, d := range [...][2]uint64{
		{dtSoname, sonameAt}, {dtHash, hashAt}, {dtStrtab, strAt}, {dtSymtab, symAt}, {dtStrsz, uint64(len(strings))},
		{dtSyment, symbolSize}, {dtVersym, versymAt}, {dtVerdef, verdefAt}, {dtVerdefnum, 2}, {},
	} {
		b.put("88", d[0], d[1])
	}
	dynEnd := b.len()

	// Debuggers and nm look for sections.
	const names = "\x00.text\x00.dynsym\x00.hash\x00.gnu.version\x00.gnu.version_d\x00.dynstr\x00.dynamic\x00.shstrtab\x00"
	namesAt := b.len()
	b.add(names)
	sectionsAt := b.align(8)
	b.zero(headerSize)
	name := uint64(1)
	count := uint64(n)
	for _, s := range [...]struct{ kind, flags, at, size, link, info, align, entry uint64 }{
		{shtProgbits, shfAlloc | shfExecinstr, codeAt, codeEnd - codeAt, 0, 0, 16, 0},
		{shtDynsym, shfAlloc, symAt, count * symbolSize, strSection, 1, 8, symbolSize},
		{shtHash, shfAlloc, hashAt, (3 + count) * 4, symSection, 0, 4, 4},
		{shtVersym, shfAlloc, versymAt, count * 2, symSection, 0, 2, 2},
		{shtVerdef, shfAlloc, verdefAt, 2 * 28, strSection, 2, 4, 0},
		{shtStrtab, shfAlloc, strAt, uint64(len(strings)), 0, 0, 1, 0},
		{shtDynamic, shfAlloc, dynAt, dynEnd - dynAt, strSection, 0, 8, 16},
		{shtStrtab, 0, namesAt, uint64(len(names)), 0, 0, 1, 0},
	} {
		addr := s.at
		if s.flags == 0 {
			addr = 0
		}
		b.put("4488884488", name, s.kind, s.flags, addr, s.at, s.size, s.link, s.info, s.align, s.entry)
		for names[name] != 0 {
			name++
		}
		name++
	}
	end := b.len()
	if end > Size {
		return nil, fmt.Errorf("vdso: %d bytes do not fit in a page", end)
	}

	head := &buffer{b: append(b.b[:0:0], "\x7fELF\x02\x01\x01"...)} // 64 bits, little-endian, version 1
	head.align(16)
	head.put("2248884222222", etDyn, uint64(m), 1, 0, headerSize, sectionsAt, 0, headerSize, programSize, 2, headerSize, sections, sections-1)
	head.put("44888888", ptLoad, pfR|pfX, 0, 0, 0, end, end, Size)
	head.put("44888888", ptDynamic, pfR, dynAt, dynAt, dynAt, dynEnd-dynAt, dynEnd-dynAt, 8)
	copy(o.Image[:], b.b)
	copy(o.Image[:], head.b)
	return o, nil
}

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
type buffer struct{ b []byte }

func (b *buffer) len() uint64 { return uint64(len(b.b)) }

func (b *buffer) add(s string) { b.b = append(b.b, s...) }

func (b *buffer) zero(n int) { b.b = append(b.b, make([]byte, n)...) }

// align pads to a multiple of n and returns the offset.
func (b *buffer) align(n int) uint64 {
	b.zero(-len(b.b) & (n - 1))
	return b.len()
}

// put appends values, little-endian; sizes has the digit of each one's size in bytes.
func (b *buffer) put(sizes string, values ...uint64) {
	for i, v := range values {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], v)
		b.b = append(b.b, word[:sizes[i]-'0']...)
	}
}
