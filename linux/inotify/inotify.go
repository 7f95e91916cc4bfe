// Package inotify is the file that inotify_init1 makes: the watches of one program, and
// the events that package vfs reports to them, as inotify(7) describes.
package inotify

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Limits of /proc/sys/fs/inotify.
var (
	MaxQueued    atomic.Int64 // events that an instance keeps
	MaxInstances atomic.Int64 // instances of one user
	MaxWatches   atomic.Int64 // watches of one user
)

func init() {
	MaxQueued.Store(16384)
	MaxInstances.Store(128)
	MaxWatches.Store(65536)
}

// usage counts instances and watches by user. mu is a leaf.
var usage struct {
	mu        sync.Mutex
	instances map[uint32]int64
	watches   map[uint32]int64
}

// charge adds n to what uid has of a kind, unless that would pass limit.
func charge(kind *map[uint32]int64, uid uint32, n, limit int64) bool {
	usage.mu.Lock()
	defer usage.mu.Unlock()
	if *kind == nil {
		*kind = make(map[uint32]int64)
	}
	have := (*kind)[uid] + n
	if n > 0 && have > limit {
		return false
	}
	if have == 0 {
		delete(*kind, uid)
	} else {
		(*kind)[uid] = have
	}
	return true
}

// Instance is one inotify file. mu guards its watches and events. It is taken after the
// lock of an inode's list of watches, and before queue's.
type Instance struct {
	vfs.DefaultOps
	vfs.Stays
	uid   uint32
	queue wait.Queue

	mu       sync.Mutex
	byWD     map[int32]*watch
	byInode  map[*vfs.Inode]*watch
	lastWD   int32
	events   []event // not read yet, oldest first
	bytes    int     // that a read of all events gives
	overflow bool    // the last event tells that some are lost
	closed   bool
}

// watch is one watch; it implements vfs.Watcher.
type watch struct {
	in    *Instance
	wd    int32
	inode *vfs.Inode
	mask  uint32 // guarded by in.mu
}

type event struct {
	wd           int32
	mask, cookie uint32
	name         string
}

// header is sizeof(struct inotify_event), to a multiple of which names are padded.
const header = 16

func (e *event) size() int {
	if e.name == "" {
		return header
	}
	return header + (len(e.name)+header)&^(header-1)
}

// New returns an instance. EMFILE where the caller's user has too many.
func New(c *vfs.Context) (*Instance, error) {
	uid := c.Cred.UID
	if !charge(&usage.instances, uid, 1, MaxInstances.Load()) {
		return nil, unix.EMFILE
	}
	return &Instance{uid: uid, byWD: make(map[int32]*watch), byInode: make(map[*vfs.Inode]*watch)}, nil
}

// watchFlags are the flags that stay with a watch.
const watchFlags = unix.IN_EXCL_UNLINK | unix.IN_ONESHOT

// Add watches an inode, or changes what is watched of one: inotify_add_watch(2). It
// returns the watch descriptor.
func (in *Instance) Add(i *vfs.Inode, mask uint32) (int32, error) {
	in.mu.Lock()
	if w := in.byInode[i]; w != nil {
		defer in.mu.Unlock()
		if mask&unix.IN_MASK_CREATE != 0 {
			return 0, unix.EEXIST
		}
		was := w.mask
		w.mask = mask & (unix.IN_ALL_EVENTS | watchFlags)
		if mask&unix.IN_MASK_ADD != 0 {
			w.mask |= was
		}
		return w.wd, nil
	}
	if !charge(&usage.watches, in.uid, 1, MaxWatches.Load()) {
		in.mu.Unlock()
		return 0, unix.ENOSPC
	}
	w := &watch{in: in, wd: in.nextWD(), inode: i, mask: mask & (unix.IN_ALL_EVENTS | watchFlags)}
	in.byWD[w.wd], in.byInode[i] = w, w
	in.mu.Unlock()
	i.Watch(w)
	return w.wd, nil
}

// nextWD picks a watch descriptor: the next number, from 1 on again after the last.
func (in *Instance) nextWD() int32 {
	for {
		if in.lastWD == math.MaxInt32 {
			in.lastWD = 0
		}
		in.lastWD++
		if in.byWD[in.lastWD] == nil {
			return in.lastWD
		}
	}
}

// Remove ends a watch: inotify_rm_watch(2).
func (in *Instance) Remove(wd int32) error {
	in.mu.Lock()
	w := in.byWD[wd]
	if w == nil {
		in.mu.Unlock()
		return unix.EINVAL
	}
	in.drop(w)
	in.mu.Unlock()
	w.inode.Unwatch(w)
	return nil
}

// drop forgets a watch and says so, with mu held.
func (in *Instance) drop(w *watch) {
	delete(in.byWD, w.wd)
	delete(in.byInode, w.inode)
	charge(&usage.watches, in.uid, -1, 0)
	in.add(event{wd: w.wd, mask: unix.IN_IGNORED})
}

