// Package binfmt reads executable files: ELF64 headers and scripts, and lays out the
// first stack of a program (execve(2), elf(5), the System V ABI's section 3.4). It
// maps nothing and trusts nothing: what it returns is checked, so that a corrupt file
// is an error of execve and no more.
package binfmt

import (
	"encoding/binary"
	"io"
	"math/bits"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/machine/pgtable"
)

const (
	pageSize   = 4096
	headerSize = 64
	phdrSize   = 56
	maxPhdrs   = 65536 / phdrSize

	// elf(5). Package debug/elf has these, and brings so much more that every boot would be longer.
	etExec, etDyn                = 2, 3
	ptLoad, ptInterp, ptGNUStack = 1, 3, 0x6474e551
	pfX, pfW, pfR                = 1, 2, 4
)

// Segment is a part of the file to map, page-aligned: [Addr, Addr+FileLen) from the
// file at Off, the rest up to Addr+MemLen zero. Zero from FileEnd on, which may lie
// inside the last file page.
type Segment struct {
	Addr    uint64 // relative to the load bias
	Off     int64
	FileLen uint64 // bytes mapped from the file, a multiple of the page size
	MemLen  uint64 // a multiple of the page size
	FileEnd uint64 // address after the last byte that comes from the file
	MemEnd  uint64 // and after the last byte of the segment
	Read    bool
	Write   bool
	Execute bool
}

// File is an executable or an interpreter.
type File struct {
	Dynamic   bool // position independent (ET_DYN)
	Entry     uint64
	Segments  []Segment // ascending, disjoint
	Low, High uint64    // of all segments, page-aligned
	Align     uint64    // the largest alignment that a segment wants; at least a page
	Phdr      uint64    // address of the program headers in memory, 0 if not mapped
	PhNum     int
	Interp    string // PT_INTERP's path, "" without one
	ExecStack bool   // PT_GNU_STACK asks for an executable stack
	// Bad says why the segments cannot be mapped, nil where they can. Linux finds out
	// past the point of no return, so that the program is killed instead of execve
	// failing.
	Bad error
}

// Parse reads the headers of an ELF file. ENOEXEC is for what is no executable of this
// machine. Like Linux it does not look at the class and byte order that the file claims.
func Parse(r io.ReaderAt) (*File, error) {
	var h [headerSize]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, unix.ENOEXEC
	}
	le := binary.LittleEndian
	typ := le.Uint16(h[16:])
	switch {
	case string(h[:4]) != "\x7fELF",
		typ != etExec && typ != etDyn,
		le.Uint16(h[18:]) != abi.ELFMachine,
		le.Uint16(h[54:]) != phdrSize:
		return nil, unix.ENOEXEC
	}
	phoff, phnum := le.Uint64(h[32:]), int(le.Uint16(h[56:]))
	if phnum == 0 || phnum > maxPhdrs || phoff > 1<<62 {
		return nil, unix.ENOEXEC
	}
	table := make([]byte, phnum*phdrSize)
	if _, err := r.ReadAt(table, int64(phoff)); err != nil {
		return nil, unix.ENOEXEC
	}
	f := &File{Dynamic: typ == etDyn, Entry: le.Uint64(h[24:]), PhNum: phnum, Align: pageSize}
	for ; len(table) > 0; table = table[phdrSize:] {
		p := header{
			typ:    le.Uint32(table),
			flags:  le.Uint32(table[4:]),
			off:    le.Uint64(table[8:]),
			vaddr:  le.Uint64(table[16:]),
			filesz: le.Uint64(table[32:]),
			memsz:  le.Uint64(table[40:]),
			align:  le.Uint64(table[48:]),
		}
		var err error
		switch p.typ {
		case ptLoad:
			if f.Bad == nil {
				f.Bad = f.addSegment(p, phoff)
			}
		case ptInterp:
			if f.Interp == "" {
				f.Interp, err = interpreter(r, p)
			}
		case ptGNUStack:
			f.ExecStack = p.flags&pfX != 0
		}
		if err != nil {
			return nil, err
		}
	}
	if len(f.Segments) == 0 || f.Bad != nil {
		if f.Bad == nil {
			f.Bad = unix.ENOEXEC
		}
		return f, nil
	}
	f.Low = f.Segments[0].Addr
	last := f.Segments[len(f.Segments)-1]
	f.High = last.Addr + last.MemLen
	return f, nil
}

type header struct {
	typ                              uint32
	flags                            uint32
	off, vaddr, filesz, memsz, align uint64
}

// addSegment rounds a PT_LOAD header to pages.
func (f *File) addSegment(p header, phoff uint64) error {
	const limit = pgtable.UserEnd
	if p.memsz == 0 {
		return nil
	}
	if p.filesz > p.memsz || p.memsz > limit || p.vaddr > limit-p.memsz || p.off > 1<<62 || p.filesz > 1<<62 {
		return unix.EINVAL
	}
	skew := p.vaddr % pageSize
	if p.off%pageSize != skew && p.filesz > 0 {
		return unix.EINVAL
	}
	s := Segment{
		Addr:    p.vaddr - skew,
		MemLen:  roundUp(p.memsz + skew),
		FileEnd: p.vaddr + p.filesz,
		MemEnd:  p.vaddr + p.memsz,
		Read:    p.flags&pfR != 0,
		Write:   p.flags&pfW != 0,
		Execute: p.flags&pfX != 0,
	}
	if p.filesz > 0 {
		s.Off = int64(p.off - skew)
		s.FileLen = roundUp(p.filesz + skew)
	}
	if n := len(f.Segments); n > 0 {
		// The standard wants ascending order; overlap would make one hide another.
		if prev := f.Segments[n-1]; s.Addr < prev.Addr+prev.MemLen {
			return unix.EINVAL
		}
	}
	if phoff >= p.off && phoff-p.off < p.filesz {
		f.Phdr = p.vaddr + phoff - p.off
	}
	if bits.OnesCount64(p.align) == 1 && p.align > f.Align && p.align <= 1<<30 {
		f.Align = p.align
	}
	f.Segments = append(f.Segments, s)
	return nil
}

func roundUp(n uint64) uint64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// interpreter reads PT_INTERP's path, which ends with NUL.
func interpreter(r io.ReaderAt, p header) (string, error) {
	if p.filesz < 2 || p.filesz > unix.PathMax || p.off > 1<<62 {
		return "", unix.ENOEXEC
	}
	b := make([]byte, p.filesz)
	if _, err := r.ReadAt(b, int64(p.off)); err != nil {
		return "", unix.EIO
	}
	if b[len(b)-1] != 0 {
		return "", unix.ENOEXEC
	}
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), nil
		}
	}
	return "", unix.ENOEXEC
}
