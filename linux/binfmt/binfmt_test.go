package binfmt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// executable builds a small ELF file: headers, PT_INTERP, two segments.
func executable(change func(b []byte)) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0x3000)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 3) // ET_DYN
	le.PutUint16(b[18:], abi.ELFMachine)
	le.PutUint64(b[24:], 0x1040) // entry
	le.PutUint64(b[32:], 64)     // program headers
	le.PutUint16(b[54:], phdrSize)
	le.PutUint16(b[56:], 4)
	phdr := func(i int, typ, flags uint32, off, vaddr, filesz, memsz, align uint64) {
		p := b[64+i*phdrSize:]
		le.PutUint32(p, typ)
		le.PutUint32(p[4:], flags)
		for j, v := range []uint64{off, vaddr, vaddr, filesz, memsz, align} {
			le.PutUint64(p[8+8*j:], v)
		}
	}
	phdr(0, 3, 4, 0x200, 0x200, 12, 12, 1) // PT_INTERP
	copy(b[0x200:], "/lib/ld.so.1\x00")
	le.PutUint64(b[64+32:], 13)
	phdr(1, 1, 5, 0, 0, 0x1800, 0x1800, 0x1000)
	phdr(2, 1, 6, 0x1f00, 0x3f00, 0x200, 0x2000, 0x10000)
	phdr(3, 0x6474e551, 6, 0, 0, 0, 0, 16) // PT_GNU_STACK
	if change != nil {
		change(b)
	}
	return b
}

