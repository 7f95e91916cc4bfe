// Package local is AF_UNIX: stream, datagram and seqpacket sockets between processes of
// the machine, with descriptors and credentials in messages (unix(7)).
package local

import (
	"math"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/netdev"
	"kevlar/linux/net/socket"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// maxQueue is how many datagrams may wait in a socket, and somaxconn the largest
// backlog (net.unix.max_dgram_qlen, net.core.somaxconn).
const (
	maxQueue  = 10
	somaxconn = 4096
)

// maxFiles is how many descriptors one message may carry (SCM_MAX_FD).
const maxFiles = 253

// state of a stream or seqpacket socket.
type state uint8

const (
	unconnected state = iota
	listening
	connected
)

// Sock is a socket. Two that are connected lock each other one at a time, never both.
type Sock struct {
	vfs.DefaultOps
	opt socket.Options

	queue   wait.Queue   // readers, writers, pollers; below mu
	reading sync.Mutex   // held by a reader of a stream while it copies; before mu
	pending atomic.Int64 // bytes sent from here that nobody has read: SO_SNDBUF bounds it

	// mu guards what follows.
	mu       sync.Mutex
	state    state
	closed   bool
	addr     []byte // sockaddr_un; nil where unnamed
	path     vfs.Path
	inode    *vfs.Inode // of addr, where that is a path
	peer     *Sock
	peerAddr []byte // of the listener that was connected to
	peerCred socket.Ucred
	own      socket.Ucred // of who called listen
	err      error        // reported once: ECONNRESET
	noRecv   bool         // shut down, by either side
	noSend   bool

	in      []*packet // received and not read
	backlog int
	conns   []*Sock    // connected and not accepted
	senders wait.Queue // of datagrams and connections that wait for room here

	// relay is a datagram socket's registration with the senders of its peer, which had
	// too many messages when somebody polled: room there is news here.
	relay   wait.Entry
	relayed *Sock // whose senders it is with
}

// packet is one message in a queue. sender is charged for it until it has been read.
type packet struct {
	data   []byte
	from   []byte
	files  []*vfs.File
	cred   *socket.Ucred
	sender *Sock
	charge int64
	peeked bool // an empty record that MSG_PEEK has shown: SO_PEEK_OFF passes it over
}

func (p *packet) done() {
	s := p.sender
	s.pending.Add(-p.charge)
	p.charge = 0
	s.queue.Wake(writable)
}

func init() {
	socket.Register(unix.AF_UNIX, &socket.Family{Create: create, Pair: pair})
}

func create(_ *vfs.Context, typ, protocol int) (socket.Socket, error) {
	s, err := newSock(typ, protocol)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newSock(typ, protocol int) (*Sock, error) {
	if protocol != 0 && protocol != unix.AF_UNIX {
		return nil, unix.EPROTONOSUPPORT
	}
	switch typ {
	case unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET:
	case unix.SOCK_RAW:
		typ = unix.SOCK_DGRAM // as Linux does
	default:
		return nil, unix.ESOCKTNOSUPPORT
	}
	s := &Sock{}
	s.opt.Init(unix.AF_UNIX, typ, 0)
	return s, nil
}

func (s *Sock) datagram() bool { return s.opt.Type == unix.SOCK_DGRAM }
func (s *Sock) stream() bool   { return s.opt.Type == unix.SOCK_STREAM }

// Base implements socket.Socket.
func (s *Sock) Base() *socket.Options { return &s.opt }

// Shutdown implements socket.Socket.
func (s *Sock) Shutdown(how int) error {
	if how < unix.SHUT_RD || how > unix.SHUT_RDWR {
		return unix.EINVAL
	}
	recv, send := how != unix.SHUT_WR, how != unix.SHUT_RD
	s.mu.Lock()
	s.noRecv, s.noSend = s.noRecv || recv, s.noSend || send
	peer := s.peer
	s.mu.Unlock()
	if peer != nil && !s.datagram() {
		peer.mu.Lock()
		peer.noRecv, peer.noSend = peer.noRecv || send, peer.noSend || recv
		peer.mu.Unlock()
		peer.queue.Wake(wait.All)
	}
	s.queue.Wake(wait.All)
	return nil
}

// Release implements vfs.FileOps: the last descriptor is closed.
func (s *Sock) Release(*vfs.File) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed, s.noRecv, s.noSend = true, true, true
	peer, unread, conns := s.peer, s.in, s.conns
	addr, inode, path := s.addr, s.inode, s.path
	s.in, s.conns, s.inode = nil, nil, nil
	s.mu.Unlock()

	names.mu.Lock()
	if inode != nil {
		if names.inodes[inode] == s {
			delete(names.inodes, inode)
		}
	} else if len(addr) > 2 {
		if key := (abstract{string(addr[2:]), s.opt.Type}); names.abstract[key] == s {
			delete(names.abstract, key)
		}
	}
	names.mu.Unlock()
	if inode != nil {
		path.Put()
	}

	if peer != nil && !s.datagram() {
		peer.mu.Lock()
		peer.noRecv, peer.noSend = true, true
		if len(unread) > 0 {
			peer.err = unix.ECONNRESET
		}
		peer.mu.Unlock()
		peer.queue.Wake(wait.All)
	} else if peer != nil {
		peer.queue.Wake(writable)
	}
	for _, p := range unread {
		p.drop()
	}
	for _, n := range conns {
		n.mu.Lock()
		if client := n.peer; client != nil {
			n.mu.Unlock()
			client.mu.Lock()
			client.err = unix.ECONNRESET
			client.mu.Unlock()
		} else {
			n.mu.Unlock()
		}
		n.Release(nil)
	}
	s.watch(nil)
	s.queue.Wake(wait.All)
	s.senders.Wake(wait.All)
	collect()
}

// drop ends a packet that nobody reads.
func (p *packet) drop() {
	p.done()
	landed(p.files)
	for _, f := range p.files {
		f.Unref()
	}
	p.files = nil
}

// Read implements vfs.FileOps.
func (s *Sock) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	if dst.Len() == 0 {
		return 0, nil
	}
	return socket.Read(c, s, f, dst)
}

