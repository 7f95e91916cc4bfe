package mm

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

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

// zeroes are what holes read as.
var zeroes [mem.PageSize]byte
