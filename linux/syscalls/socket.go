package syscalls

import (
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	_ "kevlar/linux/net/inet"    // registers AF_INET and AF_INET6
	_ "kevlar/linux/net/netlink" // registers AF_NETLINK
	"kevlar/linux/net/socket"
	_ "kevlar/linux/net/unix" // registers AF_UNIX
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

var socketRows = []Row{
	{Name: "socket", Args: []Kind{AddressFamily, SocketType, Int}, Do: sysSocket,
		Contracts: []string{"sockets/unix_stream", "sockets/tcp_errors", "sockets/inet6_loopback"}},
	{Name: "socketpair", Args: []Kind{AddressFamily, SocketType, Int, FDPair}, Do: sysSocketpair, Contracts: []string{"sockets/unix_socketpair_types"}},
	{Name: "bind", Args: []Kind{FD, SockAddr, Int}, Do: sysBind, Contracts: []string{"sockets/unix_names", "sockets/unix_stream", "sockets/tcp_errors"}},
	{Name: "listen", Args: []Kind{FD, Int}, Do: sysListen, Contracts: []string{"sockets/unix_backlog", "sockets/unix_stream"}},
	{Name: "accept", Args: []Kind{FD, SockAddrOut, Out | IntAt}, Do: sysAccept, Contracts: []string{"sockets/unix_backlog", "sockets/unix_stream"}},
	{Name: "accept4", Args: []Kind{FD, SockAddrOut, Out | IntAt, SocketType}, Do: sysAccept4, Contracts: []string{"sockets/tcp_connection", "sockets/unix_stream"}},
	{Name: "connect", Args: []Kind{FD, SockAddr, Int}, Do: sysConnect,
		Contracts: []string{"sockets/unix_datagram_connect", "sockets/tcp_connection", "sockets/tcp_nonblocking"}},
	{Name: "getsockname", Args: []Kind{FD, SockAddrOut, Out | IntAt}, Do: sysGetsockname, Contracts: []string{"sockets/unix_names", "sockets/tcp_connection"}},
	{Name: "getpeername", Args: []Kind{FD, SockAddrOut, Out | IntAt}, Do: sysGetpeername, Contracts: []string{"sockets/tcp_connection", "sockets/unix_stream"}},
	{Name: "sendto", Args: []Kind{FD, Buf, Size, MsgFlags, SockAddr, Int}, Do: sysSendto,
		Contracts: []string{"sockets/sendmsg_vectors", "sockets/udp_datagrams", "sockets/unix_datagram"}},
	{Name: "recvfrom", Args: []Kind{FD, OutBuf, Size, MsgFlags, SockAddrOut, Out | IntAt}, Do: sysRecvfrom,
		Contracts: []string{"sockets/unix_peek_trunc", "sockets/udp_datagrams", "sockets/unix_datagram"}},
	{Name: "sendmsg", Args: []Kind{FD, Ptr, MsgFlags}, Do: sysSendmsg, Contracts: []string{"sockets/sendmsg_vectors", "sockets/unix_rights"}},
	{Name: "recvmsg", Args: []Kind{FD, Ptr, MsgFlags}, Do: sysRecvmsg,
		Contracts: []string{"sockets/unix_rights", "sockets/unix_credentials", "sockets/unix_peek_trunc"}},
	{Name: "sendmmsg", Args: []Kind{FD, Ptr, Uint, Hex}, Do: sysSendmmsg, Contracts: []string{"sockets/sendmsg_vectors"}},
	{Name: "recvmmsg", Args: []Kind{FD, Ptr, Uint, Hex, Timespec}, Do: sysRecvmmsg, Contracts: []string{"sockets/sendmsg_vectors"}},
	{Name: "shutdown", Args: []Kind{FD, Int}, Do: sysShutdown, Contracts: []string{"sockets/unix_shutdown"}},
	{Name: "getsockopt", Args: []Kind{FD, SockLevel, Sockopt, Out | IntAt, Out | IntAt}, Do: sysGetsockopt, Contracts: []string{"sockets/unix_options", "sockets/tcp_options"}},
	{Name: "setsockopt", Args: []Kind{FD, SockLevel, Sockopt, IntAt, Int}, Do: sysSetsockopt,
		Contracts: []string{"sockets/unix_options", "sockets/tcp_options", "sockets/unix_buffers"}},
}

// sockaddrMax is sizeof(struct sockaddr_storage).
const sockaddrMax = 128

// getSocket returns the socket behind a descriptor, and its file, which the caller
// releases.
func getSocket(t *task.Task, fd int) (socket.Socket, *vfs.File, error) {
	f, err := t.Files.Get(fd)
	if err != nil {
		return nil, nil, err
	}
	s, ok := f.Ops.(socket.Socket)
	if !ok {
		f.Unref()
		return nil, nil, unix.ENOTSOCK
	}
	return s, f, nil
}

// newSocketFile makes a file of a socket.
func newSocketFile(t *task.Task, s socket.Socket, flags uint32) *vfs.File {
	return vfs.NewPseudoFile(vfs.NewSocketInode(t.VFS()), s, unix.O_RDWR|flags&unix.SOCK_NONBLOCK)
}

// family decodes the first three arguments of socket and socketpair.
func family(a *Args) (f *socket.Family, typ int, flags uint32, err error) {
	flags = a.Uint(1) &^ 0xf
	typ = a.Int(1) & 0xf
	if flags&^(unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK) != 0 {
		return nil, 0, 0, unix.EINVAL
	}
	if a.Int(0) < 0 || a.Int(0) >= unix.AF_MAX {
		return nil, 0, 0, unix.EAFNOSUPPORT
	}
	if typ > unix.SOCK_PACKET {
		return nil, 0, 0, unix.EINVAL
	}
	f, err = socket.Lookup(a.Int(0))
	return f, typ, flags, err
}

func sysSocket(t *task.Task, a *Args) (uint64, error) {
	fam, typ, flags, err := family(a)
	if err != nil {
		return 0, err
	}
	s, err := fam.Create(t.VFS(), typ, a.Int(2))
	if err != nil {
		return 0, err
	}
	return install(t, newSocketFile(t, s, flags), flags&unix.SOCK_CLOEXEC != 0)
}

func sysSocketpair(t *task.Task, a *Args) (uint64, error) {
	fam, typ, flags, err := family(a)
	if err != nil {
		return 0, err
	}
	if fam.Pair == nil {
		return 0, unix.EOPNOTSUPP
	}
	s1, s2, err := fam.Pair(t.VFS(), typ, a.Int(2))
	if err != nil {
		return 0, err
	}
	f1, f2 := newSocketFile(t, s1, flags), newSocketFile(t, s2, flags)
	return 0, installPair(t, f1, f2, flags&unix.SOCK_CLOEXEC != 0, a.Addr(3))
}

// getSockaddr reads an address that a program gives.
func getSockaddr(t *task.Task, at user.Addr, n int) ([]byte, error) {
	if n < 0 || n > sockaddrMax {
		return nil, unix.EINVAL
	}
	addr := make([]byte, n)
	err := t.CopyIn(addr, at)
	return addr, err
}

// putSockaddr gives a program an address: as much as fits, and the length it has.
func putSockaddr(t *task.Task, addr []byte, at, length user.Addr) error {
	var b [4]byte
	if err := t.CopyIn(b[:], length); err != nil {
		return err
	}
	room := int(int32(binary.LittleEndian.Uint32(b[:])))
	if room < 0 {
		return unix.EINVAL
	}
	if err := t.CopyOut(at, addr[:min(room, len(addr))]); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(b[:], uint32(len(addr)))
	err := t.CopyOut(length, b[:])
	return err
}

func sysBind(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	addr, err := getSockaddr(t, a.Addr(1), a.Int(2))
	if err != nil {
		return 0, err
	}
	return 0, s.Bind(t.VFS(), addr)
}

func sysListen(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return 0, s.Listen(t.VFS(), a.Int(1))
}

func sysAccept(t *task.Task, a *Args) (uint64, error) { return accept(t, a, 0) }

func sysAccept4(t *task.Task, a *Args) (uint64, error) { return accept(t, a, a.Uint(3)) }

func accept(t *task.Task, a *Args, flags uint32) (uint64, error) {
	if flags&^(unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK) != 0 {
		return 0, unix.EINVAL
	}
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	cloexec := flags&unix.SOCK_CLOEXEC != 0
	fd, err := t.Files.Reserve(t.VFS(), 0, cloexec)
	if err != nil {
		return 0, err
	}
	n, err := s.Accept(t.VFS(), f.NonBlock())
	if err != nil {
		t.Files.Abandon(fd)
		return 0, timedOut(err, s.Base().RcvDeadline())
	}
	file := newSocketFile(t, n, flags)
	if a.Addr(1) != 0 {
		addr, err := n.Name(true)
		if err != nil {
			err = unix.ECONNABORTED
		} else {
			err = putSockaddr(t, addr, a.Addr(1), a.Addr(2))
		}
		if err != nil {
			t.Files.Abandon(fd)
			file.Unref()
			return 0, err
		}
	}
	t.Files.Fill(fd, file)
	return uint64(fd), nil
}

// timedOut is what an interrupted call answers: one with a timeout (SO_RCVTIMEO,
// SO_SNDTIMEO) is never restarted: signal(7).
func timedOut(err error, deadline time.Duration) error {
	if err == abi.ERESTARTSYS && deadline != wait.Forever {
		return unix.EINTR
	}
	return err
}

func sysConnect(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	addr, err := getSockaddr(t, a.Addr(1), a.Int(2))
	if err != nil {
		return 0, err
	}
	return 0, timedOut(s.Connect(t.VFS(), addr, f.NonBlock()), s.Base().SndDeadline())
}

func sysGetsockname(t *task.Task, a *Args) (uint64, error) { return sockname(t, a, false) }

func sysGetpeername(t *task.Task, a *Args) (uint64, error) { return sockname(t, a, true) }

func sockname(t *task.Task, a *Args, peer bool) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	addr, err := s.Name(peer)
	if err != nil {
		return 0, err
	}
	return 0, putSockaddr(t, addr, a.Addr(1), a.Addr(2))
}

