package mm

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
	"kevlar/machine/sim"
)

const page = mem.PageSize

func newSpace(t testing.TB) *Space {
	t.Helper()
	m := sim.New(t, sim.Config{})
	zeroFrame()
	before := mem.Usage().InUse
	s, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Release()
		if after := mem.Usage().InUse; after != before {
			t.Errorf("%d frames in use, %d before", after, before)
		}
	})
	return s
}

func mustMap(t testing.TB, s *Space, r Request) user.Addr {
	t.Helper()
	a, err := s.Mmap(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const anon, rw = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, unix.PROT_READ | unix.PROT_WRITE

func TestCopyAcrossPages(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 3 * page, Prot: rw, Flags: anon})
	want := bytes.Repeat([]byte("kevlar"), 1000)
	if n, err := s.CopyOut(a+100, want); n != len(want) || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, len(want))
	if n, err := s.CopyIn(got, a+100); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Fatal(n, err)
	}
	if n, err := s.CopyOut(a+3*page-4, want); n != 4 || err != unix.EFAULT {
		t.Errorf("past the end: %d, %v", n, err)
	}
}

// Copies remember page tables, of which several share a place. Each goroutine has addresses
// of its own, so it knows what it must find there, whatever the others and forks do.
func TestCopiesSeeEveryChange(t *testing.T) {
	s := newSpace(t)
	const workers, leaves, rounds = 4, 3, 200
	try := func(at user.Addr, round int) error {
		r := Request{Addr: at, Length: page, Prot: rw, Flags: anon | unix.MAP_FIXED_NOREPLACE}
		if _, err := s.Mmap(r); err != nil {
			return err
		}
		var b, w [8]byte
		for i := range w {
			w[i] = byte(round + i)
		}
		if n, err := s.CopyIn(b[:], at+page-8); n != 8 || err != nil || b != ([8]byte{}) {
			return fmt.Errorf("new memory: %d, %v, %v", n, err, b)
		}
		if n, err := s.CopyOut(at+page-8, w[:]); n != 8 || err != nil {
			return fmt.Errorf("write: %d, %v", n, err)
		}
		if n, err := s.CopyIn(b[:], at+page-8); n != 8 || err != nil || b != w {
			return fmt.Errorf("read back: %d, %v, %v for %v", n, err, b, w)
		}
		s.Mprotect(at, page, unix.PROT_READ)
		if n, err := s.CopyOut(at+page-8, w[:]); n != 0 || err != unix.EFAULT {
			return fmt.Errorf("write of read-only memory: %d, %v", n, err)
		}
		s.Mprotect(at, page, unix.PROT_NONE)
		if n, err := s.CopyIn(b[:], at); n != 0 || err != unix.EFAULT {
			return fmt.Errorf("read of PROT_NONE: %d, %v", n, err)
		}
		s.Mprotect(at, page, rw)
		if n, err := s.CopyIn(b[:], at+page-4); n != 4 || err != unix.EFAULT || [4]byte(b[:4]) != [4]byte(w[4:]) {
			return fmt.Errorf("read over the end: %d, %v, %v", n, err, b)
		}
		if err := s.Munmap(at, page); err != nil {
			return err
		}
		if n, err := s.CopyIn(b[:], at); n != 0 || err != unix.EFAULT {
			return fmt.Errorf("read of unmapped memory: %d, %v", n, err)
		}
		return nil
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for round := range rounds {
				leaf := round%leaves*len(s.leaves) + w%2 // workers meet in places, and in tables
				at := user.Addr(1<<32 + leaf*pgtable.LeafSize + w*8*page)
				if err := try(at, round); err != nil {
					t.Errorf("worker %d, round %d: %v", w, round, err)
					return
				}
			}
		})
	}
	for range 20 {
		c, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		c.Release()
	}
	wg.Wait()
}

func TestCopyInString(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 2 * page, Prot: rw, Flags: anon})
	long := bytes.Repeat([]byte{'x'}, 300)
	s.CopyOut(a+page-100, long)
	s.CopyOut(a+2*page-3, []byte("end"))
	buf := make([]byte, 301)
	for _, c := range []struct {
		from user.Addr
		buf  []byte
		n    int
		err  error
	}{
		{a + page - 100, buf, 300, nil},
		{a + page - 100, buf[:300], 300, unix.ENAMETOOLONG},
		{a + page + 200, buf, 0, nil},
		{a + 2*page - 3, buf, 3, unix.EFAULT},
		{a - page, buf, 0, unix.EFAULT},
		{0xffff_8000_0000_0000, buf, 0, unix.EFAULT},
	} {
		if n, err := s.CopyInString(c.buf, c.from); n != c.n || err != c.err {
			t.Errorf("at %#x: %d, %v; want %d, %v", c.from, n, err, c.n, c.err)
		}
	}
}

