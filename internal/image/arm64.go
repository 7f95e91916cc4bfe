package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// The ARM64 kernel is linked at arm64Base, where it maps itself; the linker puts a page
// of ELF headers before the text. Loaders put it at any multiple of 2 MiB.
const (
	arm64Base = 0xff80_0000_0000
	// arm64Load is the physical address of a bare ELF: QEMU's virt has the device tree
	// below it, at the start of RAM.
	arm64Load = 0x4020_0000
)

// ARM64 turns the linked ARM64 kernel into the two files that boot loaders start: an
// ELF with physical addresses, for those that take a bare ELF, and a Linux Image.
func ARM64(in, elf, flat string) error {
	b, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	if err := dropTail(b); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	image, err := arm64Image(b)
	if err == nil {
		err = arm64ELF(b)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if err := replace(flat, image); err != nil {
		return err
	}
	return replace(elf, b)
}

// arm64Loads calls do for each loadable segment of the ELF file b.
func arm64Loads(b []byte, do func(p []byte)) error {
	le := binary.LittleEndian
	if len(b) < 64 || string(b[:4]) != "\x7fELF" || le.Uint16(b[18:]) != 183 {
		return errors.New("not an ARM64 ELF file")
	}
	if e := le.Uint64(b[eEntry:]); e < arm64Base {
		return fmt.Errorf("entry point %#x is not in the kernel's mapping", e)
	}
	for i := range uint64(le.Uint16(b[ePhnum:])) {
		p := b[le.Uint64(b[ePhoff:])+i*phentsize:][:phentsize]
		if le.Uint32(p) == ptLoad {
			do(p)
		}
	}
	return nil
}

// arm64Image lays the segments out flat and puts the header of the Linux boot protocol
// (Documentation/arch/arm64/booting.rst) over the ELF header's place.
func arm64Image(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	var image []byte
	size := uint64(0)
	err := arm64Loads(b, func(p []byte) {
		off, va, n := le.Uint64(p[pOffset:]), le.Uint64(p[pVaddr:])-arm64Base, le.Uint64(p[pFilesz:])
		if end := va + n; uint64(len(image)) < end {
			image = append(image, make([]byte, end-uint64(len(image)))...)
		}
		copy(image[va:], b[off:off+n])
		size = max(size, va+le.Uint64(p[pMemsz:]))
	})
	if err != nil {
		return nil, err
	}
	const (
		header   = 4096
		branch   = 0x14000000
		anywhere = 1 << 3 // little-endian, any 2 MiB aligned place
		pages4K  = 1 << 1
	)
	if len(image) < header {
		return nil, errors.New("nothing to load")
	}
	clear(image[:header])
	le.PutUint32(image, branch|uint32((le.Uint64(b[eEntry:])-arm64Base)/4)) // b entry
	le.PutUint64(image[16:], (size+4095)&^4095)                             // text_offset, at 8, is 0
	le.PutUint64(image[24:], anywhere|pages4K)
	le.PutUint64(image[imageLength:], uint64(len(image)))
	copy(image[56:], "ARM\x64")
	return image, nil
}

// imageLength is where our Images hold the length of the file, in a field of the header that loaders leave alone: so that
// one that was cut off is noticed (Check).
const imageLength = 32

// arm64ELF gives the segments and the entry point of b physical addresses.
func arm64ELF(b []byte) error {
	le := binary.LittleEndian
	err := arm64Loads(b, func(p []byte) {
		le.PutUint64(p[pPaddr:], le.Uint64(p[pVaddr:])-arm64Base+arm64Load)
	})
	if err == nil {
		le.PutUint64(b[eEntry:], le.Uint64(b[eEntry:])-arm64Base+arm64Load)
	}
	return err
}
