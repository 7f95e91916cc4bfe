package vfs

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Events of inotify(7).
const (
	InAccess       = unix.IN_ACCESS
	InModify       = unix.IN_MODIFY
	InAttrib       = unix.IN_ATTRIB
	InCloseWrite   = unix.IN_CLOSE_WRITE
	InCloseNoWrite = unix.IN_CLOSE_NOWRITE
	InOpen         = unix.IN_OPEN
	InMovedFrom    = unix.IN_MOVED_FROM
	InMovedTo      = unix.IN_MOVED_TO
	InCreate       = unix.IN_CREATE
	InDelete       = unix.IN_DELETE
	InDeleteSelf   = unix.IN_DELETE_SELF
	InMoveSelf     = unix.IN_MOVE_SELF
	InUnmount      = unix.IN_UNMOUNT
	InIgnored      = unix.IN_IGNORED
	InIsDir        = unix.IN_ISDIR
)

// Watcher is told of what happens to inodes: an inotify instance's watch. Its methods
// are called with locks of the vfs held; they take only leaf locks.
type Watcher interface {
	// Event tells that mask happened; name is the entry's name for an event in a
	// directory, else "". cookie joins the two halves of a rename. IN_EXCL_UNLINK in
	// mask says that the name has been removed. It returns false where the watch wants
	// no further events: it is then taken off.
	Event(mask uint32, cookie uint32, name string) bool
	// Gone tells that the inode's storage has been freed, or its file system unmounted.
	Gone()
}

// watchList are the watchers of one inode. mu is a leaf lock but for what Watcher's
// methods take.
type watchList struct {
	mu   sync.Mutex
	list []Watcher
}

// watching is how many watches there are in the whole system: while it is zero, hooks
// cost one load.
var watching atomic.Int64

// Watch adds a watcher to the inode.
func (i *Inode) Watch(w Watcher) {
	watching.Add(1)
	if i.watches.Load() == nil {
		i.watches.CompareAndSwap(nil, &watchList{})
	}
	l := i.watches.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		i.SB.setWatched(i, true)
	}
	l.list = append(l.list, w)
}

// Unwatch removes it; it may be gone already.
func (i *Inode) Unwatch(w Watcher) {
	l := i.watches.Load()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := slices.Index(l.list, w); k >= 0 {
		l.remove(i, k)
	}
}

// remove takes off the k-th watcher of i, with mu held.
func (l *watchList) remove(i *Inode, k int) {
	l.list = slices.Delete(l.list, k, k+1)
	watching.Add(-1)
	if len(l.list) == 0 {
		i.SB.setWatched(i, false)
	}
}

// setWatched notes whether i has watchers.
func (sb *Superblock) setWatched(i *Inode, on bool) {
	sb.watchMu.Lock()
	defer sb.watchMu.Unlock()
	switch {
	case !on:
		delete(sb.watched, i)
	case sb.watched == nil:
		sb.watched = map[*Inode]struct{}{i: {}}
	default:
		sb.watched[i] = struct{}{}
	}
}

// event tells the inode's watchers.
func (i *Inode) event(mask, cookie uint32, name string) {
	l := i.watches.Load()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := 0; k < len(l.list); {
		if l.list[k].Event(mask, cookie, name) {
			k++
		} else {
			l.remove(i, k)
		}
	}
}

// endWatches ends the watches of an inode that goes, after a last event of mask.
func (i *Inode) endWatches(mask uint32) {
	l := i.watches.Load()
	if l == nil {
		return
	}
	if mask == InUnmount && i.IsDir() {
		mask |= InIsDir
	}
	i.event(mask, 0, "")
	l.mu.Lock()
	gone := l.list
	l.list = nil
	if len(gone) > 0 {
		i.SB.setWatched(i, false)
	}
	l.mu.Unlock()
	watching.Add(int64(-len(gone)))
	for _, w := range gone {
		w.Gone()
	}
}

// unmounted ends all watches of a file system that no mount shows any more.
func (sb *Superblock) unmounted() {
	sb.watchMu.Lock()
	all := slices.Collect(maps.Keys(sb.watched))
	sb.watchMu.Unlock()
	for _, i := range all {
		i.endWatches(InUnmount)
	}
}

// notify tells the watchers of the file and of the directory that has it.
func (f *File) notify(mask uint32) {
	if watching.Load() == 0 || f.mode&noNotify != 0 {
		return
	}
	f.path.notify(mask)
}

func (p Path) notify(mask uint32) {
	if watching.Load() == 0 {
		return
	}
	i := p.Inode()
	if i.IsDir() {
		mask |= InIsDir
	}
	if p.D.Unlinked() {
		mask |= unix.IN_EXCL_UNLINK
	}
	if pl := p.D.place.Load(); pl.parent != nil {
		pl.parent.Inode().event(mask, 0, pl.name)
	}
	i.event(mask, 0, "")
}

// notifySelf tells the watchers of the inode alone.
func (i *Inode) notifySelf(mask uint32) {
	if watching.Load() != 0 {
		i.event(mask, 0, "")
	}
}

// notifyChild tells the watchers of directory d what happened to its entry.
func (d *Dentry) notifyChild(mask uint32, child *Dentry, cookie uint32) {
	if watching.Load() == 0 {
		return
	}
	if child.Inode().IsDir() {
		mask |= InIsDir
	}
	d.Inode().event(mask, cookie, child.Name())
}

var moveCookie atomic.Uint32

// notifyMove tells of a rename, in which victim, where not nil, lost a name.
func notifyMove(from *Dentry, oldName string, to *Dentry, newName string, moved *Dentry, victim *Inode) {
	if watching.Load() == 0 {
		return
	}
	var dir uint32
	if moved.Inode().IsDir() {
		dir = InIsDir
	}
	cookie := moveCookie.Add(1)
	from.Inode().event(InMovedFrom|dir, cookie, oldName)
	to.Inode().event(InMovedTo|dir, cookie, newName)
	if victim != nil && !victim.IsDir() {
		victim.event(InAttrib, 0, "")
	}
	moved.Inode().event(InMoveSelf, 0, "")
}
