// Package local is AF_UNIX: stream, datagram and seqpacket sockets between processes of
// the machine, with descriptors and credentials in messages (unix(7)).
package local

import (
	"fmt"
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

// What poll tells of a socket with room: bands mean nothing to it, but Linux names them.
const writable = wait.Out | wait.WrNorm | wait.WrBand

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

func (s *Sock) datagram() bool { return s.opt.Type == unix.SOCK_DGRAM }
func (s *Sock) stream() bool   { return s.opt.Type == unix.SOCK_STREAM }

// Base implements socket.Socket.
func (s *Sock) Base() *socket.Options { return &s.opt }

// abstract is a name without a file. Each type of socket has names of its own.
type abstract struct {
	name string
	typ  int
}

// names are the bound sockets: by inode for paths, by name for the abstract ones. mu is a
// leaf: bind takes it under Sock.mu.
var names struct {
	mu       sync.Mutex
	abstract map[abstract]*Sock
	inodes   map[*vfs.Inode]*Sock
	auto     uint32
}

// parse returns the path or abstract name in a sockaddr_un. Abstract names begin with NUL.
func parse(addr []byte) (name []byte, err error) {
	if len(addr) < 2 || len(addr) > 110 {
		return nil, unix.EINVAL
	}
	if int(addr[0])|int(addr[1])<<8 != unix.AF_UNIX {
		return nil, unix.EINVAL
	}
	name = addr[2:]
	if len(name) == 0 || name[0] == 0 {
		return name, nil
	}
	for i, c := range name {
		if c == 0 {
			return name[:i], nil
		}
	}
	return name, nil
}

func sockaddr(name []byte, path bool) []byte {
	addr := append([]byte{unix.AF_UNIX, 0}, name...)
	if path {
		addr = append(addr, 0)
	}
	return addr
}

// Bind implements socket.Socket.
func (s *Sock) Bind(c *vfs.Context, addr []byte) error {
	name, err := parse(addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	bound := s.addr != nil
	s.mu.Unlock()
	switch {
	case len(name) == 0:
		if bound {
			return nil
		}
		return s.autobind()
	case name[0] == 0:
		return s.bindAbstract(name)
	}
	// As on Linux, the name comes first and goes again where the socket has one already.
	p, err := vfs.MakeSocket(c, name, unix.S_IFSOCK|0o777)
	if err != nil {
		if err == unix.EEXIST {
			err = unix.EADDRINUSE
		}
		return err
	}
	s.mu.Lock()
	if s.addr != nil {
		s.mu.Unlock()
		vfs.Unlink(c, unix.AT_FDCWD, name)
		return unix.EINVAL
	}
	defer s.mu.Unlock()
	s.addr, s.path, s.inode = sockaddr(name, true), p.Get(), p.Inode()
	names.mu.Lock()
	defer names.mu.Unlock()
	if names.inodes == nil {
		names.inodes = make(map[*vfs.Inode]*Sock)
	}
	names.inodes[s.inode] = s
	return nil
}

func (s *Sock) bindAbstract(name []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr != nil {
		return unix.EINVAL
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	key := abstract{string(name), s.opt.Type}
	if names.abstract[key] != nil {
		return unix.EADDRINUSE
	}
	if names.abstract == nil {
		names.abstract = make(map[abstract]*Sock)
	}
	names.abstract[key] = s
	s.addr = sockaddr(name, false)
	return nil
}

// autobind gives the socket an abstract name of five hexadecimal digits.
func (s *Sock) autobind() error {
	for range 1 << 20 {
		names.mu.Lock()
		n := names.auto
		names.auto = (names.auto + 1) & 0xfffff
		names.mu.Unlock()
		if err := s.bindAbstract(fmt.Appendf([]byte{0}, "%05x", n)); err != unix.EADDRINUSE {
			return err
		}
	}
	return unix.ENOSPC
}

// find returns the socket that is bound to addr.
func find(c *vfs.Context, addr []byte, typ int) (*Sock, error) {
	name, err := parse(addr)
	if err != nil {
		return nil, err
	}
	if len(name) == 0 {
		return nil, unix.ECONNREFUSED
	}
	var s *Sock
	if name[0] == 0 {
		names.mu.Lock()
		s = names.abstract[abstract{string(name), typ}]
		names.mu.Unlock()
	} else {
		p, err := vfs.Lookup(c, unix.AT_FDCWD, name, vfs.Follow)
		if err != nil {
			return nil, err
		}
		if err := p.PermitAt(c, vfs.MayWrite); err != nil {
			return nil, err
		}
		names.mu.Lock()
		s = names.inodes[p.Inode()]
		names.mu.Unlock()
	}
	if s == nil {
		return nil, unix.ECONNREFUSED
	}
	if s.opt.Type != typ {
		return nil, unix.EPROTOTYPE
	}
	return s, nil
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

// Name implements socket.Socket.
func (s *Sock) Name(peer bool) ([]byte, error) {
	s.mu.Lock()
	addr, other, peerAddr, st := s.addr, s.peer, s.peerAddr, s.state
	s.mu.Unlock()
	if peer {
		if st != connected || other == nil {
			return nil, unix.ENOTCONN
		}
		addr = peerAddr
		if s.datagram() || addr == nil {
			other.mu.Lock()
			addr = other.addr
			other.mu.Unlock()
		}
	}
	if addr == nil {
		return []byte{unix.AF_UNIX, 0}, nil
	}
	return addr, nil
}

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

// Poll implements vfs.FileOps.
func (s *Sock) Poll(_ *vfs.File, e *wait.Entry) (events wait.Events) {
	if e != nil {
		s.queue.Add(e)
	}
	s.mu.Lock()
	if s.err != nil {
		events |= wait.Err
	}
	if s.noRecv && s.noSend {
		events |= wait.Hup
	}
	if s.noRecv {
		events |= wait.RdHup | wait.In | wait.RdNorm
	}
	if len(s.in) > 0 || len(s.conns) > 0 {
		events |= wait.In | wait.RdNorm
	}
	if !s.datagram() && s.state == unconnected {
		events |= wait.Hup
	}
	room := s.state != listening && s.pending.Load()<<2 < int64(s.opt.SndBuf())
	peer := s.peer
	s.mu.Unlock()
	if room && s.datagram() && peer != nil && peer.full(s) {
		s.watch(peer)
		room = !peer.full(s)
	}
	if room {
		events |= writable
	}
	return events
}

// full reports whether a datagram of from would have to wait: too many are here, and from
// is not the peer, which may always answer.
func (s *Sock) full(from *Sock) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.in) > maxQueue && s.peer != from && !s.closed
}

// watch makes room at peer known to who polls s; nil ends that.
func (s *Sock) watch(peer *Sock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.relayed == peer {
		return
	}
	if s.relayed != nil {
		s.relayed.senders.Remove(&s.relay)
	}
	if s.relayed = peer; peer != nil {
		s.relay.To, s.relay.Events = s, wait.Out
		peer.senders.Add(&s.relay)
	}
}

// Notify implements wait.Notifier, for relay.
func (s *Sock) Notify(*wait.Entry, wait.Events) bool {
	s.queue.Wake(writable)
	return false
}

// Unpoll implements vfs.FileOps.
func (s *Sock) Unpoll(_ *vfs.File, e *wait.Entry) { s.queue.Remove(e) }

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