func sysShutdown(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return 0, s.Shutdown(a.Int(1))
}

func sysSendto(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	m := socket.Message{Data: user.Buffer(t.Memory(), a.Addr(1), transfer(a.Size(2))), Flags: a.Int(3)}
	if a.Addr(4) != 0 {
		if m.Addr, err = getSockaddr(t, a.Addr(4), a.Int(5)); err != nil {
			return 0, err
		}
	}
	return send(t, s, f, &m)
}

// transfer limits a length to what one call moves.
func transfer(n uint64) int { return int(min(n, vfs.MaxTransfer)) }

func send(t *task.Task, s socket.Socket, f *vfs.File, m *socket.Message) (uint64, error) {
	if f.NonBlock() {
		m.Flags |= unix.MSG_DONTWAIT
	}
	n, err := s.Send(t.VFS(), m)
	return uint64(n), timedOut(err, s.Base().SndDeadline())
}

func receive(t *task.Task, s socket.Socket, f *vfs.File, m *socket.Message) (uint64, error) {
	if f.NonBlock() {
		m.Flags |= unix.MSG_DONTWAIT
	}
	n, err := s.Receive(t.VFS(), m)
	return uint64(n), timedOut(err, s.Base().RcvDeadline())
}

func sysRecvfrom(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	m := socket.Message{Data: user.Buffer(t.Memory(), a.Addr(1), transfer(a.Size(2))), Flags: a.Int(3)}
	n, err := receive(t, s, f, &m)
	dropFiles(m.Files)
	if err == nil && a.Addr(4) != 0 {
		err = putSockaddr(t, m.Addr, a.Addr(4), a.Addr(5))
	}
	return n, err
}

