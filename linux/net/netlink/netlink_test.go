package netlink_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

var le = binary.LittleEndian

// ask sends a request with a body, and returns the types of the messages that come back, in
// order, and the last of them.
func ask(u *sim.User, fd int64, typ, flags uint16, body []byte) (types []uint16, last []byte) {
	m := le.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = le.AppendUint16(m, typ)
	m = le.AppendUint16(m, flags|unix.NLM_F_REQUEST)
	m = le.AppendUint32(m, 7)
	m = append(le.AppendUint32(m, 0), body...)
	u.Must(unix.SYS_SENDTO, fd, m, len(m), 0, nil, 0)
	for {
		b := make([]byte, 4096)
		n := u.Syscall(unix.SYS_RECVFROM, fd, b, len(b), unix.MSG_DONTWAIT, nil, nil)
		if n < 0 {
			return types, last
		}
		for b = b[:n]; len(b) >= unix.SizeofNlMsghdr; {
			size := (le.Uint32(b) + 3) &^ 3
			last = b[:size]
			types = append(types, le.Uint16(b[4:]))
			if seq := le.Uint32(b[8:]); seq != 7 {
				u.Errorf("a message of number %d", seq)
			}
			b = b[size:]
		}
	}
}

func TestRoute(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
		for _, c := range []struct {
			typ  uint16
			body []byte
			want int // messages before NLMSG_DONE
		}{
			{unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), 1},
			{unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), 2},
			{unix.RTM_GETADDR, []byte{unix.AF_INET}, 1},
			{unix.RTM_GETROUTE, make([]byte, unix.SizeofRtMsg), 4},
			{unix.RTM_GETNEIGH, make([]byte, 12), 0},
		} {
			types, _ := ask(u, fd, c.typ, unix.NLM_F_DUMP, c.body)
			if n := len(types); n != c.want+1 || types[n-1] != unix.NLMSG_DONE {
				u.Errorf("type %d: messages of types %v", c.typ, types)
			}
		}
		link := make([]byte, unix.SizeofIfInfomsg)
		for index, want := range map[uint32]unix.Errno{1: 0, 2: unix.ENODEV, 0: unix.EINVAL} {
			le.PutUint32(link[4:], index)
			_, last := ask(u, fd, unix.RTM_GETLINK, unix.NLM_F_ACK, link)
			if got := unix.Errno(-int32(le.Uint32(last[unix.SizeofNlMsghdr:]))); le.Uint16(last[4:]) != unix.NLMSG_ERROR || got != want {
				u.Errorf("link %d: type %d, %v", index, le.Uint16(last[4:]), got)
			}
		}
	})
}

// TestPorts has two sockets talk to each other: the second waits for room.
func TestPorts(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		a := u.Must(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
		b := u.Must(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
		addr := func(port uint32) []byte {
			return append(le.AppendUint32(le.AppendUint32(nil, unix.AF_NETLINK), port), 0, 0, 0, 0)
		}
		u.Must(unix.SYS_BIND, a, addr(500), 12)
		u.Expect(unix.EADDRINUSE, unix.SYS_BIND, b, addr(500), 12)
		u.Expect(unix.ECONNREFUSED, unix.SYS_SENDTO, b, "x", 1, 0, addr(501), 12)
		const size, messages = 60000, 8
		pid := u.Fork(func(u *sim.User) {
			for range messages {
				u.Must(unix.SYS_SENDTO, b, make([]byte, size), size, 0, addr(500), 12)
			}
			u.Exit(0)
		})
		for range messages {
			buf, from, n := make([]byte, 16), make([]byte, 12), [1]uint32{12}
			if got := u.Must(unix.SYS_RECVFROM, a, buf, 16, unix.MSG_TRUNC, from, &n); got != size || le.Uint32(from[4:]) == 0 {
				u.Errorf("%d bytes from %v", got, from)
			}
		}
		u.Must(unix.SYS_WAIT4, pid, nil, 0, nil)
		u.Must(unix.SYS_CLOSE, a)
		u.Expect(unix.ECONNREFUSED, unix.SYS_SENDTO, b, "x", 1, 0, addr(500), 12)
	})
}
