package tmpfs

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// pages are the contents of a file: frames by index; an index without a frame is a
// hole. mu guards frames; it is a leaf lock but for package mem's, and not held across
// copies: a copy holds a reference to its frame.
type pages struct {
	fs     *FS
	mu     sync.Mutex
	frames map[uint64]mem.Frame
	dead   bool
}

func newPages(fs *FS) *pages { return &pages{fs: fs} }

// get returns the frame of a page with a reference; 0 for a hole, unless fill asks for
// a frame there.
func (p *pages) get(index uint64, fill bool) (mem.Frame, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.frames[index]
	if f == 0 && fill {
		if limit := p.fs.maxPages.Load(); p.dead || limit > 0 && p.fs.pages.Load() >= limit {
			return 0, unix.ENOSPC
		}
		var err error
		if f, err = mem.Alloc(); err != nil {
			return 0, err
		}
		if p.frames == nil {
			p.frames = make(map[uint64]mem.Frame)
		}
		p.frames[index] = f
		p.fs.pages.Add(1)
	}
	if f != 0 {
		f.Ref()
	}
	return f, nil
}

func (p *pages) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.frames)
}

var zeroes [mem.PageSize]byte

// read copies bytes from off on to dst, up to size.
func (p *pages) read(dst *user.IO, off, size int64) (done int, err error) {
	for dst.Len() > 0 && off < size {
		f, _ := p.get(uint64(off)/mem.PageSize, false)
		data := zeroes[:]
		if f != 0 {
			data = f.Data()[:]
		}
		data = data[off%mem.PageSize:]
		data = data[:min(int64(len(data)), size-off)]
		n, err := dst.Write(data)
		if f != 0 {
			f.Unref()
		}
		done += n
		off += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// write copies src to off.
func (p *pages) write(src *user.IO, off int64) (done int, err error) {
	for src.Len() > 0 {
		f, err := p.get(uint64(off)/mem.PageSize, true)
		if err != nil {
			return done, err
		}
		n, err := src.Read(f.Data()[off%mem.PageSize:])
		f.Unref()
		done += n
		off += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// truncate frees what is past size and clears the rest of the last page.
func (p *pages) truncate(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for index, f := range p.frames {
		switch start := int64(index) * mem.PageSize; {
		case start >= size:
			p.drop(index, f)
		case start+mem.PageSize > size:
			clear(f.Data()[size-start:])
		}
	}
}

func (p *pages) drop(index uint64, f mem.Frame) {
	delete(p.frames, index)
	p.fs.pages.Add(-1)
	f.Unref()
}

// punch makes [off, off+n) read as zeroes.
func (p *pages) punch(off, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for index, f := range p.frames {
		start := int64(index) * mem.PageSize
		from, to := max(off-start, 0), min(off+n-start, mem.PageSize)
		switch {
		case from >= to:
		case from == 0 && to == mem.PageSize:
			p.drop(index, f)
		default:
			clear(f.Data()[from:to])
		}
	}
	return nil
}

// allocate gives memory to holes in [off, off+n).
func (p *pages) allocate(off, n int64) error {
	first, last := uint64(off)/mem.PageSize, uint64(off+n-1)/mem.PageSize
	if limit := p.fs.maxPages.Load(); limit > 0 && int64(last-first) >= limit {
		return unix.ENOSPC
	}
	for i := first; i <= last; i++ {
		f, err := p.get(i, true)
		if err != nil {
			return err
		}
		f.Unref()
	}
	return nil
}

// seek finds data or a hole from off on.
func (p *pages) seek(off, size int64, data bool) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := off; at < size; at = (at/mem.PageSize + 1) * mem.PageSize {
		if _, ok := p.frames[uint64(at)/mem.PageSize]; ok == data {
			return at, nil
		}
	}
	if data {
		return 0, unix.ENXIO
	}
	return size, nil
}

// release frees everything.
func (p *pages) release() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.truncate(0)
}
