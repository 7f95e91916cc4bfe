package pipe

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Moving bytes between pipes and files: splice(2), tee(2), vmsplice(2).
//
// A file may wait for long in its read or write, so mu is not held meanwhile: slots are
// reserved for what is to come, or for what has been taken out and may have to come
// back. Between pipes frames move, not bytes. Of several who wait one is woken, so each of
// these wakes the next if it leaves something.

// available returns how many slots are free, and waits for one where none is. mu is held
// before and after.
func (p *Pipe) available(c *vfs.Context, nonBlock bool) (int, error) {
	for {
		switch {
		case p.readers == 0:
			c.Signal(unix.SIGPIPE)
			return 0, unix.EPIPE
		case !p.full():
			return p.size - p.used - p.reserved, nil
		case nonBlock:
			return 0, unix.EAGAIN
		}
		p.mu.Unlock()
		err := p.awaitRoom(c)
		p.mu.Lock()
		if err != nil {
			p.announce(false, !p.full())
			return 0, err
		}
	}
}

// input waits until the pipe holds something, and reports whether it does: without a
// writer it is at its end. mu is held before and after.
func (p *Pipe) input(c *vfs.Context, nonBlock bool) (bool, error) {
	for {
		switch {
		case !p.empty():
			return true, nil
		case p.writers == 0:
			return false, nil
		case nonBlock:
			return false, unix.EAGAIN
		}
		p.mu.Unlock()
		err := p.awaitInput(c)
		p.mu.Lock()
		if err != nil {
			p.announce(!p.empty(), false)
			return false, err
		}
	}
}

