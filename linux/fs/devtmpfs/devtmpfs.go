// Package devtmpfs is the file system of /dev: a tmpfs in which the kernel makes a node
// for every device that package device lists. There is one instance, whoever mounts it
// and however often; programs may add, change and remove names as they like.
package devtmpfs

import (
	"path"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/fs/devpts"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/klog"
	"kevlar/linux/vfs"
)

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "devtmpfs", NoDevice: true}

func init() {
	Type.Mount = func(*vfs.Context, string, bool, string) (*vfs.Superblock, error) { return instance().sb, nil }
}

// Register makes the file system known; the kernel calls it at boot.
func Register() { vfs.RegisterFS(Type) }

// tree is the instance. c sees it at the root of a mount namespace of its own. mu makes
// use of c one call at a time.
type tree struct {
	mu sync.Mutex
	sb *vfs.Superblock
	c  *vfs.Context
}

var instance = sync.OnceValue(func() *tree {
	t := &tree{}
	var err error
	if t.sb, err = tmpfs.New(Type, vfs.KernelContext(nil), "mode=755"); err != nil {
		panic(err) // the options are ours
	}
	t.c = vfs.KernelContext(vfs.NewFSInfo(vfs.NewMountNS(t.sb, "devtmpfs")))
	t.c.FS.SetUmask(0)
	device.Watch(t.told)
	return t
})

// told follows the list of devices. What a program has put in the way of a node stays.
func (t *tree) told(d *device.Device, added bool) {
	if d.Dev == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	if added {
		err = t.add(d)
	} else if p, lerr := vfs.Lookup(t.c, unix.AT_FDCWD, []byte(d.Name), 0); lerr == nil && p.Inode().Rdev == d.Dev {
		err = vfs.Unlink(t.c, unix.AT_FDCWD, []byte(d.Name))
	}
	if err != nil && err != unix.EEXIST {
		klog.Printf(klog.Warning, "devtmpfs: %s: %v", d.Name, err)
	}
}

func (t *tree) add(d *device.Device) error {
	if err := t.mkdirs(path.Dir(d.Name)); err != nil {
		return err
	}
	kind := uint32(unix.S_IFCHR)
	if d.Block() {
		kind = unix.S_IFBLK
	}
	return vfs.Mknod(t.c, unix.AT_FDCWD, []byte(d.Name), kind|d.Mode, d.Dev)
}

func (t *tree) mkdirs(dir string) error {
	if dir == "." {
		return nil
	}
	if err := t.mkdirs(path.Dir(dir)); err != nil {
		return err
	}
	if err := vfs.Mkdir(t.c, unix.AT_FDCWD, []byte(dir), 0o755); err != unix.EEXIST {
		return err
	}
	return nil
}

// links are the symbolic links that programs expect in /dev.
var links = [...]struct{ name, target string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "fd/0"},
	{"stdout", "fd/1"},
	{"stderr", "fd/2"},
}

// Mount makes the directory dir into what programs expect of /dev: the devices, links to
// standard streams, pseudo-terminals at pts and shared memory at shm.
func Mount(c *vfs.Context, dir string) error {
	if err := mount(c, Type, dir, vfs.MntNoSuid, ""); err != nil {
		return err
	}
	for _, l := range links {
		if err := vfs.Symlink(c, l.target, unix.AT_FDCWD, []byte(dir+"/"+l.name)); err != nil && err != unix.EEXIST {
			return err
		}
	}
	// gid 5 is the group tty, which write(1) and wall(1) are in.
	if err := mount(c, devpts.Type, dir+"/pts", vfs.MntNoSuid|vfs.MntNoExec, "gid=5,mode=620,ptmxmode=666"); err != nil {
		return err
	}
	return mount(c, tmpfs.Type, dir+"/shm", vfs.MntNoSuid|vfs.MntNoDev, "mode=1777")
}

// mount mounts a file system on a directory, which it makes.
func mount(c *vfs.Context, t *vfs.FSType, dir string, flags uint32, data string) error {
	if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte(dir), 0o755); err != nil && err != unix.EEXIST {
		return err
	}
	p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte(dir), vfs.Follow|vfs.MustBeDir)
	if err != nil {
		return err
	}
	return vfs.MountType(c, t.Name, p, t, flags, data)
}