func dropFiles(files []*vfs.File) {
	for _, f := range files {
		f.Unref()
	}
}

// msghdr is struct msghdr: both architectures lay it out alike.
type msghdr struct {
	name       user.Addr
	nameLen    int
	iov        user.Addr
	iovLen     uint64
	control    user.Addr
	controlLen uint64
}

const (
	msghdrSize  = 56
	mmsghdrSize = 64
	msgNameLen  = 8 // offsets of what recvmsg writes
	msgControl  = 40
	msgFlags    = 48
)

// getMsghdr reads one. The caller ends with data.put.
func getMsghdr(t *task.Task, at user.Addr) (h msghdr, data *vectors, err error) {
	var b [msghdrSize]byte
	if err := t.CopyIn(b[:], at); err != nil {
		return h, nil, err
	}
	le := binary.LittleEndian
	h = msghdr{
		name: user.Addr(le.Uint64(b[0:])), nameLen: int(int32(le.Uint32(b[8:]))),
		iov: user.Addr(le.Uint64(b[16:])), iovLen: le.Uint64(b[24:]),
		control: user.Addr(le.Uint64(b[32:])), controlLen: le.Uint64(b[40:]),
	}
	if h.name == 0 {
		h.nameLen = 0
	}
	if h.nameLen < 0 {
		return h, nil, unix.EINVAL
	}
	h.nameLen = min(h.nameLen, sockaddrMax)
	if h.iovLen > maxIovecs {
		return h, nil, unix.EMSGSIZE
	}
	v, err := getVectors(t, h.iov, h.iovLen)
	return h, v, err
}

