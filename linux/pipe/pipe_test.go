package pipe

import (
	"bytes"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

// caller is one task: it counts the signals that calls cause.
type caller struct {
	vfs.Context
	sigpipes int
}

func (c *caller) IDs() (int, int)    { return 1, 1 }
func (c *caller) Limit(int) uint64   { return 1024 }
func (c *caller) Signal(unix.Signal) { c.sigpipes++ }

func newCaller() *caller {
	c := &caller{Context: vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter()}}
	c.Task = c
	return c
}

func (c *caller) write(f *vfs.File, p []byte) (int, error) {
	io := user.Kernel(p)
	return f.Write(&c.Context, &io)
}

func (c *caller) read(f *vfs.File, n int) ([]byte, error) {
	p := make([]byte, n)
	io := user.Kernel(p)
	n, err := f.Read(&c.Context, &io)
	return p[:n], err
}

// TestLikeLinux does the same on a pipe of ours and of the Linux that runs the test.
func TestLikeLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	sim.New(t, sim.Config{})
	before := mem.Usage().InUse
	rapid.Check(t, func(t *rapid.T) {
		c := newCaller()
		flags := rapid.SampledFrom([]uint32{0, unix.O_DIRECT}).Draw(t, "flags") | unix.O_NONBLOCK
		r, w := New(&c.Context, flags)
		defer r.Unref()
		defer w.Unref()
		var host [2]int
		if err := unix.Pipe2(host[:], int(flags)); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(host[0])
		defer unix.Close(host[1])
		size := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(4000, 4200), rapid.IntRange(0, 70000))
		fill := byte(0)
		same := func(what string, n int, err error, hostN int, hostErr error) {
			t.Helper()
			if err != nil || hostErr != nil {
				n, hostN = 0, 0
			}
			if n != hostN || err != hostErr && (err != nil || hostErr != nil) {
				t.Fatalf("%s: %d, %v; Linux: %d, %v", what, n, err, hostN, hostErr)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				p := make([]byte, size.Draw(t, "n"))
				for i := range p {
					p[i] = fill
					fill++
				}
				n, err := c.write(w, p)
				hn, herr := unix.Write(host[1], p)
				same("write", n, err, hn, herr)
			},
			"read": func(t *rapid.T) {
				n := size.Draw(t, "n")
				got, err := c.read(r, n)
				want := make([]byte, n)
				hn, herr := unix.Read(host[0], want)
				same("read", len(got), err, hn, herr)
				if !bytes.Equal(got, want[:len(got)]) {
					t.Fatal("read other bytes than Linux")
				}
			},
			"resize": func(t *rapid.T) {
				n := rapid.IntRange(0, 140000).Draw(t, "size")
				got, err := Of(w).Resize(&c.Context, uint64(n))
				hn, herr := unix.FcntlInt(uintptr(host[1]), unix.F_SETPIPE_SZ, n)
				same("resize", got, err, hn, herr)
			},
			"": func(t *rapid.T) {
				fds := []unix.PollFd{{Fd: int32(host[0]), Events: -1}, {Fd: int32(host[1]), Events: -1}}
				unix.Poll(fds, 0)
				if got := r.Poll(nil); got != wait.Events(fds[0].Revents) {
					t.Fatalf("the read end polls %#x; Linux %#x", got, fds[0].Revents)
				}
				if got := w.Poll(nil); got != wait.Events(fds[1].Revents) {
					t.Fatalf("the write end polls %#x; Linux %#x", got, fds[1].Revents)
				}
				n, _ := unix.IoctlGetInt(host[0], unix.TIOCINQ)
				if got := Of(r).bytes(); got != n {
					t.Fatalf("holds %d bytes; Linux %d", got, n)
				}
			},
		})
	})
	if n := mem.Usage().InUse; n != before {
		t.Errorf("%d frames are left", n-before)
	}
}

