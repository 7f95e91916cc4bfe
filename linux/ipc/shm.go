package ipc

import (
	"fmt"
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/machine/mem"
)

// Limits of shared memory: /proc/sys/kernel/shmmni, shmmax, shmall.
const (
	maxSegments = 4096
	maxSize     = math.MaxUint64 - 1<<24
)

// Bits of a segment's mode besides permissions.
const (
	shmDest   = 0o1000 // goes with the last attachment
	shmLocked = 0o2000
)

// Segment is a segment of shared memory. It is what the address spaces that it is
// attached to map: each of their mappings counts as an attachment.
type Segment struct {
	mm.Mappings
	table *table[*Segment]
	pages *mm.PageCache

	mu       sync.Mutex // guards the rest; leaf
	perm     Perm
	size     uint64
	attached int64
	pins     int // attachments that are being made
	gone     bool
	atime    int64
	dtime    int64
	ctime    int64
	creator  int32
	last     int32
}

func (s *Segment) permission() *Perm { return &s.perm }
func (s *Segment) lock()             { s.mu.Lock() }
func (s *Segment) unlock()           { s.mu.Unlock() }

// SegmentInfo is struct shmid_ds.
type SegmentInfo struct {
	Perm
	Size                uint64
	ATime, DTime, CTime int64
	Creator, Last       int32
	Attached            uint64
}

// Shmget is shmget(2).
func (ns *Namespace) Shmget(c Caller, key int32, size uint64, flags uint32) (int32, error) {
	fits := func(s *Segment) error {
		if size > s.size {
			return unix.EINVAL
		}
		return nil
	}
	return ns.shm.get(c.Cred, key, flags, fits, func() (*Segment, error) {
		if size < 1 || size > maxSize {
			return nil, unix.EINVAL
		}
		if size > math.MaxInt64-mem.PageSize {
			return nil, unix.ENOSPC
		}
		s := &Segment{
			table: &ns.shm, perm: ns.newPerm(c.Cred, key, flags), size: size, creator: c.PID, ctime: seconds(),
			pages: mm.NewPageCache(int64((size+mem.PageSize-1)&^(mem.PageSize-1)), nil, nil),
		}
		return s, nil
	})
}

// Attach finds the segment that shmat(2) is to map with the rights in want, and pins
// it until Unpin: EINVAL, EACCES.
func (ns *Namespace) Attach(c Caller, id int32, want uint32) (*Segment, error) {
	s, err := ns.shm.find(id)
	if err != nil {
		return nil, err
	}
	defer s.unlock()
	if err := s.perm.allows(c.Cred, want); err != nil {
		return nil, err
	}
	s.pins++
	return s, nil
}

// Unpin ends Attach.
func (s *Segment) Unpin() {
	s.mu.Lock()
	s.pins--
	s.mu.Unlock()
	s.destroyUnused()
}

// Bytes is the segment's size.
func (s *Segment) Bytes() uint64 { return s.size }

// Page implements mm.Object.
func (s *Segment) Page(index uint64, write bool) (mem.Frame, error) {
	return s.pages.Page(index, write)
}