func TestProtect(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 3 * page, Prot: rw, Flags: anon})
	s.CopyOut(a+page, []byte("kept"))
	if err := s.Mprotect(a+page, page, unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Maps()); n != 3 {
		t.Errorf("%d mappings after a split", n)
	}
	if r := s.Fault(a+page, machine.Read); r != unix.EACCES {
		t.Errorf("read of PROT_NONE: %v", r)
	}
	if err := s.Mprotect(a+page, page, rw); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Maps()); n != 1 {
		t.Errorf("%d mappings after a join", n)
	}
	b := make([]byte, 4)
	if _, err := s.CopyIn(b, a+page); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
	if err := s.Mprotect(a, 4*page, unix.PROT_READ); err != unix.ENOMEM {
		t.Errorf("hole: %v", err)
	}
	if r := s.Fault(a, machine.Write); r != unix.EACCES {
		t.Errorf("write after a partial mprotect: %v", r)
	}
}

func TestForkCopiesOnWrite(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: page, Prot: rw, Flags: anon})
	b := mustMap(t, s, Request{Length: page, Prot: rw, Flags: unix.MAP_SHARED | unix.MAP_ANONYMOUS})
	s.CopyOut(a, []byte{1})
	s.CopyOut(b, []byte{1})
	c, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	c.CopyOut(a, []byte{2})
	c.CopyOut(b, []byte{2})
	var x [1]byte
	if s.CopyIn(x[:], a); x[0] != 1 {
		t.Errorf("private: the parent sees %d", x[0])
	}
	if s.CopyIn(x[:], b); x[0] != 2 {
		t.Errorf("shared: the parent sees %d", x[0])
	}
	k1, _ := s.FutexKey(b, true)
	if k2, _ := c.FutexKey(b, true); k1 != k2 {
		t.Error("shared futex keys differ")
	}
}

func TestMmapErrorsAndPlaces(t *testing.T) {
	s := newSpace(t)
	for _, c := range []struct {
		r    Request
		want error
	}{
		{Request{Flags: anon}, unix.EINVAL},
		{Request{Length: page, Flags: unix.MAP_ANONYMOUS}, unix.EINVAL},
		{Request{Length: page, Offset: 1, Flags: anon}, unix.EINVAL},
		{Request{Length: ^uint64(0), Flags: anon}, unix.ENOMEM},
		{Request{Length: page, Addr: 0x20001, Flags: anon | unix.MAP_FIXED}, unix.EINVAL},
		{Request{Length: page, Flags: anon | unix.MAP_FIXED}, unix.EPERM},
		{Request{Length: page, Flags: anon | unix.MAP_HUGETLB}, unix.ENOMEM},
	} {
		if _, err := s.Mmap(c.r); err != c.want {
			t.Errorf("%+v: %v, want %v", c.r, err, c.want)
		}
	}
	a := mustMap(t, s, Request{Length: page, Prot: rw, Flags: anon})
	if b := mustMap(t, s, Request{Length: page, Prot: rw, Flags: anon}); b != a-page {
		t.Errorf("second mapping at %#x, first at %#x", b, a)
	}
	if b := mustMap(t, s, Request{Addr: 0x40000000, Length: page, Flags: anon}); b != 0x40000000 {
		t.Errorf("hint: %#x", b)
	}
	if _, err := s.Mmap(Request{Addr: a, Length: page, Flags: anon | unix.MAP_FIXED_NOREPLACE}); err != unix.EEXIST {
		t.Errorf("MAP_FIXED_NOREPLACE: %v", err)
	}
	if err := s.Munmap(a-page, 2*page); err != nil {
		t.Error(err)
	}
	if r := s.Fault(a, machine.Read); r != unix.EFAULT {
		t.Errorf("after munmap: %v", r)
	}
}

