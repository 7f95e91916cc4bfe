package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// Read copies bytes from off on to dst, as many as the file has, and returns how
// many; 0 at the end of the file.
func (c *PageCache) Read(dst *user.IO, off int64) (n int, err error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	var run [16]mem.Frame
	for dst.Len() > 0 {
		k, left, err := c.run(off, dst.Len(), &run)
		if err != nil || left == 0 {
			return n, orNil(n, err)
		}
		for i, f := range run[:k] {
			p := zeroes[:]
			if f != 0 {
				p = f.Data()[:]
			}
			p = p[off%mem.PageSize:]
			p = p[:min(len(p), left)]
			var m int
			if err == nil {
				m, err = dst.Write(p)
				n, off, left = n+m, off+int64(m), left-m
			}
			if f != 0 {
				run[i].Unref()
			}
		}
		if err != nil {
			return n, orNil(n, err)
		}
		if c.filler != nil {
			c.reread.Store(off)
		}
	}
	return n, nil
}

// orNil is the error of a transfer that moved n bytes before it met err.
func orNil(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// run fills frames with the pages from off on, each with a reference, zero for a
// hole; bytes is how much of want they cover, 0 at the end of the file.
func (c *PageCache) run(off int64, want int, frames *[16]mem.Frame) (n, bytes int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if off >= c.size {
			return 0, 0, nil
		}
		bytes = int(min(int64(want), c.size-off))
		skip := int(off % mem.PageSize)
		index := uint64(off) >> mem.PageShift
		k := min(len(frames), int(pagesFor(int64(skip+bytes))))
		for n = 0; n < k; n++ {
			s := c.slot(index + uint64(n))
			if s&slotBusy != 0 || s == 0 && c.filler != nil {
				break
			}
			frames[n] = s.frame()
			if s != 0 {
				c.flag(index+uint64(n), slotTouched, 0)
				frames[n].Ref()
			}
		}
		if n > 0 {
			return n, min(bytes, n*mem.PageSize-skip), nil
		}
		if c.slot(index)&slotBusy != 0 {
			c.ready.Wait()
		} else if err := c.fill(index); err != nil {
			return 0, 0, err
		}
	}
}

// Write copies src to off and returns how many bytes it took; the file grows where
// necessary. ENOSPC and EFAULT come with the number of bytes before them as nil.
func (c *PageCache) Write(src *user.IO, off int64) (n int, err error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	for src.Len() > 0 {
		m, err := c.writePage(src, off)
		n, off = n+m, off+int64(m)
		if err != nil {
			return n, orNil(n, err)
		}
	}
	return n, nil
}

// writePage writes within the page of off.
func (c *PageCache) writePage(src *user.IO, off int64) (int, error) {
	index := uint64(off) >> mem.PageShift
	skip := int(off % mem.PageSize)
	want := min(src.Len(), mem.PageSize-skip)
	var set slot
	if c.filler != nil {
		set = slotDirty
	}
	if want == mem.PageSize && !c.InCore(index) {
		// A new page that is written whole need not be zeroed first.
		f, err := allocFrame(false)
		if err != nil {
			return 0, err
		}
		n, rerr := src.Read(f.Data()[:])
		clear(f.Data()[n:])
		if n == 0 {
			f.Unref()
			return 0, rerr
		}
		c.mu.Lock()
		// A short copy is no page to put in place of what a device may hold.
		if whole := n == mem.PageSize || c.filler == nil; whole && c.slot(index) == 0 && !c.dead {
			if err := c.quota.charge(); err != nil {
				c.mu.Unlock()
				f.Unref()
				return 0, err
			}
			c.put(index, f, set|slotTouched)
			c.grow(off, off+int64(n))
			c.mu.Unlock()
			return n, rerr
		}
		c.mu.Unlock()
		defer f.Unref()
		g, err := c.get(index, false, true, set)
		if err != nil {
			return 0, err
		}
		copy(g.Data()[:n], f.Data()[:n])
		c.mu.Lock()
		c.grow(off, off+int64(n))
		c.mu.Unlock()
		g.Unref()
		return n, rerr
	}
	f, err := c.get(index, false, true, set)
	if err != nil {
		return 0, err
	}
	n, err := src.Read(f.Data()[skip : skip+want])
	if n > 0 {
		c.mu.Lock()
		c.grow(off, off+int64(n))
		c.mu.Unlock()
	}
	f.Unref()
	return n, err
}
