// Package netlink is AF_NETLINK with the protocol NETLINK_ROUTE: programs ask the kernel for
// links, addresses and routes in messages (netlink(7), rtnetlink(7)). route.go answers; this
// file is the sockets, and message.go the encoding.
//
// What the kernel tells is in package netdev. It never changes, so that nobody is told of
// changes: multicast groups can be joined, and stay silent.
package netlink

import (
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/netdev"
	"kevlar/linux/net/socket"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// sizeofAddr is that of struct sockaddr_nl.
const sizeofAddr = unix.SizeofSockaddrNetlink

// groups is how many multicast groups NETLINK_ROUTE has (RTNLGRP_MAX).
const groups = 36

func init() { socket.Register(unix.AF_NETLINK, &socket.Family{Create: create}) }

// Sock is a netlink socket.
type Sock struct {
	vfs.DefaultOps
	opt   socket.Options
	queue wait.Queue

	mu     sync.Mutex // guards what follows; after ports.mu
	port   uint32     // its address, 0 before it has one
	joined uint64     // its multicast groups: bit n-1 for group n
	to     address    // where messages without an address go
	flags  map[int]bool
	inbox  []datagram
	queued int // bytes in inbox
}

// address is a struct sockaddr_nl: port 0 is the kernel.
type address struct{ port, groups uint32 }

type datagram struct {
	data []byte
	from uint32
}

// ports are the sockets that have an address.
var ports struct {
	mu sync.Mutex // guards m; before Sock.mu
	m  map[uint32]*Sock
}

func create(_ *vfs.Context, typ, protocol int) (socket.Socket, error) {
	if typ != unix.SOCK_RAW && typ != unix.SOCK_DGRAM {
		return nil, unix.ESOCKTNOSUPPORT
	}
	if protocol != unix.NETLINK_ROUTE {
		return nil, unix.EPROTONOSUPPORT
	}
	s := &Sock{}
	s.opt.Init(unix.AF_NETLINK, typ, protocol)
	return s, nil
}

// Base implements socket.Socket.
func (s *Sock) Base() *socket.Options { return &s.opt }

// parse reads a struct sockaddr_nl.
func parse(b []byte) (a address, err error) {
	if len(b) < sizeofAddr || le.Uint16(b) != unix.AF_NETLINK {
		return a, unix.EINVAL
	}
	return address{le.Uint32(b[4:]), le.Uint32(b[8:])}, nil
}

func (a address) bytes() []byte {
	b := le.AppendUint32(nil, unix.AF_NETLINK)
	b = le.AppendUint32(b, a.port)
	return le.AppendUint32(b, a.groups)
}

// Bind implements socket.Socket.
func (s *Sock) Bind(c *vfs.Context, addr []byte) error {
	a, err := parse(addr)
	if err != nil {
		return err
	}
	if err := s.claim(c, a.port); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = s.joined&^math.MaxUint32 | uint64(a.groups)
	return nil
}

// claim gives the socket its address: EADDRINUSE where it is another's, EINVAL where the
// socket has another. For 0 the socket keeps what it has, or gets the ID of its process, or
// if that is taken a number that is none.
func (s *Sock) claim(c *vfs.Context, port uint32) error {
	ports.mu.Lock()
	defer ports.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port != 0 {
		if port != 0 && port != s.port {
			return unix.EINVAL
		}
		return nil
	}
	if ports.m == nil {
		ports.m = make(map[uint32]*Sock)
	}
	if port == 0 {
		port = uint32(c.Process())
		for next := uint32(0xfffff000); ports.m[port] != nil || port == 0; next-- {
			port = next
		}
	}
	if ports.m[port] != nil {
		return unix.EADDRINUSE
	}
	s.port, ports.m[port] = port, s
	return nil
}

// Release implements vfs.FileOps.
func (s *Sock) Release(*vfs.File) {
	ports.mu.Lock()
	defer ports.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port != 0 {
		delete(ports.m, s.port)
	}
}

// Connect implements socket.Socket.
func (s *Sock) Connect(c *vfs.Context, addr []byte, _ bool) error {
	if len(addr) >= 2 && le.Uint16(addr) == unix.AF_UNSPEC {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.to = address{}
		return nil
	}
	a, err := parse(addr)
	if err != nil {
		return err
	}
	if err := maySendTo(c, a); err != nil {
		return err
	}
	if err := s.claim(c, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = a
	return nil
}

// maySendTo reports EPERM for anybody but the kernel without CAP_NET_ADMIN.
func maySendTo(c *vfs.Context, a address) error {
	if a != (address{}) && !c.Capable(unix.CAP_NET_ADMIN) {
		return unix.EPERM
	}
	return nil
}

// Listen, Accept and Shutdown implement socket.Socket: there are no connections.
func (s *Sock) Listen(*vfs.Context, int) error                   { return unix.EOPNOTSUPP }
func (s *Sock) Accept(*vfs.Context, bool) (socket.Socket, error) { return nil, unix.EOPNOTSUPP }
func (s *Sock) Shutdown(int) error                               { return unix.EOPNOTSUPP }

// Name implements socket.Socket.
func (s *Sock) Name(peer bool) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if peer {
		return s.to.bytes(), nil
	}
	return address{s.port, uint32(s.joined)}.bytes(), nil
}

// Send implements socket.Socket. The kernel answers at once.
func (s *Sock) Send(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EOPNOTSUPP
	}
	s.mu.Lock()
	to := s.to
	s.mu.Unlock()
	if len(m.Addr) > 0 {
		var err error
		if to, err = parse(m.Addr); err != nil {
			return 0, err
		}
		if err := maySendTo(c, to); err != nil {
			return 0, err
		}
	}
	if err := s.claim(c, 0); err != nil {
		return 0, err
	}
	n := m.Data.Len()
	if n > s.opt.SndBuf()-32 {
		return 0, unix.EMSGSIZE
	}
	data := make([]byte, n)
	if _, err := m.Data.Read(data); err != nil {
		return 0, err
	}
	if to.port != 0 {
		return n, s.sendTo(c, to.port, data, m.Flags&unix.MSG_DONTWAIT != 0)
	}
	s.serve(c, data)
	return n, nil
}

