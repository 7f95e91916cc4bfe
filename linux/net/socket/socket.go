// Package socket is what all sockets share: the registry of families, the interface
// that a family implements, generic options (socket(7)) and messages with their control
// data. System call handlers in linux/syscalls call it; the families are packages
// beside it.
package socket

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Socket is an open socket. Addresses are struct sockaddr of the family, as programs give
// and get them. Calls that wait honour f.NonBlock and MSG_DONTWAIT.
type Socket interface {
	vfs.FileOps

	Bind(c *vfs.Context, addr []byte) error
	Listen(c *vfs.Context, backlog int) error
	// Accept waits for a connection and returns its socket, which has no file yet.
	Accept(c *vfs.Context, nonBlock bool) (Socket, error)
	Connect(c *vfs.Context, addr []byte, nonBlock bool) error
	// Name is the address of the socket, or of its peer.
	Name(peer bool) ([]byte, error)
	Send(c *vfs.Context, m *Message) (int, error)
	Receive(c *vfs.Context, m *Message) (int, error)
	// Shutdown ends directions: unix.SHUT_RD, SHUT_WR or SHUT_RDWR.
	Shutdown(how int) error

	// Base are the generic options.
	Base() *Options
	// Option and SetOption serve what Options does not know: ENOPROTOOPT.
	Option(c *vfs.Context, level, name int) ([]byte, error)
	SetOption(c *vfs.Context, level, name int, value []byte) error
}

// Message is one sendmsg or recvmsg.
type Message struct {
	Data  user.IO
	Flags int    // MSG_ flags of the call
	Addr  []byte // where to, or where from

	// Control data of AF_UNIX. A message that is received owns its files' references.
	Files []*vfs.File
	Cred  *Ucred

	Out int // MSG_ flags for msg_flags: MSG_TRUNC
}

// NonBlock reports whether the call on f must not wait.
func (m *Message) NonBlock(f *vfs.File) bool {
	return m.Flags&unix.MSG_DONTWAIT != 0 || f != nil && f.NonBlock()
}

// Read and Write are read(2) and write(2) on a socket: messages without an address and
// without control data.
func Read(c *vfs.Context, s Socket, f *vfs.File, dst *user.IO) (int, error) {
	m := plain(f, dst)
	n, err := s.Receive(c, &m)
	for _, f := range m.Files { // there is no place for them
		f.Unref()
	}
	*dst = m.Data
	return n, err
}

func Write(c *vfs.Context, s Socket, f *vfs.File, src *user.IO) (int, error) {
	m := plain(f, src)
	n, err := s.Send(c, &m)
	*src = m.Data
	return n, err
}

func plain(f *vfs.File, data *user.IO) Message {
	m := Message{Data: *data}
	if f.NonBlock() {
		m.Flags = unix.MSG_DONTWAIT
	}
	return m
}

// Ucred are a process's credentials (SCM_CREDENTIALS, SO_PEERCRED).
type Ucred struct {
	PID      int // in the initial PID namespace
	UID, GID uint32
}

// CredOf are the credentials of the caller as SO_PEERCRED tells them: effective ones.
func CredOf(c *vfs.Context) *Ucred {
	return &Ucred{PID: c.Process(), UID: c.Cred.EUID, GID: c.Cred.EGID}
}

// SenderOf are the credentials that come with a message: real ones.
func SenderOf(c *vfs.Context) *Ucred {
	return &Ucred{PID: c.Process(), UID: c.Cred.UID, GID: c.Cred.GID}
}

// Family makes sockets of one address family.
type Family struct {
	// Create makes a socket; ESOCKTNOSUPPORT and EPROTONOSUPPORT for what it lacks.
	Create func(c *vfs.Context, typ, protocol int) (Socket, error)
	// Pair makes two that are connected; nil where the family has none (EOPNOTSUPP).
	Pair func(c *vfs.Context, typ, protocol int) (Socket, Socket, error)
}

