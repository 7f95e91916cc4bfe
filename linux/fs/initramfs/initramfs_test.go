package initramfs

import (
	"bytes"
	"compress/gzip"
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

func newTree(tb testing.TB) *vfs.Context {
	tb.Helper()
	sim.New(tb, sim.Config{})
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Rootfs, c, "mode=755")
	if err != nil {
		tb.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs"))
	return c
}

func cpio(b *bytes.Buffer, ino, mode, nlink uint32, name, data string) {
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	fmt.Fprintf(b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 0, 0, nlink, 1000, len(data), 0, 0, 0, 0,
		len(name)+1, 0)
	b.WriteString(name + "\x00")
	pad()
	b.WriteString(data)
	pad()
}

func sample() []byte {
	var b bytes.Buffer
	cpio(&b, 1, unix.S_IFDIR|0o755, 2, "bin", "")
	cpio(&b, 2, unix.S_IFREG|0o4755, 1, "bin/su", "program")
	cpio(&b, 3, unix.S_IFLNK|0o777, 1, "init", "bin/su")
	cpio(&b, 4, unix.S_IFREG|0o644, 2, "a", "")
	cpio(&b, 4, unix.S_IFREG|0o644, 2, "b", "shared")
	cpio(&b, 0, 0, 1, trailer, "")
	return b.Bytes()
}

func contents(t *testing.T, c *vfs.Context, name string) string {
	t.Helper()
	f, err := vfs.OpenPath(c, name, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Unref()
	p := make([]byte, 100)
	dst := user.Kernel(p)
	n, err := f.Read(c, &dst)
	if err != nil {
		t.Fatal(err)
	}
	return string(p[:n])
}

func TestUnpack(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(sample())
	w.Close()
	var second bytes.Buffer
	cpio(&second, 9, unix.S_IFREG|0o600, 1, "second", "archive")
	cpio(&second, 0, 0, 1, trailer, "")
	for name, archive := range map[string][]byte{
		"plain":        append(append(sample(), make([]byte, 512)...), second.Bytes()...),
		"gzip, plain":  append(bytes.Clone(z.Bytes()), second.Bytes()...),
		"plain, gzip":  append(bytes.Clone(second.Bytes()), z.Bytes()...),
		"zeroes first": append(make([]byte, 16), append(sample(), second.Bytes()...)...),
	} {
		t.Run(name, func(t *testing.T) {
			c := newTree(t)
			if err := Unpack(c, archive); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]string{"/init": "program", "/a": "shared", "/b": "shared", "/second": "archive"} {
				if got := contents(t, c, file); got != want {
					t.Errorf("%s holds %q, want %q", file, got, want)
				}
			}
			p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/bin/su"), 0)
			if err != nil {
				t.Fatal(err)
			}
			if mode := p.Inode().Mode(); mode != unix.S_IFREG|0o4755 {
				t.Errorf("mode is %o", mode)
			}
			if m := p.Inode().Mtime(); m.Sec != 1000 {
				t.Errorf("mtime is %v", m)
			}
		})
	}
}

func TestCorrupt(t *testing.T) {
	whole := sample()
	for name, archive := range map[string][]byte{
		"truncated": whole[:150],
		"cpio":      append([]byte("junk"), whole...),
		"hexa":      bytes.Replace(whole, []byte("000003e8"), []byte("0000zzzz"), 1),
		"gzip":      {0x1f, 0x8b, 8, 0, 0},
	} {
		err := Unpack(newTree(t), archive)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(sample())
	f.Add(sample()[:200])
	f.Fuzz(func(t *testing.T, archive []byte) { Unpack(newTree(t), archive) })
}
