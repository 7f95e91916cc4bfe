package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// grow makes the file at least end bytes long, after bytes [off, end) have been written.
// The caller holds mu.
func (c *PageCache) grow(off, end int64) {
	if end > c.size {
		c.zeroTail(off)
		c.size = end
	}
}

// zeroTail clears what a mapping may have written past the end of the file, in the
// page where it ends, up to offset to. A file that lives in memory keeps it, as Linux's
// tmpfs does. The caller holds mu.
func (c *PageCache) zeroTail(to int64) {
	skip := c.size % mem.PageSize
	if skip == 0 || to <= c.size || c.filler == nil {
		return
	}
	if s := c.slot(uint64(c.size) >> mem.PageShift); s != 0 && s&slotBusy == 0 {
		clear(s.frame().Data()[skip:min(mem.PageSize, skip+to-c.size)])
	}
}

// Truncate sets the file's size. What is cut off is gone from every mapping (SIGBUS),
// and reads as zeroes should the file grow again.
func (c *PageCache) Truncate(size int64) error {
	if size < 0 {
		return unix.EINVAL
	}
	if skip := size % mem.PageSize; skip != 0 && c.filler != nil {
		// The last page stays in part: it has to be in memory to be zeroed.
		if f, err := c.get(uint64(size)>>mem.PageShift, true, true, slotDirty); err == nil {
			f.Unref()
		} else if err != unix.ENXIO {
			return err
		}
	}
	c.mu.Lock()
	if size >= c.size {
		c.grow(size, size)
		c.mu.Unlock()
		return nil
	}
	c.size = size
	c.drop(pagesFor(size), 1<<52)
	if skip := size % mem.PageSize; skip != 0 {
		if s := c.slot(uint64(size) >> mem.PageShift); s != 0 {
			clear(s.frame().Data()[skip:])
		}
	}
	c.mu.Unlock()
	c.Zap(pagesFor(size), 1<<52, true)
	return nil
}

// Punch implements Puncher: bytes [off, off+n) read as zeroes from now on, and whole
// pages of them are freed. With a filler the caller has told the device first.
func (c *PageCache) Punch(off, n int64) error {
	if off < 0 || n <= 0 || off+n < off {
		return unix.EINVAL
	}
	first, last := pagesFor(off), uint64(off+n)>>mem.PageShift
	if err := c.zero(off, min(off+n, int64(first)<<mem.PageShift)); err != nil {
		return err
	}
	if last >= first {
		if err := c.zero(int64(last)<<mem.PageShift, off+n); err != nil {
			return err
		}
	}
	if first < last {
		c.mu.Lock()
		c.drop(first, last)
		c.mu.Unlock()
		c.Zap(first, last, false)
	}
	return nil
}

// zero clears bytes [from, to), which lie in one page.
func (c *PageCache) zero(from, to int64) error {
	if from >= to {
		return nil
	}
	index := uint64(from) >> mem.PageShift
	var set slot
	if c.filler == nil {
		if !c.InCore(index) {
			return nil // a hole is zero already
		}
	} else {
		set = slotDirty
	}
	f, err := c.get(index, true, true, set)
	if err == unix.ENXIO {
		return nil
	} else if err != nil {
		return err
	}
	base := int64(index) << mem.PageShift
	clear(f.Data()[from-base : to-base])
	f.Unref()
	return nil
}

// Allocate gives memory to the holes in [off, off+n), past the end of the file too:
// fallocate of a file that lives in memory. It does not change the size. On an error it
// gives back what it allocated.
func (c *PageCache) Allocate(off, n int64) error {
	first, last := uint64(off)>>mem.PageShift, pagesFor(off+n)
	var fresh []uint64
	for i := first; i < last; i++ {
		if c.InCore(i) {
			continue
		}
		f, err := c.get(i, false, false, 0)
		if err != nil {
			c.mu.Lock()
			for _, i := range fresh {
				if c.slot(i) != 0 {
					c.remove(i)
				}
			}
			c.mu.Unlock()
			return err
		}
		f.Unref()
		fresh = append(fresh, i)
	}
	return nil
}

// Grow makes the file at least size bytes long.
func (c *PageCache) Grow(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(size, size)
}

// SeekData returns the first offset from off on that holds data (SEEK_DATA), SeekHole
// the first in a hole or the end of the file (SEEK_HOLE); ENXIO past the end. For a
// cache with a filler every byte is data: the file system knows better.
func (c *PageCache) SeekData(off int64) (int64, error) { return c.seek(off, true) }

func (c *PageCache) SeekHole(off int64) (int64, error) { return c.seek(off, false) }

func (c *PageCache) seek(off int64, data bool) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if off < 0 || off >= c.size {
		return 0, unix.ENXIO
	}
	if c.filler != nil {
		if data {
			return off, nil
		}
		return c.size, nil
	}
	index, end := uint64(off)>>mem.PageShift, pagesFor(c.size)
	if data {
		for _, k := range c.keys(index, end) {
			for i := range uint64(leafSize) {
				if at := k*leafSize + i; at >= index && at < end && c.slot(at) != 0 {
					return max(off, int64(at)<<mem.PageShift), nil
				}
			}
		}
		return 0, unix.ENXIO
	}
	for index < end && c.slot(index) != 0 {
		index++
	}
	return min(c.size, max(off, int64(index)<<mem.PageShift)), nil
}
