package mm

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// Filler is where the pages of a PageCache come from and go to: a file system on a
// device. Calls may block.
type Filler interface {
	// Fill reads consecutive pages from index on. pages are zeroed; what lies past the
	// end of the file stays so.
	Fill(index uint64, pages [][]byte) error
	// WriteBack writes consecutive pages, whole. What lies past the end of the file is
	// not part of it.
	WriteBack(index uint64, pages [][]byte) error
}

// Quota limits the pages of a group of caches: a tmpfs's size. The zero value has no
// limit.
type Quota struct {
	Max  atomic.Int64 // pages; 0 means no limit
	Used atomic.Int64 // pages
}

func (q *Quota) charge() error {
	if q == nil {
		return nil
	}
	if limit := q.Max.Load(); q.Used.Add(1) > limit && limit != 0 {
		q.Used.Add(-1)
		return unix.ENOSPC
	}
	return nil
}

func (q *Quota) uncharge() {
	if q != nil {
		q.Used.Add(-1)
	}
}

// PageCache is the contents of a file in memory: an Object, and the target of reads
// and writes. With a Filler it caches what a device holds, and clean pages go when
// memory runs short; without one it is the storage itself (tmpfs, memfd, shared
// anonymous memory), and a page that was never written is a hole.
//
// Reads and writes of one page are not atomic to each other: a file system that
// wants that, or O_APPEND, holds its own lock of the inode around them. The cache holds
// none while it copies from or to user memory or does I/O.
type PageCache struct {
	Mappings

	// Stored, where not nil, is called before a store through a shared mapping: the
	// file's times change. It is set before the cache is used, and takes leaf locks only.
	Stored func()

	filler Filler
	quota  *Quota
	refs   atomic.Int32
	reread atomic.Int64 // where the last read ended, to see sequential reads

	sync sync.Mutex // one write-back at a time; taken before mu

	mu     sync.Mutex // guards the rest; leaf but for package mem's
	ready  sync.Cond  // a busy page has become ready
	size   int64
	first  *leaf            // pages [0, leafSize), where there are any
	leaves map[uint64]*leaf // by index / leafSize, from 1 on
	pages  int
	dirty  int
	dead   bool

	// The list of caches with a filler, for reclaim; guarded by cached.mu.
	nextCache, prevCache *PageCache
}

// A slot is a page of a cache: its frame's number and flags. The frame's reference is
// the cache's.
type slot uint64

const (
	slotBusy    slot = 1 << iota // being filled: wait
	slotDirty                    // differs from the device
	slotTouched                  // used since reclaim looked last

	slotShift = 3
)

func (s slot) frame() mem.Frame { return mem.Frame(s >> slotShift) }

const leafSize = 16

type leaf struct {
	slots [leafSize]slot
	n     int // slots in use
}

// maxFill is how many pages one Fill or WriteBack has at most.
const maxFill = 32

// NewPageCache returns a cache of size bytes with one reference. filler and quota
// may be nil.
func NewPageCache(size int64, filler Filler, quota *Quota) *PageCache {
	c := &PageCache{size: size, filler: filler, quota: quota}
	c.ready.L = &c.mu
	c.refs.Store(1)
	if filler != nil {
		cached.add(c)
	}
	return c
}