// TestSpliceLikeLinux moves and copies between two pipes.
func TestSpliceLikeLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	sim.New(t, sim.Config{})
	before := mem.Usage().InUse
	rapid.Check(t, func(t *rapid.T) {
		c := newCaller()
		var r, w [2]*vfs.File
		var host [2][2]int
		for i := range 2 {
			r[i], w[i] = New(&c.Context, unix.O_NONBLOCK)
			defer r[i].Unref()
			defer w[i].Unref()
			if err := unix.Pipe2(host[i][:], unix.O_NONBLOCK); err != nil {
				t.Fatal(err)
			}
			defer unix.Close(host[i][0])
			defer unix.Close(host[i][1])
			Of(r[i]).Resize(&c.Context, 4*pageSize)
			unix.FcntlInt(uintptr(host[i][0]), unix.F_SETPIPE_SZ, 4*pageSize)
		}
		which, fill := rapid.IntRange(0, 1), byte(0)
		size := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(4000, 4200), rapid.IntRange(1, 20000))
		same := func(what string, n int, err error, hostN int64, hostErr error) {
			t.Helper()
			if err != nil || hostErr != nil {
				n, hostN = 0, 0
			}
			if int64(n) != hostN || err != hostErr && (err != nil || hostErr != nil) {
				t.Fatalf("%s: %d, %v; Linux: %d, %v", what, n, err, hostN, hostErr)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				i, p := which.Draw(t, "pipe"), make([]byte, size.Draw(t, "n"))
				for k := range p {
					p[k] = fill
					fill++
				}
				n, err := c.write(w[i], p)
				hn, herr := unix.Write(host[i][1], p)
				same("write", n, err, int64(hn), herr)
			},
			"read": func(t *rapid.T) {
				i, n := which.Draw(t, "pipe"), size.Draw(t, "n")
				got, err := c.read(r[i], n)
				want := make([]byte, n)
				hn, herr := unix.Read(host[i][0], want)
				same("read", len(got), err, int64(hn), herr)
				if !bytes.Equal(got, want[:len(got)]) {
					t.Fatal("read other bytes than Linux")
				}
			},
			"move": func(t *rapid.T) {
				i, n := which.Draw(t, "pipe"), size.Draw(t, "n")
				got, err := Of(r[i]).ToPipe(&c.Context, Of(w[1-i]), n, true)
				hn, herr := unix.Splice(host[i][0], nil, host[1-i][1], nil, n, unix.SPLICE_F_NONBLOCK)
				same("splice", got, err, hn, herr)
			},
			"tee": func(t *rapid.T) {
				i, n := which.Draw(t, "pipe"), size.Draw(t, "n")
				got, err := Of(r[i]).Tee(&c.Context, Of(w[1-i]), n, true)
				hn, herr := unix.Tee(host[i][0], host[1-i][1], n, unix.SPLICE_F_NONBLOCK)
				same("tee", got, err, hn, herr)
			},
			"": func(t *rapid.T) {
				for i := range 2 {
					fds := []unix.PollFd{{Fd: int32(host[i][1]), Events: -1}}
					unix.Poll(fds, 0)
					if got := w[i].Poll(nil); got != wait.Events(fds[0].Revents) {
						t.Fatalf("write end %d polls %#x; Linux %#x", i, got, fds[0].Revents)
					}
				}
			},
		})
	})
	if n := mem.Usage().InUse; n != before {
		t.Errorf("%d frames are left", n-before)
	}
}

func TestEnds(t *testing.T) {
	sim.New(t, sim.Config{})
	c := newCaller()
	r, w := New(&c.Context, 0)
	if _, err := c.read(w, 1); err != unix.EBADF {
		t.Errorf("read of the write end: %v", err)
	}
	c.write(w, []byte("left"))
	w.Unref()
	if p, err := c.read(r, 10); string(p) != "left" || err != nil {
		t.Errorf("after the writer's close: %q, %v", p, err)
	}
	if p, err := c.read(r, 10); len(p) != 0 || err != nil {
		t.Errorf("end of file: %q, %v", p, err)
	}
	if got := r.Poll(nil); got != wait.Hup {
		t.Errorf("without a writer it polls %#x", got)
	}
	r.Unref()

	r, w = New(&c.Context, 0)
	r.Unref()
	if _, err := c.write(w, []byte("x")); err != unix.EPIPE || c.sigpipes != 1 {
		t.Errorf("write without a reader: %v, %d signals", err, c.sigpipes)
	}
	w.Unref()
}

