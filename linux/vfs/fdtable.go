package vfs

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// FDTable maps descriptors to open files. clone(CLONE_FILES) shares one, fork copies
// it. Get takes no lock: it loads the slot, takes a reference unless the last one has
// gone, and looks whether the slot still holds the file. So a descriptor that one
// thread closes while another is in a call on it leaves that call its file.
type FDTable struct {
	refs  atomic.Int32
	slots atomic.Pointer[[]atomic.Pointer[File]]

	// mu guards everything below and all changes of slots. Nothing is called with
	// it held.
	mu      sync.Mutex
	used    bitTree
	cloexec bitTree
}

// NewFDTable returns an empty table.
func NewFDTable() *FDTable {
	t := &FDTable{}
	t.refs.Store(1)
	slots := make([]atomic.Pointer[File], 64)
	t.slots.Store(&slots)
	return t
}

// Get returns the file of a descriptor with a reference for the caller, who ends
// with File.Unref. It answers EBADF to a free descriptor and one opened with O_PATH.
func (t *FDTable) Get(fd int) (*File, error) {
	f, err := t.GetPath(fd)
	if err == nil && f.mode&pathOnly != 0 {
		f.Unref()
		return nil, unix.EBADF
	}
	return f, err
}

// GetPath is Get for the calls that take an O_PATH descriptor too.
func (t *FDTable) GetPath(fd int) (*File, error) {
	for {
		slots := *t.slots.Load()
		if uint(fd) >= uint(len(slots)) {
			return nil, unix.EBADF
		}
		f := slots[fd].Load()
		if f == nil {
			return nil, unix.EBADF
		}
		if !f.tryRef() {
			continue // closed and perhaps replaced: look again
		}
		if (*t.slots.Load())[fd].Load() == f {
			return f, nil
		}
		f.Unref()
	}
}

// Holds reports whether the descriptor is f's now.
func (t *FDTable) Holds(fd int, f *File) bool {
	slots := *t.slots.Load()
	return uint(fd) < uint(len(slots)) && slots[fd].Load() == f
}

// Reserve takes the lowest free descriptor from min on. The descriptor is free to
// everybody's eyes until Fill; Abandon gives it back. EMFILE where RLIMIT_NOFILE
// leaves none.
func (t *FDTable) Reserve(c *Context, min int, cloexec bool) (int, error) {
	limit := c.fileLimit()
	t.mu.Lock()
	fd := t.used.firstZero(min)
	if fd < limit {
		t.take(fd, cloexec)
	}
	t.mu.Unlock()
	if fd >= limit {
		return 0, unix.EMFILE
	}
	return fd, nil
}

// fileLimit is RLIMIT_NOFILE as an int that no descriptor reaches.
func (c *Context) fileLimit() int { return int(min(c.Limit(unix.RLIMIT_NOFILE), maxFD)) }

// maxFD is one more than the largest descriptor: /proc/sys/fs/nr_open.
const maxFD = 1 << 20

// MaxFiles is how many descriptors a process may have at most.
const MaxFiles = maxFD

// take marks fd as used, with mu held.
func (t *FDTable) take(fd int, cloexec bool) {
	t.used.set(fd, true)
	t.cloexec.set(fd, cloexec)
	slots := *t.slots.Load()
	if fd < len(slots) {
		return
	}
	// Readers of the old array find what was there when they looked; closing goes
	// through the new one, and Get compares with it.
	grown := make([]atomic.Pointer[File], 1<<bits.Len(uint(fd)))
	for i := range slots {
		grown[i].Store(slots[i].Load())
	}
	t.slots.Store(&grown)
}

// Fill puts f behind a reserved descriptor, and takes over the caller's reference.
func (t *FDTable) Fill(fd int, f *File) {
	t.mu.Lock()
	(*t.slots.Load())[fd].Store(f)
	t.mu.Unlock()
}

// Abandon gives a reserved descriptor back.
func (t *FDTable) Abandon(fd int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used.set(fd, false)
	t.cloexec.set(fd, false)
}

// Install puts f behind the lowest free descriptor from min on. It takes over the
// caller's reference where it succeeds, and leaves it where it fails.
func (t *FDTable) Install(c *Context, f *File, min int, cloexec bool) (int, error) {
	fd, err := t.Reserve(c, min, cloexec)
	if err == nil {
		t.Fill(fd, f)
	}
	return fd, err
}

