package tmpfs

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/mem"
)

// memory is the instance that files without a name anywhere are on: memfd_create(2). It
// has no limits.
var memory = sync.OnceValue(func() *vfs.Mount {
	sb, err := New(Type, vfs.KernelContext(nil), "size=0,nr_inodes=0")
	if err != nil {
		panic(err)
	}
	return vfs.NewHiddenMount(sb)
})

// NewMemfd returns an open file in memory. Without sealing it has F_SEAL_SEAL, like every
// file of this file system: no others can be added.
func NewMemfd(c *vfs.Context, name string, sealing bool) (*vfs.File, error) {
	m := memory()
	n := m.SB.Ops.(*FS).newNode(&vfs.NewNode{Mode: unix.S_IFREG | 0o777, UID: c.Cred.FSUID, GID: c.Cred.FSGID})
	if sealing {
		n.seals.Init(0)
	}
	return vfs.OpenUnnamed(c, m, &n.Inode, "/memfd:"+name, unix.O_RDWR|abi.O_LARGEFILE)
}

// Seals implements vfs.Sealed.
func (o fileOps) Seals() *vfs.Seals { return &o.n.seals }

// AddSeals implements vfs.Sealed.
func (o fileOps) AddSeals(seals uint32) error {
	o.n.Mu.Lock()
	defer o.n.Mu.Unlock()
	return o.n.seals.Add(seals, o.n.data)
}

// sealedWrite answers EPERM where seals forbid a write at off, and shortens one of which
// F_SEAL_GROW allows the pages before the end. Mu is held.
func (n *node) sealedWrite(src *user.IO, off int64) error {
	seals, size := n.seals.Get(), n.Size()
	if seals&(unix.F_SEAL_WRITE|unix.F_SEAL_FUTURE_WRITE) != 0 {
		return unix.EPERM
	}
	if seals&unix.F_SEAL_GROW == 0 || off+int64(src.Len()) <= size {
		return nil
	}
	whole := size - size%mem.PageSize
	if whole <= off {
		return unix.EPERM
	}
	src.Limit(int(whole - off))
	return nil
}

// sealedSize answers EPERM where seals forbid that the file becomes size bytes long. Mu is
// held.
func (n *node) sealedSize(size int64) error {
	seals, old := n.seals.Get(), n.Size()
	if size < old && seals&unix.F_SEAL_SHRINK != 0 || size > old && seals&unix.F_SEAL_GROW != 0 {
		return unix.EPERM
	}
	return nil
}