func TestBrkAndStack(t *testing.T) {
	s := newSpace(t)
	s.SetBrk(0x500000)
	if b := s.Brk(0x502010); b != 0x502010 {
		t.Fatalf("brk %#x", b)
	}
	s.CopyOut(0x502000, []byte{7})
	s.Brk(0x501000)
	s.Brk(0x503000)
	var x [1]byte
	if _, err := s.CopyIn(x[:], 0x502000); err != nil || x[0] != 0 {
		t.Errorf("heap that shrank and grew holds %d, %v", x[0], err)
	}
	const top = 0x7fff_0000_0000
	if err := s.MapStack(top, 4*page, 64*page); err != nil {
		t.Fatal(err)
	}
	if r := s.Fault(top-60*page, machine.Write); r != nil {
		t.Errorf("growth: %v", r)
	}
	if r := s.Fault(top-65*page, machine.Write); r != unix.EFAULT {
		t.Errorf("growth past the limit: %v", r)
	}
}

func TestTruncateUnmaps(t *testing.T) {
	s := newSpace(t)
	c := NewPageCache(2*page, nil, nil)
	defer c.Release()
	a := mustMap(t, s, Request{Length: 2 * page, Prot: rw, Flags: unix.MAP_SHARED, Object: c})
	s.CopyOut(a+page, []byte("x"))
	s.CopyOut(a+5, []byte("tail"))
	if err := c.Truncate(6); err != nil {
		t.Fatal(err)
	}
	if r := s.Fault(a+page, machine.Read); r != unix.ENXIO {
		t.Errorf("past the end: %v", r)
	}
	c.Truncate(2 * page)
	b := make([]byte, 6)
	io := user.Kernel(b)
	if n, err := c.Read(&io, 4); n != 6 || err != nil || string(b) != "\x00t\x00\x00\x00\x00" {
		t.Errorf("%d, %v, %q", n, err, b)
	}
	if off, err := c.SeekHole(0); off != page || err != nil {
		t.Errorf("hole at %d, %v", off, err)
	}
}

func TestMadvise(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 4 * page, Prot: rw, Flags: anon})
	at := func(s *Space, a user.Addr) byte {
		var x [1]byte
		if _, err := s.CopyIn(x[:], a); err != nil {
			return 0xff
		}
		return x[0]
	}
	for i := range user.Addr(4) {
		s.CopyOut(a+i*page, []byte{byte(i + 1)})
	}
	advise := func(a user.Addr, n uint64, behavior int, want error) {
		t.Helper()
		if err := s.Madvise(a, n, behavior); err != want {
			t.Errorf("madvise %d: %v, want %v", behavior, err, want)
		}
	}
	advise(a, page, unix.MADV_DONTNEED, nil)
	advise(a+page, page, unix.MADV_DONTFORK, nil)
	advise(a+2*page, page, unix.MADV_WIPEONFORK, nil)
	if got := [4]byte{at(s, a), at(s, a+page), at(s, a+2*page), at(s, a+3*page)}; got != [4]byte{0, 2, 3, 4} {
		t.Errorf("here %v", got)
	}
	c, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	if got := [4]byte{at(c, a), at(c, a+page), at(c, a+2*page), at(c, a+3*page)}; got != [4]byte{0, 0xff, 0, 4} {
		t.Errorf("in the child %v", got)
	}
	c.Release()
	advise(a+page, page, unix.MADV_DOFORK, nil)
	advise(a+2*page, page, unix.MADV_KEEPONFORK, nil)
	advise(a, 4*page, unix.MADV_RANDOM, nil)
	advise(a, 4*page, unix.MADV_NORMAL, nil)
	advise(a+1, page, unix.MADV_DONTNEED, unix.EINVAL)
	advise(a, 0, unix.MADV_DONTNEED, nil)
	advise(a, page, 9999, unix.EINVAL)
	advise(a, page, unix.MADV_REMOVE, unix.EINVAL)
	s.Munmap(a+page, page)
	advise(a, 4*page, unix.MADV_DONTNEED, unix.ENOMEM)
	if x := at(s, a+3*page); x != 0 {
		t.Errorf("behind the hole: %d", x)
	}
	advise(a+2*page, page, unix.MADV_POPULATE_WRITE, nil)
	s.Mprotect(a+2*page, page, unix.PROT_READ)
	advise(a+2*page, page, unix.MADV_POPULATE_WRITE, unix.EINVAL)
	advise(a+page, page, unix.MADV_POPULATE_READ, unix.ENOMEM)

	m := mustMap(t, s, Request{Length: page, Prot: rw, Flags: unix.MAP_SHARED | unix.MAP_ANONYMOUS})
	s.CopyOut(m, []byte{9})
	advise(m, page, unix.MADV_DONTNEED, nil)
	if x := at(s, m); x != 9 {
		t.Errorf("shared memory after MADV_DONTNEED: %d", x)
	}
	advise(m, page, unix.MADV_FREE, unix.EINVAL)
	advise(m, page, unix.MADV_REMOVE, nil)
	if x := at(s, m); x != 0 {
		t.Errorf("shared memory after MADV_REMOVE: %d", x)
	}
}

