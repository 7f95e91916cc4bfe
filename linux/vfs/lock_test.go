package vfs

import (
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/abi"
)

// lockFile opens i once more.
func lockFile(i *Inode) *File { return &File{inode: i, mode: canRead | canWrite} }

// TestRecordLocksLikeLinux sets and tests the same locks on a file here and on one of
// the Linux that runs the test.
func TestRecordLocksLikeLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		c := testContext()
		i := &Inode{}
		const files = 3
		var ours [files]*File
		var host [files]*os.File
		for k := range files {
			ours[k] = lockFile(i)
			var err error
			if host[k], err = os.OpenFile(dir+"/f", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
				t.Fatal(err)
			}
			defer host[k].Close()
		}
		offset := rapid.OneOf(rapid.Int64Range(0, 12), rapid.SampledFrom([]int64{-1, math.MaxInt64 - 1, math.MaxInt64}))
		length := rapid.OneOf(rapid.Int64Range(-3, 6), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64}))
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			k := rapid.IntRange(0, files-1).Draw(t, "file")
			typ := rapid.SampledFrom([]int{unix.F_RDLCK, unix.F_WRLCK, unix.F_UNLCK}).Draw(t, "type")
			get := typ != unix.F_UNLCK && rapid.Bool().Draw(t, "get")
			start, n := offset.Draw(t, "start"), length.Draw(t, "len")

			l := RecordLock{Type: typ}
			var err error
			if l.Start, l.End, err = ours[k].LockRange(unix.SEEK_SET, start, n); err == nil {
				if get {
					ours[k].TestLock(c, &l, true)
				} else {
					err = ours[k].SetLock(c, &l, true, false)
				}
			}
			h := unix.Flock_t{Type: int16(typ), Start: start, Len: n}
			cmd := unix.F_OFD_SETLK
			if get {
				cmd = unix.F_OFD_GETLK
			}
			hostErr := unix.FcntlFlock(host[k].Fd(), cmd, &h)
			if err != hostErr && (err != nil || hostErr != nil) {
				t.Fatalf("type %d, start %d, length %d: %v; Linux: %v", typ, start, n, err, hostErr)
			}
			if err != nil || !get {
				continue
			}
			if l.Type != int(h.Type) {
				t.Fatalf("test of start %d, length %d: type %d; Linux: %d", start, n, l.Type, h.Type)
			}
			if l.Type == unix.F_UNLCK {
				continue
			}
			to := int64(math.MaxInt64)
			if h.Len > 0 {
				to = h.Start + h.Len - 1
			}
			if l.Start != h.Start || l.End != to {
				t.Fatalf("in the way is %d to %d; Linux: %d to %d", l.Start, l.End, h.Start, to)
			}
		}
	})
}

func setLock(f *File, c *Context, typ int, at int64, block bool) error {
	return f.SetLock(c, &RecordLock{Type: typ, Start: at, End: at}, false, block)
}

// asleep waits until c's task sleeps, not for the first time.
func asleep(c *Context, before int64) {
	for c.Waiter.Sleeps() == before {
		time.Sleep(time.Millisecond)
	}
}

func TestLockWaits(t *testing.T) {
	a, b := testContext(), testContext()
	f := lockFile(&Inode{})
	if err := setLock(f, a, unix.F_WRLCK, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := setLock(f, b, unix.F_WRLCK, 1, false); err != nil {
		t.Fatal(err)
	}
	if err := setLock(f, b, unix.F_RDLCK, 0, false); err != unix.EAGAIN {
		t.Errorf("conflict: %v", err)
	}
	done := make(chan error)
	go func() { done <- setLock(f, b, unix.F_WRLCK, 0, true) }()
	asleep(b, 0)
	if err := setLock(f, a, unix.F_WRLCK, 1, true); err != unix.EDEADLK {
		t.Errorf("circle: %v", err)
	}
	f.inode.dropRecordLocks(a.Files) // what any close does
	if err := <-done; err != nil {
		t.Errorf("after the release: %v", err)
	}
	go func() { done <- setLock(f, a, unix.F_WRLCK, 0, true) }()
	a.Waiter.Interrupt()
	if err := <-done; err != abi.ERESTARTSYS {
		t.Errorf("interrupted: %v", err)
	}
	if n := len(deadlocks.all); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}

func TestFlock(t *testing.T) {
	c := testContext()
	i := &Inode{}
	f, g := lockFile(i), lockFile(i)
	want := func(what string, err error, errno error) {
		t.Helper()
		if err != errno {
			t.Errorf("%s: %v, want %v", what, err, errno)
		}
	}
	want("shared", f.Flock(c, unix.LOCK_SH, false), nil)
	want("shared twice", g.Flock(c, unix.LOCK_SH, false), nil)
	want("upgrade", f.Flock(c, unix.LOCK_EX, false), unix.EAGAIN)
	want("the failed upgrade has given up the lock", g.Flock(c, unix.LOCK_EX, false), nil)
	done := make(chan error)
	other := testContext()
	go func() { done <- f.Flock(other, unix.LOCK_SH, true) }()
	asleep(other, 0)
	i.dropFileLocks(g)
	want("after the other's close", <-done, nil)
	want("unlock", f.Flock(c, unix.LOCK_UN, false), nil)
	if n := len(i.locks.Load().flocks); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}