func sysSendmsg(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return sendmsg(t, s, f, a.Addr(1), a.Int(2))
}

func sendmsg(t *task.Task, s socket.Socket, f *vfs.File, at user.Addr, flags int) (uint64, error) {
	h, data, err := getMsghdr(t, at)
	if err != nil {
		return 0, err
	}
	defer data.put()
	m := socket.Message{Data: data.io, Flags: flags}
	if h.nameLen > 0 {
		if m.Addr, err = getSockaddr(t, h.name, h.nameLen); err != nil {
			return 0, err
		}
	}
	if err := getControl(t, &h, &m); err != nil {
		dropFiles(m.Files)
		return 0, err
	}
	n, err := send(t, s, f, &m)
	if err != nil || n == 0 && s.Base().Type == unix.SOCK_STREAM {
		dropFiles(m.Files)
	}
	return n, err
}

const cmsgHeader = 16

func cmsgAlign(n int) int { return (n + 7) &^ 7 }

// getControl decodes ancillary data: cmsg(3), unix(7).
func getControl(t *task.Task, h *msghdr, m *socket.Message) error {
	if h.controlLen > 10240 { // net.core.optmem_max and more than any valid message
		return unix.ENOBUFS
	}
	b := make([]byte, h.controlLen)
	if err := t.CopyIn(b, h.control); err != nil {
		return err
	}
	le := binary.LittleEndian
	for len(b) >= cmsgHeader {
		n := le.Uint64(b)
		if n < cmsgHeader || n > uint64(len(b)) {
			return unix.EINVAL
		}
		level, typ, body := int32(le.Uint32(b[8:])), le.Uint32(b[12:]), b[cmsgHeader:n]
		b = b[min(cmsgAlign(int(n)), len(b)):]
		if level != unix.SOL_SOCKET {
			continue
		}
		switch typ {
		case unix.SCM_RIGHTS:
			for ; len(body) >= 4; body = body[4:] {
				f, err := t.Files.GetPath(int(int32(le.Uint32(body))))
				if err != nil {
					return err
				}
				m.Files = append(m.Files, f)
			}
		case unix.SCM_CREDENTIALS:
			if len(body) != 12 {
				return unix.EINVAL
			}
			id := task.ID(le.Uint32(body))
			ns := t.Cred().User
			u := &socket.Ucred{UID: ns.UID(le.Uint32(body[4:])), GID: ns.GID(le.Uint32(body[8:]))}
			if u.UID == cred.None || u.GID == cred.None {
				return unix.EINVAL
			}
			if err := mayClaim(t, id, u); err != nil {
				return err
			}
			who := t.PIDNamespace().Task(id)
			if who == nil {
				return unix.ESRCH
			}
			_, u.PID = who.IDs()
			m.Cred = u
		default:
			return unix.EINVAL
		}
	}
	return nil
}

