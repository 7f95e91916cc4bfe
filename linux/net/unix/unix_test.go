package local

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/net/socket"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

func context() *vfs.Context {
	return &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
}

func makePair(t *testing.T, typ int) (*Sock, *Sock) {
	t.Helper()
	a, b, err := pair(context(), typ, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*Sock), b.(*Sock)
}

func file(s *Sock) *vfs.File {
	return vfs.NewPseudoFile(vfs.NewSocketInode(context()), s, unix.O_RDWR)
}

func send(s *Sock, data string, files ...*vfs.File) error {
	m := socket.Message{Data: user.Kernel([]byte(data)), Files: files, Flags: unix.MSG_DONTWAIT}
	_, err := s.Send(context(), &m)
	return err
}

func receive(s *Sock, n, flags int) (string, *socket.Message, error) {
	p := make([]byte, n)
	m := &socket.Message{Data: user.Kernel(p), Flags: unix.MSG_DONTWAIT | flags}
	got, err := s.Receive(context(), m)
	return string(p[:min(got, n)]), m, err
}

func TestStream(t *testing.T) {
	a, b := makePair(t, unix.SOCK_STREAM)
	send(a, "hello ")
	send(a, "world")
	if got, _, _ := receive(b, 3, unix.MSG_PEEK); got != "hel" {
		t.Errorf("peek %q", got)
	}
	if got, _, _ := receive(b, 100, 0); got != "hello world" {
		t.Errorf("received %q", got)
	}
	if _, _, err := receive(b, 1, 0); err != unix.EAGAIN {
		t.Errorf("empty: %v", err)
	}
	send(a, "last")
	a.Release(nil)
	if ev := b.Poll(nil, nil); ev&(wait.Hup|wait.RdHup|wait.In) != wait.Hup|wait.RdHup|wait.In {
		t.Errorf("poll after close: %#x", ev)
	}
	if got, _, _ := receive(b, 100, 0); got != "last" {
		t.Errorf("received %q", got)
	}
	if got, _, err := receive(b, 100, 0); got != "" || err != nil {
		t.Errorf("end: %q, %v", got, err)
	}
	if err := send(b, "x"); err != unix.EPIPE {
		t.Errorf("send to nobody: %v", err)
	}
}

func TestReset(t *testing.T) {
	a, b := makePair(t, unix.SOCK_STREAM)
	send(a, "unread")
	b.Release(nil)
	if err := send(a, "x"); err != unix.EPIPE {
		t.Errorf("send: %v", err)
	}
	if _, _, err := receive(a, 10, 0); err != unix.ECONNRESET {
		t.Errorf("first receive: %v", err)
	}
	if _, _, err := receive(a, 10, 0); err != nil {
		t.Errorf("second receive: %v", err)
	}
}

func TestRecords(t *testing.T) {
	for _, typ := range []int{unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		a, b := makePair(t, typ)
		send(a, "first")
		send(a, "")
		send(a, "third")
		got, m, _ := receive(b, 3, 0)
		if got != "fir" || m.Out&unix.MSG_TRUNC == 0 {
			t.Errorf("type %d: %q, flags %#x", typ, got, m.Out)
		}
		for _, want := range []string{"", "third"} {
			if got, _, err := receive(b, 10, 0); got != want || err != nil {
				t.Errorf("type %d: %q, %v", typ, got, err)
			}
		}
	}
}

func TestAbstract(t *testing.T) {
	c := context()
	l, _ := newSock(unix.SOCK_STREAM, 0)
	addr := sockaddr([]byte("\x00name"), false)
	client, _ := newSock(unix.SOCK_STREAM, 0)
	if err := client.Connect(c, addr, true); err != unix.ECONNREFUSED {
		t.Errorf("nobody there: %v", err)
	}
	if err := l.Bind(c, addr); err != nil {
		t.Fatal(err)
	}
	other, _ := newSock(unix.SOCK_STREAM, 0)
	if err := other.Bind(c, addr); err != unix.EADDRINUSE {
		t.Errorf("second bind: %v", err)
	}
	if err := l.Listen(c, 0); err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(c, addr, true); err != nil {
		t.Fatal(err)
	}
	if err := other.Connect(c, addr, true); err != unix.EAGAIN {
		t.Errorf("backlog is full: %v", err)
	}
	s, err := l.Accept(c, true)
	if err != nil {
		t.Fatal(err)
	}
	send(client, "hi")
	if got, _, _ := receive(s.(*Sock), 10, 0); got != "hi" {
		t.Errorf("received %q", got)
	}
	if name, _ := client.Name(true); !bytes.Equal(name, addr) {
		t.Errorf("peer's name %q", name)
	}
	other.Connect(c, addr, true)
	l.Release(nil)
	if _, _, err := receive(other, 1, 0); err != unix.ECONNRESET {
		t.Errorf("listener closed: %v", err)
	}
	if err := client.Connect(c, addr, true); err != unix.ECONNREFUSED {
		t.Errorf("connect after close: %v", err)
	}
}

