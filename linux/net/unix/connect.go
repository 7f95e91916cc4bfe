package local

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/net/socket"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

func pair(c *vfs.Context, typ, protocol int) (socket.Socket, socket.Socket, error) {
	a, err := newSock(typ, protocol)
	if err != nil {
		return nil, nil, err
	}
	b, _ := newSock(typ, protocol)
	cred := *socket.CredOf(c)
	a.peer, a.state, a.peerCred = b, connected, cred
	b.peer, b.state, b.peerCred = a, connected, cred
	return a, b, nil
}

// Listen implements socket.Socket.
func (s *Sock) Listen(c *vfs.Context, backlog int) error {
	if s.datagram() {
		return unix.EOPNOTSUPP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr == nil || s.state == connected {
		return unix.EINVAL
	}
	s.state, s.own = listening, *socket.CredOf(c)
	s.backlog = int(min(uint32(backlog), somaxconn))
	s.senders.Wake(wait.Out)
	return nil
}

// Connect implements socket.Socket.
func (s *Sock) Connect(c *vfs.Context, addr []byte, nonBlock bool) error {
	if len(addr) < 2 {
		return unix.EINVAL
	}
	if s.datagram() {
		return s.connectDatagram(c, addr)
	}
	to, err := find(c, addr, s.opt.Type)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.addr == nil && s.opt.PassCred.Load() {
		s.mu.Unlock()
		if err := s.autobind(); err != nil && err != unix.EINVAL {
			return err
		}
		s.mu.Lock()
	}
	st, name := s.state, s.addr
	s.mu.Unlock()
	server, _ := newSock(s.opt.Type, 0)
	deadline := s.opt.SndDeadline()
	for {
		to.mu.Lock()
		switch {
		case to.closed || to.state != listening || to.noRecv:
			to.mu.Unlock()
			return unix.ECONNREFUSED
		case len(to.conns) <= to.backlog && st == connected:
			to.mu.Unlock()
			return unix.EISCONN
		case len(to.conns) <= to.backlog && st == listening:
			to.mu.Unlock()
			return unix.EINVAL
		case len(to.conns) <= to.backlog:
			server.peer, server.state, server.peerCred = s, connected, *socket.CredOf(c)
			server.peerAddr, server.addr = name, to.addr
			own, peerAddr := to.own, to.addr
			to.mu.Unlock()

			s.mu.Lock()
			if s.state != unconnected {
				s.mu.Unlock()
				return unix.EISCONN
			}
			s.peer, s.state, s.peerCred, s.peerAddr = server, connected, own, peerAddr
			s.mu.Unlock()

			to.mu.Lock()
			gone := to.closed
			if !gone {
				to.conns = append(to.conns, server)
			}
			to.mu.Unlock()
			if gone {
				server.Release(nil)
				return unix.ECONNREFUSED
			}
			to.queue.Wake(wait.In | wait.RdNorm)
			s.queue.Wake(writable)
			return nil
		}
		to.mu.Unlock()
		if nonBlock {
			return unix.EAGAIN
		}
		err := c.Waiter.Until(&to.senders, wait.Out, deadline, func() bool {
			to.mu.Lock()
			defer to.mu.Unlock()
			return to.closed || to.state != listening || len(to.conns) <= to.backlog
		})
		if err == unix.ETIMEDOUT {
			return unix.EAGAIN
		}
		if err != nil {
			return err
		}
	}
}

// connectDatagram sets where messages go by default; AF_UNSPEC ends that.
func (s *Sock) connectDatagram(c *vfs.Context, addr []byte) error {
	var to *Sock
	if int(addr[0])|int(addr[1])<<8 != unix.AF_UNSPEC {
		var err error
		if to, err = find(c, addr, s.opt.Type); err != nil {
			return err
		}
		to.mu.Lock()
		other := to.peer
		to.mu.Unlock()
		if other != nil && other != s {
			return unix.EPERM
		}
	}
	s.mu.Lock()
	old := s.peer
	s.peer, s.state = to, unconnected
	if to != nil {
		s.state = connected
	}
	s.mu.Unlock()
	if old != nil && old != to {
		s.disconnected(old)
	}
	s.queue.Wake(writable)
	return nil
}

// disconnected is the end of a datagram socket's connection to old: what came from there
// is lost, and old is told if it is connected to us.
func (s *Sock) disconnected(old *Sock) {
	s.watch(nil)
	s.mu.Lock()
	unread := s.in
	s.in = nil
	s.mu.Unlock()
	if len(unread) == 0 {
		return
	}
	for _, p := range unread {
		p.drop()
	}
	s.senders.Wake(wait.Out)
	old.mu.Lock()
	told := !old.closed && old.peer == s
	if told {
		old.err = unix.ECONNRESET
	}
	old.mu.Unlock()
	if told {
		old.queue.Wake(wait.All)
	}
}

// Accept implements socket.Socket.
func (s *Sock) Accept(c *vfs.Context, nonBlock bool) (socket.Socket, error) {
	if s.datagram() {
		return nil, unix.EOPNOTSUPP
	}
	deadline := s.opt.RcvDeadline()
	for {
		s.mu.Lock()
		if s.state != listening {
			s.mu.Unlock()
			return nil, unix.EINVAL
		}
		if len(s.conns) > 0 {
			n := s.conns[0]
			s.conns = append(s.conns[:0], s.conns[1:]...)
			s.mu.Unlock()
			s.senders.Wake(wait.Out)
			n.opt.PassCred.Store(s.opt.PassCred.Load())
			return n, nil
		}
		shut := s.noRecv
		s.mu.Unlock()
		if shut {
			return nil, unix.EINVAL
		}
		if nonBlock {
			return nil, unix.EAGAIN
		}
		err := c.Waiter.Until(&s.queue, wait.In, deadline, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.conns) > 0 || s.noRecv
		})
		if err == unix.ETIMEDOUT {
			return nil, unix.EAGAIN
		}
		if err != nil {
			return nil, err
		}
	}
}
