package local

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/socket"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Linux accounts a message by the memory it takes: so that buffers fill after the same
// number of messages here, charge follows its rule. Up to linear bytes are in one allocation
// of a power of two, with a trailer; the rest is in pages. A stream is cut into messages of
// at most chunk bytes.
const (
	header      = 256
	trailer     = 320
	page        = 4096
	linear      = 4*page - trailer // of a record
	linearChunk = page - trailer   // of a piece of a stream
	chunk       = linearChunk + 8*page
	maxPages    = 17
)

// charge is what n bytes in one message count against SO_SNDBUF.
func (s *Sock) charge(n int) int64 {
	most := linear
	if s.stream() {
		most = linearChunk
	}
	pages := (min(max(0, n-most), maxPages*page) + page - 1) / page
	return int64(header + 1<<bits.Len(uint(max(0, n-pages*page)+trailer-1)) + pages*page)
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
	st, to, shut, err := s.state, s.peer, s.noSend, s.err
	if s.stream() {
		err = nil // it comes later there
	} else {
		s.err = nil
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		return 0, err
	case len(m.Addr) > 0 && st == connected && s.stream():
		return 0, unix.EISCONN
	case len(m.Addr) > 0 && s.stream():
		return 0, unix.EOPNOTSUPP
	case st != connected || to == nil:
		return 0, unix.ENOTCONN
	case shut && s.stream(): // also where there is nothing to send
		return 0, s.broken(c, m, unix.EPIPE)
	}
	if !s.stream() {
		n, err := s.sendPacket(c, m, to)
		return n, s.broken(c, m, err)
	}
	total := 0
	for first := true; m.Data.Len() > 0; first = false {
		n := min(m.Data.Len(), chunk, max(1, s.opt.SndBuf()/2-64))
		if err := s.reserve(c, m, n); err != nil {
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
	p := &packet{data: make([]byte, n), sender: s, charge: s.charge(n), files: m.Files}
	if m.Cred != nil {
		p.cred = m.Cred
	} else {
		p.cred = socket.SenderOf(c)
	}
	s.mu.Lock()
	p.from = s.addr
	s.mu.Unlock()
	return p
}

// reserve waits until the socket may have n more bytes under way, and charges them.
func (s *Sock) reserve(c *vfs.Context, m *socket.Message, n int) error {
	deadline := s.opt.SndDeadline()
	for {
		s.mu.Lock()
		err, shut := s.err, s.noSend
		s.err = nil
		s.mu.Unlock()
		switch {
		case err != nil:
			return err
		case shut:
			return unix.EPIPE
		}
		if cur := s.pending.Load(); cur < int64(s.opt.SndBuf()) {
			if s.pending.CompareAndSwap(cur, cur+s.charge(n)) {
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

// record makes a packet of a whole message, which the socket is charged for.
func (s *Sock) record(c *vfs.Context, m *socket.Message) (*packet, error) {
	n := m.Data.Len()
	if n > s.opt.SndBuf()-32 {
		return nil, unix.EMSGSIZE
	}
	if err := s.reserve(c, m, n); err != nil {
		return nil, err
	}
	p := s.packet(c, m, n)
	if _, err := m.Data.Read(p.data); err != nil {
		p.done()
		return nil, err
	}
	return p, nil
}

// sendPacket sends one record to to.
func (s *Sock) sendPacket(c *vfs.Context, m *socket.Message, to *Sock) (int, error) {
	p, err := s.record(c, m)
	if err != nil {
		return 0, err
	}
	n := len(p.data)
	return n, to.deliver(p)
}

// sendDatagram sends to an address or the default peer, and waits while that has too
// many messages.
func (s *Sock) sendDatagram(c *vfs.Context, m *socket.Message) (int, error) {
	s.mu.Lock()
	to, named := s.peer, s.addr != nil
	s.mu.Unlock()
	if to == nil && len(m.Addr) == 0 {
		return 0, unix.ENOTCONN
	}
	if s.opt.PassCred.Load() && !named {
		if err := s.autobind(); err != nil && err != unix.EINVAL {
			return 0, err
		}
	}
	p, err := s.record(c, m)
	if err != nil {
		return 0, err
	}
	if len(m.Addr) > 0 {
		to, err = find(c, m.Addr, s.opt.Type)
	}
	if err == nil {
		err = s.awaitReceiver(c, m, to)
	}
	if err != nil {
		p.done()
		return 0, err
	}
	n := len(p.data)
	return n, to.deliver(p)
}

// awaitReceiver waits until to takes a datagram of s.
func (s *Sock) awaitReceiver(c *vfs.Context, m *socket.Message, to *Sock) error {
	deadline := s.opt.SndDeadline()
	for {
		to.mu.Lock()
		closed, shut := to.closed, to.noRecv
		foreign := to.peer != nil && to.peer != s
		to.mu.Unlock()
		full := to.full(s)
		switch {
		case foreign:
			return unix.EPERM
		case closed:
			s.mu.Lock()
			was := s.peer
			if was == to {
				s.peer, s.state = nil, unconnected
			}
			s.mu.Unlock()
			if was == to {
				s.disconnected(to)
			}
			return unix.ECONNREFUSED
		case shut:
			return unix.EPIPE
		case !full:
			return nil
		case m.Flags&unix.MSG_DONTWAIT != 0:
			return unix.EAGAIN
		}
		err := c.Waiter.Until(&to.senders, wait.Out, deadline, func() bool {
			to.mu.Lock()
			defer to.mu.Unlock()
			return to.closed || to.noRecv || len(to.in) <= maxQueue
		})
		if err == unix.ETIMEDOUT {
			return unix.EAGAIN
		}
		if err != nil {
			return err
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
	peek := m.Flags&unix.MSG_PEEK != 0
	i, skip := 0, 0
	for seen := 0; ; seen = i {
		if err := s.awaitPacket(c, m, seen); err != nil {
			return 0, err
		}
		s.mu.Lock()
		i, skip = 0, 0
		if peek {
			i, skip = s.peekFrom()
		}
		if i < len(s.in) {
			break
		}
		end := s.noRecv && i == seen
		s.mu.Unlock()
		if end {
			return 0, nil
		}
	}
	p := s.in[i]
	s.control(m, p, peek)
	p.peeked = p.peeked || peek && len(p.data) == 0
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
	data := p.data[skip:]
	n, err := m.Data.Write(data)
	if peek {
		s.peeked(n)
	} else {
		s.taken(len(p.data))
	}
	if n < len(data) {
		m.Out |= unix.MSG_TRUNC
		if m.Flags&unix.MSG_TRUNC != 0 {
			n = len(data)
		}
	}
	return n, err
}

// peekFrom is where a peek begins: the packet and the offset in it that SO_PEEK_OFF names.
// mu is held. peeked and taken move that option's value, where it is in use.
func (s *Sock) peekFrom() (i, skip int) {
	if skip = int(s.opt.PeekOff.Load()); skip < 0 {
		return 0, 0
	}
	for _, p := range s.in {
		if skip < len(p.data) || skip == 0 && !p.peeked {
			break
		}
		skip -= len(p.data)
		i++
	}
	return i, skip
}

func (s *Sock) peeked(n int) {
	if off := s.opt.PeekOff.Load(); off >= 0 {
		s.opt.PeekOff.Store(off + int32(n))
	}
}

func (s *Sock) taken(n int) {
	if off := s.opt.PeekOff.Load(); off >= 0 {
		s.opt.PeekOff.Store(max(0, off-int32(n)))
	}
}

// awaitPacket waits until there is a packet beside the seen ones that were passed over, or
// the end; its error is what the socket has to report.
func (s *Sock) awaitPacket(c *vfs.Context, m *socket.Message, seen int) error {
	deadline := s.opt.RcvDeadline()
	for {
		s.mu.Lock()
		n, shut, err := len(s.in)-seen, s.noRecv, s.err
		if s.stream() && n > 0 {
			err = nil // bytes come before the error; records do not
		}
		if err != nil {
			s.err = nil
		}
		s.mu.Unlock()
		switch {
		case err != nil:
			return err
		case n > 0:
			return nil
		case shut && !(s.datagram() && m.Flags&unix.MSG_DONTWAIT != 0):
			return nil
		case m.Flags&unix.MSG_DONTWAIT != 0:
			return unix.EAGAIN
		}
		err = c.Waiter.Until(&s.queue, wait.In, deadline, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.in) > seen || s.noRecv || s.err != nil
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

// receiveStream takes bytes, up to a message with descriptors or of another sender. Even a
// call for no bytes waits until there are some. Readers take turns, so that what cannot
// be copied stays.
func (s *Sock) receiveStream(c *vfs.Context, m *socket.Message) (total int, err error) {
	peek := m.Flags&unix.MSG_PEEK != 0
	target := 1
	if m.Flags&unix.MSG_WAITALL != 0 {
		target = max(1, m.Data.Len())
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	for seen, skip := 0, 0; ; {
		s.mu.Lock()
		if peek && total == 0 {
			seen, skip = s.peekFrom()
		}
		if seen >= len(s.in) {
			s.mu.Unlock()
			if total >= target || total > 0 && seen > 0 {
				return total, nil
			}
			s.reading.Unlock()
			err := s.awaitPacket(c, m, seen)
			s.reading.Lock()
			s.mu.Lock()
			end := len(s.in) <= seen && s.noRecv
			s.mu.Unlock()
			if err != nil && total > 0 || err == nil && end {
				return total, nil
			}
			if err != nil {
				return 0, err
			}
			continue
		}
		p := s.in[seen]
		s.mu.Unlock()
		if total > 0 && s.opt.PassCred.Load() && m.Cred != nil && *m.Cred != *p.cred {
			return total, nil
		}
		data := p.data[skip:]
		skip = 0
		n, err := m.Data.Write(data[:min(len(data), m.Data.Len())])
		if err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
		total += n
		m.Addr = p.from
		whole := n == len(data)
		if peek {
			s.peeked(n)
		} else {
			s.taken(n)
		}
		s.mu.Lock()
		s.control(m, p, peek)
		switch {
		case peek:
			seen++
		case whole:
			s.in[0] = nil
			s.in = s.in[1:]
		default:
			p.data = p.data[n:]
		}
		s.mu.Unlock()
		if !peek {
			landed(m.Files)
			if whole {
				p.done()
			}
		}
		if len(m.Files) > 0 || m.Data.Len() == 0 || !whole {
			return total, nil
		}
	}
}
