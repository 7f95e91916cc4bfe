package mm

import (
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

// model is what an address space of a few pages should be, page by page.
type model struct {
	pages map[uint64]*modelPage
	file  *modelFile
}

// modelPage is one page: the first byte of it, and who shares it.
type modelPage struct {
	prot   int
	shared bool
	index  int   // in the file; -1 for anonymous private memory
	own    *byte // what the space has of its own; nil for none yet
	locked bool
}

type modelFile struct {
	data [modelPages]byte
	size int
}

const modelPages = 24

func (m *model) fork() *model {
	c := &model{pages: make(map[uint64]*modelPage), file: m.file}
	for k, p := range m.pages {
		q := *p
		if p.own != nil {
			b := *p.own
			q.own = &b
		}
		q.locked = false
		c.pages[k] = &q
	}
	return c
}

// read is the page's first byte; ok is false where a program may not read it.
func (m *model) read(k uint64) (b byte, ok bool) {
	p := m.pages[k]
	switch {
	case p == nil || p.prot == 0:
		return 0, false
	case p.own != nil:
		return *p.own, true
	case p.index < 0:
		return 0, true
	case p.index >= m.file.size:
		return 0, false
	}
	return m.file.data[p.index], true
}

func (m *model) write(k uint64, b byte) bool {
	p := m.pages[k]
	switch {
	case p == nil || p.prot&unix.PROT_WRITE == 0:
		return false
	case p.own == nil && p.index >= 0 && p.index >= m.file.size:
		return false
	case p.shared:
		m.file.data[p.index] = b
	default:
		p.own = &b
	}
	return true
}

// truncate cuts a file in all spaces that map it.
func (f *modelFile) truncate(size int, all []*model) {
	f.size = size
	for i := size; i < modelPages; i++ {
		f.data[i] = 0
		for _, m := range all {
			for _, p := range m.pages {
				if p.index == i {
					p.own = nil
				}
			}
		}
	}
}

// pair is a space with its model.
type pair struct {
	s *Space
	m *model
}

// TestModel does random calls to a few spaces and compares what programs see with a
// model that has one entry per page.
func TestModel(t *testing.T) {
	m := sim.New(t, sim.Config{})
	zeroFrame()
	rapid.Check(t, func(t *rapid.T) {
		before := mem.Usage().InUse
		runModel(t, m)
		if after := mem.Usage().InUse; after != before {
			t.Fatalf("%d frames in use, %d before", after, before)
		}
	})
}

func runModel(t *rapid.T, machine *sim.Machine) {
	const base = 0x1000_0000
	s, err := New(machine)
	if err != nil {
		t.Fatal(err)
	}
	file := &modelFile{size: modelPages}
	object := NewPageCache(modelPages*page, nil, nil)
	all := []pair{{s, &model{pages: make(map[uint64]*modelPage), file: file}}}
	defer func() {
		for _, p := range all {
			p.s.Release()
		}
		object.Release()
	}()
	draw := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(t, what) }
	models := func() (ms []*model) {
		for _, p := range all {
			ms = append(ms, p.m)
		}
		return ms
	}
	prots := []int{unix.PROT_NONE, unix.PROT_READ, rw}
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		which := draw(len(all), "space")
		p := all[which]
		k := uint64(draw(modelPages, "page"))
		n := uint64(1 + draw(6, "pages"))
		n = min(n, modelPages-k)
		addr := user.Addr(base + k*page)
		switch op := draw(12, "op"); op {
		case 0, 1: // mmap
			prot, kind := prots[draw(3, "prot")], draw(3, "kind")
			r := Request{Addr: addr, Length: n * page, Prot: prot, Flags: unix.MAP_FIXED | unix.MAP_PRIVATE}
			index := -1
			if kind == 0 {
				r.Flags |= unix.MAP_ANONYMOUS
			} else {
				index = draw(modelPages-int(n)+1, "index")
				r.Object, r.Offset = object, uint64(index)*page
				if kind == 2 {
					r.Flags = unix.MAP_FIXED | unix.MAP_SHARED
				}
			}
			if _, err := p.s.Mmap(r); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				q := &modelPage{prot: prot, shared: kind == 2, index: index}
				if index >= 0 {
					q.index += int(i)
				}
				p.m.pages[k+i] = q
			}
		case 2:
			if err := p.s.Munmap(addr, n*page); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				delete(p.m.pages, k+i)
			}
		case 3:
			prot := prots[draw(3, "prot")]
			err := p.s.Mprotect(addr, n*page, prot)
			for i := range n {
				q := p.m.pages[k+i]
				if q == nil {
					if err != unix.ENOMEM {
						t.Fatalf("mprotect of a hole: %v", err)
					}
					break
				}
				q.prot = prot
			}
		case 4:
			p.s.Madvise(addr, n*page, unix.MADV_DONTNEED)
			for i := range n {
				if q := p.m.pages[k+i]; q != nil && !q.locked {
					q.own = nil
				} else if q != nil {
					break // a locked mapping ends it
				}
			}
		case 5, 6, 7:
			b := byte(1 + draw(255, "value"))
			got, _ := p.s.CopyOut(addr, []byte{b})
			if want := p.m.write(k, b); want != (got == 1) {
				t.Fatalf("write to page %d: %d, want %v", k, got, want)
			}
		case 8:
			if len(all) == 3 {
				all = append(all[:which], all[which+1:]...)
				p.s.Release()
				break
			}
			c, err := p.s.Fork()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, pair{c, p.m.fork()})
		case 9:
			size := draw(modelPages+1, "size")
			if err := object.Truncate(int64(size) * page); err != nil {
				t.Fatal(err)
			}
			file.truncate(size, models())
		case 10:
			to := uint64(draw(modelPages, "to"))
			remapModel(t, p, base, k, n, to)
		case 11:
			err := p.s.Mlock(addr, n*page, true, true)
			for i := range n {
				q := p.m.pages[k+i]
				if q == nil {
					if err != unix.ENOMEM {
						t.Fatalf("mlock of a hole: %v", err)
					}
					break
				}
				q.locked = true
			}
		}
		for _, p := range all {
			compare(t, p, base)
		}
	}
}

