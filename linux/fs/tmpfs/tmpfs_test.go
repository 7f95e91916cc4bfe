package tmpfs

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

func newTree(t *testing.T) *vfs.Context {
	t.Helper()
	sim.New(t, sim.Config{})
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := New(Type, c, "mode=755")
	if err != nil {
		t.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "tmpfs"))
	return c
}

func write(t *testing.T, f *vfs.File, c *vfs.Context, s string) {
	t.Helper()
	io := user.Kernel([]byte(s))
	if n, err := f.Write(c, &io); n != len(s) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

func readAll(t *testing.T, f *vfs.File, c *vfs.Context) string {
	t.Helper()
	var b bytes.Buffer
	for off := int64(0); ; {
		buf := make([]byte, 3000)
		io := user.Kernel(buf)
		n, err := f.ReadAt(c, &io, off)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return b.String()
		}
		b.Write(buf[:n])
		off += int64(n)
	}
}

const at = unix.AT_FDCWD

func TestFiles(t *testing.T) {
	c := newTree(t)
	before := mem.Usage().InUse
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(err error, errno unix.Errno) {
		t.Helper()
		if err != errno {
			t.Fatalf("got %v, want %v", err, errno)
		}
	}
	must(vfs.Mkdir(c, at, []byte("/a"), 0o777))
	want(vfs.Mkdir(c, at, []byte("/a/"), 0o777), unix.EEXIST)
	f, err := vfs.OpenPath(c, "/a/f", unix.O_RDWR|unix.O_CREAT, 0o666)
	must(err)
	long := string(bytes.Repeat([]byte("kevlar"), 3000))
	write(t, f, c, long)
	if got := readAll(t, f, c); got != long {
		t.Fatal("contents differ")
	}
	must(vfs.Symlink(c, "a/f", at, []byte("/l")))
	must(vfs.Link(c, at, []byte("/a/f"), at, []byte("/hard"), 0))
	must(vfs.Rename(c, at, []byte("/a/f"), at, []byte("/g"), 0))
	_, err = vfs.OpenPath(c, "/l", unix.O_RDONLY, 0)
	want(err, unix.ENOENT)
	want(vfs.Rename(c, at, []byte("/a"), at, []byte("/a/b"), 0), unix.EINVAL)
	want(vfs.Rmdir(c, at, []byte("/a/.")), unix.EINVAL)
	want(vfs.Unlink(c, at, []byte("/a")), unix.EISDIR)
	want(vfs.Unlink(c, at, []byte("/g/")), unix.ENOTDIR)
	must(vfs.Rmdir(c, at, []byte("/a")))
	must(vfs.Unlink(c, at, []byte("/g")))
	must(vfs.Unlink(c, at, []byte("/hard")))
	if got := readAll(t, f, c); got != long {
		t.Fatal("contents of an unlinked file differ")
	}
	f.Unref()
	if now := mem.Usage().InUse; now != before {
		t.Fatalf("%d frames are left of an unlinked file", now-before)
	}
}

func TestAppend(t *testing.T) {
	c := newTree(t)
	f, err := vfs.OpenPath(c, "/f", unix.O_RDWR|unix.O_CREAT|unix.O_APPEND, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 250 {
				io := user.Kernel([]byte("0123456789"))
				f.WriteAt(c, &io, 0)
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if got := readAll(t, f, c); got != string(bytes.Repeat([]byte("0123456789"), 1000)) {
		t.Fatalf("appends overlapped: %d bytes", len(got))
	}
	f.Unref()
}