var families struct {
	mu sync.RWMutex
	m  map[int]*Family
}

// Register makes a family known.
func Register(family int, f *Family) {
	families.mu.Lock()
	defer families.mu.Unlock()
	if families.m == nil {
		families.m = make(map[int]*Family)
	}
	families.m[family] = f
}

// Lookup returns a family; EAFNOSUPPORT if there is none.
func Lookup(family int) (*Family, error) {
	families.mu.RLock()
	defer families.mu.RUnlock()
	if f := families.m[family]; f != nil {
		return f, nil
	}
	return nil, unix.EAFNOSUPPORT
}

// Limits of SO_SNDBUF and SO_RCVBUF, as Linux's net.core sysctls have them by default. Values
// are doubled when set, for the kernel's own book-keeping: socket(7).
const (
	defaultBuf = 212992
	maxBuf     = 212992
	minSndBuf  = 4608
	minRcvBuf  = 2304
)

// Options are the generic options of a socket, readable without a lock.
type Options struct {
	Family, Type, Protocol int

	sndBuf, rcvBuf   atomic.Int32
	PassCred         atomic.Bool
	reuseAddr        atomic.Bool
	reusePort        atomic.Bool
	keepAlive        atomic.Bool
	broadcast        atomic.Bool
	oobInline        atomic.Bool
	timestamp        atomic.Bool
	priority, rcvLow atomic.Int32
	linger           atomic.Int64 // -1: off, else seconds
	rcvTimeout       atomic.Int64 // ns, 0: none
	sndTimeout       atomic.Int64

	onChange func(int)    // of one of the flags; set before anybody sees the socket
	PeekOff  atomic.Int32 // SO_PEEK_OFF: where the next MSG_PEEK begins; -1 for the start always
}

// Init sets the defaults.
func (o *Options) Init(family, typ, protocol int) {
	o.Family, o.Type, o.Protocol = family, typ, protocol
	o.sndBuf.Store(defaultBuf)
	o.rcvBuf.Store(defaultBuf)
	o.rcvLow.Store(1)
	o.linger.Store(-1)
	o.PeekOff.Store(-1)
}

// SndBuf and RcvBuf are the sizes of the buffers in bytes.
func (o *Options) SndBuf() int { return int(o.sndBuf.Load()) }
func (o *Options) RcvBuf() int { return int(o.rcvBuf.Load()) }

// RcvDeadline and SndDeadline are when a call that begins now gives up (SO_RCVTIMEO,
// SO_SNDTIMEO), for linux/wait.
func (o *Options) RcvDeadline() time.Duration { return deadline(o.rcvTimeout.Load()) }
func (o *Options) SndDeadline() time.Duration { return deadline(o.sndTimeout.Load()) }

func deadline(ns int64) time.Duration {
	if ns == 0 {
		return wait.Forever
	}
	return wait.Now() + time.Duration(ns)
}

// SetBuffers sets the sizes that a family's sockets begin with.
func (o *Options) SetBuffers(snd, rcv int) {
	o.sndBuf.Store(int32(snd))
	o.rcvBuf.Store(int32(rcv))
}

// OnChange has f called with the name of an option that a program has set, ReuseAddr or one of its like
// (unix.SO_REUSEADDR): for a family that keeps them elsewhere too.
func (o *Options) OnChange(f func(name int)) { o.onChange = f }

// ReuseAddr, ReusePort, KeepAlive and Broadcast are the options of these names.
func (o *Options) ReuseAddr() bool { return o.reuseAddr.Load() }
func (o *Options) ReusePort() bool { return o.reusePort.Load() }
func (o *Options) KeepAlive() bool { return o.keepAlive.Load() }
func (o *Options) Broadcast() bool { return o.broadcast.Load() }

// Linger is how many seconds a close waits for what has not been sent (SO_LINGER), -1
// where the option is off.
func (o *Options) Linger() int { return int(o.linger.Load()) }
