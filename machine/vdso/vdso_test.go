package vdso

import (
	"bytes"
	"debug/elf"
	"testing"
)

// The image is what Go's reader of ELF files, and through it a dynamic linker, finds
// the functions in.
func TestBuild(t *testing.T) {
	o, err := Build(EMX8664, "LINUX_2.6", []Func{
		{Names: []string{"__vdso_time", "time"}, Code: []byte{1, 2, 3}},
		{Names: []string{"__vdso_getcpu"}, Code: []byte{4, 5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(o.Image[:]))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]byte{"__vdso_time": 1, "time": 1, "__vdso_getcpu": 4}
	for _, s := range symbols {
		if o.Image[s.Value] != want[s.Name] || o.Offsets[s.Name] != s.Value || s.Version != "LINUX_2.6" || s.Value%16 != 0 {
			t.Errorf("%+v: the code there begins with %d", s, o.Image[s.Value])
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if names, err := f.DynString(elf.DT_SONAME); err != nil || len(names) != 1 || names[0] != "linux-vdso.so.1" {
		t.Errorf("DT_SONAME is %q, %v", names, err)
	}
	if len(f.Progs) != 2 || f.Progs[0].Filesz > Size || f.Progs[1].Off%8 != 0 {
		t.Errorf("segments: %+v", f.Progs)
	}
}

func TestBuildTooLarge(t *testing.T) {
	if _, err := Build(EMAARCH64, "V", []Func{{Names: []string{"f"}, Code: make([]byte, Size)}}); err == nil {
		t.Error("an image larger than a page was built")
	}
}

// The hash that glibc and musl compute of a version's name (gABI, chapter 5).
func TestHash(t *testing.T) {
	if h := sysvHash("LINUX_2.6"); h != 0x3ae75f6 {
		t.Errorf("hash %#x", h)
	}
	if h := sysvHash("LINUX_2.6.39"); h != 0x75fcb89 {
		t.Errorf("hash %#x", h)
	}
}