// TestWriters has several writers and readers on one small pipe: short writes stay
// whole, and nobody sleeps for ever.
func TestWriters(t *testing.T) {
	sim.New(t, sim.Config{})
	c := newCaller()
	r, w := New(&c.Context, 0)
	Of(r).Resize(&c.Context, 1)
	const writers, each, size = 4, 200, 512 // a page holds a whole number of them
	var wg, readers sync.WaitGroup
	for k := range writers {
		wg.Go(func() {
			c := newCaller()
			for range each {
				if n, err := c.write(w, bytes.Repeat([]byte{byte('a' + k)}, size)); n != size || err != nil {
					t.Errorf("write: %d, %v", n, err)
				}
			}
		})
	}
	var mu sync.Mutex
	count := map[byte]int{}
	for range 3 {
		readers.Go(func() {
			c := newCaller()
			for {
				p, err := c.read(r, size)
				if err != nil || len(p) == 0 {
					return
				}
				if len(p) != size || bytes.Count(p, p[:1]) != size {
					t.Errorf("a write was torn: %d bytes", len(p))
				}
				mu.Lock()
				count[p[0]]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w.Unref()
	readers.Wait()
	r.Unref()
	for k := range writers {
		if n := count[byte('a'+k)]; n != each {
			t.Errorf("writer %d: %d writes arrived", k, n)
		}
	}
}

// A write that a signal interrupts tells how far it came.
func TestInterrupted(t *testing.T) {
	sim.New(t, sim.Config{})
	c := newCaller()
	r, w := New(&c.Context, 0)
	defer r.Unref()
	defer w.Unref()
	c.Waiter.Interrupt()
	if _, err := c.read(r, 1); err != abi.ERESTARTSYS {
		t.Errorf("read: %v", err)
	}
	if n, err := c.write(w, make([]byte, 70000)); n != 65536 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	if n, err := c.write(w, make([]byte, 1)); n != 0 || err != abi.ERESTARTSYS {
		t.Errorf("write to a full pipe: %d, %v", n, err)
	}
}

// Reading and writing allocate nothing.
func TestAllocations(t *testing.T) {
	sim.New(t, sim.Config{})
	c := newCaller()
	r, w := New(&c.Context, 0)
	defer r.Unref()
	defer w.Unref()
	p, q := make([]byte, 64), make([]byte, 64)
	var src, dst user.IO
	n := testing.AllocsPerRun(100, func() {
		src, dst = user.Kernel(p), user.Kernel(q)
		w.Write(&c.Context, &src)
		r.Read(&c.Context, &dst)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPingPong(b *testing.B) {
	sim.New(b, sim.Config{})
	c := newCaller()
	r1, w1 := New(&c.Context, 0)
	r2, w2 := New(&c.Context, 0)
	go func() {
		c, p := newCaller(), make([]byte, 1)
		var io user.IO
		for {
			io = user.Kernel(p)
			if n, _ := r1.Read(&c.Context, &io); n == 0 {
				w2.Unref()
				return
			}
			io = user.Kernel(p)
			w2.Write(&c.Context, &io)
		}
	}()
	b.ReportAllocs()
	p := make([]byte, 1)
	var io user.IO
	for b.Loop() {
		io = user.Kernel(p)
		w1.Write(&c.Context, &io)
		io = user.Kernel(p)
		r2.Read(&c.Context, &io)
	}
	w1.Unref()
}

// TestSpliceWakesTheNext has two who wait for room: the reader's one call wakes one of
// them, and that one the other.
func TestSpliceWakesTheNext(t *testing.T) {
	sim.New(t, sim.Config{})
	c := newCaller()
	r, w := New(&c.Context, 0)
	defer r.Unref()
	defer w.Unref()
	Of(r).Resize(&c.Context, 4*pageSize)
	c.write(w, make([]byte, 4*pageSize))
	var wg sync.WaitGroup
	for range 2 {
		waiter := newCaller()
		wg.Go(func() {
			src := user.Kernel([]byte("x"))
			if n, err := Of(w).FromUser(&waiter.Context, &src, false); n != 1 || err != nil {
				t.Errorf("vmsplice: %d, %v", n, err)
			}
		})
		for waiter.Waiter.Sleeps() == 0 {
			runtime.Gosched()
		}
	}
	c.read(r, 3*pageSize)
	wg.Wait()
}
