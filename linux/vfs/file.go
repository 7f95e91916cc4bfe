// Package vfs owns files: the dentry and inode caches, path walk, mounts, open file
// descriptions and descriptor tables, file locks and inotify. File systems are in
// linux/fs, one package each; pipes, terminals and sockets are packages of their own
// that implement FileOps. linux/syscalls decodes arguments and calls the functions
// here.
//
// Everything is garbage collected, so names and inodes need no reference counts to be
// safe. Counts exist only where a program can see the last reference go: open file
// descriptions (File), the users of an inode whose storage is freed once it has no
// name (Inode), and the users of a mount that umount finds busy (Mount).
package vfs

import (
	"math"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

// FileOps is what an open file can do: the seam for file systems, pipes, sockets,
// terminals, eventfd and the like. Embed DefaultOps and override what applies.
//
// Reads and writes of seekable files get the offset to use; the file's position is
// File's business. Blocking calls honour f.NonBlock (EAGAIN) and sleep with c.Waiter;
// they return abi.ERESTARTSYS when a signal interrupts them before any byte moved.
type FileOps interface {
	// Read moves bytes at off into dst and returns how many; 0 at the end of file.
	Read(c *Context, f *File, dst *user.IO, off int64) (int, error)
	// Write moves src to off and returns how many bytes it took. Where off is AtEnd (only
	// regular files and block devices see that) the implementation picks the offset
	// under its own lock, and tells where the write ended through f.AppendedTo.
	Write(c *Context, f *File, src *user.IO, off int64) (int, error)

	// Poll returns the events that hold now, and registers e, where not nil, with
	// every queue that announces changes, before it looks. Unpoll undoes it.
	Poll(f *File, e *wait.Entry) wait.Events
	Unpoll(f *File, e *wait.Entry)

	// Ioctl answers ENOTTY to what it does not know. arg may be an address in m.
	Ioctl(c *Context, f *File, cmd uint32, arg uint64, m user.Memory) (uint64, error)

	// Seekable says whether lseek, pread and pwrite apply (else ESPIPE).
	Seekable() bool
	// Seek computes a new position (SEEK_SET, CUR, END, DATA, HOLE); pos is the
	// current one. DefaultOps uses Size.
	Seek(f *File, off int64, whence int, pos int64) (int64, error)

	// ReadDir calls emit for each entry from position pos on (0 at the start) with the
	// position after it, until emit returns false. ENOTDIR if it is no directory.
	ReadDir(c *Context, f *File, pos int64, emit func(e DirEntry) bool) error

	// Map returns what to map for mmap; ENODEV if it cannot be.
	Map(f *File) (mm.Object, error)

	Fsync(c *Context, f *File, dataOnly bool) error
	Truncate(c *Context, f *File, size int64) error
	Fallocate(c *Context, f *File, mode uint32, off, n int64) error

	// Flush is called on each close of a descriptor, Release when the last reference
	// to the open file description goes.
	Flush(c *Context, f *File) error
	Release(f *File)
}

// DirEntry is one entry of a directory, as getdents64 gives it.
type DirEntry struct {
	Name string
	Ino  uint64
	Type uint8 // unix.DT_ constants
	Next int64 // position after this entry
}

// MaxTransfer is the most bytes that one read or write moves, as on Linux: read(2),
// "NOTES".
const MaxTransfer = 0x7ffff000

// File is an open file description: what open returns, and dup and fork share. It
// is reference counted: descriptors, mappings and calls under way hold references.
type File struct {
	Ops FileOps // set by the inode's Open; never changes after the open

	inode *Inode
	path  Path
	refs  atomic.Int64
	flags atomic.Uint32 // open flags that fcntl(F_GETFL) shows
	mode  fileMode      // what the file may be used for; fixed at open

	// posMu guards pos and end. It is held across reads and writes that use the
	// position, as POSIX asks (2.9.7), so it is taken before any lock of a file system.
	posMu sync.Mutex
	pos   int64
	end   int64 // where the last append ended

	owner   atomic.Pointer[Owner]
	async   atomic.Pointer[asyncWatch] // not nil while O_ASYNC is set
	flocked atomic.Bool                // there is or was a flock or OFD lock of this description
}

// fileMode says what a File may be used for.
type fileMode uint8

const (
	canRead fileMode = 1 << iota
	canWrite
	pathOnly       // O_PATH: names a file, opens nothing
	countsAsWriter // the inode's writer count includes this file
	noNotify       // pseudo files, of which inotify does not tell
)

// Owner is who gets SIGIO, and how: fcntl(2), F_SETOWN_EX and F_SETSIG. An Owner that a
// File has does not change: see UpdateOwner.
type Owner struct {
	To     SignalTarget // nil for nobody
	Signal int          // 0 for SIGIO without siginfo
	FD     int          // the descriptor at the time of F_SETFL O_ASYNC, for si_fd
	UID    uint32       // of who said so
	EUID   uint32
}

// SignalTarget is a process, thread or process group: package task's IOTarget.
type SignalTarget interface {
	// Signal sends what o asks for, because band happened. It may be called with a
	// wait queue's lock held.
	Signal(o *Owner, band wait.Events)
}

var openFiles atomic.Int64

// OpenFiles is the number of open file descriptions: /proc/sys/fs/file-nr.
func OpenFiles() int64 { return openFiles.Load() }

// newFile returns a File with one reference; it keeps references to p and its inode,
// which the caller has taken.
func newFile(p Path, i *Inode, flags uint32) *File {
	openFiles.Add(1)
	f := &File{path: p, inode: i}
	f.refs.Store(1)
	f.flags.Store(flags)
	switch {
	case flags&unix.O_PATH != 0:
		f.mode = pathOnly
	default:
		if acc := flags & unix.O_ACCMODE; acc == unix.O_RDONLY || acc == unix.O_RDWR {
			f.mode |= canRead
		}
		if acc := flags & unix.O_ACCMODE; acc == unix.O_WRONLY || acc == unix.O_RDWR {
			f.mode |= canWrite
		}
	}
	return f
}

// Ref adds a reference to a file that has one.
func (f *File) Ref() *File {
	if f.refs.Add(1) <= 1 {
		panic("vfs: reference to a released file")
	}
	return f
}

// tryRef adds a reference unless the last one has gone.
func (f *File) tryRef() bool {
	for {
		n := f.refs.Load()
		if n <= 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Refs is the number of references now.
func (f *File) Refs() int { return int(f.refs.Load()) }

// Unref drops a reference. The last one releases the file.
func (f *File) Unref() {
	switch n := f.refs.Add(-1); {
	case n > 0:
		return
	case n < 0:
		panic("vfs: file released twice")
	}
	openFiles.Add(-1)
	if f.inode != nil && f.mode&pathOnly == 0 {
		if f.mode&noNotify == 0 {
			if f.mode&canWrite != 0 {
				f.notify(InCloseWrite)
			} else {
				f.notify(InCloseNoWrite)
			}
		}
		if f.flocked.Load() {
			f.inode.dropFileLocks(f)
		}
	}
	if a := f.async.Swap(nil); a != nil {
		f.Ops.Unpoll(f, &a.entry)
	}
	if f.Ops != nil {
		f.Ops.Release(f)
	}
	if f.inode != nil {
		f.endWrite()
		f.inode.unuse()
	}
	f.path.Put()
}

// Inode is the file's inode; every File has one.
func (f *File) Inode() *Inode { return f.inode }

// Path is where the file was opened: for fchdir, *at calls and /proc/PID/fd.
func (f *File) Path() Path { return f.path }

// Flags are the open flags as fcntl(F_GETFL) shows them.
func (f *File) Flags() uint32 { return f.flags.Load() }

// settable are the flags that fcntl(F_SETFL) changes.
const settable = unix.O_APPEND | unix.O_NONBLOCK | unix.O_ASYNC | unix.O_DIRECT | unix.O_NOATIME

// SetFlags changes the flags that fcntl(F_SETFL) can change.
func (f *File) SetFlags(flags uint32) {
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^settable|flags&settable) {
			return
		}
	}
}

// SetFlag changes one flag: ioctl(FIONBIO).
func (f *File) SetFlag(flag uint32, on bool) {
	if on {
		f.flags.Or(flag)
	} else {
		f.flags.And(^flag)
	}
}

// NonBlock reports whether calls must answer EAGAIN where they would wait.
func (f *File) NonBlock() bool { return f.flags.Load()&unix.O_NONBLOCK != 0 }

// Append reports whether writes go to the end of the file.
func (f *File) Append() bool { return f.flags.Load()&unix.O_APPEND != 0 }

// Readable and Writable report what the open mode allows; PathOnly that the file was
// opened with O_PATH.
func (f *File) Readable() bool { return f.mode&canRead != 0 }
func (f *File) Writable() bool { return f.mode&canWrite != 0 }
func (f *File) PathOnly() bool { return f.mode&pathOnly != 0 }

// Owner is who gets SIGIO.
func (f *File) Owner() Owner {
	if o := f.owner.Load(); o != nil {
		return *o
	}
	return Owner{}
}

// UpdateOwner changes who gets SIGIO, and how.
func (f *File) UpdateOwner(change func(o *Owner)) {
	for {
		old, o := f.owner.Load(), f.Owner()
		change(&o)
		if f.owner.CompareAndSwap(old, &o) {
			return
		}
	}
}

// Asynchronous reports whether the file is of a kind that sends SIGIO: open(2), O_ASYNC.
func (f *File) Asynchronous() bool {
	switch f.inode.Type() {
	case unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR:
		return true
	}
	return false
}

// asyncWatch is the registration of a file with O_ASYNC on its own queues.
type asyncWatch struct {
	file  *File
	entry wait.Entry
}

// Notify implements wait.Notifier. It leaves the wakeup for those who wait.
func (a *asyncWatch) Notify(_ *wait.Entry, band wait.Events) bool {
	if o := a.file.owner.Load(); o != nil && o.To != nil {
		o.To.Signal(o, band)
	}
	return false
}

// SetAsync turns O_ASYNC on or off; fd is the descriptor through which it happens. Where
// the file is not Asynchronous, that changes no more than what F_GETFL shows.
func (f *File) SetAsync(fd int, on bool) {
	f.SetFlag(unix.O_ASYNC, on)
	if !f.Asynchronous() {
		return
	}
	if on {
		f.UpdateOwner(func(o *Owner) { o.FD = fd })
		a := &asyncWatch{file: f}
		a.entry.To = a
		if f.mode&canRead != 0 {
			a.entry.Events |= wait.In | wait.Pri
		}
		if f.mode&canWrite != 0 {
			a.entry.Events |= wait.Out
		}
		if f.async.CompareAndSwap(nil, a) {
			f.Ops.Poll(f, &a.entry)
		}
	} else if a := f.async.Swap(nil); a != nil {
		f.Ops.Unpoll(f, &a.entry)
	}
}

// SetStatus changes the flags that fcntl(F_SETFL) can change; fd is the descriptor.
func (f *File) SetStatus(c *Context, fd int, flags uint32) error {
	if flags&unix.O_NOATIME != 0 && f.flags.Load()&unix.O_NOATIME == 0 && !f.inode.Owned(c) {
		return unix.EPERM
	}
	if flags&unix.O_DIRECT != 0 && f.inode.Type() != unix.S_IFIFO {
		if d, ok := f.Ops.(interface{ DirectIO() bool }); !ok || !d.DirectIO() {
			return unix.EINVAL
		}
	}
	if on := flags&unix.O_ASYNC != 0; on != (f.flags.Load()&unix.O_ASYNC != 0) {
		f.SetAsync(fd, on)
	}
	f.SetFlags(flags)
	return nil
}

// Current, as an offset, is the file's position, which the transfer moves; AtEnd is
// where FileOps.Write is to append.
const (
	Current int64 = -1
	AtEnd   int64 = -1
)

// Transfer says where and how bytes are to be moved.
type Transfer struct {
	Off    int64 // Current, or an offset: then the position stays (pread64, pwrite64)
	Append bool  // as with O_APPEND: RWF_APPEND
	Sync   bool  // as with O_SYNC: RWF_SYNC, and RWF_DSYNC, of which it does more
}

// Read reads at the file's position and moves it: read(2) and readv(2).
func (f *File) Read(c *Context, dst *user.IO) (int, error) {
	return f.ReadAs(c, dst, Transfer{Off: Current})
}

// ReadAt reads at off and leaves the position alone: pread64(2), preadv(2).
func (f *File) ReadAt(c *Context, dst *user.IO, off int64) (int, error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	return f.ReadAs(c, dst, Transfer{Off: off})
}

// ReadAs reads as how says: preadv2(2).
func (f *File) ReadAs(c *Context, dst *user.IO, how Transfer) (int, error) {
	n, err := f.transfer(c, dst, how, canRead)
	if c.IO != nil {
		c.IO.count(n, &c.IO.ReadBytes, &c.IO.Reads)
	}
	if n > 0 {
		f.notify(InAccess)
		return n, nil // a partial transfer hides the error
	}
	return 0, err
}

// Write writes at the file's position, or at its end with O_APPEND, and moves the
// position: write(2), writev(2).
func (f *File) Write(c *Context, src *user.IO) (int, error) {
	return f.WriteAs(c, src, Transfer{Off: Current})
}

// WriteAt writes at off and leaves the position alone: pwrite64(2). With O_APPEND,
// Linux appends whatever the offset (pwrite(2), "BUGS").
func (f *File) WriteAt(c *Context, src *user.IO, off int64) (int, error) {
	if off < 0 {
		return 0, unix.EINVAL
	}
	return f.WriteAs(c, src, Transfer{Off: off})
}

// WriteAs writes as how says: pwritev2(2).
func (f *File) WriteAs(c *Context, src *user.IO, how Transfer) (int, error) {
	n, err := f.transfer(c, src, how, canWrite)
	if c.IO != nil {
		c.IO.count(n, &c.IO.WrittenBytes, &c.IO.Writes)
	}
	if n == 0 {
		return 0, err
	}
	f.notify(InModify)
	if (how.Sync || f.flags.Load()&unix.O_DSYNC != 0) && f.stored() {
		if err := f.Ops.Fsync(c, f, f.flags.Load()&unix.O_SYNC != unix.O_SYNC && !how.Sync); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// transfer is what reads and writes have in common: which position they use, and that
// those of a regular file or directory hold posMu while they do. Other files may
// wait for long, and Linux lets their positions race.
func (f *File) transfer(c *Context, io *user.IO, how Transfer, need fileMode) (n int, err error) {
	seekable := f.Ops.Seekable()
	if how.Off != Current && !seekable {
		return 0, unix.ESPIPE
	}
	if f.mode&need == 0 {
		return 0, unix.EBADF
	}
	io.Limit(MaxTransfer)
	switch {
	case !seekable:
		return f.move(c, io, 0, need)
	case need == canWrite && (how.Append || f.Append()) && f.stored():
		f.posMu.Lock()
		defer f.posMu.Unlock()
		n, err = f.Ops.Write(c, f, io, AtEnd)
		if n > 0 && how.Off == Current {
			f.pos = f.end
		}
		return n, err
	case how.Off != Current:
		return f.move(c, io, how.Off, need)
	case f.stored() || f.inode.IsDir():
		f.posMu.Lock()
		defer f.posMu.Unlock()
		n, err = f.move(c, io, f.pos, need)
		f.pos += int64(n)
		return n, err
	}
	pos := f.Pos()
	if n, err = f.move(c, io, pos, need); n > 0 {
		f.posMu.Lock()
		f.pos = pos + int64(n)
		f.posMu.Unlock()
	}
	return n, err
}

func (f *File) move(c *Context, io *user.IO, off int64, need fileMode) (int, error) {
	if need == canRead {
		io.Limit(int(min(MaxTransfer, math.MaxInt64-off)))
		return f.Ops.Read(c, f, io, off)
	}
	return f.Ops.Write(c, f, io, off)
}

// stored reports whether the file is one of bytes on some storage, with a length.
func (f *File) stored() bool {
	t := f.inode.Type()
	return t == unix.S_IFREG || t == unix.S_IFBLK
}

// AppendedTo tells that a write to AtEnd ended at offset end. Only a FileOps.Write
// calls it.
func (f *File) AppendedTo(end int64) { f.end = end }

// Seek moves the position: lseek(2).
func (f *File) Seek(off int64, whence int) (int64, error) {
	if whence < 0 || whence > unix.SEEK_HOLE {
		return 0, unix.EINVAL
	}
	if !f.Ops.Seekable() {
		if _, ok := f.Ops.(interface{ stays() }); ok {
			return 0, nil
		}
		return 0, unix.ESPIPE
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	pos, err := f.Ops.Seek(f, off, whence, f.pos)
	if err == nil {
		f.pos = pos
	}
	return pos, err
}

// Pos is the position, for /proc/PID/fdinfo.
func (f *File) Pos() int64 {
	f.posMu.Lock()
	pos := f.pos
	f.posMu.Unlock()
	return pos
}

// SetPos moves the position to where a transfer of several steps has come: sendfile(2).
func (f *File) SetPos(pos int64) {
	f.posMu.Lock()
	defer f.posMu.Unlock()
	f.pos = pos
}

// ReadDir calls emit for entries from the position on and moves it past those that
// emit took: getdents64(2).
func (f *File) ReadDir(c *Context, emit func(e DirEntry) bool) error {
	if f.inode.Type() != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	if f.inode.Dead() {
		return unix.ENOENT
	}
	f.inode.accessed(f)
	f.notify(InAccess)
	pos := f.pos
	err := f.Ops.ReadDir(c, f, pos, func(e DirEntry) bool {
		if !emit(e) {
			return false
		}
		pos = e.Next
		return true
	})
	f.pos = pos
	return err
}

// Poll returns the events that hold now and registers e, where not nil; see FileOps.
func (f *File) Poll(e *wait.Entry) wait.Events { return f.Ops.Poll(f, e) }

// TaskPoller are operations for which it matters who polls: signalfd's.
type TaskPoller interface {
	FileOps
	PollFor(c *Context, f *File, e *wait.Entry) wait.Events
}

// PollFor is Poll for the task behind c.
func (f *File) PollFor(c *Context, e *wait.Entry) wait.Events {
	if p, ok := f.Ops.(TaskPoller); ok {
		return p.PollFor(c, f, e)
	}
	return f.Ops.Poll(f, e)
}

// Unpoll undoes Poll's registration.
func (f *File) Unpoll(e *wait.Entry) { f.Ops.Unpoll(f, e) }

// Ioctl does the ioctls that concern one kind of file; those that every file has are
// in linux/syscalls.
func (f *File) Ioctl(c *Context, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	return f.Ops.Ioctl(c, f, cmd, arg, m)
}
