package inet

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// Sizes of struct sockaddr_in and struct sockaddr_in6; the second may lack its scope.
const (
	sizeofIn  = 16
	sizeofIn6 = 28
	minIn6    = 24
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// parse reads an address that a program gives: EINVAL where it is short, EAFNOSUPPORT
// where it is of another family.
func (s *Sock) parse(addr []byte) (a tcpip.FullAddress, err error) {
	if len(addr) < 2 {
		return a, unix.EINVAL
	}
	least := sizeofIn
	if s.opt.Family == unix.AF_INET6 {
		least = minIn6
	}
	if len(addr) < least {
		return a, unix.EINVAL
	}
	if int(le.Uint16(addr)) != s.opt.Family {
		return a, unix.EAFNOSUPPORT
	}
	a.Port = be.Uint16(addr[2:])
	if s.opt.Family == unix.AF_INET {
		if ip := [4]byte(addr[4:8]); ip != [4]byte{} {
			a.Addr = tcpip.AddrFrom4(ip)
		}
	} else if ip := [16]byte(addr[8:24]); ip != [16]byte{} {
		a.Addr = tcpip.AddrFrom16(ip)
	}
	return a, nil
}

// sockaddr is an address as programs get it.
func (s *Sock) sockaddr(a tcpip.FullAddress) []byte {
	if s.opt.Family == unix.AF_INET {
		b := make([]byte, sizeofIn)
		le.PutUint16(b, unix.AF_INET)
		be.PutUint16(b[2:], a.Port)
		if a.Addr.Len() == 4 {
			ip := a.Addr.As4()
			copy(b[4:], ip[:])
		}
		return b
	}
	b := make([]byte, sizeofIn6)
	le.PutUint16(b, unix.AF_INET6)
	be.PutUint16(b[2:], a.Port)
	switch a.Addr.Len() {
	case 16:
		ip := a.Addr.As16()
		copy(b[8:], ip[:])
	case 4: // an IPv4 peer of a socket of both families
		ip := a.Addr.As4()
		b[18], b[19] = 0xff, 0xff
		copy(b[20:], ip[:])
	}
	return b
}
