package tmpfs

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

// program is an address space with what a test does in it.
type program struct {
	*mm.Space
	t *testing.T
}

func newProgram(t *testing.T) program {
	s, err := mm.New(sim.New(t, sim.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	return program{s, t}
}

func (p program) mmap(f *vfs.File, pages uint64, prot, flags int) user.Addr {
	p.t.Helper()
	r := mm.Request{Length: pages * mem.PageSize, Prot: prot, Flags: flags}
	f.Map(&r)
	a, err := p.Mmap(r)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func (p program) store(a user.Addr, s string) {
	p.t.Helper()
	if n, err := p.CopyOut(a, []byte(s)); n != len(s) || err != nil {
		p.t.Fatalf("store: %d, %v", n, err)
	}
}

func (p program) load(a user.Addr, n int) string {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := p.CopyIn(b, a); err != nil {
		p.t.Fatalf("load: %v", err)
	}
	return string(b)
}

func TestMappings(t *testing.T) {
	const page = mem.PageSize
	const rw = unix.PROT_READ | unix.PROT_WRITE
	c := newTree(t)
	p := newProgram(t)
	before := mem.Usage().InUse
	f, err := vfs.OpenPath(c, "/f", unix.O_RDWR|unix.O_CREAT, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, c, "hello")
	g, err := vfs.OpenPath(c, "/f", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	shared := p.mmap(f, 2, rw, unix.MAP_SHARED)
	again := p.mmap(g, 2, rw, unix.MAP_SHARED)
	private := p.mmap(g, 1, rw, unix.MAP_PRIVATE)
	g.Unref()
	p.store(shared, "J")
	if got := readAll(t, f, c) + p.load(again, 5) + p.load(private, 5); got != "JelloJelloJello" {
		t.Errorf("after a store: %s", got)
	}
	p.store(private+1, "u")
	if got := readAll(t, f, c) + p.load(private, 5); got != "JelloJullo" {
		t.Errorf("after a private store: %s", got)
	}
	io := user.Kernel([]byte("XY"))
	f.WriteAt(c, &io, 2)
	if got := p.load(shared, 5) + p.load(private, 5); got != "JeXYoJullo" {
		t.Errorf("after a write: %s", got)
	}
	k1, _ := p.FutexKey(shared+8, true)
	k2, _ := p.FutexKey(again+8, true)
	k3, _ := p.FutexKey(private+8, true)
	if k1 != k2 || k1 == k3 {
		t.Error("keys of futexes")
	}
	if n := len(p.Maps()); n != 3 {
		t.Errorf("%d mappings", n)
	}
	if m := p.Maps()[2]; m.Name != "/f" || m.Ino != f.Inode().Ino || !m.Shared {
		t.Errorf("maps: %+v", m)
	}

	p.store(shared+10, "z")
	if err := p.Fault(shared+page, machine.Read); err != unix.ENXIO {
		t.Errorf("past the end: %v", err)
	}
	if err := f.Truncate(c, 2*page); err != nil {
		t.Fatal(err)
	}
	if got := p.load(shared+10, 1) + p.load(shared+page, 1); got != "z\x00" {
		t.Errorf("after growing: %q", got)
	}
	p.store(again+page, "second")
	f.Truncate(c, 3)
	if err := p.Fault(shared+page, machine.Write); err != unix.ENXIO {
		t.Errorf("cut off: %v", err)
	}
	if err := p.Fault(private, machine.Read); err != nil {
		t.Errorf("the private page went with another: %v", err)
	}
	f.Truncate(c, 0)
	if err := p.Fault(private, machine.Read); err != unix.ENXIO {
		t.Errorf("private page past the end: %v", err)
	}
	vfs.Unlink(c, at, []byte("/f"))
	f.Unref()
	p.Release()
	if now := mem.Usage().InUse; now > before {
		t.Errorf("%d frames are left", now-before)
	}
}

func TestMappingErrors(t *testing.T) {
	c := newTree(t)
	p := newProgram(t)
	defer p.Release()
	f, _ := vfs.OpenPath(c, "/f", unix.O_RDWR|unix.O_CREAT, 0o666)
	f.Unref()
	r, _ := vfs.OpenPath(c, "/f", unix.O_RDONLY, 0)
	defer r.Unref()
	w, _ := vfs.OpenPath(c, "/f", unix.O_WRONLY, 0)
	defer w.Unref()
	dir, _ := vfs.OpenPath(c, "/", unix.O_RDONLY, 0)
	defer dir.Unref()
	for _, x := range []struct {
		what        string
		f           *vfs.File
		prot, flags int
		want        error
	}{
		{"read of a write-only file", w, unix.PROT_READ, unix.MAP_PRIVATE, unix.EACCES},
		{"shared write of a read-only file", r, unix.PROT_WRITE, unix.MAP_SHARED, unix.EACCES},
		{"private write of a read-only file", r, unix.PROT_WRITE, unix.MAP_PRIVATE, nil},
		{"directory", dir, unix.PROT_READ, unix.MAP_PRIVATE, unix.ENODEV},
		{"growing down", r, unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_GROWSDOWN, unix.EINVAL},
		{"unknown flag", r, unix.PROT_READ, unix.MAP_SHARED_VALIDATE | 1<<25, unix.EOPNOTSUPP},
	} {
		q := mm.Request{Length: mem.PageSize, Prot: x.prot, Flags: x.flags}
		x.f.Map(&q)
		if _, err := p.Mmap(q); err != x.want {
			t.Errorf("%s: %v, want %v", x.what, err, x.want)
		}
	}
	q := mm.Request{Length: mem.PageSize, Prot: unix.PROT_READ, Flags: unix.MAP_SHARED}
	r.Map(&q)
	a, _ := p.Mmap(q)
	if err := p.Mprotect(a, mem.PageSize, unix.PROT_WRITE); err != unix.EACCES {
		t.Errorf("mprotect: %v", err)
	}
}
