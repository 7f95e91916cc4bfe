package local

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
)

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
