package vfs

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/wait"
)

// File locks, all of them advisory: record locks of processes and of open file
// descriptions (fcntl(2)), and flock(2). The two families do not see each other.

// lockState are the locks of one inode.
type lockState struct {
	queue wait.Queue // who waits for a lock; woken when one goes or shrinks

	mu      sync.Mutex // guards what follows; queue's and deadlocks.mu below it
	records []record   // each owner's together, by start; owners by their first lock
	flocks  []flocked
}

// lockOwner is whose a record lock is: a process's, known by its descriptor table, or
// an open file description's.
type lockOwner struct {
	table *FDTable
	file  *File
}

// record is a lock of the bytes from start to end, which belongs to it.
type record struct {
	owner      lockOwner
	start, end int64
	write      bool
	pid        int // of the process that made it; -1 for an open file description's
}

type flocked struct {
	pid       int
	file      *File
	exclusive bool
}

// lockList returns the inode's locks, which it makes at first use.
func (i *Inode) lockList() *lockState {
	if l := i.locks.Load(); l != nil {
		return l
	}
	i.locks.CompareAndSwap(nil, new(lockState))
	return i.locks.Load()
}

// RecordLock is struct flock, with the range as an interval.
type RecordLock struct {
	Type       int // unix.F_RDLCK, F_WRLCK or F_UNLCK
	Start, End int64
	PID        int
}

// maxOffset is the end of a lock that reaches to the end of the file, however far that goes.
const maxOffset = math.MaxInt64

// LockRange is the interval that a struct flock names: start and length, counted from
// whence. A negative length means the bytes before start.
func (f *File) LockRange(whence int, start, n int64) (from, to int64, err error) {
	var base int64
	switch whence {
	case unix.SEEK_SET:
	case unix.SEEK_CUR:
		base = f.Pos()
	case unix.SEEK_END:
		base = f.inode.Size()
	default:
		return 0, 0, unix.EINVAL
	}
	if start > maxOffset-base {
		return 0, 0, unix.EOVERFLOW
	}
	from = base + start
	switch {
	case from < 0:
		return 0, 0, unix.EINVAL
	case n > 0:
		if n-1 > maxOffset-from {
			return 0, 0, unix.EOVERFLOW
		}
		return from, from + n - 1, nil
	case n < 0:
		if from+n < 0 {
			return 0, 0, unix.EINVAL
		}
		return from + n, from - 1, nil
	}
	return from, maxOffset, nil
}

// recordOwner is whose a lock of this call is.
func recordOwner(c *Context, f *File, ofd bool) lockOwner {
	if ofd {
		return lockOwner{file: f}
	}
	return lockOwner{table: c.Files}
}

// TestLock replaces l by a lock that is in its way, or sets its type to F_UNLCK:
// F_GETLK, and with ofd F_OFD_GETLK.
func (f *File) TestLock(c *Context, l *RecordLock, ofd bool) {
	state := f.inode.lockList()
	state.mu.Lock()
	defer state.mu.Unlock()
	r := state.conflict(&record{owner: recordOwner(c, f, ofd), start: l.Start, end: l.End, write: l.Type == unix.F_WRLCK})
	if r == nil {
		l.Type = unix.F_UNLCK
		return
	}
	*l = RecordLock{Type: unix.F_RDLCK, Start: r.start, End: r.end, PID: r.pid}
	if r.write {
		l.Type = unix.F_WRLCK
	}
}