// TestRace has threads fault, copy, protect, fork and unmap in one space.
func TestRace(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 16 * page, Prot: rw, Flags: anon})
	c := NewPageCache(16*page, nil, nil)
	defer c.Release()
	f := mustMap(t, s, Request{Length: 16 * page, Prot: rw, Flags: unix.MAP_SHARED, Object: c})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			var x [8]byte
			for j := range 200 {
				at := user.Addr((i*7 + j) % 16 * page)
				s.CopyOut(a+at, x[:])
				s.CopyIn(x[:], a+at)
				s.CopyOut(f+at, x[:])
				switch j % 10 {
				case 3:
					s.Mprotect(a+at, page, unix.PROT_READ)
					s.Mprotect(a+at, page, rw)
				case 5:
					s.Madvise(a+at, page, unix.MADV_DONTNEED)
				case 7:
					if n, err := s.Fork(); err == nil {
						n.CopyOut(a+at, x[:])
						n.Release()
					}
				case 9:
					c.Truncate(int64(at))
					c.Truncate(16 * page)
				}
			}
		})
	}
	wg.Wait()
}

// TestCopiesSurviveForks has one thread write to memory through the kernel while others
// fork it: each write must be there afterwards, and none of it in a child that was made
// before.
func TestCopiesSurviveForks(t *testing.T) {
	s := newSpace(t)
	a := mustMap(t, s, Request{Length: 4 * page, Prot: rw, Flags: anon})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := s.Fork()
				if err != nil {
					t.Error(err)
					return
				}
				var x, y [8]byte
				c.CopyIn(x[:], a)
				c.CopyOut(a+page, x[:])
				c.CopyIn(y[:], a)
				if x != y {
					t.Errorf("a child saw %v, and then %v", x, y)
				}
				c.Release()
			}
		})
	}
	out, in := make([]byte, 3*page), make([]byte, 3*page)
	for i := range 300 {
		for j := range out {
			out[j] = byte(i + j/page)
		}
		if n, err := s.CopyOut(a+100, out); n != len(out) || err != nil {
			t.Fatal(n, err)
		}
		if s.CopyIn(in, a+100); !bytes.Equal(in, out) {
			t.Fatalf("round %d: bytes are lost", i)
		}
	}
	close(stop)
	wg.Wait()
}

// A fault in a file maps what is in memory around it, and no more than the mapping shows.
func TestFaultsMapAround(t *testing.T) {
	s := newSpace(t)
	c := NewPageCache(64*page, nil, nil)
	defer c.Release()
	for i := range int64(64) {
		if i != 5 {
			io := user.Kernel([]byte{byte(i)})
			c.Write(&io, i*page)
		}
	}
	a := mustMap(t, s, Request{Length: 20 * page, Prot: unix.PROT_READ, Flags: unix.MAP_PRIVATE, Object: c, Offset: page, Addr: 0x1000_3000})
	if err := s.Fault(a+2*page, machine.Read); err != nil {
		t.Fatal(err)
	}
	// Of the sixteen pages at 10000000 three are not mapped, and one is a hole.
	if _, n := s.Usage(); n != 12 {
		t.Errorf("%d pages", n)
	}
	var x [1]byte
	if s.CopyIn(x[:], a+11*page); x[0] != 12 {
		t.Errorf("page 12 holds %d", x[0])
	}
	w := mustMap(t, s, Request{Length: 4 * page, Prot: rw, Flags: unix.MAP_PRIVATE, Object: c, Addr: 0x2000_0000})
	s.CopyOut(w, []byte{9})
	if u := s.SpaceUsage(); u.Anonymous != 1 || u.Resident != 13 {
		t.Errorf("after a private write: %+v", u)
	}
	// A hole in the file takes its pages away, but not the copy.
	if err := c.Punch(0, 64*page); err != nil {
		t.Fatal(err)
	}
	if u := s.SpaceUsage(); u.Anonymous != 1 || u.Resident != 1 {
		t.Errorf("after a hole: %+v", u)
	}
	if s.CopyIn(x[:], w); x[0] != 9 {
		t.Errorf("the copy holds %d", x[0])
	}
}