func TestDatagramLimit(t *testing.T) {
	c := context()
	r, _ := newSock(unix.SOCK_DGRAM, 0)
	if err := r.Bind(c, []byte{unix.AF_UNIX, 0}); err != nil {
		t.Fatal(err)
	}
	addr, _ := r.Name(false)
	s, _ := newSock(unix.SOCK_DGRAM, 0)
	if err := s.Connect(c, addr, true); err != nil {
		t.Fatal(err)
	}
	n := 0
	for send(s, "x") == nil {
		n++
	}
	if n != 11 {
		t.Errorf("%d datagrams fit, want 11", n)
	}
	r.Release(nil)
	if err := send(s, "x"); err != unix.ECONNREFUSED {
		t.Errorf("receiver closed: %v", err)
	}
}

// TestBufferSizes fills sockets with messages: as many fit as on Linux 6.18.
func TestBufferSizes(t *testing.T) {
	for _, c := range []struct{ typ, size, want int }{
		{unix.SOCK_STREAM, 1000, 93},
		{unix.SOCK_DGRAM, 1, 278},
	} {
		a, b := makePair(t, c.typ)
		n := 0
		for send(a, strings.Repeat("x", c.size)) == nil {
			n++
		}
		if n != c.want {
			t.Errorf("type %d: %d messages of %d bytes fit, want %d", c.typ, n, c.size, c.want)
		}
		if ev := a.Poll(nil, nil); ev != 0 {
			t.Errorf("type %d: a full socket polls %#x", c.typ, ev)
		}
		b.Release(nil)
		if ev := a.Poll(nil, nil); ev&wait.Out == 0 {
			t.Errorf("type %d: after the reader has gone, poll says %#x", c.typ, ev)
		}
	}
}

func TestRights(t *testing.T) {
	a, b := makePair(t, unix.SOCK_STREAM)
	x, y := makePair(t, unix.SOCK_STREAM)
	f := file(x)
	send(a, "one", f) // the message takes the only reference
	send(a, "two")
	got, m, err := receive(b, 100, 0)
	if got != "one" || err != nil || len(m.Files) != 1 || m.Files[0] != f {
		t.Fatalf("%q, %v, files %v", got, err, m.Files)
	}
	if got, m, _ := receive(b, 100, 0); got != "two" || m.Files != nil {
		t.Errorf("%q, files %v", got, m.Files)
	}
	f.Unref()
	if err := send(y, "x"); err != unix.EPIPE {
		t.Errorf("the passed socket is open still: %v", err)
	}
	// A message that nobody reads closes what it holds.
	x, y = makePair(t, unix.SOCK_STREAM)
	send(a, "x", file(x))
	b.Release(nil)
	if err := send(y, "x"); err != unix.EPIPE {
		t.Errorf("the descriptor in an unread message is open still: %v", err)
	}
}

// TestRightsCycle sends two sockets through each other, so that only their messages hold
// them, and sees them collected.
func TestRightsCycle(t *testing.T) {
	a, b := makePair(t, unix.SOCK_STREAM)
	x, y := makePair(t, unix.SOCK_STREAM)
	fa, fb := file(a), file(b)
	send(a, "a", fa.Ref()) // a is in b's queue
	send(b, "b", fb.Ref()) // b is in a's queue
	send(a, "x", file(x))  // and so is x
	fa.Unref()
	if err := send(y, "alive"); err != nil {
		t.Fatalf("collected too early: %v", err)
	}
	fb.Unref()
	last, _ := makePair(t, unix.SOCK_STREAM)
	last.Release(nil) // any close collects
	if err := send(y, "x"); err != unix.EPIPE {
		t.Errorf("the cycle was not collected: %v", err)
	}
	if len(flights.n) != 0 {
		t.Errorf("%d sockets count as in flight", len(flights.n))
	}
}

