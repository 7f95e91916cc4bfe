package nk

import "golang.org/x/sys/unix"

// The few files that exist at this level: the console as 0, 1 and 2, and the
// runtime's epoll instance and eventfds.

const (
	firstFD = 3
	maxFD   = 16
)

type fileKind uint8

const (
	fileFree fileKind = iota
	fileEpoll
	fileEvent
)

type file struct {
	kind    fileKind
	watched bool // in the epoll instance
	edge    bool // EPOLLET, and not reported since the last write
	events  uint32
	data    uint64 // the watcher's
	count   uint64 // an eventfd's counter
}

var (
	files        [maxFD]file // sched.lock
	epollWaiters queue
)

func openFile(k fileKind, count uint64) uint64 {
	for fd := firstFD; fd < maxFD; fd++ {
		if files[fd].kind == fileFree {
			files[fd] = file{kind: k, count: count}
			return uint64(fd)
		}
	}
	return errno(int(unix.EMFILE))
}

// fileOf returns an open file, or nil.
func fileOf(fd uint64) *file {
	if fd < firstFD || fd >= maxFD || files[fd].kind == fileFree {
		return nil
	}
	return &files[fd]
}

func closeFile(fd uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		if fd < firstFD {
			return 0
		}
		return errno(int(unix.EBADF))
	}
	f.kind, f.watched = fileFree, false
	return 0
}

// readFile reads an eventfd; the console at this level is at its end.
func readFile(fd uint64, buf uintptr, n uint64) uint64 {
	if fd < firstFD {
		return 0
	}
	f := fileOf(fd)
	switch {
	case f == nil:
		return errno(int(unix.EBADF))
	case f.kind != fileEvent || n < 8:
		return errno(int(unix.EINVAL))
	case f.count == 0:
		return errno(int(unix.EAGAIN))
	}
	store64(buf, f.count)
	f.count = 0
	return 8
}

func (c *CPU) writeFile(fd uint64, buf uintptr, n uint64) uint64 {
	f := fileOf(fd)
	switch {
	case f == nil:
		return errno(int(unix.EBADF))
	case f.kind != fileEvent || n < 8:
		return errno(int(unix.EINVAL))
	}
	f.count += load64(buf)
	f.edge = f.events&unix.EPOLLET != 0
	if slot := epollWaiters.head; f.watched && slot != 0 {
		w := at(slot)
		c.wake(w, collect(w.addr, w.max))
	}
	return 8
}

func fcntl(fd, cmd uint64) uint64 {
	if fd >= firstFD && fileOf(fd) == nil {
		return errno(int(unix.EBADF))
	}
	switch cmd {
	case unix.F_GETFL:
		if fd < firstFD {
			return unix.O_RDWR
		}
		return unix.O_RDWR | unix.O_NONBLOCK
	case unix.F_GETFD:
		return unix.FD_CLOEXEC
	case unix.F_SETFD, unix.F_SETFL:
		return 0
	}
	return errno(int(unix.EINVAL))
}

func epollCtl(epfd, op, fd uint64, event uintptr) uint64 {
	e, f := fileOf(epfd), fileOf(fd)
	if e == nil || e.kind != fileEpoll {
		return errno(int(unix.EBADF))
	}
	if fd < firstFD || f != nil && f.kind == fileEpoll {
		return errno(int(unix.EPERM)) // the console cannot be polled
	}
	if f == nil {
		return errno(int(unix.EBADF))
	}
	switch op {
	case unix.EPOLL_CTL_ADD, unix.EPOLL_CTL_MOD:
		if (op == unix.EPOLL_CTL_ADD) == f.watched {
			if f.watched {
				return errno(int(unix.EEXIST))
			}
			return errno(int(unix.ENOENT))
		}
		f.watched = true
		f.events = load32(event)
		f.data = load64(event + epollDataOffset)
		f.edge = f.events&unix.EPOLLET != 0
	case unix.EPOLL_CTL_DEL:
		if !f.watched {
			return errno(int(unix.ENOENT))
		}
		f.watched = false
	default:
		return errno(int(unix.EINVAL))
	}
	return 0
}

func (c *CPU) epollWait(t *Thread, epfd uint64, buf uintptr, room, ms int32) uint64 {
	e := fileOf(epfd)
	if e == nil || e.kind != fileEpoll || room <= 0 {
		return errno(int(unix.EINVAL))
	}
	if n := collect(buf, room); n != 0 || ms == 0 {
		return n
	}
	deadline := int64(0)
	if ms > 0 {
		deadline = deadlineIn(int64(ms) * 1_000_000)
	}
	t.addr, t.max = buf, room
	c.block(t, waitEpoll, deadline)
	epollWaiters.push(t)
	return 0 // replaced by unblock
}

// collect writes the events there are to the array at buf and counts them.
func collect(buf uintptr, room int32) uint64 {
	n := uint64(0)
	for fd := firstFD; fd < maxFD && int32(n) < room; fd++ {
		f := &files[fd]
		if !f.watched {
			continue
		}
		ev := f.events & unix.EPOLLOUT
		if f.count != 0 {
			ev |= f.events & unix.EPOLLIN
		}
		if f.events&unix.EPOLLET != 0 {
			if !f.edge {
				continue
			}
			f.edge = false
		}
		if ev == 0 {
			continue
		}
		store32(buf, ev)
		store64(buf+epollDataOffset, f.data)
		buf += epollEventSize
		n++
	}
	return n
}
