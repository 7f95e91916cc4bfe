package devtmpfs

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/chardev"
	"kevlar/linux/device"
	"kevlar/linux/fs/devpts"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/tty"
	"kevlar/linux/vfs"
	"kevlar/machine/sim"
)

// boot does what the kernel does up to /dev.
func boot(t *testing.T) *vfs.Context {
	t.Helper()
	m := sim.New(t, sim.Config{})
	sb, err := tmpfs.New(tmpfs.Rootfs, vfs.KernelContext(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	c := vfs.KernelContext(vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs")))
	chardev.Register(m)
	tty.Attach(m.Devices())
	tty.Register()
	devpts.Register()
	if err := Mount(c, "/dev"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMount(t *testing.T) {
	c := boot(t)
	for _, n := range []struct {
		name string
		mode uint32
		rdev uint64
	}{
		{"null", unix.S_IFCHR | 0o666, unix.Mkdev(1, 3)},
		{"zero", unix.S_IFCHR | 0o666, unix.Mkdev(1, 5)},
		{"full", unix.S_IFCHR | 0o666, unix.Mkdev(1, 7)},
		{"random", unix.S_IFCHR | 0o666, unix.Mkdev(1, 8)},
		{"urandom", unix.S_IFCHR | 0o666, unix.Mkdev(1, 9)},
		{"kmsg", unix.S_IFCHR | 0o644, unix.Mkdev(1, 11)},
		{"tty", unix.S_IFCHR | 0o666, unix.Mkdev(5, 0)},
		{"console", unix.S_IFCHR | 0o600, unix.Mkdev(5, 1)},
		{"ptmx", unix.S_IFCHR | 0o666, unix.Mkdev(5, 2)},
		{"ttyS0", unix.S_IFCHR | 0o600, unix.Mkdev(4, 64)},
		{"fd", unix.S_IFLNK | 0o777, 0},
		{"stdin", unix.S_IFLNK | 0o777, 0},
		{"stdout", unix.S_IFLNK | 0o777, 0},
		{"stderr", unix.S_IFLNK | 0o777, 0},
		{"pts", unix.S_IFDIR | 0o755, 0},
		{"pts/ptmx", unix.S_IFCHR | 0o666, unix.Mkdev(5, 2)},
		{"shm", unix.S_IFDIR | 0o1777, 0},
	} {
		p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/dev/"+n.name), 0)
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		if i := p.Inode(); i.Mode() != n.mode || i.Rdev != n.rdev {
			t.Errorf("%s: mode %o, device %#x; want %o, %#x", n.name, i.Mode(), i.Rdev, n.mode, n.rdev)
		}
	}
	f, err := vfs.OpenPath(c, "/dev/ptmx", unix.O_RDWR, 0)
	if err != nil {
		t.Fatalf("open ptmx: %v", err)
	}
	f.Unref()
}

func names(c *vfs.Context, t *testing.T, dir string) (list []string) {
	t.Helper()
	f, err := vfs.OpenPath(c, dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Unref()
	f.ReadDir(c, func(e vfs.DirEntry) bool { list = append(list, e.Name); return true })
	return list
}

func TestNodesFollowTheDevices(t *testing.T) {
	c := boot(t)
	d := &device.Device{Name: "some/where/vdz", Class: "block", Dev: unix.Mkdev(254, 400), Mode: 0o600}
	device.Add(d)
	p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/dev/some/where/vdz"), 0)
	if err != nil || p.Inode().Mode() != unix.S_IFBLK|0o600 || p.Inode().Rdev != d.Dev {
		t.Fatalf("the node: %v", err)
	}
	device.Remove(d)
	if slices.Contains(names(c, t, "/dev/some/where"), "vdz") {
		t.Error("the node is still there")
	}
	// A file of that name that a program has made is its own.
	device.Add(d)
	if err := vfs.Unlink(c, unix.AT_FDCWD, []byte("/dev/some/where/vdz")); err != nil {
		t.Fatal(err)
	}
	if err := vfs.Symlink(c, "elsewhere", unix.AT_FDCWD, []byte("/dev/some/where/vdz")); err != nil {
		t.Fatal(err)
	}
	device.Remove(d)
	if !slices.Contains(names(c, t, "/dev/some/where"), "vdz") {
		t.Error("the program's file is gone")
	}
}

func TestOneInstance(t *testing.T) {
	c := boot(t)
	if err := mount(c, Type, "/again", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte("/again/new"), 0o700); err != nil {
		t.Fatal(err)
	}
	defer vfs.Rmdir(c, unix.AT_FDCWD, []byte("/dev/new"))
	if !slices.Contains(names(c, t, "/dev"), "new") {
		t.Error("the other mount does not show the directory")
	}
}
