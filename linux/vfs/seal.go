package vfs

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
)

// AllSeals are the seals that fcntl(F_ADD_SEALS) knows.
const AllSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_FUTURE_WRITE

// Seals say what may no longer be done to a file in memory: fcntl(2), "File Sealing". mu
// is held for reading while a mapping is made, so that no writable one slips in beside
// F_SEAL_WRITE. It is taken after Inode.Mu and before the locks of address spaces.
type Seals struct {
	mu  sync.RWMutex
	set uint32
}

// Sealed are the FileOps of a file that has seals.
type Sealed interface {
	Seals() *Seals
	// AddSeals is Seals.Add with Inode.Mu held, so that a write or truncation has ended
	// or sees the seals.
	AddSeals(seals uint32) error
}

// Get returns the seals.
func (s *Seals) Get() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.set
}

// Init sets the seals of a new file.
func (s *Seals) Init(seals uint32) { s.set = seals }

// Add adds seals. EPERM where F_SEAL_SEAL is one already; EBUSY for F_SEAL_WRITE where m,
// the file's mappings, has one that may be written.
func (s *Seals) Add(seals uint32, m interface{ Writable() bool }) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set&unix.F_SEAL_SEAL != 0 {
		return unix.EPERM
	}
	if seals&^s.set&unix.F_SEAL_WRITE != 0 && m.Writable() {
		return unix.EBUSY
	}
	s.set |= seals
	return nil
}

// restrict makes a request for a shared mapping heed the seals. It returns what is to be
// called when the mapping is there.
func (s *Seals) restrict(r *mm.Request) (done func()) {
	s.mu.RLock()
	switch {
	case s.set&unix.F_SEAL_WRITE != 0, s.set&unix.F_SEAL_FUTURE_WRITE != 0 && r.Prot&unix.PROT_WRITE != 0:
		r.Open = func() (mm.Object, error) { return nil, unix.EPERM }
	case s.set&unix.F_SEAL_FUTURE_WRITE != 0:
		r.ReadOnly = true // mprotect must not make it writable either
	}
	return s.mu.RUnlock
}
