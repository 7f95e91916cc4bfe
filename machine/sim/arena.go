package sim

import (
	"sync"

	"kevlar/machine/mem"
)

// arenaFrames is the size of physical memory: 512 MiB of address space, of which the
// host gives a test what it touches.
const arenaFrames = 512 << 20 / mem.PageSize

// arena is the memory of all machines in this process.
var arena struct {
	once sync.Once
	source
}

// source hands out the arena's frames: those never used in order, those given back first.
type source struct {
	mu      sync.Mutex
	next    mem.Frame
	given   []mem.Frame
	limited bool
}

func (s *source) Take(out []mem.Frame) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limited {
		return 0
	}
	for n < len(out) {
		if k := len(s.given); k > 0 {
			out[n], s.given = s.given[k-1], s.given[:k-1]
		} else if s.next < arenaFrames {
			out[n] = s.next
			s.next++
		} else {
			break
		}
		n++
	}
	return n
}

func (s *source) Give(frames []mem.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = append(s.given, frames...)
}

func (s *source) Free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.given) + int(arenaFrames-s.next)
}

func (s *source) Total() int { return arenaFrames - 1 }

func (s *source) Heap() (has, share int) { return 0, 0 }

// Exhaust makes memory run out: once the frames in stock are used (a few hundred at
// most), allocations fail until restore is called. It affects all machines: tests
// that use it must not run in parallel with others.
func Exhaust() (restore func()) {
	arena.once.Do(newArena)
	set := func(v bool) {
		arena.mu.Lock()
		defer arena.mu.Unlock()
		arena.limited = v
	}
	set(true)
	return func() { set(false) }
}
