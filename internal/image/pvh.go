package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// imageBase is the virtual address of physical address 0 in the x86-64 image.
const imageBase = 0xffffffff80000000

// PVH turns the linked x86-64 kernel into one that PVH boot loaders start (QEMU's
// -kernel, Firecracker, Cloud Hypervisor): physical addresses in the program headers,
// and an ELF note with the 32-bit entry point (XEN_ELFNOTE_PHYS32_ENTRY). in and out
// are file names, and may be the same.
func PVH(in, out string) error {
	b, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	if b, err = pvh(b); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return replace(out, b)
}

// Offsets in ELF64 headers and types of program headers (ELF-64 object file format).
const (
	eEntry, ePhoff, ePhnum         = 24, 32, 56
	phentsize                      = 56
	pOffset, pVaddr, pPaddr        = 8, 16, 24
	pFilesz, pMemsz, pAlign        = 32, 40, 48
	ptNull, ptLoad, ptNote, ptPHDR = 0, 1, 4, 6
)

func pvh(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	if len(b) < 64 || string(b[:4]) != "\x7fELF" || le.Uint16(b[18:]) != 62 {
		return nil, errors.New("not an x86-64 ELF file")
	}
	entry := le.Uint64(b[eEntry:])
	if entry < imageBase {
		return nil, fmt.Errorf("entry point %#x is not in the kernel's half", entry)
	}
	note := le.AppendUint32(nil, 4) // name, descriptor, type
	note = le.AppendUint32(note, 8)
	note = le.AppendUint32(note, 18) // XEN_ELFNOTE_PHYS32_ENTRY
	note = append(note, "Xen\x00"...)
	note = le.AppendUint64(note, entry-imageBase)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	at := uint64(len(b))
	b = append(b, note...)
	noted := false
	for i := range uint64(le.Uint16(b[ePhnum:])) {
		p := b[le.Uint64(b[ePhoff:])+i*phentsize:]
		switch le.Uint32(p) {
		case ptLoad:
			le.PutUint64(p[pPaddr:], le.Uint64(p[pVaddr:])-imageBase)
		case ptNote:
			noted = true
			le.PutUint64(p[pOffset:], at)
			le.PutUint64(p[pVaddr:], 0)
			le.PutUint64(p[pPaddr:], 0)
			le.PutUint64(p[pFilesz:], uint64(len(note)))
			le.PutUint64(p[pMemsz:], uint64(len(note)))
			le.PutUint64(p[pAlign:], 4)
		case ptPHDR:
			le.PutUint32(p, ptNull)
		}
	}
	if !noted {
		return nil, errors.New("no PT_NOTE program header to use")
	}
	if err := dropTail(b); err != nil {
		return nil, err
	}
	le.PutUint64(b[eEntry:], entry-imageBase)
	return b, nil
}