// Event implements vfs.Watcher.
func (w *watch) Event(mask, cookie uint32, name string) bool {
	in := w.in
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.byWD[w.wd] != w:
		return true // it is being removed
	case mask&unix.IN_EXCL_UNLINK != 0 && w.mask&unix.IN_EXCL_UNLINK != 0:
		return true
	case mask&(w.mask&unix.IN_ALL_EVENTS|unix.IN_UNMOUNT) == 0:
		return true
	}
	mask &^= unix.IN_EXCL_UNLINK
	in.add(event{w.wd, mask, cookie, name})
	if w.mask&unix.IN_ONESHOT != 0 {
		in.drop(w)
		return false
	}
	return true
}

// Gone implements vfs.Watcher.
func (w *watch) Gone() {
	in := w.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.byWD[w.wd] == w {
		in.drop(w)
	}
}

// add queues an event, unless it equals the last one; with mu held.
func (in *Instance) add(e event) {
	if in.closed {
		return
	}
	if n := len(in.events); n > 0 && in.events[n-1] == e && e.mask&unix.IN_IGNORED == 0 {
		return
	}
	if int64(len(in.events)) >= MaxQueued.Load() {
		if in.overflow {
			return
		}
		e = event{wd: -1, mask: unix.IN_Q_OVERFLOW}
		in.overflow = true
	}
	in.events = append(in.events, e)
	in.bytes += e.size()
	in.queue.Wake(wait.In | wait.RdNorm)
}

// take takes the first event if it fits into room bytes. any says that there is one.
func (in *Instance) take(room int) (e event, fits, any bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.events) == 0 {
		return event{}, false, false
	}
	e = in.events[0]
	if e.size() > room {
		return event{}, false, true
	}
	in.events[0] = event{}
	in.events = in.events[1:]
	in.bytes -= e.size()
	if e.mask&unix.IN_Q_OVERFLOW != 0 {
		in.overflow = false
	}
	return e, true, true
}

func (in *Instance) waiting() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.events) > 0
}

// Read implements vfs.FileOps: whole events, as many as there are and fit; EINVAL where
// not even the first fits.
func (in *Instance) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	done := 0
	for {
		e, fits, any := in.take(dst.Len())
		switch {
		case fits:
			b := make([]byte, e.size())
			le := binary.LittleEndian
			le.PutUint32(b, uint32(e.wd))
			le.PutUint32(b[4:], e.mask)
			le.PutUint32(b[8:], e.cookie)
			le.PutUint32(b[12:], uint32(len(b)-header))
			copy(b[header:], e.name)
			if _, err := dst.Write(b); err != nil {
				return done, err // the event is lost, as on Linux
			}
			done += len(b)
		case done > 0:
			return done, nil
		case any:
			return 0, unix.EINVAL
		case f.NonBlock():
			return 0, unix.EAGAIN
		default:
			if err := c.Waiter.Until(&in.queue, wait.In, wait.Forever, in.waiting); err != nil {
				return 0, err
			}
		}
	}
}

// Poll implements vfs.FileOps.
func (in *Instance) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		in.queue.Add(e)
	}
	if in.waiting() {
		return wait.In | wait.RdNorm
	}
	return 0
}

// Unpoll implements vfs.FileOps.
func (in *Instance) Unpoll(_ *vfs.File, e *wait.Entry) { in.queue.Remove(e) }

// Ioctl implements vfs.FileOps: FIONREAD is the number of bytes to read.
func (in *Instance) Ioctl(_ *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	if cmd != unix.TIOCINQ {
		return 0, unix.ENOTTY
	}
	in.mu.Lock()
	n := in.bytes
	in.mu.Unlock()
	_, err := m.CopyOut(user.Addr(arg), binary.LittleEndian.AppendUint32(nil, uint32(n)))
	return 0, err
}

// Release implements vfs.FileOps.
func (in *Instance) Release(*vfs.File) {
	in.mu.Lock()
	in.closed = true
	all := in.byWD
	in.byWD, in.byInode, in.events = nil, nil, nil
	in.mu.Unlock()
	for _, w := range all {
		w.inode.Unwatch(w)
	}
	charge(&usage.watches, in.uid, -int64(len(all)), 0)
	charge(&usage.instances, in.uid, -1, 0)
}

// FDInfo is what /proc/PID/fdinfo says of it: a line for each watch.
func (in *Instance) FDInfo(w io.Writer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, wd := range slices.Sorted(maps.Keys(in.byWD)) {
		watch := in.byWD[wd]
		i := watch.inode
		fmt.Fprintf(w, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0\n", wd, i.Ino,
			unix.Major(i.SB.Dev)<<20|unix.Minor(i.SB.Dev), watch.mask)
	}
}