// Attach implements mm.Object.
func (s *Segment) Attach(v *mm.VMA) {
	s.Mappings.Attach(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attached++
	s.atime, s.last = seconds(), v.Owner()
}

// Detach implements mm.Object.
func (s *Segment) Detach(v *mm.VMA) {
	s.Mappings.Detach(v)
	s.mu.Lock()
	s.attached--
	s.dtime, s.last = seconds(), v.Owner()
	s.mu.Unlock()
	s.destroyUnused()
}

// MapRef and MapUnref implement mm.Backing: Attach and Detach count.
func (s *Segment) MapRef()   {}
func (s *Segment) MapUnref() {}

// MapInfo implements mm.Backing: what /proc/PID/maps shows.
func (s *Segment) MapInfo() (major, minor uint32, ino uint64, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return 0, 1, uint64(s.perm.ID), fmt.Sprintf("/SYSV%08x (deleted)", uint32(s.perm.Key))
}

// destroyUnused frees a removed segment that is not attached any more.
func (s *Segment) destroyUnused() {
	s.mu.Lock()
	end := s.perm.Mode&shmDest != 0 && s.attached == 0 && s.pins == 0 && !s.gone
	s.gone = s.gone || end
	s.mu.Unlock()
	if end {
		s.table.remove(s)
		s.pages.Release()
	}
}

// destroy is IPC_RMID.
func (s *Segment) destroy() {
	s.table.mu.Lock()
	s.table.removeKey(s)
	s.table.mu.Unlock()
	s.mu.Lock()
	s.perm.Mode |= shmDest
	s.perm.Key = Private
	s.mu.Unlock()
	s.destroyUnused()
}

func (s *Segment) info() SegmentInfo {
	return SegmentInfo{
		Perm: s.perm, Size: s.size, ATime: s.atime, DTime: s.dtime, CTime: s.ctime,
		Creator: s.creator, Last: s.last, Attached: uint64(s.attached),
	}
}

// ShmStat is IPC_STAT, and with byIndex SHM_STAT; any says not to check rights.
func (ns *Namespace) ShmStat(c Caller, id int32, byIndex, any bool) (SegmentInfo, error) {
	s, err := pick(&ns.shm, id, byIndex)
	if err != nil {
		return SegmentInfo{}, err
	}
	defer s.unlock()
	if !any {
		if err := s.perm.allows(c.Cred, read); err != nil {
			return SegmentInfo{}, err
		}
	}
	return s.info(), nil
}

// pick finds an object by its ID or index, and locks it.
func pick[T object](t *table[T], id int32, byIndex bool) (T, error) {
	if byIndex {
		return t.at(id)
	}
	return t.find(id)
}

// ShmSet is IPC_SET, with what to's fields say that it may change.
func (ns *Namespace) ShmSet(c Caller, id int32, to Perm) error {
	s, err := ns.shm.own(c.Cred, id)
	if err != nil {
		return err
	}
	defer s.unlock()
	if err := s.perm.set(to); err != nil {
		return err
	}
	s.ctime = seconds()
	return nil
}

// ShmRemove is IPC_RMID.
func (ns *Namespace) ShmRemove(c Caller, id int32) error {
	s, err := ns.shm.own(c.Cred, id)
	if err != nil {
		return err
	}
	s.unlock()
	s.destroy()
	return nil
}

// ShmLock is SHM_LOCK and SHM_UNLOCK. Nothing is ever paged out, so that only the mode
// tells. limited says that RLIMIT_MEMLOCK is 0.
func (ns *Namespace) ShmLock(c Caller, id int32, on, limited bool) error {
	s, err := ns.shm.find(id)
	if err != nil {
		return err
	}
	defer s.unlock()
	if !c.Cred.CapableIn(ns.owner, unix.CAP_IPC_LOCK) {
		if c.Cred.EUID != s.perm.UID && c.Cred.EUID != s.perm.CUID || on && limited {
			return unix.EPERM
		}
	}
	if on {
		s.perm.Mode |= shmLocked
	} else {
		s.perm.Mode &^= shmLocked
	}
	return nil
}

// ShmUsage is how much there is: segments, their pages, the pages that are in memory, and
// the highest index.
func (ns *Namespace) ShmUsage() (segments int, pages, resident uint64, highest int32) {
	for _, s := range ns.shm.all() {
		pages += (s.size + mem.PageSize - 1) / mem.PageSize
		resident += uint64(s.pages.Pages())
	}
	highest, segments = ns.shm.highest()
	return segments, pages, resident, highest
}

// Segments lists what there is: /proc/sysvipc/shm.
func (ns *Namespace) Segments() (list []SegmentInfo) {
	for _, s := range ns.shm.all() {
		s.lock()
		list = append(list, s.info())
		s.unlock()
	}
	return list
}
