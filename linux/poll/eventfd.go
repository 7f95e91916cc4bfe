package poll

import (
	"fmt"
	"io"
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Eventfd is a counter to wait for: eventfd(2).
type Eventfd struct {
	vfs.DefaultOps
	vfs.Stays
	semaphore bool // EFD_SEMAPHORE: a read takes one

	queue wait.Queue
	mu    sync.Mutex // guards count; before queue's lock
	count uint64
}

// NewEventfd returns the operations of an eventfd.
func NewEventfd(initial uint32, semaphore bool) *Eventfd {
	return &Eventfd{semaphore: semaphore, count: uint64(initial)}
}

// Read implements vfs.FileOps.
func (e *Eventfd) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	if dst.Len() < 8 {
		return 0, unix.EINVAL
	}
	for {
		if v := e.take(); v > 0 {
			e.queue.Wake(wait.Out | wait.WrNorm)
			return dst.PutUint64(v)
		}
		if f.NonBlock() {
			return 0, unix.EAGAIN
		}
		err := c.Waiter.Until(&e.queue, wait.In, wait.Forever, func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.count > 0
		})
		if err != nil {
			return 0, err
		}
	}
}

// FDInfo is what /proc/PID/fdinfo says of it.
func (e *Eventfd) FDInfo(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fmt.Fprintf(w, "eventfd-count: %16x\n", e.count)
}

// take takes what a read gets, 0 if there is nothing.
func (e *Eventfd) take() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.count
	if e.semaphore {
		v = min(v, 1)
	}
	e.count -= v
	return v
}

// Write implements vfs.FileOps.
func (e *Eventfd) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (int, error) {
	if src.Len() < 8 {
		return 0, unix.EINVAL
	}
	v, err := src.Uint64()
	if err != nil {
		return 0, err
	}
	if v == math.MaxUint64 {
		return 0, unix.EINVAL
	}
	for !e.Add(v) {
		if f.NonBlock() {
			return 0, unix.EAGAIN
		}
		err := c.Waiter.Until(&e.queue, wait.Out, wait.Forever, func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.count < math.MaxUint64-v
		})
		if err != nil {
			return 0, err
		}
	}
	return 8, nil
}

// Add adds v to the counter unless that would overflow it.
func (e *Eventfd) Add(v uint64) bool {
	e.mu.Lock()
	if e.count >= math.MaxUint64-v {
		e.mu.Unlock()
		return false
	}
	e.count += v
	e.mu.Unlock()
	e.queue.Wake(wait.In | wait.RdNorm)
	return true
}

// Poll implements vfs.FileOps. Unlike others, an eventfd says no POLLRDNORM.
func (e *Eventfd) Poll(_ *vfs.File, entry *wait.Entry) (events wait.Events) {
	if entry != nil {
		e.queue.Add(entry)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count > 0 {
		events |= wait.In
	}
	if e.count == math.MaxUint64 {
		events |= wait.Err
	}
	if e.count < math.MaxUint64-1 {
		events |= wait.Out
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (e *Eventfd) Unpoll(_ *vfs.File, entry *wait.Entry) { e.queue.Remove(entry) }
