package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// lastTable is the nanokernel's largest table. Static memory behind it, the image's tail, gets frames on demand
// (machine/nk/mm.go).
const lastTable = "kevlar/machine/nk.threads"

// dropTail takes the image's tail off the segment that has it, so that loaders neither clear it nor want memory for
// it: it is several times as large as all the rest. b is changed in place.
func dropTail(b []byte) error {
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if s.Name != lastTable {
			continue
		}
		end := (s.Value + s.Size + 4095) &^ 4095
		le := binary.LittleEndian
		for i := range uint64(le.Uint16(b[ePhnum:])) {
			p := b[le.Uint64(b[ePhoff:])+i*phentsize:][:phentsize]
			va, size := le.Uint64(p[pVaddr:]), le.Uint64(p[pMemsz:])
			if le.Uint32(p) == ptLoad && va <= s.Value && end < va+size {
				le.PutUint64(p[pMemsz:], max(end-va, le.Uint64(p[pFilesz:])))
			}
		}
		return nil
	}
	return fmt.Errorf("no symbol %s", lastTable)
}
