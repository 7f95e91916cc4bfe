package mm

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// cached lists the page caches with a filler: where clean pages can be had when
// memory runs short. The clock's hand is the head of the list.
var cached cacheList

type cacheList struct {
	mu   sync.Mutex // guards the list; leaf
	head *PageCache
}

func (l *cacheList) add(c *PageCache) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == nil {
		c.nextCache, c.prevCache = c, c
		l.head = c
		return
	}
	c.nextCache, c.prevCache = l.head, l.head.prevCache
	c.prevCache.nextCache, c.nextCache.prevCache = c, c
}

func (l *cacheList) remove(c *PageCache) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.nextCache == c {
		l.head = nil
	} else {
		c.prevCache.nextCache, c.nextCache.prevCache = c.nextCache, c.prevCache
		if l.head == c {
			l.head = c.nextCache
		}
	}
	c.nextCache, c.prevCache = nil, nil
}

// turn returns the cache under the hand and moves it on.
func (l *cacheList) turn() *PageCache {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.head
	if c != nil {
		l.head = c.nextCache
	}
	return c
}

func (l *cacheList) len() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == nil {
		return 0
	}
	for c := l.head; ; c = c.nextCache {
		n++
		if c.nextCache == l.head {
			return n
		}
	}
}

// Cached is the number of pages in caches of files on devices, for /proc/meminfo.
func CachedPages() (pages, dirty int) {
	for range cached.len() {
		if c := cached.turn(); c != nil {
			c.mu.Lock()
			pages, dirty = pages+c.pages, dirty+c.dirty
			c.mu.Unlock()
		}
	}
	return pages, dirty
}

// allPages counts the pages of all caches.
var allPages atomic.Int64

// SharedPages is the number of pages in caches of files that are in memory only: tmpfs
// and shared memory. They cannot be reclaimed.
func SharedPages() int {
	filled, _ := CachedPages()
	return max(int(allPages.Load())-filled, 0)
}

// reclaimBatch is how many frames an allocation that finds none tries to free.
const reclaimBatch = 256

// Reclaim frees up to want clean pages of page caches that nobody uses, those first
// that were not touched since the last time, and writes dirty ones back where that
// is not enough. The caller holds no locks. It returns how many it freed.
func Reclaim(want int) (freed int) {
	for pass := range 3 {
		for range cached.len() {
			c := cached.turn()
			if c == nil {
				return freed
			}
			if pass == 2 && c.Dirty() > 0 && c.sync.TryLock() {
				c.sync.Unlock()
				c.Sync(0, 1<<52)
			}
			if freed += c.reclaim(want-freed, pass > 0); freed >= want {
				return freed
			}
		}
	}
	return freed
}

// reclaim frees up to want clean pages, touched ones only with force.
func (c *PageCache) reclaim(want int, force bool) (freed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys(0, 1<<52) {
		for i := range uint64(leafSize) {
			if freed == want {
				return freed
			}
			index := k*leafSize + i
			s := c.slot(index)
			switch {
			case s == 0 || s&(slotBusy|slotDirty) != 0 || s.frame().Refs() != 1:
			case s&slotTouched != 0 && !force:
				c.flag(index, 0, slotTouched)
			default:
				c.remove(index)
				freed++
			}
		}
	}
	return freed
}

// allocFrame returns a frame, zeroed or not, and makes room where there is none. The
// caller holds no locks.
func allocFrame(zeroed bool) (mem.Frame, error) {
	for tries := 0; ; tries++ {
		var f mem.Frame
		var err error
		if zeroed {
			f, err = mem.Alloc()
		} else {
			f, err = mem.AllocDirty()
		}
		if err == nil {
			return f, nil
		}
		if tries == 3 || Reclaim(reclaimBatch) == 0 {
			return 0, unix.ENOMEM
		}
	}
}
