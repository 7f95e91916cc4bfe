// Package mem owns physical memory page by page: it hands out frames, counts the
// references to each, and shows their contents through the machine's direct map.
//
// It is the only place where frames are counted. machine/metal gives it the memory
// that neither the boot loader, the kernel image nor the Go heap has; machine/sim
// gives it an arena. Page tables, the page cache and address spaces hold frames
// from here; nothing else in the kernel keeps data of programs.
package mem

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// PageSize is the size of a frame in bytes, PageShift its logarithm.
const (
	PageSize  = 4096
	PageShift = 12
)

// Frame is the number of a physical page: its physical address divided by
// PageSize. Frame 0 is never handed out and means "none".
type Frame uint64

// FrameOf is the frame that holds the physical address pa.
func FrameOf(pa uint64) Frame { return Frame(pa >> PageShift) }

// Addr is the physical address of the frame's first byte.
func (f Frame) Addr() uint64 { return uint64(f) << PageShift }

// Source is where frames come from and go back to in batches.
type Source interface {
	// Take fills out with frames that nobody uses and returns how many it found;
	// zero means that memory for programs is exhausted.
	Take(out []Frame) int
	// Give returns frames.
	Give(frames []Frame)
	// Free and Total are numbers of frames, for /proc/meminfo.
	Free() int
	Total() int
	// Heap is how many frames the Go heap has, and how many are set aside for it; the latter are neither free nor in Total.
	Heap() (has, share int)
}

const batch = 128

// pool is the stock of free frames in front of the source. mu guards source,
// stock and n; it is a leaf lock.
var pool struct {
	mu     sync.Mutex
	source Source
	stock  [2 * batch]Frame
	n      int
}

var inUse atomic.Int64

// SetSource says where frames come from. It is called once, before the first Alloc.
func SetSource(s Source) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.source = s
}

// Alloc returns a frame full of zeroes with one reference, or ENOMEM.
func Alloc() (Frame, error) {
	f, err := AllocDirty()
	if err == nil {
		clear(f.Data()[:])
	}
	return f, err
}

// AllocDirty is Alloc for a frame that the caller overwrites whole: its contents
// are somebody's old data.
func AllocDirty() (Frame, error) {
	pool.mu.Lock()
	if pool.n == 0 {
		if pool.source != nil {
			pool.n = pool.source.Take(pool.stock[:batch])
		}
		if pool.n == 0 {
			pool.mu.Unlock()
			return 0, unix.ENOMEM
		}
	}
	pool.n--
	f := pool.stock[pool.n]
	pool.mu.Unlock()
	f.refs().Store(1)
	inUse.Add(1)
	return f, nil
}

// Ref adds a reference to a frame that has one.
func (f Frame) Ref() { f.refs().Add(1) }

// Refs is the number of references now: a caller that holds one and sees 1 is the
// only holder.
func (f Frame) Refs() int { return int(f.refs().Load()) }

// Unref drops a reference; the last one frees the frame. No CPU may still have a
// translation to a frame whose last reference goes (Machine.FlushTLB first).
func (f Frame) Unref() {
	switch n := f.refs().Add(-1); {
	case n > 0:
		return
	case n < 0:
		panic("mem: frame freed twice")
	}
	inUse.Add(-1)
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.n == len(pool.stock) {
		pool.n -= batch
		pool.source.Give(pool.stock[pool.n:])
	}
	pool.stock[pool.n] = f
	pool.n++
}

// Stats are numbers of frames.
type Stats struct {
	Total    int // that programs can have
	Free     int // of them, that nobody uses
	InUse    int // that have a reference
	Reserved int // set aside for the Go heap
	Spare    int // of them, that it has not taken
}

// Usage counts frames. After everything that ran has ended, InUse is what it was
// before, or a reference has leaked.
func Usage() Stats {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	s := Stats{InUse: int(inUse.Load())}
	if pool.source != nil {
		s.Total, s.Free = pool.source.Total(), pool.source.Free()+pool.n
		has, share := pool.source.Heap()
		s.Reserved, s.Spare = share, max(share-has, 0)
	}
	return s
}