// Where memory runs out, calls fail and faults say ENOMEM, and nothing leaks.
func TestExhaustion(t *testing.T) {
	s := newSpace(t)
	const pages = 2048
	a := mustMap(t, s, Request{Length: pages * page, Prot: rw, Flags: anon})
	c := NewPageCache(pages*page, nil, nil)
	defer c.Release()
	f := mustMap(t, s, Request{Length: pages * page, Prot: rw, Flags: unix.MAP_SHARED, Object: c})
	restore := sim.Exhaust()
	defer restore()
	for i := 0; ; i++ {
		if i == pages {
			t.Fatal("memory does not run out")
		}
		x := []byte{1}
		if n, _ := s.CopyOut(a+user.Addr(i*page), x); n == 0 {
			break
		}
		if n, _ := s.CopyOut(f+user.Addr(i*page), x); n == 0 {
			break
		}
	}
	if err := s.Fault(a+(pages-1)*page, machine.Write); err != unix.ENOMEM {
		t.Errorf("fault: %v", err)
	}
	if err := s.Fault(f+(pages-1)*page, machine.Read); err != unix.ENOMEM {
		t.Errorf("fault of a shared page: %v", err)
	}
	if n, err := s.Fork(); err == nil {
		// The tables of a child may just have fitted; its copies do not.
		if err := n.Fault(a, machine.Write); err != unix.ENOMEM {
			t.Errorf("fault in the child: %v", err)
		}
		n.Release()
	}
	if err := s.Mlock(a, pages*page, false, true); err != unix.EAGAIN {
		t.Errorf("mlock: %v", err)
	}
	var x [1]byte
	if s.CopyIn(x[:], a); x[0] != 1 {
		t.Errorf("what was there reads %d", x[0])
	}
	// What one gives back, another can have.
	if err := s.Munmap(a, 64*page); err != nil {
		t.Fatal(err)
	}
	if err := s.Fault(a+(pages-1)*page, machine.Write); err != nil {
		t.Errorf("after munmap: %v", err)
	}
}

// manyMaps makes n mappings that do not join.
func manyMaps(t testing.TB, s *Space, n int) {
	for i := range n {
		prot := unix.PROT_READ
		if i%2 == 0 {
			prot = rw
		}
		mustMap(t, s, Request{Length: page, Prot: prot, Flags: anon})
	}
}

// Each of these costs about the same with few mappings and with many.
func BenchmarkMappings(b *testing.B) {
	for _, n := range []int{10, 1000, 60000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newSpace(b)
			manyMaps(b, s, n)
			b.ReportAllocs()
			for b.Loop() {
				a, err := s.Mmap(Request{Length: 3 * page, Prot: rw, Flags: anon})
				if err != nil {
					b.Fatal(err)
				}
				s.Mprotect(a+page, page, unix.PROT_READ)
				s.Fault(a, machine.Write)
				s.Munmap(a, 3*page)
			}
		})
	}
}

func BenchmarkFork(b *testing.B) {
	s := newSpace(b)
	manyMaps(b, s, 40)
	a := mustMap(b, s, Request{Length: 256 * page, Prot: rw, Flags: anon | unix.MAP_POPULATE})
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.Fork()
		if err != nil {
			b.Fatal(err)
		}
		c.CopyOut(a, []byte{1})
		c.Release()
	}
}

func BenchmarkFault(b *testing.B) {
	s := newSpace(b)
	a := mustMap(b, s, Request{Length: 512 * page, Prot: rw, Flags: anon})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%512 == 0 {
			s.Madvise(a, 512*page, unix.MADV_DONTNEED)
		}
		s.Fault(a+user.Addr(i%512*page), machine.Write)
		i++
	}
}

func BenchmarkCopyOut(b *testing.B) {
	s := newSpace(b)
	a := mustMap(b, s, Request{Length: page, Prot: rw, Flags: anon})
	var x [64]byte
	b.ReportAllocs()
	for b.Loop() {
		s.CopyOut(a, x[:])
	}
}
