package local

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/socket"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Linux accounts a message by the memory it takes: so that buffers fill after the same
// number of messages here, charge follows its rule. Up to linear bytes are in one allocation of a
// power of two, with a trailer; the rest is in pages, of which one message of a stream has
// at most eight.
const (
	header  = 256
	trailer = 320
	linear  = 16384 - trailer
	page    = 4096
	chunk   = linear + 8*page
)

// charge is what n bytes in one message count against SO_SNDBUF.
func charge(n int) int64 {
	if n > linear {
		return int64(header + linear + trailer + (n-linear+page-1)/page*page)
	}
	return header + 1<<bits.Len(uint(n+trailer-1))
}

// Send implements socket.Socket. It takes over the references of m.Files where it
// succeeds.
func (s *Sock) Send(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EOPNOTSUPP
	}
	if len(m.Files) > maxFiles {
		return 0, unix.EINVAL
	}
	if s.datagram() {
		return s.sendDatagram(c, m)
	}
	s.mu.Lock()
	st, to := s.state, s.peer
	s.mu.Unlock()
	switch {
	case len(m.Addr) > 0 && st == connected && s.stream():
		return 0, unix.EISCONN
	case len(m.Addr) > 0 && s.stream():
		return 0, unix.EOPNOTSUPP
	case st != connected || to == nil:
		return 0, unix.ENOTCONN
	}
	if !s.stream() {
		n, err := s.sendPacket(c, m, to)
		return n, s.broken(c, m, err)
	}
	total := 0
	for first := true; m.Data.Len() > 0; first = false {
		n := min(m.Data.Len(), chunk, max(1, s.opt.SndBuf()/2-64))
		if err := s.reserve(c, m, to, n); err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, s.broken(c, m, err)
		}
		p := s.packet(c, m, n)
		got, err := m.Data.Read(p.data)
		p.data = p.data[:got]
		if err != nil || got == 0 {
			p.done()
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
		if !first {
			p.files = nil
		}
		if err := to.deliver(p); err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, s.broken(c, m, err)
		}
		total += got
	}
	return total, nil
}

// broken sends SIGPIPE for an EPIPE, unless the call forbids it.
func (s *Sock) broken(c *vfs.Context, m *socket.Message, err error) error {
	if err == unix.EPIPE && s.stream() && m.Flags&unix.MSG_NOSIGNAL == 0 {
		c.Signal(unix.SIGPIPE)
	}
	return err
}

// packet makes a packet of n bytes to fill, which reserve has charged for.
func (s *Sock) packet(c *vfs.Context, m *socket.Message, n int) *packet {
	p := &packet{data: make([]byte, n), sender: s, charge: charge(n), files: m.Files}
	if m.Cred != nil {
		p.cred = m.Cred
	} else {
		p.cred = socket.CredOf(c)
	}
	s.mu.Lock()
	p.from = s.addr
	s.mu.Unlock()
	return p
}

// reserve waits until the socket may have n more bytes under way to to, and charges
// them.
func (s *Sock) reserve(c *vfs.Context, m *socket.Message, to *Sock, n int) error {
	deadline := s.opt.SndDeadline()
	for {
		s.mu.Lock()
		err, shut := s.err, s.noSend
		if !shut {
			s.err = nil
		}
		s.mu.Unlock()
		switch {
		case shut:
			return unix.EPIPE
		case err != nil:
			return err
		}
		if cur := s.pending.Load(); cur < int64(s.opt.SndBuf()) {
			if s.pending.CompareAndSwap(cur, cur+charge(n)) {
				return nil
			}
			continue
		}
		if m.Flags&unix.MSG_DONTWAIT != 0 {
			return unix.EAGAIN
		}
		err = c.Waiter.Until(&s.queue, wait.Out, deadline, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.pending.Load() < int64(s.opt.SndBuf()) || s.noSend || s.err != nil
		})
		if err == unix.ETIMEDOUT {
			return unix.EAGAIN
		}
		if err != nil {
			return err
		}
	}
}

// deliver queues a packet at its receiver.
func (s *Sock) deliver(p *packet) error {
	flying(p.files) // before it is queued, where a reader may land it at once
	s.mu.Lock()
	if s.closed || s.noRecv {
		closed := s.closed
		s.mu.Unlock()
		landed(p.files)
		p.done()
		if s.datagram() && closed {
			return unix.ECONNREFUSED
		}
		return unix.EPIPE
	}
	s.in = append(s.in, p)
	s.mu.Unlock()
	s.queue.Wake(wait.In | wait.RdNorm)
	return nil
}

// sendPacket sends one record to to.
func (s *Sock) sendPacket(c *vfs.Context, m *socket.Message, to *Sock) (int, error) {
	n := m.Data.Len()
	if n > s.opt.SndBuf()-32 {
		return 0, unix.EMSGSIZE
	}
	if err := s.reserve(c, m, to, n); err != nil {
		return 0, err
	}
	p := s.packet(c, m, n)
	if _, err := m.Data.Read(p.data); err != nil {
		p.done()
		return 0, err
	}
	if err := to.deliver(p); err != nil {
		return 0, err
	}
	return n, nil
}

