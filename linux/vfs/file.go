// Package vfs owns files: the dentry and inode caches, path walk, mounts, open file
// descriptions and descriptor tables. File systems are in linux/fs, one package each.
package vfs

import (
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
	// Write moves src to off and returns how many bytes it took. With O_APPEND the
	// implementation picks the offset under its own lock and tells it through f.
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