// SetLock makes, changes or removes a lock: F_SETLK, and with ofd F_OFD_SETLK. EBADF where
// the file is not open for what is locked against; EAGAIN for a conflict, unless block
// says to wait (F_SETLKW): then EDEADLK where processes would wait in a circle.
func (f *File) SetLock(c *Context, l *RecordLock, ofd, block bool) error {
	if l.Type == unix.F_RDLCK && f.mode&canRead == 0 || l.Type == unix.F_WRLCK && f.mode&canWrite == 0 {
		return unix.EBADF
	}
	r := record{owner: recordOwner(c, f, ofd), start: l.Start, end: l.End, write: l.Type == unix.F_WRLCK, pid: -1}
	if ofd {
		f.flocked.Store(true)
	} else {
		r.pid = c.Process()
	}
	state := f.inode.lockList()
	if l.Type == unix.F_UNLCK {
		state.mu.Lock()
		state.set(&r, false)
		state.mu.Unlock()
		state.queue.Wake(wait.All)
		return nil
	}
	for {
		blocker, err := state.try(&r, block)
		if err != nil || blocker == nil {
			return err
		}
		err = c.Waiter.Until(&state.queue, wait.All, wait.Forever, func() bool {
			state.mu.Lock()
			defer state.mu.Unlock()
			now := state.conflict(&r)
			return now == nil || now.owner != blocker.owner
		})
		deadlocks.end(blocker)
		if err != nil {
			return err
		}
	}
}

// try sets a lock if nothing is in its way. Otherwise it answers EAGAIN, or with block
// whom to wait for, which it has noted in deadlocks.
func (l *lockState) try(r *record, block bool) (*blocked, error) {
	l.mu.Lock()
	other := l.conflict(r)
	if other == nil {
		shrunk := l.set(r, true)
		l.mu.Unlock()
		if shrunk {
			l.queue.Wake(wait.All)
		}
		return nil, nil
	}
	defer l.mu.Unlock()
	if !block {
		return nil, unix.EAGAIN
	}
	return deadlocks.begin(r.owner, other.owner)
}

// conflict returns a lock that r cannot coexist with, nil if there is none. mu is held.
func (l *lockState) conflict(r *record) *record {
	for i := range l.records {
		o := &l.records[i]
		if o.owner != r.owner && o.start <= r.end && r.start <= o.end && (o.write || r.write) {
			return o
		}
	}
	return nil
}

// set gives r's owner the lock r, or with add false none on r's range, and joins what
// is of one kind. It reports whether the owner had something there before, which
// others may now get. mu is held.
func (l *lockState) set(r *record, add bool) (changed bool) {
	first := slices.IndexFunc(l.records, func(o record) bool { return o.owner == r.owner })
	if first < 0 {
		if add {
			l.records = append(l.records, *r)
		}
		return false
	}
	last := first
	for last < len(l.records) && l.records[last].owner == r.owner {
		last++
	}
	own := make([]record, 0, last-first+2)
	whole := *r // grows by what it joins
	for _, o := range l.records[first:last] {
		overlaps := o.start <= r.end && r.start <= o.end
		touches := overlaps || o.end < maxOffset && o.end+1 == r.start || r.end < maxOffset && r.end+1 == o.start
		switch {
		case add && touches && o.write == r.write:
			whole.start, whole.end = min(whole.start, o.start), max(whole.end, o.end)
		case !overlaps:
			own = append(own, o)
		default:
			changed = true
			if o.start < r.start {
				left := o
				left.end = r.start - 1
				own = append(own, left)
			}
			if o.end > r.end {
				o.start = r.end + 1
				own = append(own, o)
			}
		}
	}
	if add {
		at := slices.IndexFunc(own, func(o record) bool { return o.start > whole.start })
		if at < 0 {
			at = len(own)
		}
		own = slices.Insert(own, at, whole)
	}
	l.records = slices.Replace(l.records, first, last, own...)
	return changed
}

// dropRecordLocks removes the locks that a process has, when it closes any descriptor of
// the file: fcntl(2).
func (i *Inode) dropRecordLocks(t *FDTable) {
	if l := i.locks.Load(); l != nil {
		l.drop(func(r record) bool { return r.owner.table == t }, nil)
	}
}

// dropFileLocks removes the locks of an open file description that goes.
func (i *Inode) dropFileLocks(f *File) {
	if l := i.locks.Load(); l != nil {
		l.drop(func(r record) bool { return r.owner.file == f }, f)
	}
}

func (l *lockState) drop(which func(record) bool, f *File) {
	l.mu.Lock()
	before := len(l.records) + len(l.flocks)
	l.records = slices.DeleteFunc(l.records, which)
	if f != nil {
		l.flocks = slices.DeleteFunc(l.flocks, func(o flocked) bool { return o.file == f })
	}
	changed := before != len(l.records)+len(l.flocks)
	l.mu.Unlock()
	if changed {
		l.queue.Wake(wait.All)
	}
}

