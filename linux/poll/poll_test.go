package poll

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

func context() *vfs.Context {
	return &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
}

func anon(ops vfs.FileOps) *vfs.File { return vfs.NewAnonFile("[test]", ops, unix.O_RDWR) }

func readCount(t *testing.T, c *vfs.Context, f *vfs.File) (uint64, error) {
	t.Helper()
	var b [8]byte
	dst := user.Kernel(b[:])
	n, err := f.Read(c, &dst)
	if err == nil && n != 8 {
		t.Fatalf("read gives %d bytes", n)
	}
	return binary.LittleEndian.Uint64(b[:]), err
}

func TestEventfd(t *testing.T) {
	c := context()
	e := NewEventfd(3, false)
	f := anon(e)
	f.SetFlags(unix.O_NONBLOCK)
	if v, err := readCount(t, c, f); v != 3 || err != nil {
		t.Errorf("read %d, %v", v, err)
	}
	if _, err := readCount(t, c, f); err != unix.EAGAIN {
		t.Errorf("empty: %v", err)
	}
	e.Add(^uint64(0) - 1)
	if e.Add(1) {
		t.Error("the counter overflowed")
	}
	if ev := e.Poll(f, nil); ev != wait.In {
		t.Errorf("full: poll %#x", ev)
	}
	s := anon(NewEventfd(2, true))
	for range 2 {
		if v, err := readCount(t, c, s); v != 1 || err != nil {
			t.Errorf("semaphore: %d, %v", v, err)
		}
	}
}

func TestTimerfd(t *testing.T) {
	c := context()
	tm, err := NewTimerfd(c, unix.CLOCK_MONOTONIC)
	if err != nil {
		t.Fatal(err)
	}
	f := anon(tm)
	tm.Set(0, time.Millisecond, time.Millisecond)
	if v, err := readCount(t, c, f); v < 1 || err != nil {
		t.Errorf("periodic: %d, %v", v, err)
	}
	if left, every := tm.Get(); left > time.Millisecond || every != time.Millisecond {
		t.Errorf("left %v, every %v", left, every)
	}
	tm.Set(unix.TFD_TIMER_ABSTIME, 1, 0) // long ago
	if v, err := readCount(t, c, f); v != 1 || err != nil {
		t.Errorf("in the past: %d, %v", v, err)
	}
	w, _ := NewTimerfd(c, unix.CLOCK_REALTIME)
	wf := anon(w)
	w.Set(unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, clock.Realtime.Read()+time.Hour, 0)
	clock.Set(clock.Realtime.Read() + time.Second)
	if _, err := readCount(t, c, wf); err != unix.ECANCELED {
		t.Errorf("clock set: %v", err)
	}
}