func TestOptions(t *testing.T) {
	c := context()
	a, _ := makePair(t, unix.SOCK_STREAM)
	get := func(name int) int {
		b, err := socket.Get(c, a, unix.SOL_SOCKET, name)
		if err != nil {
			t.Fatal(err)
		}
		return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 | int(b[3])<<24
	}
	if got := get(unix.SO_RCVBUF); got != 212992 {
		t.Errorf("SO_RCVBUF is %d", got)
	}
	for set, want := range map[int]int{5000: 10000, 1: 2304, 1 << 30: 425984} {
		socket.Set(c, a, unix.SOL_SOCKET, unix.SO_RCVBUF, []byte{byte(set), byte(set >> 8), byte(set >> 16), byte(set >> 24)})
		if got := get(unix.SO_RCVBUF); got != want {
			t.Errorf("SO_RCVBUF set to %d is %d, want %d", set, got, want)
		}
	}
	if got := get(unix.SO_TYPE); got != unix.SOCK_STREAM {
		t.Errorf("SO_TYPE is %d", got)
	}
	if _, err := socket.Lookup(unix.AF_INET); err != unix.EAFNOSUPPORT {
		t.Errorf("AF_INET: %v", err)
	}
}

// TestStreamBlocks moves more than the buffers hold, with writers and readers that wait.
func TestStreamBlocks(t *testing.T) {
	a, b := makePair(t, unix.SOCK_STREAM)
	want := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	var wg sync.WaitGroup
	for _, d := range [][2]*Sock{{a, b}, {b, a}} {
		wg.Add(2)
		go func() {
			defer wg.Done()
			m := socket.Message{Data: user.Kernel(want)}
			if n, err := d[0].Send(context(), &m); n != len(want) || err != nil {
				t.Errorf("sent %d, %v", n, err)
			}
		}()
		go func() {
			defer wg.Done()
			p := make([]byte, len(want))
			m := socket.Message{Data: user.Kernel(p), Flags: unix.MSG_WAITALL}
			if n, err := d[1].Receive(context(), &m); n != len(want) || err != nil || !bytes.Equal(p, want) {
				t.Errorf("received %d, %v", n, err)
			}
		}()
	}
	wg.Wait()
	if n := a.pending.Load() + b.pending.Load(); n != 0 {
		t.Errorf("%d bytes are charged still", n)
	}
}

// told counts notifications.
type told struct{ n int }

func (c *told) Notify(*wait.Entry, wait.Events) bool { c.n++; return false }

// A datagram socket is not writable while its peer has too many messages, and who polls it
// hears when that changes.
func TestDatagramPoll(t *testing.T) {
	c := context()
	r, _ := newSock(unix.SOCK_DGRAM, 0)
	w, _ := newSock(unix.SOCK_DGRAM, 0)
	defer r.Release(nil)
	defer w.Release(nil)
	if err := r.Bind(c, []byte{unix.AF_UNIX, 0}); err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(c, r.addr, false); err != nil {
		t.Fatal(err)
	}
	for w.Poll(nil, nil)&wait.Out != 0 {
		m := socket.Message{Data: user.Kernel([]byte("x")), Flags: unix.MSG_DONTWAIT}
		if _, err := w.Send(c, &m); err != nil {
			t.Fatalf("polls writable, but: %v", err)
		}
	}
	var news told
	e := wait.Entry{To: &news, Events: wait.Out}
	w.Poll(nil, &e)
	defer w.Unpoll(nil, &e)
	m := socket.Message{Data: user.Kernel(make([]byte, 1)), Flags: unix.MSG_DONTWAIT}
	if _, err := r.Receive(c, &m); err != nil {
		t.Fatal(err)
	}
	if news.n == 0 || w.Poll(nil, nil)&wait.Out == 0 {
		t.Errorf("after a read: %d notifications, poll %#x", news.n, w.Poll(nil, nil))
	}
}
