package inotify

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/sim"
)

const cwd = unix.AT_FDCWD

// watcher is an instance with the tree that it watches.
type watcher struct {
	*testing.T
	c  *vfs.Context
	in *Instance
	f  *vfs.File
}

func newWatcher(t *testing.T) *watcher {
	sim.New(t, sim.Config{})
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Type, c, "mode=755")
	if err != nil {
		t.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "tmpfs"))
	in, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	f := vfs.NewAnonFile("inotify", in, unix.O_RDONLY|unix.O_NONBLOCK)
	t.Cleanup(f.Unref)
	return &watcher{t, c, in, f}
}

func (w *watcher) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *watcher) add(name string, mask uint32) int32 {
	w.Helper()
	p, err := vfs.Lookup(w.c, cwd, []byte(name), 0)
	w.ok(err)
	wd, err := w.in.Add(p.Inode(), mask)
	w.ok(err)
	return wd
}

func (w *watcher) open(name string, flags uint32) *vfs.File {
	w.Helper()
	f, err := vfs.OpenPath(w.c, name, flags, 0o644)
	w.ok(err)
	return f
}

// expect compares the events that are waiting, one a line: descriptor, mask, name, and
// an asterisk for a cookie.
func (w *watcher) expect(what string, want ...string) {
	w.Helper()
	b := make([]byte, 4096)
	io := user.Kernel(b)
	n, err := w.f.Read(w.c, &io)
	if err != nil && err != unix.EAGAIN {
		w.Fatal(err)
	}
	var got []string
	for b := b[:n]; len(b) > 0; {
		le := binary.LittleEndian
		size := 16 + le.Uint32(b[12:])
		s := fmt.Sprintf("%d %#x %s", int32(le.Uint32(b)), le.Uint32(b[4:]), strings.TrimRight(string(b[16:size]), "\x00"))
		if le.Uint32(b[8:]) != 0 {
			s += "*"
		}
		got = append(got, strings.TrimSpace(s))
		b = b[size:]
	}
	if g, x := strings.Join(got, "\n"), strings.Join(want, "\n"); g != x {
		w.Errorf("%s:\n%s\nwant\n%s", what, g, x)
	}
}

// What is expected was seen on Linux.
func TestEvents(t *testing.T) {
	w := newWatcher(t)
	w.ok(vfs.Mkdir(w.c, cwd, []byte("w"), 0o755))
	w.ok(vfs.Mkdir(w.c, cwd, []byte("w/sub"), 0o755))
	w.open("w/f", unix.O_CREAT|unix.O_WRONLY).Unref()
	w.add("w", unix.IN_ALL_EVENTS)
	w.add("w/sub", unix.IN_ALL_EVENTS)
	w.add("w/f", unix.IN_ALL_EVENTS)
	if again := w.add("w", unix.IN_ALL_EVENTS); again != 1 {
		t.Errorf("the second watch of an inode is %d", again)
	}

	w.ok(vfs.Rename(w.c, cwd, []byte("w/sub"), cwd, []byte("w/sub2"), 0))
	w.expect("rename of a directory", "1 0x40000040 sub*", "1 0x40000080 sub2*", "2 0x800")
	w.ok(vfs.Rmdir(w.c, cwd, []byte("w/sub2")))
	w.expect("rmdir", "2 0x400", "2 0x8000", "1 0x40000200 sub2")
	f := w.open("w/f", unix.O_RDWR)
	w.expect("open", "1 0x20 f", "3 0x20")
	io := user.Kernel([]byte("x"))
	f.Write(w.c, &io)
	io = user.Kernel([]byte("x"))
	f.Write(w.c, &io)
	w.expect("two writes", "1 0x2 f", "3 0x2", "1 0x2 f", "3 0x2")
	w.ok(vfs.Unlink(w.c, cwd, []byte("w/f")))
	w.expect("unlink of an open file", "3 0x4", "1 0x200 f")
	f.Unref()
	w.expect("its close", "1 0x8 f", "3 0x8", "3 0x400", "3 0x8000")
	w.ok(vfs.Mknod(w.c, cwd, []byte("w/p"), unix.S_IFIFO|0o600, 0))
	w.ok(vfs.Link(w.c, cwd, []byte("w/p"), cwd, []byte("w/q"), 0))
	w.expect("mknod, link", "1 0x100 p", "1 0x100 q")
	w.open("w/t", unix.O_CREAT|unix.O_WRONLY).Unref()
	w.expect("create", "1 0x100 t", "1 0x20 t", "1 0x8 t")
	w.add("w/t", unix.IN_ATTRIB|unix.IN_DELETE_SELF)
	w.ok(vfs.Rename(w.c, cwd, []byte("w/p"), cwd, []byte("w/t"), 0))
	w.expect("rename over a file", "1 0x40 p*", "1 0x80 t*", "4 0x4", "4 0x400", "4 0x8000")
}

func TestCoalescing(t *testing.T) {
	w := newWatcher(t)
	w.ok(vfs.Mkdir(w.c, cwd, []byte("w"), 0o755))
	w.add("w", unix.IN_MODIFY)
	f := w.open("w/f", unix.O_CREAT|unix.O_WRONLY)
	for range 3 {
		io := user.Kernel([]byte("x"))
		f.Write(w.c, &io)
	}
	f.Unref()
	w.expect("equal events in a row", "1 0x2 f")
}

func TestOneShotAndRemove(t *testing.T) {
	w := newWatcher(t)
	w.add("/", unix.IN_CREATE|unix.IN_ONESHOT)
	w.ok(vfs.Mkdir(w.c, cwd, []byte("a"), 0o755))
	w.ok(vfs.Mkdir(w.c, cwd, []byte("b"), 0o755))
	w.expect("IN_ONESHOT", "1 0x40000100 a", "1 0x8000")
	wd := w.add("/", unix.IN_CREATE)
	w.ok(w.in.Remove(wd))
	w.expect("removed", "2 0x8000")
	if err := w.in.Remove(wd); err != unix.EINVAL {
		t.Errorf("removing twice: %v", err)
	}
	w.ok(vfs.Mkdir(w.c, cwd, []byte("c"), 0o755))
	w.expect("afterwards")
}

func TestOverflow(t *testing.T) {
	was := MaxQueued.Swap(2)
	defer MaxQueued.Store(was)
	w := newWatcher(t)
	w.add("/", unix.IN_CREATE)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.ok(vfs.Mkdir(w.c, cwd, []byte(name), 0o755))
	}
	w.expect("overflow", "1 0x40000100 a", "1 0x40000100 b", "-1 0x4000")
}
