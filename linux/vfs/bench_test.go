package vfs_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/sim"
)

func benchTree(b *testing.B) *vfs.Context {
	sim.New(b, sim.Config{})
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Rootfs, c, "mode=755,nr_inodes=0")
	if err != nil {
		b.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs"))
	for _, name := range []string{"/usr", "/usr/lib", "/usr/lib/kevlar"} {
		if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte(name), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	f, err := vfs.OpenPath(c, "/usr/lib/kevlar/file", unix.O_CREAT, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	f.Unref()
	return c
}

// Each goroutine is a thread with a view of its own, as processes are.
func BenchmarkStat(b *testing.B) {
	c := benchTree(b)
	for name, path := range map[string]string{"hit": "/usr/lib/kevlar/file", "miss": "/usr/lib/kevlar/none"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				mine := *c
				mine.FS = c.FS.Copy()
				name := []byte(path)
				var s vfs.Stat
				for pb.Next() {
					if p, err := vfs.Lookup(&mine, unix.AT_FDCWD, name, vfs.Follow); err == nil {
						p.Stat(&mine, &s)
					}
				}
			})
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	c := benchTree(b)
	b.ReportAllocs()
	name := []byte("/usr/lib/kevlar/file")
	for b.Loop() {
		f, err := vfs.Open(c, unix.AT_FDCWD, name, unix.O_RDONLY, 0, 0)
		if err != nil {
			b.Fatal(err)
		}
		f.Unref()
	}
}

// BenchmarkCreate makes and removes files in a directory of 100,000.
func BenchmarkCreate(b *testing.B) {
	c := benchTree(b)
	for i := range 100_000 {
		if err := vfs.Mknod(c, unix.AT_FDCWD, []byte(fmt.Sprintf("/usr/%d", i)), unix.S_IFREG|0o644, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	name := []byte("/usr/new")
	for b.Loop() {
		if err := vfs.Mknod(c, unix.AT_FDCWD, name, unix.S_IFREG|0o644, 0); err != nil {
			b.Fatal(err)
		}
		if err := vfs.Unlink(c, unix.AT_FDCWD, name); err != nil {
			b.Fatal(err)
		}
	}
}
