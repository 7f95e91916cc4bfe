// Package mm owns address spaces: VMAs, mmap and its relatives, page faults,
// copy-on-write, copies from and to user memory (it implements user.Memory), and the
// page cache. It knows frames and page tables, no files: what can be mapped is an
// Object.
//
// A Space is what Linux calls an mm. Programs' system calls arrive through
// linux/syscalls; linux/task forks, replaces and destroys spaces and gives them
// faults; file systems keep their data in a PageCache. docs/locking.md has the order
// of this package's locks.
package mm

import (
	"slices"
	"sync"

	"kevlar/machine/mem"
)

// Object is something that can be mapped: a file's page cache, a shared anonymous
// segment, a device. One piece of data is one Object, whoever maps it: futexes in
// shared memory are known by it.
//
// An Object may also be a Syncer, a Puncher, a Cacher or a DirtyTracker.
type Object interface {
	// Page returns the frame that holds page index (a file offset divided by the page
	// size) with a reference for the caller, reading it in first where necessary.
	// write says that the frame will be written through a shared mapping. Past the
	// end of the object it returns unix.ENXIO (the program gets SIGBUS); other errors
	// are I/O errors (SIGBUS) and ENOMEM. It is called without locks.
	Page(index uint64, write bool) (mem.Frame, error)

	// Attach and Detach tell the object that VMA v maps it, so that truncation can
	// unmap what it cuts off (Mappings.Zap). The VMA's references to the object are
	// counted by these. Attach is called with the lock of v's space held, and must
	// not block; Detach is called without locks. Mappings implements both.
	Attach(v *VMA)
	Detach(v *VMA)
}

// Syncer is an Object that msync(MS_SYNC) has something to do for.
type Syncer interface {
	// Sync writes pages [first, last) to the disk.
	Sync(first, last uint64) error
}

// Puncher is an Object that madvise(MADV_REMOVE) can make holes in.
type Puncher interface {
	// Punch frees bytes [off, off+n), which read as zeroes from then on.
	Punch(off, n int64) error
}

// Cacher is an Object that knows which of its pages are in memory.
type Cacher interface {
	// Cached fills out with the frames of consecutive pages from first on, each with
	// a reference for the caller, and zero where a page is not in memory or lies past
	// the end. It does no I/O.
	Cached(first uint64, out []mem.Frame)
	// InCore reports whether a page is in memory.
	InCore(index uint64) bool
}

// DirtyTracker is an Object that must learn of the first write to a page through a
// shared mapping, by Page with write set, each time after Mappings.Clean.
type DirtyTracker interface {
	TracksDirty() bool
}

// Backing is the open file behind a mapping, for /proc/PID/maps. A mapping holds a
// reference.
type Backing interface {
	MapRef()
	MapUnref()
	// MapInfo is what maps shows: the device, the inode and the path. It may be called
	// with the lock of a space held.
	MapInfo() (major, minor uint32, ino uint64, path string)
}

// Mappings are the VMAs that map an object. The zero value is empty. Embed it in an
// Object.
type Mappings struct {
	mu     sync.Mutex // guards the fields and VMA.next, prev; taken after Space.mu; leaf
	head   *VMA
	gen    uint64 // counts attachments
	number int
}

// Attach implements Object.
func (m *Mappings) Attach(v *VMA) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.head != nil {
		m.head.prev = v
	}
	v.next, v.prev, m.head = m.head, nil, v
	m.gen++
	m.number++
}

// Detach implements Object.
func (m *Mappings) Detach(v *VMA) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.prev == nil {
		m.head = v.next
	} else {
		v.prev.next = v.next
	}
	if v.next != nil {
		v.next.prev = v.prev
	}
	v.next, v.prev = nil, nil
	m.number--
}

// Number is how many VMAs map the object.
func (m *Mappings) Number() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.number
}

// Writable reports whether a shared mapping exists that may become writable (memfd
// seals ask).
func (m *Mappings) Writable() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v := m.head; v != nil; v = v.next {
		if v.shared && v.maySharedWrite {
			return true
		}
	}
	return false
}

// Zap unmaps pages [first, last) of the object everywhere, with copies also what programs
// have of their own in private mappings of them. The object answers Page for them as it
// will from now on already, so that they do not come back.
func (m *Mappings) Zap(first, last uint64, copies bool) {
	m.each(func(v *VMA) { v.space.zapObject(v, first, last, copies) })
}

// Clean takes write permission away from pages [first, last) in shared mappings, so
// that the next write to each is a fault.
func (m *Mappings) Clean(first, last uint64) {
	m.each(func(v *VMA) { v.space.cleanObject(v, first, last) })
}

// each calls do for every VMA without holding the lock: it takes locks of spaces,
// which come before ours. VMAs that appear meanwhile may hold entries that were
// copied or moved from a VMA before its turn, so it starts over until none has.
func (m *Mappings) each(do func(*VMA)) {
	for {
		m.mu.Lock()
		if m.head == nil {
			m.mu.Unlock()
			return
		}
		gen := m.gen
		all := make([]*VMA, 0, m.number)
		for v := m.head; v != nil; v = v.next {
			all = append(all, v)
		}
		m.mu.Unlock()
		for _, v := range slices.Backward(all) {
			do(v)
		}
		m.mu.Lock()
		same := gen == m.gen
		m.mu.Unlock()
		if same {
			return
		}
	}
}