// Release drops the owner's reference. When no mapping has one either, the pages are
// freed, dirty or not.
func (c *PageCache) Release() {
	if c.refs.Add(-1) > 0 {
		return
	}
	if c.filler != nil {
		cached.remove(c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	c.drop(0, 1<<52)
}

// Attach implements Object.
func (c *PageCache) Attach(v *VMA) {
	c.refs.Add(1)
	c.Mappings.Attach(v)
}

// Detach implements Object.
func (c *PageCache) Detach(v *VMA) {
	c.Mappings.Detach(v)
	c.Release()
}

// TracksDirty implements DirtyTracker.
func (c *PageCache) TracksDirty() bool { return c.filler != nil }

// Size is the file's size in bytes.
func (c *PageCache) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// Pages is how many pages are in memory, for st_blocks of files that live there.
func (c *PageCache) Pages() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages
}

func (c *PageCache) leaf(index uint64) *leaf {
	if index < leafSize {
		return c.first
	}
	return c.leaves[index/leafSize]
}

// slot returns page index's slot, zero where there is none. The caller holds mu.
func (c *PageCache) slot(index uint64) slot {
	if l := c.leaf(index); l != nil {
		return l.slots[index%leafSize]
	}
	return 0
}

// flag sets and clears flags of a slot that exists. The caller holds mu.
func (c *PageCache) flag(index uint64, set, clear slot) {
	p := &c.leaf(index).slots[index%leafSize]
	now := *p&^clear | set
	c.dirty += int(now&slotDirty/slotDirty) - int(*p&slotDirty/slotDirty)
	*p = now
}

// put makes f page index, which had no frame. The caller holds mu.
func (c *PageCache) put(index uint64, f mem.Frame, flags slot) {
	l := c.leaf(index)
	if l == nil {
		l = new(leaf)
		if index < leafSize {
			c.first = l
		} else {
			if c.leaves == nil {
				c.leaves = make(map[uint64]*leaf)
			}
			c.leaves[index/leafSize] = l
		}
	}
	l.slots[index%leafSize] = slot(f)<<slotShift | flags
	l.n++
	c.pages++
	allPages.Add(1)
	c.dirty += int(flags & slotDirty / slotDirty)
}

// remove takes page index out and drops the cache's reference. The caller holds mu.
func (c *PageCache) remove(index uint64) {
	l := c.leaf(index)
	s := l.slots[index%leafSize]
	l.slots[index%leafSize] = 0
	l.n--
	c.pages--
	allPages.Add(-1)
	c.dirty -= int(s & slotDirty / slotDirty)
	c.quota.uncharge()
	if l.n == 0 {
		if index < leafSize {
			c.first = nil
		} else {
			delete(c.leaves, index/leafSize)
		}
	}
	s.frame().Unref()
}

// keys are the leaves that overlap pages [first, last), in order. The caller holds mu.
func (c *PageCache) keys(first, last uint64) []uint64 {
	var ks []uint64
	if first < leafSize && last > 0 && c.first != nil {
		ks = append(ks, 0)
	}
	lo, hi := first/leafSize, (last+leafSize-1)/leafSize
	if hi-lo < uint64(len(c.leaves)) {
		for k := max(lo, 1); k < hi; k++ {
			if c.leaves[k] != nil {
				ks = append(ks, k)
			}
		}
		return ks
	}
	for k := range c.leaves {
		if k >= lo && k < hi {
			ks = append(ks, k)
		}
	}
	slices.Sort(ks)
	return ks
}

// drop removes pages [first, last), after I/O on them has ended. The caller holds mu.
func (c *PageCache) drop(first, last uint64) {
	for _, k := range c.keys(first, last) {
		for i := range uint64(leafSize) {
			index := k*leafSize + i
			if index < first || index >= last {
				continue
			}
			for c.slot(index)&slotBusy != 0 {
				c.ready.Wait()
			}
			if c.slot(index) != 0 {
				c.remove(index)
			}
		}
	}
}

// pagesFor is the number of pages that n bytes need.
func pagesFor(n int64) uint64 { return (uint64(n) + mem.PageSize - 1) >> mem.PageShift }

// Page implements Object.
func (c *PageCache) Page(index uint64, write bool) (mem.Frame, error) {
	var set slot
	if write && c.filler != nil {
		set = slotDirty
	}
	if write && c.Stored != nil {
		c.Stored()
	}
	f, err := c.get(index, true, true, set)
	if err == unix.ENOSPC {
		return 0, unix.ENXIO // a full tmpfs is SIGBUS, as the end of the file
	}
	return f, err
}

// get returns the frame of page index with a reference, waiting for I/O where
// necessary. inside says that the page must lie in the file (else ENXIO), fill that
// its contents matter: they are read from the filler. set are flags to set.
func (c *PageCache) get(index uint64, inside, fill bool, set slot) (mem.Frame, error) {
	c.mu.Lock()
	for {
		if c.dead || inside && index >= pagesFor(c.size) {
			c.mu.Unlock()
			return 0, unix.ENXIO
		}
		if s := c.slot(index); s&slotBusy != 0 {
			c.ready.Wait()
			continue
		} else if s != 0 {
			c.flag(index, set|slotTouched, 0)
			f := s.frame()
			f.Ref()
			c.mu.Unlock()
			return f, nil
		}
		if fill && c.filler != nil && index < pagesFor(c.size) {
			if err := c.fill(index); err != nil {
				c.mu.Unlock()
				return 0, err
			}
			continue
		}
		c.mu.Unlock()
		f, err := allocFrame(true)
		if err != nil {
			return 0, err
		}
		c.mu.Lock()
		if c.slot(index) != 0 || c.dead || inside && index >= pagesFor(c.size) {
			f.Unref()
			continue
		}
		if err := c.quota.charge(); err != nil {
			c.mu.Unlock()
			f.Unref()
			return 0, err
		}
		c.put(index, f, set|slotTouched)
		f.Ref()
		c.mu.Unlock()
		return f, nil
	}
}

// fill reads page index and, where reads come in sequence, some after it. The caller
// holds mu, which fill lets go meanwhile; afterwards the caller looks again.
func (c *PageCache) fill(index uint64) error {
	n := uint64(4)
	if at := uint64(c.reread.Load()) >> mem.PageShift; at == index || at+1 == index {
		n = maxFill
	}
	n = min(n, pagesFor(c.size)-index)
	for i := uint64(1); i < n; i++ {
		if c.slot(index+i) != 0 {
			n = i
		}
	}
	c.mu.Unlock()
	frames := make([]mem.Frame, 0, n)
	pages := make([][]byte, 0, n)
	for len(frames) < int(n) {
		f, err := allocFrame(true)
		if err != nil {
			if len(frames) > 0 {
				break
			}
			c.mu.Lock()
			return err
		}
		frames, pages = append(frames, f), append(pages, f.Data()[:])
	}
	// Claim the pages that are still missing, up to the first that is not.
	c.mu.Lock()
	k := 0
	for k < len(frames) && !c.dead && c.slot(index+uint64(k)) == 0 && c.quota.charge() == nil {
		c.put(index+uint64(k), frames[k], slotBusy)
		k++
	}
	for _, f := range frames[k:] {
		f.Unref()
	}
	if k == 0 {
		return nil
	}
	c.mu.Unlock()
	err := c.filler.Fill(index, pages[:k])
	c.mu.Lock()
	for i := range k {
		if err != nil {
			c.remove(index + uint64(i))
		} else {
			c.flag(index+uint64(i), slotTouched, slotBusy)
		}
	}
	c.ready.Broadcast()
	return err
}

// Cached implements Cacher.
func (c *PageCache) Cached(first uint64, out []mem.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := pagesFor(c.size)
	for i := range out {
		out[i] = 0
		index := first + uint64(i)
		if s := c.slot(index); s != 0 && s&slotBusy == 0 && index < end {
			out[i] = s.frame()
			out[i].Ref()
		}
	}
}

// InCore implements Cacher.
func (c *PageCache) InCore(index uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slot(index)
	return s != 0 && s&slotBusy == 0
}

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

// zeroes are what holes read as.
var zeroes [mem.PageSize]byte

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

// Dirty is the number of pages that differ from the device.
func (c *PageCache) Dirty() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dirty
}

