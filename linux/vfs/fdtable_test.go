package vfs

import (
	"math"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

func testContext() *Context {
	return &Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: NewFDTable()}
}

// TestBitTree compares the set with a map.
func TestBitTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bitTree
		model := map[int]bool{}
		number := rapid.IntRange(0, 9000)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := number.Draw(t, "i")
			if rapid.Bool().Draw(t, "run") { // full words need runs
				for k := i; k < i+200; k++ {
					b.set(k, true)
					model[k] = true
				}
			} else {
				on := rapid.Bool().Draw(t, "on")
				b.set(i, on)
				model[i] = on
			}
			from := number.Draw(t, "from")
			zero := from
			for model[zero] {
				zero++
			}
			if got := b.firstZero(from); got != zero {
				t.Fatalf("firstZero(%d) = %d, want %d", from, got, zero)
			}
			one := from
			for one < 10000 && !model[one] {
				one++
			}
			if one == 10000 {
				one = -1
			}
			if got := b.firstOne(from); got != one {
				t.Fatalf("firstOne(%d) = %d, want %d", from, got, one)
			}
		}
	})
}

// released counts releases.
type released struct {
	DefaultOps
	mu sync.Mutex
	n  int
}

func (r *released) Read(c *Context, f *File, dst *user.IO, off int64) (int, error) {
	if f.Refs() <= 0 {
		panic("read of a released file")
	}
	return 0, nil
}

func (r *released) Release(*File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
}

func TestFDTable(t *testing.T) {
	c := testContext()
	r := &released{}
	open := func() *File { return NewAnonFile("[test]", r, unix.O_RDWR) }
	for want := range 100 {
		fd, err := c.Files.Install(c, open(), 0, want%2 == 1)
		if fd != want || err != nil {
			t.Fatalf("Install = %d, %v; want %d", fd, err, want)
		}
	}
	if err := c.Files.Close(c, 7); err != nil {
		t.Fatal(err)
	}
	if err := c.Files.Close(c, 7); err != unix.EBADF {
		t.Fatalf("second close: %v", err)
	}
	if fd, _ := c.Files.Install(c, open(), 0, false); fd != 7 {
		t.Fatalf("lowest free descriptor is %d, want 7", fd)
	}
	child := c.Files.Fork()
	child.Exec(c)
	if _, err := child.Get(1); err != unix.EBADF {
		t.Fatalf("close-on-exec descriptor after exec: %v", err)
	}
	if f, err := child.Get(2); err != nil {
		t.Fatal(err)
	} else {
		f.Unref()
	}
	if err := c.Files.Replace(c, open(), math.MaxInt32, false); err != unix.EBADF {
		t.Fatalf("dup2 far away: %v", err)
	}
	before := r.n
	child.Unref(c)
	if r.n != before {
		t.Fatalf("a shared file was released")
	}
	c.Files.Unref(c)
	if r.n != 101 {
		t.Fatalf("%d releases, want 101", r.n)
	}
}

// TestCloseWhileUsed closes descriptors under readers: a reader has the file or EBADF,
// never a released file, and each file is released once.
func TestCloseWhileUsed(t *testing.T) {
	c := testContext()
	r := &released{}
	table := NewFDTable()
	const files = 2000
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			c := testContext()
			for {
				select {
				case <-stop:
					return
				default:
				}
				for fd := range 8 {
					f, err := table.Get(fd)
					if err != nil {
						continue
					}
					var io user.IO
					f.Read(c, &io)
					f.Unref()
				}
			}
		})
	}
	for range files {
		fd, err := table.Install(c, NewAnonFile("[test]", r, unix.O_RDWR), 0, false)
		if err != nil {
			t.Fatal(err)
		}
		if fd%2 == 0 {
			table.Replace(c, NewAnonFile("[test]", r, unix.O_RDWR), fd, false)
		} else {
			r.mu.Lock()
			r.n++ // as many as the branch above makes
			r.mu.Unlock()
		}
		table.Close(c, fd)
	}
	close(stop)
	wg.Wait()
	if r.n != 2*files {
		t.Fatalf("%d releases, want %d", r.n, 2*files)
	}
}

func BenchmarkGet(b *testing.B) {
	c := testContext()
	fd, _ := c.Files.Install(c, NewAnonFile("[test]", DefaultOps{}, unix.O_RDWR), 0, false)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := c.Files.Get(fd)
		f.Unref()
	}
}
