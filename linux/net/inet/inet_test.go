package inet_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

// address is a struct sockaddr_in of this machine.
func address(port uint16) []byte {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint16(b, unix.AF_INET)
	binary.BigEndian.PutUint16(b[2:], port)
	copy(b[4:], []byte{127, 0, 0, 1})
	return b
}

// port is the local port of a socket.
func port(u *sim.User, fd int64) uint16 {
	b, n := make([]byte, 16), [1]uint32{16}
	u.Must(unix.SYS_GETSOCKNAME, fd, b, &n)
	return binary.BigEndian.Uint16(b[2:])
}

func TestStream(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		l := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
		u.Must(unix.SYS_BIND, l, address(0), 16)
		u.Must(unix.SYS_LISTEN, l, 5)
		p := port(u, l)
		pid := u.Fork(func(u *sim.User) {
			s := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
			u.Must(unix.SYS_CONNECT, s, address(p), 16)
			u.Must(unix.SYS_WRITE, s, "hello", 5)
			b := make([]byte, 16)
			if n := u.Must(unix.SYS_READ, s, b, len(b)); string(b[:n]) != "HELLO" {
				u.Errorf("the client got %q", b[:n])
			}
			u.Exit(0)
		})
		s := u.Must(unix.SYS_ACCEPT4, l, nil, nil, 0)
		b := make([]byte, 16)
		if n := u.Must(unix.SYS_READ, s, b, len(b)); string(b[:n]) != "hello" {
			u.Errorf("the server got %q", b[:n])
		}
		u.Must(unix.SYS_WRITE, s, "HELLO", 5)
		if n := u.Must(unix.SYS_READ, s, b, len(b)); n != 0 {
			u.Errorf("%d bytes after the client's end", n)
		}
		u.Must(unix.SYS_WAIT4, pid, nil, 0, nil)
		u.Must(unix.SYS_CLOSE, s)
		u.Must(unix.SYS_CLOSE, l)
		again := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
		u.Expect(unix.ECONNREFUSED, unix.SYS_CONNECT, again, address(p), 16)
	})
}

func TestDatagrams(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		a := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0)
		u.Must(unix.SYS_BIND, a, address(0), 16)
		b := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
		u.Expect(unix.EAGAIN, unix.SYS_RECVFROM, b, make([]byte, 4), 4, 0, nil, nil)
		u.Expect(unix.EDESTADDRREQ, unix.SYS_WRITE, b, "x", 1)
		u.Must(unix.SYS_SENDTO, b, "datagram", 8, 0, address(port(u, a)), 16)
		u.Must(unix.SYS_SENDTO, b, "", 0, 0, address(port(u, a)), 16)
		buf, from, n := make([]byte, 4), make([]byte, 16), [1]uint32{16}
		if got := u.Must(unix.SYS_RECVFROM, a, buf, 4, unix.MSG_TRUNC, from, &n); got != 8 || string(buf) != "data" {
			u.Errorf("%d bytes, %q", got, buf)
		}
		if p := binary.BigEndian.Uint16(from[2:]); p != port(u, b) {
			u.Errorf("from port %d", p)
		}
		if got := u.Must(unix.SYS_RECVFROM, a, buf, 4, 0, nil, nil); got != 0 {
			u.Errorf("an empty datagram has %d bytes", got)
		}
	})
}

func TestErrors(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		s := u.Must(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
		u.Expect(unix.EADDRNOTAVAIL, unix.SYS_BIND, s, []byte{2, 0, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 16)
		u.Expect(unix.EAFNOSUPPORT, unix.SYS_BIND, s, []byte{1, 0, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16)
		u.Expect(unix.EINVAL, unix.SYS_BIND, s, address(0), 8)
		u.Expect(unix.ENOTCONN, unix.SYS_SHUTDOWN, s, unix.SHUT_RD)
		u.Expect(unix.ENOTCONN, unix.SYS_GETPEERNAME, s, make([]byte, 16), &[1]uint32{16})
		u.Expect(unix.EPROTONOSUPPORT, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP)
	})
}