func TestParse(t *testing.T) {
	f, err := Parse(bytes.NewReader(executable(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Dynamic || f.Entry != 0x1040 || f.Interp != "/lib/ld.so.1" || f.ExecStack || f.Phdr != 64 || f.PhNum != 4 || f.Align != 0x10000 {
		t.Errorf("headers: %+v", f)
	}
	if f.Low != 0 || f.High != 0x6000 {
		t.Errorf("extent %#x to %#x, want 0 to 0x6000", f.Low, f.High)
	}
	want := []Segment{
		{Addr: 0, Off: 0, FileLen: 0x2000, MemLen: 0x2000, FileEnd: 0x1800, MemEnd: 0x1800, Read: true, Execute: true},
		{Addr: 0x3000, Off: 0x1000, FileLen: 0x2000, MemLen: 0x3000, FileEnd: 0x4100, MemEnd: 0x5f00, Read: true, Write: true},
	}
	for i, s := range f.Segments {
		if s != want[i] {
			t.Errorf("segment %d: %+v, want %+v", i, s, want[i])
		}
	}
}

func TestParseErrors(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"magic":            {func(b []byte) { b[1] = 'F' }, unix.ENOEXEC},
		"object file":      {func(b []byte) { b[16] = 1 }, unix.ENOEXEC},
		"another machine":  {func(b []byte) { b[18]++ }, unix.ENOEXEC},
		"header size":      {func(b []byte) { b[54]-- }, unix.ENOEXEC},
		"no headers":       {func(b []byte) { b[56] = 0 }, unix.ENOEXEC},
		"headers past end": {func(b []byte) { le.PutUint64(b[32:], 1<<40) }, unix.ENOEXEC},
		"interp too long":  {func(b []byte) { le.PutUint64(b[64+32:], 5000) }, unix.ENOEXEC},
		"interp unended":   {func(b []byte) { b[0x20c] = 'x' }, unix.ENOEXEC},
		"file over memory": {func(b []byte) { le.PutUint64(b[64+56+40:], 1) }, unix.EINVAL},
		"skewed":           {func(b []byte) { le.PutUint64(b[64+56+8:], 8) }, unix.EINVAL},
		"kernel address":   {func(b []byte) { le.PutUint64(b[64+2*56+16:], 1<<63) }, unix.EINVAL},
		"overlap":          {func(b []byte) { le.PutUint64(b[64+2*56+16:], 0x1f00) }, unix.EINVAL},
	} {
		f, err := Parse(bytes.NewReader(executable(c.change)))
		if err == nil {
			err = f.Bad // found out too late for execve to fail
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := Parse(strings.NewReader("short")); !errors.Is(err, unix.ENOEXEC) {
		t.Errorf("short file: %v", err)
	}
}

// The test's own binary is an executable of the machine that the tests are for.
func TestParseSelf(t *testing.T) {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	defer exe.Close()
	f, err := Parse(exe)
	if err != nil || f.Phdr == 0 || f.Entry < f.Low || f.Entry >= f.High {
		t.Errorf("Parse = %+v, %v", f, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(executable(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(bytes.NewReader(b))
		if err != nil || file.Bad != nil {
			return
		}
		end := uint64(0)
		for _, s := range file.Segments {
			if s.Addr%pageSize != 0 || s.MemLen%pageSize != 0 || s.FileLen%pageSize != 0 || s.MemLen < s.FileLen || s.Off%pageSize != 0 || s.Off < 0 {
				t.Errorf("segment %+v is not in pages", s)
			}
			if s.Addr < end || s.Addr+s.MemLen < s.Addr {
				t.Errorf("segment %+v overlaps what ends at %#x", s, end)
			}
			end = s.Addr + s.MemLen
		}
	})
}

func TestScript(t *testing.T) {
	for _, c := range []struct {
		first, interp, arg string
		ok                 bool
		err                error
	}{
		{"#!/bin/sh\necho", "/bin/sh", "", true, nil},
		{"#! /bin/sh -e  -x \n", "/bin/sh", "-e  -x", true, nil},
		{"#!\t/usr/bin/env\tpython\n", "/usr/bin/env", "python", true, nil},
		{"#!/bin/sh", "/bin/sh", "", true, nil},
		{"#!\n", "", "", true, unix.ENOEXEC},
		{"#!   ", "", "", true, unix.EACCES},
		{"#!", "", "", true, unix.EACCES},
		{"#!/" + strings.Repeat("x", 300), "", "", true, unix.ENOEXEC},
		{"\x7fELF", "", "", false, nil},
		{"", "", "", false, nil},
	} {
		first := []byte(c.first)
		interp, arg, ok, err := Script(first[:min(len(first), ScriptMax)])
		if interp != c.interp || arg != c.arg || ok != c.ok || err != c.err {
			t.Errorf("Script(%.20q) = %q, %q, %v, %v; want %q, %q, %v, %v", c.first, interp, arg, ok, err, c.interp, c.arg, c.ok, c.err)
		}
	}
}

func TestLayout(t *testing.T) {
	const top = 0x7fff_ffff_f000
	s := Stack{Args: []string{"sh", "-c", ""}, Env: []string{"A=1"}, Path: "/bin/sh", Platform: "p", Random: [16]byte{1, 2}, Aux: []Aux{{AtPagesz, 4096}}}
	im, err := s.Layout(top, 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	if im.SP%16 != 0 || im.SP+uint64(len(im.Bytes)) != top {
		t.Errorf("SP %#x with %d bytes does not end at the top", im.SP, len(im.Bytes))
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(im.Bytes[8*i:]) }
	text := func(p uint64) string {
		v, _, _ := strings.Cut(string(im.Bytes[p-im.SP:]), "\x00")
		return v
	}
	if word(0) != 3 || text(word(1)) != "sh" || text(word(2)) != "-c" || text(word(3)) != "" || word(4) != 0 {
		t.Error("argv is wrong")
	}
	if text(word(5)) != "A=1" || word(6) != 0 {
		t.Error("envp is wrong")
	}
	if got := string(im.Bytes[im.ArgStart-im.SP : im.ArgEnd-im.SP]); got != "sh\x00-c\x00\x00" {
		t.Errorf("arguments are %q", got)
	}
	if got := string(im.Bytes[im.EnvStart-im.SP : im.EnvEnd-im.SP]); got != "A=1\x00" {
		t.Errorf("environment is %q", got)
	}
	aux := map[uint64]uint64{}
	for i := 7; word(i) != AtNull; i += 2 {
		aux[word(i)] = word(i + 1)
	}
	if aux[AtPagesz] != 4096 || text(aux[AtExecfn]) != "/bin/sh" || text(aux[AtPlatform]) != "p" || !bytes.Equal(im.Bytes[aux[AtRandom]-im.SP:][:16], s.Random[:]) {
		t.Errorf("auxiliary vector: %v", aux)
	}
	if !bytes.Equal(im.Bytes[len(im.Bytes)-8:], make([]byte, 8)) {
		t.Error("the stack does not end with zeroes")
	}
}

func TestLayoutLimits(t *testing.T) {
	long := strings.Repeat("x", MaxString)
	for name, s := range map[string]*Stack{
		"one string":     {Args: []string{long}},
		"all together":   {Args: []string{"a"}, Env: slicesOf(long[1:], 20)},
		"pointers count": {Args: slicesOf("", 300_000)},
	} {
		if _, err := s.Layout(0x7fff_ffff_f000, 8<<20); err != unix.E2BIG {
			t.Errorf("%s: %v, want E2BIG", name, err)
		}
	}
}

func slicesOf(v string, n int) []string {
	l := make([]string, n)
	for i := range l {
		l[i] = v
	}
	return l
}