// Replace puts f behind the descriptor fd and closes what was there: dup2 and dup3.
// It takes over the caller's reference where it succeeds.
func (t *FDTable) Replace(c *Context, f *File, fd int, cloexec bool) error {
	if fd < 0 || fd >= c.fileLimit() {
		return unix.EBADF
	}
	t.mu.Lock()
	if t.used.get(fd) && (fd >= len(*t.slots.Load()) || (*t.slots.Load())[fd].Load() == nil) {
		t.mu.Unlock()
		return unix.EBUSY // an open in another thread has it reserved: dup2(2)
	}
	t.take(fd, cloexec)
	old := (*t.slots.Load())[fd].Swap(f)
	t.mu.Unlock()
	if old != nil {
		t.drop(c, old)
	}
	return nil
}

// remove takes the file out of a slot, with mu held; nil if there is none.
func (t *FDTable) remove(fd int) *File {
	slots := *t.slots.Load()
	if uint(fd) >= uint(len(slots)) {
		return nil
	}
	f := slots[fd].Swap(nil)
	if f != nil {
		t.used.set(fd, false)
		t.cloexec.set(fd, false)
	}
	return f
}

// Close closes a descriptor: close(2). The descriptor is free even where Flush
// fails.
func (t *FDTable) Close(c *Context, fd int) error {
	t.mu.Lock()
	f := t.remove(fd)
	t.mu.Unlock()
	if f == nil {
		return unix.EBADF
	}
	return t.drop(c, f)
}

// drop ends a descriptor's hold of f: record locks of the table's process go, as
// fcntl(2) has it for any close.
func (t *FDTable) drop(c *Context, f *File) error {
	var err error
	if f.mode&pathOnly == 0 {
		f.inode.dropRecordLocks(t)
		err = f.Ops.Flush(c, f)
	}
	f.Unref()
	return err
}

// CloseRange closes the descriptors from first to last: close_range(2).
func (t *FDTable) CloseRange(c *Context, first, last uint32) {
	for fd := int(first); fd <= int(last); fd++ {
		t.mu.Lock()
		fd = t.used.firstOne(fd)
		if fd < 0 || fd > int(last) {
			t.mu.Unlock()
			return
		}
		f := t.remove(fd)
		t.mu.Unlock()
		if f != nil {
			t.drop(c, f)
		}
	}
}

// SetCloseOnExecRange marks the descriptors from first to last:
// close_range(CLOSE_RANGE_CLOEXEC).
func (t *FDTable) SetCloseOnExecRange(first, last uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for fd := t.used.firstOne(int(first)); fd >= 0 && fd <= int(last); fd = t.used.firstOne(fd + 1) {
		t.cloexec.set(fd, true)
	}
}

// CloseOnExec returns the descriptor's FD_CLOEXEC flag.
func (t *FDTable) CloseOnExec(fd int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cloexec.get(fd)
}

// SetCloseOnExec changes the descriptor's FD_CLOEXEC flag. EBADF if it is free.
func (t *FDTable) SetCloseOnExec(fd int, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.used.get(fd) {
		return unix.EBADF
	}
	t.cloexec.set(fd, on)
	return nil
}

// Exec closes the descriptors marked close-on-exec. The table must not be shared any
// more.
func (t *FDTable) Exec(c *Context) {
	for fd := 0; ; fd++ {
		t.mu.Lock()
		fd = t.cloexec.firstOne(fd)
		if fd < 0 {
			t.mu.Unlock()
			return
		}
		f := t.remove(fd)
		t.mu.Unlock()
		if f != nil {
			t.drop(c, f)
		}
	}
}

// Ref adds a reference, for clone(CLONE_FILES).
func (t *FDTable) Ref() { t.refs.Add(1) }

// Refs is the number of tasks that share t.
func (t *FDTable) Refs() int { return int(t.refs.Load()) }

// Unref drops a reference; the last one closes every descriptor.
func (t *FDTable) Unref(c *Context) {
	if t.refs.Add(-1) == 0 {
		t.CloseRange(c, 0, math.MaxInt32)
	}
}

// Fork returns a copy of t with references of its own: fork, and
// unshare(CLONE_FILES).
func (t *FDTable) Fork() *FDTable { return t.fork(math.MaxInt32) }

