// Package sysfs is the file system of the device model, usually at /sys (sysfs(5)): the
// devices that package device lists by class, number and place, the CPUs, the one memory
// node, and what else programs look for there. There is one instance, whoever mounts it.
//
// Drivers that want attributes of their own put them into device.Device.Attrs.
package sysfs

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/vfs"
	"kevlar/machine"
)

const magic = 0x62656572

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "sysfs", NoDevice: true}

// Register makes the file system of machine m known; the kernel calls it at boot.
func Register(m machine.Machine) {
	t := newTree(m)
	Type.Mount = func(*vfs.Context, string, bool, string) (*vfs.Superblock, error) { return t.sb, nil }
	vfs.RegisterFS(Type)
}

// tree is the instance.
type tree struct {
	m   machine.Machine
	sb  *vfs.Superblock
	top *pseudo.Dir
}

// dirMode is the mode of all directories.
const dirMode = 0o755

func newTree(m machine.Machine) *tree {
	t := &tree{m: m}
	t.sb = vfs.NewSuperblock(Type, magic, vfs.DefaultSuper{})
	t.top = pseudo.NewDir(t.sb, 0o555, true)
	t.top.Later(t.fill)
	t.sb.NewRoot(t.top.Inode())
	return t
}

// fill adds all that is there, and has what comes and goes told.
func (t *tree) fill() {
	for _, name := range []string{"block", "bus", "class", "dev/block", "dev/char", "devices/virtual", "firmware", "fs",
		"hypervisor", "kernel", "module", "power", "class/net", "class/block"} {
		t.dir(name)
	}
	t.dir("fs").AddDir("cgroup", 0o555) // where cgroup2 is mounted
	t.addCPUs()
	t.addNode()
	t.addKernel()
	device.Add(loopback())
	device.Watch(t.told)
}

// dir is the directory at a path, which it makes.
func (t *tree) dir(path string) *pseudo.Dir {
	d := t.top
	for name := range splitPath(path) {
		d = d.AddDir(name, dirMode)
	}
	return d
}

// attribute is a file: one line that get returns. It shows a page as its size, and cannot
// be opened for writing (EACCES) unless it takes something.
type attribute struct{ pseudo.Text }

// Getattr implements vfs.InodeOps.
func (*attribute) Getattr(_ *vfs.Context, _ *vfs.Inode, s *vfs.Stat) error {
	s.Size = 4096
	return nil
}

func (t *tree) newAttribute(get func() string, set func(c *vfs.Context, value string) error) *attribute {
	a := &attribute{pseudo.Text{NoStore: unix.EIO, ToEnd: true}}
	if get != nil {
		a.Show = func(_ *vfs.Context, w *bytes.Buffer) error {
			w.WriteString(get())
			w.WriteByte('\n')
			return nil
		}
	}
	a.Check = func(_ *vfs.Context, f *vfs.File) error {
		if f.Writable() && set == nil || f.Readable() && get == nil {
			return unix.EACCES
		}
		return nil
	}
	if set != nil {
		a.Store = func(c *vfs.Context, data []byte) error { return set(c, string(bytes.TrimRight(data, "\n"))) }
	}
	return a
}

// attr adds an attribute that is computed at each read.
func (t *tree) attr(d *pseudo.Dir, name string, get func() string) {
	d.Add(name, pseudo.Node(t.sb, t.newAttribute(get, nil), unix.S_IFREG|0o444))
}

// attrs adds attributes that do not change: names and values by turns.
func (t *tree) attrs(d *pseudo.Dir, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		value := fmt.Sprint(pairs[i+1])
		t.attr(d, pairs[i].(string), func() string { return value })
	}
}

// told follows the list of devices.
func (t *tree) told(d *device.Device, added bool) {
	p := placeOf(d)
	if added {
		t.add(d, p)
	} else {
		t.remove(d, p)
	}
}
