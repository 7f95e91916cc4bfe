package local

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Shown is a socket as /proc/net/unix has it.
type Shown struct {
	Type  int
	Flags int // 0x10000: it listens
	State int // 1: unconnected, 3: connected
	Path  string
}

// Show describes the socket. An abstract name begins with "@", which also stands for
// NULs in it.
func (s *Sock) Show() Shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Shown{Type: s.opt.Type, State: 1}
	switch {
	case s.state == listening:
		d.Flags = 0x10000
	case s.state == connected || s.opt.Type == unix.SOCK_DGRAM && s.peer != nil:
		d.State = 3
	}
	if len(s.addr) > 2 {
		name := s.addr[2:]
		if name[0] == 0 {
			d.Path = string(bytes.ReplaceAll(name, []byte{0}, []byte{'@'}))
		} else {
			d.Path = string(bytes.TrimRight(name, "\x00"))
		}
	}
	return d
}