// Flock is flock(2): how is unix.LOCK_SH, LOCK_EX or LOCK_UN. A conversion gives up the old
// lock first, and does not get it back where the new one cannot be had.
func (f *File) Flock(c *Context, how int, block bool) error {
	l := f.inode.lockList()
	l.mu.Lock()
	at := slices.IndexFunc(l.flocks, func(o flocked) bool { return o.file == f })
	exclusive := how == unix.LOCK_EX
	if at >= 0 {
		if how != unix.LOCK_UN && l.flocks[at].exclusive == exclusive {
			l.mu.Unlock()
			return nil
		}
		l.flocks = slices.Delete(l.flocks, at, at+1)
	}
	l.mu.Unlock()
	if at >= 0 {
		l.queue.Wake(wait.All)
	}
	if how == unix.LOCK_UN {
		return nil
	}
	f.flocked.Store(true)
	free := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, o := range l.flocks {
			if o.file != f && (o.exclusive || exclusive) {
				return false
			}
		}
		l.flocks = slices.DeleteFunc(l.flocks, func(o flocked) bool { return o.file == f }) // of a thread that was faster
		l.flocks = append(l.flocks, flocked{c.Process(), f, exclusive})
		return true
	}
	if !block {
		if !free() {
			return unix.EAGAIN
		}
		return nil
	}
	return c.Waiter.Until(&l.queue, wait.All, wait.Forever, free)
}

// LockInfo is a lock as /proc/locks has it.
type LockInfo struct {
	Kind       string // FLOCK, POSIX, OFDLCK
	Write      bool
	PID        int // in the initial PID namespace; -1 for an open file description's
	Start, End int64
}

// String is the line of /proc/locks after its number: proc(5).
func (l LockInfo) String(i *Inode) string {
	mode, end := "READ ", "EOF"
	if l.Write {
		mode = "WRITE"
	}
	if l.End != maxOffset {
		end = strconv.FormatInt(l.End, 10)
	}
	dev := i.SB.Dev
	return fmt.Sprintf("%-6s ADVISORY  %s %d %02x:%02x:%d %d %s", l.Kind, mode, l.PID, unix.Major(dev), unix.Minor(dev), i.Ino, l.Start, end)
}

// Locks lists the locks of the inode.
func (i *Inode) Locks() (list []LockInfo) {
	l := i.locks.Load()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.flocks {
		list = append(list, LockInfo{"FLOCK", o.exclusive, o.pid, 0, maxOffset})
	}
	for _, r := range l.records {
		kind := "POSIX"
		if r.owner.file != nil {
			kind = "OFDLCK"
		}
		list = append(list, LockInfo{kind, r.write, r.pid, r.start, r.end})
	}
	return list
}

// waits are the record locks that processes wait for, so that circles are found. mu is a
// leaf.
type waits struct {
	mu  sync.Mutex
	all map[*blocked]struct{}
}

var deadlocks = waits{all: make(map[*blocked]struct{})}

// blocked says that waiter waits for a lock of owner's.
type blocked struct{ waiter, owner lockOwner }

// maxChain is how many processes in a row are looked at for a circle: as on Linux, a
// longer one is not found.
const maxChain = 10

// begin notes that w waits for o; EDEADLK if o waits, through others perhaps, for w.
func (d *waits) begin(w, o lockOwner) (*blocked, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at, n := o, 0; w.table != nil && n <= maxChain; n++ {
		next := d.of(at)
		if next == nil {
			break
		}
		if at = next.owner; at == w {
			return nil, unix.EDEADLK
		}
	}
	b := &blocked{w, o}
	d.all[b] = struct{}{}
	return b, nil
}

// of returns what o waits for, nil if it does not wait. Open file descriptions are not
// looked at: fcntl(2).
func (d *waits) of(o lockOwner) *blocked {
	for b := range d.all {
		if o.table != nil && b.waiter == o {
			return b
		}
	}
	return nil
}

func (d *waits) end(b *blocked) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.all, b)
}