// FromFile reads up to n bytes from a file, at *off or its own position, into the pipe.
// Of a file that may wait it reads once.
func (p *Pipe) FromFile(c *vfs.Context, in *vfs.File, off *int64, n int, nonBlock bool) (total int, err error) {
	p.mu.Lock()
	room, err := p.available(c, nonBlock)
	if err != nil {
		p.mu.Unlock()
		return 0, err
	}
	p.reserved += room
	p.mu.Unlock()
	stored := in.Inode().Type() == unix.S_IFREG || in.Inode().Type() == unix.S_IFBLK
	for room > 0 && total < n {
		var frame slot
		p.mu.Lock()
		frame.frame, err = p.frame()
		p.mu.Unlock()
		if err != nil {
			break
		}
		how := vfs.Transfer{Off: vfs.Current}
		if off != nil {
			how.Off = *off
		}
		io := user.Kernel(frame.frame.Data()[:min(n-total, pageSize)])
		frame.n, err = in.ReadAs(c, &io, how)
		if frame.n == 0 {
			p.mu.Lock()
			p.keep(frame.frame)
			p.mu.Unlock()
			break
		}
		p.mu.Lock()
		p.reserved--
		room--
		p.push(frame)
		p.mu.Unlock()
		total += frame.n
		if off != nil {
			*off += int64(frame.n)
		}
		if !stored || frame.n < pageSize {
			break
		}
	}
	p.mu.Lock()
	p.reserved -= room
	p.mu.Unlock()
	p.announce(total > 0, room > 0)
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// FromUser copies from the program's memory until that or the room in the pipe is used up:
// vmsplice(2). Linux shares the pages; a program may change them only when the reader
// is done, so it cannot tell.
func (p *Pipe) FromUser(c *vfs.Context, src *user.IO, nonBlock bool) (total int, err error) {
	p.mu.Lock()
	if _, err = p.available(c, nonBlock); err == nil {
		total, err = p.write(src, false, false)
	}
	room := !p.full()
	p.mu.Unlock()
	p.announce(total > 0, room)
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// ToUser copies what there is to the program's memory: vmsplice(2) of a read end.
func (p *Pipe) ToUser(c *vfs.Context, dst *user.IO, nonBlock bool) (total int, err error) {
	p.mu.Lock()
	some, err := p.input(c, nonBlock)
	if some {
		total, err = p.read(dst)
	}
	more := !p.empty()
	p.mu.Unlock()
	p.announce(more, total > 0)
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// ToFile writes up to n bytes of the pipe to a file, at *off or its own position. It waits
// for the first of them only.
func (p *Pipe) ToFile(c *vfs.Context, out *vfs.File, off *int64, n int, nonBlock bool) (total int, err error) {
	for total < n && err == nil {
		p.mu.Lock()
		var some bool
		some, err = p.input(c, nonBlock || total > 0)
		if !some {
			p.mu.Unlock()
			break
		}
		s := p.take(n - total)
		p.reserved++ // for what has to come back
		p.mu.Unlock()

		how := vfs.Transfer{Off: vfs.Current}
		if off != nil {
			how.Off = *off
		}
		io := user.Kernel(s.frame.Data()[s.off:][:s.n])
		var done int
		done, err = out.WriteAs(c, &io, how)
		total += done
		if off != nil {
			*off += int64(done)
		}
		s.off += done
		s.n -= done

		p.mu.Lock()
		p.reserved--
		if s.n > 0 {
			p.unpull(s)
		} else {
			p.discard(s.frame)
		}
		more := !p.empty()
		p.mu.Unlock()
		p.announce(more, s.n == 0)
		if done == 0 {
			break
		}
	}
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// take takes up to n bytes out of the oldest slot, with a reference to the frame. mu is
// held.
func (p *Pipe) take(n int) slot {
	s := p.at(0)
	if s.n <= n {
		return p.pull()
	}
	part := *s
	part.n, part.merge = n, false
	part.frame.Ref()
	s.off += n
	s.n -= n
	return part
}

// unpull puts a slot back before all others, where one is free. mu is held.
func (p *Pipe) unpull(s slot) {
	if p.used > 0 { // the rest of a slot that take divided goes together again
		if next := p.at(0); next.frame == s.frame && s.off+s.n == next.off {
			next.off, next.n = s.off, next.n+s.n
			s.frame.Unref()
			return
		}
	}
	if p.first--; p.first < 0 {
		p.first = len(p.slots) - 1
	}
	p.used++
	*p.at(0) = s
}

// ToPipe moves up to n bytes to another pipe.
func (p *Pipe) ToPipe(c *vfs.Context, to *Pipe, n int, nonBlock bool) (int, error) {
	return p.pass(c, to, n, nonBlock, false)
}

// Tee puts up to n bytes into another pipe as well: tee(2).
func (p *Pipe) Tee(c *vfs.Context, to *Pipe, n int, nonBlock bool) (int, error) {
	return p.pass(c, to, n, nonBlock, true)
}

func (p *Pipe) pass(c *vfs.Context, to *Pipe, n int, nonBlock, keep bool) (total int, err error) {
	if p == to {
		return 0, unix.EINVAL
	}
	for {
		p.mu.Lock()
		some, err := p.input(c, nonBlock)
		p.mu.Unlock()
		if err != nil || !some {
			return 0, err
		}
		to.mu.Lock()
		_, err = to.available(c, nonBlock)
		to.mu.Unlock()
		if err != nil {
			return 0, err
		}
		lockBoth(p, to)
		for i := 0; total < n && i < p.used && !to.full() && to.readers > 0; {
			var s slot
			if keep {
				s = *p.at(i)
				s.n = min(s.n, n-total)
				s.merge = false // p goes on in the frame
				s.frame.Ref()
				i++
			} else {
				s = p.take(n - total)
			}
			to.push(s)
			total += s.n
		}
		more, room := !p.empty(), !to.full()
		p.mu.Unlock()
		to.mu.Unlock()
		if total > 0 {
			to.announce(true, room)
			p.announce(more, !keep)
			return total, nil
		}
	}
}

// lockBoth locks two pipes, the older first.
func lockBoth(p, q *Pipe) {
	if p.number > q.number {
		p, q = q, p
	}
	p.mu.Lock()
	q.mu.Lock()
}