// Write implements vfs.FileOps.
func (s *Sock) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (int, error) {
	return socket.Write(c, s, f, src)
}

// Ioctl implements vfs.FileOps: FIONREAD, SIOCOUTQ, and interfaces (netdevice(7)).
func (s *Sock) Ioctl(c *vfs.Context, f *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	var n int
	switch cmd {
	case unix.TIOCINQ:
		s.mu.Lock()
		if s.state == listening {
			s.mu.Unlock()
			return 0, unix.EINVAL
		}
		for i, p := range s.in {
			if i == 0 || !s.datagram() {
				n += len(p.data)
			}
		}
		s.mu.Unlock()
	case unix.TIOCOUTQ:
		n = int(s.pending.Load())
	default:
		return 0, netdev.Ioctl(c, cmd, user.Addr(arg), m)
	}
	n = min(n, math.MaxInt32)
	_, err := m.CopyOut(user.Addr(arg), []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	return 0, err
}

// Option implements socket.Socket.
func (s *Sock) Option(_ *vfs.Context, level, name int) ([]byte, error) {
	if level != unix.SOL_SOCKET {
		return nil, unix.EOPNOTSUPP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	le := func(v ...uint32) (b []byte) {
		for _, v := range v {
			b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		return b
	}
	switch name {
	case unix.SO_ERROR:
		e, _ := s.err.(unix.Errno)
		s.err = nil
		return le(uint32(e)), nil
	case unix.SO_ACCEPTCONN:
		if s.state == listening {
			return le(1), nil
		}
		return le(0), nil
	case unix.SO_PEERCRED:
		switch {
		case s.state == listening:
			return le(uint32(s.own.PID), s.own.UID, s.own.GID), nil
		case s.state == connected && !s.datagram() || s.peerCred.PID != 0:
			return le(uint32(s.peerCred.PID), s.peerCred.UID, s.peerCred.GID), nil
		}
		return le(0, math.MaxUint32, math.MaxUint32), nil
	}
	return nil, unix.ENOPROTOOPT
}

// SetOption implements socket.Socket.
func (s *Sock) SetOption(_ *vfs.Context, level, _ int, _ []byte) error {
	if level != unix.SOL_SOCKET {
		return unix.EOPNOTSUPP
	}
	return unix.ENOPROTOOPT
}
