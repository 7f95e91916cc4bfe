package inet

import (
	"io"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"

	"kevlar/linux/net/socket"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Send implements socket.Socket.
func (s *Sock) Send(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EOPNOTSUPP
	}
	o := tcpip.WriteOptions{More: m.Flags&unix.MSG_MORE != 0, EndOfRecord: m.Flags&unix.MSG_EOR != 0, Atomic: !s.stream()}
	if len(m.Addr) > 0 && !s.stream() {
		a, err := s.parse(m.Addr)
		if err != nil {
			return 0, err
		}
		if a.Port == 0 {
			return 0, unix.EINVAL
		}
		if a.Addr.Len() == 0 {
			a.Addr = loopbackOf(s.opt.Family)
		}
		o.To = &a
	}
	total := 0
	var fault error
	for {
		left := m.Data.Len()
		var n int64
		err := s.await(c, wait.Out, m.Flags&unix.MSG_DONTWAIT != 0, s.opt.SndDeadline(), func() (err tcpip.Error) {
			n, err = s.ep.Write(payload{m, &fault}, o)
			return err
		})
		if err == nil || fault == nil {
			total += int(n)
		}
		switch {
		case total > 0 && (err != nil || m.Data.Len() == 0 || !s.stream()):
			return total, nil
		case fault != nil:
			return 0, fault
		case err != nil:
			return 0, s.broken(c, m, err)
		case !s.stream() || left == 0:
			return total, nil
		}
	}
}

// payload is the data of a message for the stack, which only knows that reading failed.
type payload struct {
	m     *socket.Message
	fault *error
}

func (p payload) Len() int { return p.m.Data.Len() }

func (p payload) Read(b []byte) (int, error) {
	n, err := p.m.Data.Read(b)
	if err != nil {
		*p.fault = err
	}
	return n, err
}

// broken sends SIGPIPE for an EPIPE, unless the call forbids it.
func (s *Sock) broken(c *vfs.Context, m *socket.Message, err error) error {
	if err == unix.EPIPE && s.stream() && m.Flags&unix.MSG_NOSIGNAL == 0 {
		c.Signal(unix.SIGPIPE)
	}
	return err
}

// Receive implements socket.Socket.
func (s *Sock) Receive(c *vfs.Context, m *socket.Message) (int, error) {
	if m.Flags&unix.MSG_OOB != 0 {
		return 0, unix.EINVAL // there never is urgent data: recv(2)
	}
	if m.Flags&unix.MSG_ERRQUEUE != 0 {
		return 0, unix.EAGAIN
	}
	peek := m.Flags&unix.MSG_PEEK != 0
	o := tcpip.ReadOptions{Peek: peek, NeedRemoteAddr: !s.stream()}
	total := 0
	for {
		room := m.Data.Len()
		if s.stream() && room == 0 {
			return total, nil
		}
		var r tcpip.ReadResult
		ended := false
		err := s.await(c, wait.In, m.Flags&unix.MSG_DONTWAIT != 0, s.opt.RcvDeadline(), func() (err tcpip.Error) {
			r, err = s.ep.Read(sink{m, !s.stream()}, o)
			_, ended = err.(*tcpip.ErrClosedForReceive)
			return err
		})
		total += r.Count
		switch {
		case err != nil && total == 0:
			return 0, err
		case err != nil || ended:
			return total, nil
		}
		if !s.stream() {
			m.Addr = s.sockaddr(r.RemoteAddr)
			if r.Total > room {
				m.Out |= unix.MSG_TRUNC
				if m.Flags&unix.MSG_TRUNC == 0 {
					return room, nil
				}
			}
			return r.Total, nil
		}
		s.ep.ModerateRecvBuf(r.Count)
		if m.Flags&unix.MSG_WAITALL == 0 || peek {
			return total, nil
		}
	}
}

// sink is where the stack writes what a program receives. What does not fit stays in a
// stream; of a datagram it is lost.
type sink struct {
	m    *socket.Message
	lose bool
}

func (s sink) Write(b []byte) (int, error) {
	n, err := s.m.Data.Write(b)
	switch {
	case err != nil || n == len(b):
		return n, err
	case s.lose:
		return len(b), nil
	}
	return n, io.ErrShortWrite
}