// sendTo gives a message to another socket, and waits for room there.
func (s *Sock) sendTo(c *vfs.Context, port uint32, data []byte, nonBlock bool) error {
	ports.mu.Lock()
	o := ports.m[port]
	ports.mu.Unlock()
	if o == nil {
		return unix.ECONNREFUSED
	}
	put := func() bool { return o.put(datagram{data, s.port}) }
	if put() {
		return nil
	}
	if nonBlock {
		return unix.EAGAIN
	}
	err := c.Waiter.Until(&o.queue, wait.Out, s.opt.SndDeadline(), put)
	if err == unix.ETIMEDOUT {
		err = unix.EAGAIN
	}
	return err
}

// put queues a message, unless there is no room.
func (s *Sock) put(d datagram) bool {
	s.mu.Lock()
	room := s.queued == 0 || s.queued+len(d.data) <= s.opt.RcvBuf()
	if room {
		s.inbox = append(s.inbox, d)
		s.queued += len(d.data)
	}
	s.mu.Unlock()
	if room {
		s.queue.Wake(wait.In | wait.RdNorm)
	}
	return room
}

// Receive implements socket.Socket.
func (s *Sock) Receive(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EOPNOTSUPP
	}
	var d datagram
	take := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.inbox) == 0 {
			return false
		}
		d = s.inbox[0]
		if m.Flags&unix.MSG_PEEK == 0 {
			s.inbox = append(s.inbox[:0], s.inbox[1:]...)
			s.queued -= len(d.data)
		}
		return true
	}
	if !take() {
		if m.Flags&unix.MSG_DONTWAIT != 0 {
			return 0, unix.EAGAIN
		}
		if err := c.Waiter.Until(&s.queue, wait.In, s.opt.RcvDeadline(), take); err != nil {
			if err == unix.ETIMEDOUT {
				err = unix.EAGAIN
			}
			return 0, err
		}
	}
	if m.Flags&unix.MSG_PEEK == 0 {
		s.queue.Wake(wait.Out | wait.WrNorm)
	}
	m.Addr = address{port: d.from}.bytes()
	n, err := m.Data.Write(d.data)
	if err != nil {
		return 0, err
	}
	if n < len(d.data) {
		m.Out |= unix.MSG_TRUNC
		if m.Flags&unix.MSG_TRUNC != 0 {
			n = len(d.data)
		}
	}
	return n, nil
}

// Read and Write implement vfs.FileOps.
func (s *Sock) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	return socket.Read(c, s, f, dst)
}

func (s *Sock) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (int, error) {
	return socket.Write(c, s, f, src)
}

// Poll and Unpoll implement vfs.FileOps.
func (s *Sock) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		s.queue.Add(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	events := wait.Out | wait.WrNorm | wait.WrBand
	if len(s.inbox) > 0 {
		events |= wait.In | wait.RdNorm
	}
	return events
}

func (s *Sock) Unpoll(_ *vfs.File, e *wait.Entry) { s.queue.Remove(e) }

// Ioctl implements vfs.FileOps: interfaces (netdevice(7)).
func (s *Sock) Ioctl(c *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	return 0, netdev.Ioctl(c, cmd, user.Addr(arg), m)
}

// switches are the options that are no more than on or off.
var switches = map[int]bool{
	unix.NETLINK_BROADCAST_ERROR: true, unix.NETLINK_NO_ENOBUFS: true, unix.NETLINK_CAP_ACK: true, unix.NETLINK_EXT_ACK: true,
	unix.NETLINK_GET_STRICT_CHK: true,
}

// Option implements socket.Socket.
func (s *Sock) Option(_ *vfs.Context, level, name int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case level == unix.SOL_SOCKET && (name == unix.SO_ERROR || name == unix.SO_ACCEPTCONN):
		return make([]byte, 4), nil
	case level == unix.SOL_NETLINK && switches[name]:
		if s.flags[name] {
			return le.AppendUint32(nil, 1), nil
		}
		return make([]byte, 4), nil
	case level == unix.SOL_NETLINK && name == unix.NETLINK_LIST_MEMBERSHIPS:
		return le.AppendUint64(nil, s.joined), nil
	}
	return nil, unix.ENOPROTOOPT
}

// SetOption implements socket.Socket.
func (s *Sock) SetOption(_ *vfs.Context, level, name int, value []byte) error {
	if level != unix.SOL_NETLINK {
		return unix.ENOPROTOOPT
	}
	v := uint32(0)
	if len(value) >= 4 {
		v = le.Uint32(value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case switches[name]:
		if s.flags == nil {
			s.flags = make(map[int]bool)
		}
		s.flags[name] = v != 0
	case name == unix.NETLINK_ADD_MEMBERSHIP || name == unix.NETLINK_DROP_MEMBERSHIP:
		if v == 0 || v > groups {
			return unix.EINVAL
		}
		s.joined |= 1 << (v - 1)
		if name == unix.NETLINK_DROP_MEMBERSHIP {
			s.joined &^= 1 << (v - 1)
		}
	default:
		return unix.ENOPROTOOPT
	}
	return nil
}
