package image

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSetInit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kernel")
	slot := append([]byte(SlotMagic), make([]byte, SlotSize-len(SlotMagic))...)
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(append(append([]byte("before"), slot...), "after"...))
	for _, path := range []string{"/sbin/a-longer-name", "/init"} {
		if err := SetInit(file, path); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(file)
		want := append([]byte("before"), slot...)
		copy(want[len("before")+len(SlotMagic):], path)
		if !bytes.Equal(b, append(want, "after"...)) {
			t.Fatalf("%s: %q", path, b)
		}
	}
	if err := SetInit(file, "/"+strings.Repeat("x", SlotSize)); err == nil {
		t.Error("a path that does not fit was accepted")
	}
	write([]byte("nothing here"))
	if err := SetInit(file, "/init"); err == nil {
		t.Error("a file without a slot was accepted")
	}
	write(append(slot, slot...))
	if err := SetInit(file, "/init"); err == nil {
		t.Error("a file with two slots was accepted")
	}
}

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the kernel")
	}
	file, err := Build("amd64", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := SetInit(file, "/bin/first"); err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entry := false
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_LOAD:
			if p.Paddr != p.Vaddr-imageBase {
				t.Errorf("segment at %#x has physical address %#x", p.Vaddr, p.Paddr)
			}
			entry = entry || f.Entry >= p.Paddr && f.Entry < p.Paddr+p.Memsz
			if p.Memsz > 16<<20 {
				t.Errorf("segment at %#x takes %d MiB: with the tail that gets memory on demand?", p.Vaddr, p.Memsz>>20)
			}
			if p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
				t.Errorf("segment at %#x is writable and executable", p.Vaddr)
			}
		case elf.PT_NOTE:
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil || !bytes.Contains(b, []byte("Xen\x00")) {
				t.Errorf("note %q, %v", b, err)
			}
		}
	}
	if !entry {
		t.Errorf("entry point %#x is in no segment", f.Entry)
	}
}