func (t *FDTable) fork(below int) *FDTable {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &FDTable{}
	n.refs.Store(1)
	slots := *t.slots.Load()
	copied := make([]atomic.Pointer[File], len(slots))
	for fd := t.used.firstOne(0); fd >= 0 && fd < below; fd = t.used.firstOne(fd + 1) {
		if f := slots[fd].Load(); f != nil { // else it is only reserved
			copied[fd].Store(f.Ref())
			n.used.set(fd, true)
			n.cloexec.set(fd, t.cloexec.get(fd))
		}
	}
	n.slots.Store(&copied)
	return n
}

// ForkBelow is Fork without the descriptors from first on, for
// close_range(CLOSE_RANGE_UNSHARE) of all of them.
func (t *FDTable) ForkBelow(first uint32) *FDTable {
	return t.fork(int(min(first, math.MaxInt32)))
}

// Each calls f for every open descriptor from fd on, until f returns false. The file
// is good during the call.
func (t *FDTable) Each(from int, f func(fd int, file *File) bool) {
	for fd := from; ; fd++ {
		t.mu.Lock()
		fd = t.used.firstOne(fd)
		t.mu.Unlock()
		if fd < 0 {
			return
		}
		file, err := t.GetPath(fd)
		if err != nil {
			continue
		}
		more := f(fd, file)
		file.Unref()
		if !more {
			return
		}
	}
}

// Cap is the number of slots, for /proc/PID/status (FDSize).
func (t *FDTable) Cap() int { return len(*t.slots.Load()) }

// bitTree is a set of small numbers that finds the first member or non-member from a
// given one on in O(log n): words of 64 bits, and above each level one that says
// which words below are full, and one that says which are not empty.
type bitTree struct {
	words []uint64
	full  []uint64 // bit i: words[i] has all bits set
	some  []uint64 // bit i: words[i] has a bit set
}

func (b *bitTree) get(i int) bool {
	w := i / 64
	return i >= 0 && w < len(b.words) && b.words[w]>>(i%64)&1 != 0
}

func (b *bitTree) set(i int, on bool) {
	w := i / 64
	if w >= len(b.words) {
		if !on {
			return
		}
		b.words = append(b.words, make([]uint64, w+1-len(b.words))...)
		if n := w/64 + 1 - len(b.full); n > 0 {
			b.full = append(b.full, make([]uint64, n)...)
			b.some = append(b.some, make([]uint64, n)...)
		}
	}
	old := b.words[w]
	setBit(b.words, i, on)
	word := b.words[w]
	if old == math.MaxUint64 || word == math.MaxUint64 {
		setBit(b.full, w, word == math.MaxUint64)
	}
	if old == 0 || word == 0 {
		setBit(b.some, w, word != 0)
	}
}

func setBit(words []uint64, i int, on bool) {
	if on {
		words[i/64] |= 1 << (i % 64)
	} else {
		words[i/64] &^= 1 << (i % 64)
	}
}

// firstZero returns the first number from i on that is not in the set.
func (b *bitTree) firstZero(i int) int {
	w := i / 64
	if w >= len(b.words) {
		return i
	}
	if free := ^b.words[w] >> (i % 64); free != 0 {
		return i + bits.TrailingZeros64(free)
	}
	for w++; w < len(b.words); {
		if free := ^b.full[w/64] >> (w % 64); free != 0 {
			w += bits.TrailingZeros64(free)
			break
		}
		w = (w/64 + 1) * 64
	}
	if w >= len(b.words) {
		return w * 64
	}
	return w*64 + bits.TrailingZeros64(^b.words[w])
}

// firstOne returns the first member from i on, -1 if there is none.
func (b *bitTree) firstOne(i int) int {
	w := i / 64
	if w >= len(b.words) {
		return -1
	}
	if rest := b.words[w] >> (i % 64); rest != 0 {
		return i + bits.TrailingZeros64(rest)
	}
	for w++; w < len(b.words); {
		if rest := b.some[w/64] >> (w % 64); rest != 0 {
			w += bits.TrailingZeros64(rest)
			return w*64 + bits.TrailingZeros64(b.words[w])
		}
		w = (w/64 + 1) * 64
	}
	return -1
}