// sendDatagram sends to an address or the default peer, and waits while that has too
// many messages.
func (s *Sock) sendDatagram(c *vfs.Context, m *socket.Message) (int, error) {
	var to *Sock
	if len(m.Addr) > 0 {
		var err error
		if to, err = find(c, m.Addr, s.opt.Type); err != nil {
			return 0, err
		}
	} else {
		s.mu.Lock()
		to = s.peer
		s.mu.Unlock()
		if to == nil {
			return 0, unix.ENOTCONN
		}
	}
	if s.opt.PassCred.Load() {
		s.mu.Lock()
		named := s.addr != nil
		s.mu.Unlock()
		if !named {
			if err := s.autobind(); err != nil && err != unix.EINVAL {
				return 0, err
			}
		}
	}
	deadline := s.opt.SndDeadline()
	for {
		to.mu.Lock()
		closed, full := to.closed, len(to.in) > maxQueue && to.peer != s
		foreign := to.peer != nil && to.peer != s
		to.mu.Unlock()
		switch {
		case closed:
			s.mu.Lock()
			if s.peer == to {
				s.peer, s.state = nil, unconnected
			}
			s.mu.Unlock()
			return 0, unix.ECONNREFUSED
		case foreign:
			return 0, unix.EPERM
		}
		if !full {
			return s.sendPacket(c, m, to)
		}
		if m.Flags&unix.MSG_DONTWAIT != 0 {
			return 0, unix.EAGAIN
		}
		err := c.Waiter.Until(&to.senders, wait.Out, deadline, func() bool {
			to.mu.Lock()
			defer to.mu.Unlock()
			return to.closed || len(to.in) <= maxQueue
		})
		if err == unix.ETIMEDOUT {
			return 0, unix.EAGAIN
		}
		if err != nil {
			return 0, err
		}
	}
}

// Receive implements socket.Socket. m.Files come with references.
func (s *Sock) Receive(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EOPNOTSUPP
	}
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	if st != connected && !s.datagram() {
		if s.stream() {
			return 0, unix.EINVAL
		}
		return 0, unix.ENOTCONN
	}
	if s.stream() {
		return s.receiveStream(c, m)
	}
	if err := s.awaitPacket(c, m); err != nil {
		return 0, err
	}
	peek := m.Flags&unix.MSG_PEEK != 0
	s.mu.Lock()
	if len(s.in) == 0 {
		shut := s.noRecv
		s.mu.Unlock()
		if shut {
			return 0, nil
		}
		return s.Receive(c, m) // another reader was faster
	}
	p := s.in[0]
	s.control(m, p, peek)
	if !peek {
		s.in = append(s.in[:0], s.in[1:]...)
	}
	s.mu.Unlock()
	if !peek {
		landed(m.Files)
		defer s.senders.Wake(wait.Out)
		defer p.done()
	}
	m.Addr = p.from
	n, err := m.Data.Write(p.data)
	if n < len(p.data) {
		m.Out |= unix.MSG_TRUNC
		if m.Flags&unix.MSG_TRUNC != 0 {
			n = len(p.data)
		}
	}
	return n, err
}

// awaitPacket waits until there is a packet or the end; its error is what the socket has
// to report.
func (s *Sock) awaitPacket(c *vfs.Context, m *socket.Message) error {
	deadline := s.opt.RcvDeadline()
	for {
		s.mu.Lock()
		n, shut, err := len(s.in), s.noRecv, s.err
		if n == 0 {
			s.err = nil
		}
		s.mu.Unlock()
		switch {
		case n > 0:
			return nil
		case err != nil:
			return err
		case shut:
			return nil
		case m.Flags&unix.MSG_DONTWAIT != 0:
			return unix.EAGAIN
		}
		err = c.Waiter.Until(&s.queue, wait.In, deadline, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.in) > 0 || s.noRecv || s.err != nil
		})
		if err == unix.ETIMEDOUT {
			return unix.EAGAIN
		}
		if err != nil {
			return err
		}
	}
}

// control hands over what a packet has beside its bytes. Peeking leaves it there too.
func (s *Sock) control(m *socket.Message, p *packet, peek bool) {
	if s.opt.PassCred.Load() && m.Cred == nil {
		m.Cred = p.cred
	}
	if len(p.files) == 0 {
		return
	}
	m.Files = p.files
	if peek {
		m.Files = make([]*vfs.File, len(p.files))
		for i, f := range p.files {
			m.Files[i] = f.Ref()
		}
		return
	}
	p.files = nil // the caller calls landed, without s.mu
}

// receiveStream takes bytes, up to a message with descriptors or of another sender.
func (s *Sock) receiveStream(c *vfs.Context, m *socket.Message) (int, error) {
	peek := m.Flags&unix.MSG_PEEK != 0
	total, skip := 0, 0
	for m.Data.Len() > 0 {
		s.mu.Lock()
		if skip >= len(s.in) {
			s.mu.Unlock()
			if total > 0 && (m.Flags&unix.MSG_WAITALL == 0 || peek) {
				return total, nil
			}
			if err := s.awaitPacket(c, m); err != nil {
				if total > 0 {
					return total, nil
				}
				return 0, err
			}
			s.mu.Lock()
			empty, shut := len(s.in) == 0, s.noRecv
			s.mu.Unlock()
			if empty && shut {
				return total, nil
			}
			continue
		}
		p := s.in[skip]
		if total > 0 && (len(m.Files) > 0 || s.opt.PassCred.Load() && *m.Cred != *p.cred) {
			s.mu.Unlock()
			return total, nil
		}
		s.control(m, p, peek)
		k := min(len(p.data), m.Data.Len())
		data := p.data[:k]
		whole := k == len(p.data)
		switch {
		case peek:
			skip++
		case whole:
			s.in[0] = nil
			s.in = s.in[1:]
		default:
			p.data = p.data[k:]
		}
		m.Addr = p.from
		s.mu.Unlock()
		if !peek {
			landed(m.Files)
		}
		n, err := m.Data.Write(data)
		if whole && !peek {
			p.done()
		}
		total += n
		if err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
		if len(m.Files) > 0 {
			break
		}
	}
	return total, nil
}
