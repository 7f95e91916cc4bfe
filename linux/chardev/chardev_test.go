package chardev

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/klog"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/sim"
)

// nodes is a file system with a node for each device.
func nodes(t *testing.T) *vfs.Context {
	t.Helper()
	Register(sim.New(t, sim.Config{}))
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Type, c, "")
	if err != nil {
		t.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "tmpfs"))
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9, "kmsg": 11} {
		if err := vfs.Mknod(c, unix.AT_FDCWD, []byte(name), unix.S_IFCHR|0o666, unix.Mkdev(1, minor)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func open(t *testing.T, c *vfs.Context, name string, flags uint32) *vfs.File {
	t.Helper()
	f, err := vfs.OpenPath(c, name, flags, 0)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(f.Unref)
	return f
}

func read(c *vfs.Context, f *vfs.File, n int) ([]byte, error) {
	buf := make([]byte, n)
	io := user.Kernel(buf)
	n, err := f.Read(c, &io)
	return buf[:n], err
}

func write(c *vfs.Context, f *vfs.File, s string) (int, error) {
	io := user.Kernel([]byte(s))
	return f.Write(c, &io)
}

func TestNullZeroFull(t *testing.T) {
	c := nodes(t)
	for _, d := range []struct {
		name  string
		read  int
		write error
	}{{"null", 0, nil}, {"zero", 10000, nil}, {"full", 10000, unix.ENOSPC}} {
		f := open(t, c, d.name, unix.O_RDWR)
		if got, err := read(c, f, 10000); len(got) != d.read || err != nil || len(bytes.Trim(got, "\x00")) != 0 {
			t.Errorf("%s: read %d bytes, %v", d.name, len(got), err)
		}
		if _, err := write(c, f, "abc"); err != d.write {
			t.Errorf("%s: write: %v", d.name, err)
		}
		if pos, err := f.Seek(77, unix.SEEK_SET); pos != 0 || err != nil {
			t.Errorf("%s: seek: %d, %v", d.name, pos, err)
		}
	}
}

func TestRandom(t *testing.T) {
	c := nodes(t)
	for _, name := range []string{"random", "urandom"} {
		f := open(t, c, name, unix.O_RDWR)
		a, err := read(c, f, 10000)
		b, _ := read(c, f, 10000)
		if len(a) != 10000 || err != nil || bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, %v", name, len(a), err)
		}
		if n, err := write(c, f, "seed"); n != 4 || err != nil {
			t.Errorf("%s: write %d, %v", name, n, err)
		}
		want := wait.In | wait.RdNorm
		if name == "urandom" {
			want |= wait.Out | wait.WrNorm // it has no poll of its own
		}
		if ev := f.Poll(nil); ev != want {
			t.Errorf("%s: poll %#x", name, ev)
		}
	}
}

func TestKmsg(t *testing.T) {
	c := nodes(t)
	f := open(t, c, "kmsg", unix.O_RDWR|unix.O_NONBLOCK)
	f.Seek(0, unix.SEEK_END)
	if _, err := read(c, f, 8192); err != unix.EAGAIN {
		t.Errorf("nothing to read: %v", err)
	}
	_, _, next := klog.Bounds()
	write(c, f, "<12>by a program\\\n")
	klog.Log(klog.Error, "by the kernel\nin two lines")
	if _, err := read(c, f, 10); err != unix.EINVAL {
		t.Errorf("a short buffer: %v", err)
	}
	for i, want := range []string{`by a program\x5c`, `by the kernel\x0ain two lines`} {
		got, err := read(c, f, 8192)
		head, text, _ := strings.Cut(string(got), ";")
		if err != nil || text != want+"\n" || !strings.HasPrefix(head, fmt.Sprintf("%d,%d,", []int{12, 3}[i], next+uint64(i))) {
			t.Errorf("record %d: %q, %v", i, got, err)
		}
	}
	if f.Poll(nil) != 0 {
		t.Error("ready without a record")
	}
}

func TestKmsgWaits(t *testing.T) {
	c := nodes(t)
	f := open(t, c, "kmsg", unix.O_RDONLY)
	f.Seek(0, unix.SEEK_END)
	got := make(chan string)
	go func() {
		b, err := read(c, f, 8192)
		got <- fmt.Sprint(string(b), err)
	}()
	klog.Log(klog.Info, "now")
	if s := <-got; !strings.HasSuffix(s, ";now\n<nil>") {
		t.Errorf("read %q", s)
	}
}

func TestKmsgAsksForCapSyslog(t *testing.T) {
	c := nodes(t)
	c.Cred = &cred.Cred{UID: 1000, EUID: 1000, SUID: 1000, FSUID: 1000}
	if _, err := vfs.OpenPath(c, "kmsg", unix.O_RDONLY, 0); err != unix.EPERM {
		t.Errorf("open: %v", err)
	}
}