// Sync implements Syncer: it writes the dirty pages of [first, last) to the filler.
func (c *PageCache) Sync(first, last uint64) error {
	if c.filler == nil {
		return nil
	}
	c.sync.Lock()
	defer c.sync.Unlock()
	for first < last {
		c.mu.Lock()
		start, frames := c.takeDirty(first, last)
		c.mu.Unlock()
		if len(frames) == 0 {
			return nil
		}
		end := start + uint64(len(frames))
		// From here on a write through a mapping makes the page dirty again.
		c.Clean(start, end)
		pages := make([][]byte, len(frames))
		for i, f := range frames {
			pages[i] = f.Data()[:]
		}
		err := c.filler.WriteBack(start, pages)
		c.mu.Lock()
		for i, f := range frames {
			if index := start + uint64(i); err != nil && c.slot(index).frame() == f {
				c.flag(index, slotDirty, 0)
			}
			f.Unref()
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
		first = end
	}
	return nil
}

// takeDirty marks the first run of dirty pages in [first, last) clean, and returns
// it with references. The caller holds mu.
func (c *PageCache) takeDirty(first, last uint64) (start uint64, frames []mem.Frame) {
	if c.dirty == 0 {
		return 0, nil
	}
	for _, k := range c.keys(first, last) {
		for i := range uint64(leafSize) {
			index := k*leafSize + i
			if index < first || index >= last {
				continue
			}
			if len(frames) > 0 && (index != start+uint64(len(frames)) || len(frames) == maxFill) {
				return start, frames
			}
			s := c.slot(index)
			if s&slotDirty == 0 {
				if len(frames) > 0 {
					return start, frames
				}
				continue
			}
			if len(frames) == 0 {
				start = index
			}
			c.flag(index, 0, slotDirty)
			s.frame().Ref()
			frames = append(frames, s.frame())
		}
	}
	return start, frames
}

// Invalidate drops clean pages that nobody maps (POSIX_FADV_DONTNEED, a changed device).
func (c *PageCache) Invalidate(first, last uint64) {
	if c.filler == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys(first, last) {
		for i := range uint64(leafSize) {
			index := k*leafSize + i
			s := c.slot(index)
			if index >= first && index < last && s != 0 && s&(slotBusy|slotDirty) == 0 && s.frame().Refs() == 1 {
				c.remove(index)
			}
		}
	}
}