// mayClaim checks that the task may send a process's ID and credentials u: its own, or with
// capabilities any.
func mayClaim(t *task.Task, id task.ID, u *socket.Ucred) error {
	c := t.Cred()
	uid := u.UID == c.UID || u.UID == c.EUID || u.UID == c.SUID || c.CapableHere(unix.CAP_SETUID)
	gid := u.GID == c.GID || u.GID == c.EGID || u.GID == c.SGID || c.CapableHere(unix.CAP_SETGID)
	pid := id == t.Group.ID() || c.CapableIn(t.PIDNamespace().Owner(), unix.CAP_SYS_ADMIN)
	if !uid || !gid || !pid {
		return unix.EPERM
	}
	return nil
}

func sysRecvmsg(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return recvmsg(t, s, f, a.Addr(1), a.Int(2))
}

func recvmsg(t *task.Task, s socket.Socket, f *vfs.File, at user.Addr, flags int) (uint64, error) {
	h, data, err := getMsghdr(t, at)
	if err != nil {
		return 0, err
	}
	defer data.put()
	m := socket.Message{Data: data.io, Flags: flags}
	n, err := receive(t, s, f, &m)
	if err != nil {
		dropFiles(m.Files)
		return 0, err
	}
	control := putControl(t, &h, &m)
	if h.name != 0 {
		if err := t.CopyOut(h.name, m.Addr[:min(len(m.Addr), h.nameLen)]); err != nil {
			return 0, err
		}
		if err := putUint32(t, at+msgNameLen, uint32(len(m.Addr))); err != nil {
			return 0, err
		}
	}
	if err := putUint32(t, at+msgFlags, uint32(m.Out|flags&unix.MSG_CMSG_CLOEXEC)); err != nil {
		return 0, err
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(control))
	if err := t.CopyOut(at+msgControl, b); err != nil {
		return 0, err
	}
	return n, nil
}

func putUint32(t *task.Task, at user.Addr, v uint32) error {
	err := t.CopyOut(at, binary.LittleEndian.AppendUint32(make([]byte, 0, 4), v))
	return err
}

// putControl writes ancillary data and returns how much. What does not fit is lost, and
// MSG_CTRUNC tells.
func putControl(t *task.Task, h *msghdr, m *socket.Message) (used int) {
	room := int(min(h.controlLen, math.MaxInt32))
	le := binary.LittleEndian
	put := func(typ uint32, body []byte) bool {
		if room-used < cmsgHeader {
			m.Out |= unix.MSG_CTRUNC
			return false
		}
		n := cmsgHeader + len(body)
		if n > room-used {
			m.Out |= unix.MSG_CTRUNC
			n = room - used
		}
		b := le.AppendUint64(nil, uint64(n))
		b = le.AppendUint32(b, unix.SOL_SOCKET)
		b = le.AppendUint32(b, typ)
		b = append(b, body[:n-cmsgHeader]...)
		if err := t.CopyOut(h.control+user.Addr(used), b); err != nil {
			return false
		}
		used += min(cmsgAlign(n), room-used)
		return true
	}
	if m.Cred != nil {
		b := le.AppendUint32(nil, uint32(t.Seen(m.Cred.PID)))
		ns := t.Cred().User
		b = le.AppendUint32(b, ns.ShowUID(m.Cred.UID))
		put(unix.SCM_CREDENTIALS, le.AppendUint32(b, ns.ShowGID(m.Cred.GID)))
	}
	if len(m.Files) == 0 {
		return used
	}
	fits := max(0, (room-used-cmsgHeader)/4)
	if fits < len(m.Files) {
		m.Out |= unix.MSG_CTRUNC
	}
	var body []byte
	for i, f := range m.Files {
		if i < fits {
			fd, err := t.Files.Install(t.VFS(), f, 0, m.Flags&unix.MSG_CMSG_CLOEXEC != 0)
			if err == nil {
				body = le.AppendUint32(body, uint32(fd))
				continue
			}
			m.Out |= unix.MSG_CTRUNC
			fits = 0
		}
		f.Unref()
	}
	if len(body) > 0 {
		put(unix.SCM_RIGHTS, body)
	}
	return used
}

