package block

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
	"kevlar/machine/sim"
)

// memory is a disk in memory, whose size is no multiple of a page.
type memory []byte

func (m memory) Name() string                             { return "vda" }
func (m memory) Size() int64                              { return int64(len(m)) }
func (m memory) ReadOnly() bool                           { return false }
func (m memory) ReadAt(p []byte, off int64) (int, error)  { return copy(p, m[off:]), nil }
func (m memory) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }
func (m memory) Flush() error                             { return nil }

func TestDisk(t *testing.T) {
	sim.New(t, sim.Config{})
	disk := make(memory, 10*4096+512)
	for i := range disk {
		disk[i] = byte(i / 512)
	}
	Register([]machine.Block{disk})
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Type, c, "")
	if err != nil {
		t.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "tmpfs"))
	if err := vfs.Mknod(c, unix.AT_FDCWD, []byte("/vda"), unix.S_IFBLK|0o600, unix.Mkdev(major, 0)); err != nil {
		t.Fatal(err)
	}
	f, err := vfs.OpenPath(c, "/vda", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(disk)+100)
	io := user.Kernel(got)
	if n, err := f.ReadAt(c, &io, 0); n != len(disk) || err != nil || !bytes.Equal(got[:n], disk) {
		t.Fatalf("read %d, %v", n, err)
	}
	if end, err := f.Seek(0, unix.SEEK_END); end != disk.Size() || err != nil {
		t.Errorf("the end is at %d, %v", end, err)
	}
	io = user.Kernel([]byte("0123456789"))
	if n, err := f.WriteAt(c, &io, disk.Size()-4); n != 4 || err != nil {
		t.Errorf("write over the end: %d, %v", n, err)
	}
	io = user.Kernel([]byte("x"))
	if _, err := f.WriteAt(c, &io, disk.Size()); err != unix.ENOSPC {
		t.Errorf("write at the end: %v", err)
	}
	if err := f.Sync(c, false); err != nil {
		t.Fatal(err)
	}
	if s := string(disk[len(disk)-4:]); s != "0123" {
		t.Errorf("the disk ends with %q", s)
	}
	f.Unref()
}