// remapModel moves n pages from k to to, if they are in one mapping.
func remapModel(t *rapid.T, p pair, base, k, n, to uint64) {
	n = min(n, modelPages-to)
	at, err := p.s.Mremap(user.Addr(base+k*page), n*page, n*page, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED, user.Addr(base+to*page), true)
	switch {
	case p.m.pages[k] == nil:
		if err != unix.EFAULT {
			t.Fatalf("mremap of nothing: %v", err)
		}
		return
	case k < to+n && to < k+n:
		if err != unix.EINVAL {
			t.Fatalf("mremap onto itself: %v", err)
		}
		return
	case err == nil && at != user.Addr(base+to*page):
		t.Fatalf("mremap to %#x", at)
	}
	// The place is cleared before the source is found to be more than one mapping.
	for i := range n {
		delete(p.m.pages, to+i)
	}
	if err != nil {
		return
	}
	for i := range n {
		q := p.m.pages[k+i]
		if q == nil {
			t.Fatalf("mremap moved a hole")
		}
		p.m.pages[to+i] = q
		delete(p.m.pages, k+i)
	}
}

func compare(t *rapid.T, p pair, base uint64) {
	if err := p.s.vmas.check(); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	resident, locked := 0, uint64(0)
	for k := range uint64(modelPages) {
		n, _ := p.s.CopyIn(b[:], user.Addr(base+k*page))
		want, ok := p.m.read(k)
		if ok != (n == 1) || ok && b[0] != want {
			t.Fatalf("page %d reads %d (%d bytes), want %d (%v)", k, b[0], n, want, ok)
		}
	}
	for _, q := range p.m.pages {
		if q.own != nil {
			resident++
		}
		if q.locked {
			locked++
		}
	}
	u := p.s.SpaceUsage()
	if u.Anonymous != resident || u.Locked != locked || u.Total != uint64(len(p.m.pages))*page {
		t.Fatalf("%+v; want %d own, %d locked, %d in all", u, resident, locked, len(p.m.pages))
	}
	sum := 0
	for _, r := range p.s.Usages() {
		sum += int(r.Resident / page)
	}
	if sum != u.Resident {
		t.Fatalf("%d pages resident, counted %d", sum, u.Resident)
	}
}
