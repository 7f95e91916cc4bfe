package vfs

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
)

// ZeroMapper are the FileOps of a file that shows as anonymous memory where it is
// mapped: /dev/zero.
type ZeroMapper interface{ MapsZeroes() }

// Map puts f, and what may be done with its pages, into a request for a mapping. The
// caller calls done when the request has been met.
func (f *File) Map(r *mm.Request) (done func()) {
	if _, ok := f.Ops.(ZeroMapper); ok {
		r.Flags |= unix.MAP_ANONYMOUS
		return func() {}
	}
	r.File = f
	r.ReadOnly, r.WriteOnly = !f.Writable(), !f.Readable()
	r.NoExec = f.path.Mnt != nil && f.path.Mnt.Flags()&MntNoExec != 0
	r.Open = func() (mm.Object, error) { return f.Ops.Map(f) }
	if s, ok := f.Ops.(Sealed); ok && f.Writable() && r.Flags&unix.MAP_TYPE != unix.MAP_PRIVATE {
		return s.Seals().restrict(r)
	}
	return func() {}
}

// MapRef, MapUnref and MapInfo implement mm.Backing: a mapping keeps the file open.
func (f *File) MapRef()   { f.Ref() }
func (f *File) MapUnref() { f.Unref() }

func (f *File) MapInfo() (major, minor uint32, ino uint64, path string) {
	dev := f.inode.SB.Dev
	return unix.Major(dev), unix.Minor(dev), f.inode.Ino, f.path.String(Path{})
}