func TestPoll(t *testing.T) {
	c := context()
	e := NewEventfd(0, false)
	fd, err := c.Files.Install(c, anon(e), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	fds := []FD{{FD: fd, Events: wait.In}, {FD: -1}}
	if n, err := Wait(c, fds, 0, false); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
	if n, err := Wait(c, fds, wait.Now()+time.Millisecond, true); n != 0 || err != nil {
		t.Errorf("time-out: %d, %v", n, err)
	}
	if n, _ := Wait(c, []FD{{FD: 77}}, 0, true); n != 1 {
		t.Errorf("bad descriptor: %d", n)
	}
	go e.Add(1)
	if n, err := Wait(c, fds, wait.Forever, true); n != 1 || err != nil || fds[0].Revents != wait.In {
		t.Errorf("event: %d, %v, %#x", n, err, fds[0].Revents)
	}
	c.Waiter.Interrupt()
	if _, err := Wait(c, []FD{{FD: -1}}, wait.Forever, true); err != abi.ERESTARTSYS {
		t.Errorf("interrupted: %v", err)
	}
}

func add(t *testing.T, ep *Epoll, fd int, f *vfs.File, events uint32) {
	t.Helper()
	if err := ep.Control(unix.EPOLL_CTL_ADD, fd, f, abi.EpollEvent{Events: events, Data: uint64(fd)}); err != nil {
		t.Fatal(err)
	}
}

func TestEpollTriggers(t *testing.T) {
	ep := NewEpoll()
	level, edge, once := NewEventfd(1, false), NewEventfd(1, false), NewEventfd(1, false)
	oncef := anon(once)
	add(t, ep, 1, anon(level), unix.EPOLLIN)
	add(t, ep, 2, anon(edge), unix.EPOLLIN|unix.EPOLLET)
	add(t, ep, 3, oncef, unix.EPOLLIN|unix.EPOLLONESHOT)
	collect := func() (mask int) {
		var ev [8]abi.EpollEvent
		for _, e := range ev[:ep.Collect(ev[:])] {
			mask |= 1 << e.Data
		}
		return mask
	}
	for i, want := range []int{1<<1 | 1<<2 | 1<<3, 1 << 1} {
		if got := collect(); got != want {
			t.Errorf("round %d: %b, want %b", i, got, want)
		}
	}
	level.take()
	edge.Add(1)
	once.Add(1)
	if got := collect(); got != 1<<2 {
		t.Errorf("after new events: %b", got)
	}
	if err := ep.Control(unix.EPOLL_CTL_MOD, 3, oncef, abi.EpollEvent{Events: unix.EPOLLIN, Data: 3}); err != nil {
		t.Fatal(err)
	}
	if got := collect(); got != 1<<3 {
		t.Errorf("armed again: %b", got)
	}
	oncef.Unref()
	if got := collect(); got != 0 {
		t.Errorf("closed: %b", got)
	}
}

// busy is an eventfd that has news whenever somebody looks.
type busy struct{ *Eventfd }

func (b busy) Poll(f *vfs.File, e *wait.Entry) wait.Events {
	b.Add(1)
	return b.Eventfd.Poll(f, e)
}

// TestEpollOnce: what has news while it is being reported is reported again by the next call, not by this one.
func TestEpollOnce(t *testing.T) {
	for _, trigger := range []uint32{0, unix.EPOLLET} {
		ep := NewEpoll()
		add(t, ep, 1, anon(busy{NewEventfd(1, false)}), unix.EPOLLIN|trigger)
		for range 3 {
			var ev [4]abi.EpollEvent
			if n := ep.Collect(ev[:]); n != 1 {
				t.Errorf("trigger %#x: %d events, want 1", trigger, n)
			}
		}
	}
}

func TestEpollErrors(t *testing.T) {
	ep := NewEpoll()
	f := anon(NewEventfd(0, false))
	add(t, ep, 1, f, unix.EPOLLIN)
	for _, c := range []struct {
		op     int
		fd     int
		events uint32
		want   error
	}{
		{unix.EPOLL_CTL_ADD, 1, unix.EPOLLIN, unix.EEXIST},
		{unix.EPOLL_CTL_MOD, 2, unix.EPOLLIN, unix.ENOENT},
		{unix.EPOLL_CTL_DEL, 2, 0, unix.ENOENT},
		{9, 1, 0, unix.EINVAL},
		{unix.EPOLL_CTL_MOD, 1, unix.EPOLLEXCLUSIVE, unix.EINVAL},
		{unix.EPOLL_CTL_ADD, 3, unix.EPOLLEXCLUSIVE | unix.EPOLLONESHOT, unix.EINVAL},
	} {
		if err := ep.Control(c.op, c.fd, f, abi.EpollEvent{Events: c.events}); err != c.want {
			t.Errorf("op %d fd %d events %#x: %v, want %v", c.op, c.fd, c.events, err, c.want)
		}
	}
}

func TestEpollNesting(t *testing.T) {
	eps := make([]*Epoll, 7)
	files := make([]*vfs.File, 7)
	for i := range eps {
		eps[i] = NewEpoll()
		files[i] = anon(eps[i])
	}
	if err := eps[0].Control(unix.EPOLL_CTL_ADD, 0, files[0], abi.EpollEvent{}); err != unix.EINVAL {
		t.Errorf("itself: %v", err)
	}
	e := NewEventfd(0, false)
	add(t, eps[4], 100, anon(e), unix.EPOLLIN)
	for i := range 4 {
		add(t, eps[i], i+1, files[i+1], unix.EPOLLIN)
	}
	if err := eps[4].Control(unix.EPOLL_CTL_ADD, 0, files[0], abi.EpollEvent{}); err != unix.ELOOP {
		t.Errorf("loop: %v", err)
	}
	if err := eps[5].Control(unix.EPOLL_CTL_ADD, 0, files[0], abi.EpollEvent{}); err != unix.ELOOP {
		t.Errorf("too deep: %v", err)
	}
	go e.Add(1)
	var ev [1]abi.EpollEvent
	if n, err := eps[0].Wait(context(), ev[:], wait.Forever, true); n != 1 || err != nil {
		t.Errorf("event through four: %d, %v", n, err)
	}
}

// TestEpollNoLostWakeups lets many write and many wait, edge triggered: every count that
// is added is read.
func TestEpollNoLostWakeups(t *testing.T) {
	const files, rounds, waiters = 50, 200, 4
	ep := NewEpoll()
	fds := make([]*Eventfd, files)
	for i := range fds {
		fds[i] = NewEventfd(0, false)
		add(t, ep, i, anon(fds[i]), unix.EPOLLIN|unix.EPOLLET)
	}
	var left sync.WaitGroup
	left.Add(files * rounds)
	var all sync.WaitGroup
	ctx := make([]*vfs.Context, waiters)
	for i := range waiters {
		ctx[i] = context()
		all.Add(1)
		go func() {
			defer all.Done()
			var ev [8]abi.EpollEvent
			for {
				n, err := ep.Wait(ctx[i], ev[:], wait.Forever, true)
				if err != nil {
					return
				}
				for _, e := range ev[:n] {
					left.Add(-int(fds[e.Data].take()))
				}
			}
		}()
	}
	for i := range fds {
		go func() {
			for range rounds {
				fds[i].Add(1)
			}
		}()
	}
	left.Wait()
	for _, c := range ctx {
		c.Waiter.Interrupt()
	}
	all.Wait()
}

func BenchmarkEpollReady(b *testing.B) {
	ep := NewEpoll()
	var last *Eventfd
	for i := range 10_000 {
		last = NewEventfd(0, false)
		ep.Control(unix.EPOLL_CTL_ADD, i, anon(last), abi.EpollEvent{Events: unix.EPOLLIN})
	}
	var ev [8]abi.EpollEvent
	b.ReportAllocs()
	for b.Loop() {
		last.Add(1)
		if ep.Collect(ev[:]) != 1 {
			b.Fatal("no event")
		}
		last.take()
	}
}