func sysSendmmsg(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	count := min(a.Uint(2), maxIovecs)
	for i := range count {
		at := a.Addr(1) + user.Addr(i*mmsghdrSize)
		n, err := sendmsg(t, s, f, at, a.Int(3))
		if err == nil {
			err = putUint32(t, at+msghdrSize, uint32(n))
		}
		if err != nil {
			if i > 0 {
				return uint64(i), nil
			}
			return 0, err
		}
	}
	return uint64(count), nil
}

func sysRecvmmsg(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	to, err := getTimeout(t, a.Addr(4), time.Nanosecond)
	if err != nil {
		return 0, err
	}
	// The timeout is looked at only between messages: recvmmsg(2), "BUGS".
	flags := a.Int(3)
	count := min(a.Uint(2), maxIovecs)
	got := uint64(0)
	for i := range count {
		at := a.Addr(1) + user.Addr(i*mmsghdrSize)
		n, err := recvmsg(t, s, f, at, flags&^unix.MSG_WAITFORONE)
		if err == nil {
			err = putUint32(t, at+msghdrSize, uint32(n))
		}
		if err != nil {
			if got > 0 {
				break
			}
			return 0, err
		}
		got++
		if flags&unix.MSG_WAITFORONE != 0 {
			flags |= unix.MSG_DONTWAIT
		}
		if a.Addr(4) != 0 && to.left() == 0 && to != forever {
			break
		}
	}
	putTimeout(t, a.Addr(4), time.Nanosecond, to)
	return got, nil
}

func sysGetsockopt(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	var b [4]byte
	if err := t.CopyIn(b[:], a.Addr(4)); err != nil {
		return 0, err
	}
	room := int(int32(binary.LittleEndian.Uint32(b[:])))
	if room < 0 {
		return 0, unix.EINVAL
	}
	value, err := socket.Get(t.VFS(), s, a.Int(1), a.Int(2))
	if err != nil {
		return 0, err
	}
	if a.Int(1) == unix.SOL_SOCKET && a.Int(2) == unix.SO_PEERCRED {
		le.PutUint32(value, uint32(t.Seen(int(le.Uint32(value)))))
		ns, uid, gid := t.Cred().User, le.Uint32(value[4:]), le.Uint32(value[8:])
		if uid != cred.None { // there is a peer
			le.PutUint32(value[4:], ns.ShowUID(uid))
			le.PutUint32(value[8:], ns.ShowGID(gid))
		}
	}
	value = value[:min(room, len(value))]
	if err := t.CopyOut(a.Addr(3), value); err != nil {
		return 0, err
	}
	return 0, putUint32(t, a.Addr(4), uint32(len(value)))
}

func sysSetsockopt(t *task.Task, a *Args) (uint64, error) {
	s, f, err := getSocket(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	n := a.Int(4)
	if n < 0 {
		return 0, unix.EINVAL
	}
	value := t.OptionBuffer(min(n, 4096))
	if err := t.CopyIn(value, a.Addr(3)); err != nil {
		return 0, err
	}
	return 0, socket.Set(t.VFS(), s, a.Int(1), a.Int(2), value)
}
