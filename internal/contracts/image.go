package contracts

import (
	"bytes"
	"fmt"
)

// An archive is an initramfs in the making: a cpio archive in the "newc" format (cpio(5)).
type archive struct {
	b    bytes.Buffer
	n    int
	dirs map[string]bool
}

// add appends a file, and the directories above it where they are new. mode has the type's bits, as in stat(2).
func (a *archive) add(name string, mode uint32, data []byte) {
	if a.dirs == nil {
		a.dirs = map[string]bool{}
	}
	for i, c := range name {
		if c == '/' && !a.dirs[name[:i]] {
			a.dirs[name[:i]] = true
			a.entry(name[:i], 0o040755, nil)
		}
	}
	a.entry(name, mode, data)
}

func (a *archive) entry(name string, mode uint32, data []byte) {
	a.n++
	fmt.Fprintf(&a.b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.b.WriteString(name)
	a.b.WriteByte(0)
	a.pad()
	a.b.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

// bytes ends the archive and returns it.
func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, nil)
	return a.b.Bytes()
}
