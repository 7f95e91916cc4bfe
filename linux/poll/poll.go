// Package poll waits for events on files: poll and select, epoll, and the files whose
// purpose is to be waited for, eventfd and timerfd. Their handlers are in linux/syscalls.
package poll

import (
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

// waker wakes a task of which others need not know: it consumes no wakeup.
type waker struct{ w *wait.Waiter }

func (w *waker) Notify(*wait.Entry, wait.Events) bool { w.w.Wake(); return false }

// Wait fills in the events of fds and returns how many have some. It waits for the first,
// until deadline on the clock of wait.Now (wait.Forever: without end), but not at
// all if block is false. A signal gives abi.ERESTARTSYS; the deadline is no error.
func Wait(c *vfs.Context, fds []FD, deadline time.Duration, block bool) (int, error) {
	files := make([]*vfs.File, len(fds))
	for i := range fds {
		if fds[i].FD >= 0 {
			files[i], _ = c.Files.Get(fds[i].FD)
		}
	}
	defer func() {
		for _, f := range files {
			if f != nil {
				f.Unref()
			}
		}
	}()
	n := check(c, fds, files, nil)
	if n > 0 || !block {
		return n, nil
	}
	w := waker{c.Waiter}
	entries := make([]wait.Entry, len(fds))
	for i := range entries {
		entries[i].To, entries[i].Events = &w, fds[i].Events
	}
	defer func() {
		for i, f := range files {
			if f != nil {
				f.Ops.Unpoll(f, &entries[i])
			}
		}
	}()
	n = check(c, fds, files, entries)
	for n == 0 {
		err := c.Waiter.Sleep(deadline)
		n = check(c, fds, files, nil)
		if n == 0 && err != nil {
			if err == unix.ETIMEDOUT {
				return 0, nil
			}
			return 0, err
		}
	}
	return n, nil
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
