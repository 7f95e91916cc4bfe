// Package poll waits for events on files: poll and select, epoll, and the files whose
// purpose is to be waited for, eventfd and timerfd. Their handlers are in linux/syscalls.
package poll

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// FD is one descriptor of poll(2).
type FD struct {
	FD      int
	Events  wait.Events
	Revents wait.Events
}

// set is what one Wait needs beside the descriptors. It is a Notifier that wakes a task of
// which others need not know: it consumes no wakeup.
type set struct {
	waiter  *wait.Waiter
	files   []*vfs.File
	entries []wait.Entry
}

func (s *set) Notify(*wait.Entry, wait.Events) bool { s.waiter.Wake(); return false }

var sets = sync.Pool{New: func() any { return new(set) }}

// maxPooled bounds what a set keeps for the next Wait.
const maxPooled = 1024

// Wait fills in the events of fds and returns how many have some. It waits for the first,
// until deadline on the clock of wait.Now (wait.Forever: without end), but not at
// all if block is false. A signal gives abi.ERESTARTSYS; the deadline is no error.
func Wait(c *vfs.Context, fds []FD, deadline time.Duration, block bool) (int, error) {
	s := sets.Get().(*set)
	s.waiter = c.Waiter
	if cap(s.files) < len(fds) {
		s.files, s.entries = make([]*vfs.File, len(fds)), make([]wait.Entry, len(fds))
	}
	s.files = s.files[:len(fds)]
	for i := range fds {
		if s.files[i] = nil; fds[i].FD >= 0 {
			s.files[i], _ = c.Files.Get(fds[i].FD)
		}
	}
	n, err := s.wait(c, fds, deadline, block)
	for i, f := range s.files {
		if f != nil {
			f.Unref()
			s.files[i] = nil
		}
	}
	if s.waiter = nil; cap(s.files) <= maxPooled {
		sets.Put(s)
	}
	return n, err
}

func (s *set) wait(c *vfs.Context, fds []FD, deadline time.Duration, block bool) (int, error) {
	n := check(c, fds, s.files, nil)
	if n > 0 || !block {
		return n, nil
	}
	entries := s.entries[:len(fds)]
	for i := range entries {
		entries[i] = wait.Entry{To: s, Events: fds[i].Events}
	}
	defer func() {
		for i, f := range s.files {
			if f != nil {
				f.Ops.Unpoll(f, &entries[i])
			}
		}
	}()
	n = check(c, fds, s.files, entries)
	for n == 0 {
		err := c.Waiter.Sleep(deadline)
		n = recheck(c, fds, s.files)
		if n == 0 && err != nil {
			if err == unix.ETIMEDOUT {
				return 0, nil
			}
			return 0, err
		}
	}
	return n, nil
}

// recheck is check after a sleep. As on Linux it looks at what the descriptors are now:
// one that was closed meanwhile is POLLNVAL, though the wait was for the file it had.
func recheck(c *vfs.Context, fds []FD, files []*vfs.File) (n int) {
	for i, f := range files {
		if f != nil && !c.Files.Holds(fds[i].FD, f) {
			return checkNow(c, fds)
		}
	}
	return check(c, fds, files, nil)
}

// checkNow is check of the files that the descriptors have now.
func checkNow(c *vfs.Context, fds []FD) int {
	now := make([]*vfs.File, len(fds))
	for i := range fds {
		if fds[i].FD >= 0 {
			now[i], _ = c.Files.Get(fds[i].FD)
		}
	}
	n := check(c, fds, now, nil)
	for _, f := range now {
		if f != nil {
			f.Unref()
		}
	}
	return n
}

// check looks at each file and counts those with events.
func check(c *vfs.Context, fds []FD, files []*vfs.File, entries []wait.Entry) (n int) {
	for i := range fds {
		fd := &fds[i]
		fd.Revents = 0
		switch f := files[i]; {
		case fd.FD < 0:
			continue
		case f == nil:
			fd.Revents = unix.POLLNVAL
		case entries != nil:
			fd.Revents = f.PollFor(c, &entries[i])
		default:
			fd.Revents = f.PollFor(c, nil)
		}
		fd.Revents &= fd.Events | wait.Err | wait.Hup | unix.POLLNVAL
		if fd.Revents != 0 {
			n++
		}
	}
	return n
}
