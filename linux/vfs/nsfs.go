package vfs

import "golang.org/x/sys/unix"

const nsfsMagic = 0x6e736673

var nsfs = newPseudoFS("nsfs", nsfsMagic)

// nsInode is what a link of /proc/PID/ns leads to.
type nsInode struct {
	DefaultInode
	open func() FileOps
}

func (n nsInode) Open(*Context, *Inode, *File) (FileOps, error) { return n.open(), nil }

// NamespacePath returns a path to the namespace with the given number, with a reference:
// where the links of /proc/PID/ns lead. open makes the operations of a file that is opened
// there; shown is what its path is for show, such as "uts:[4026531838]".
func NamespacePath(number uint64, shown string, open func() FileOps) Path {
	i := &Inode{}
	i.Init(nsfs.sb, nsInode{open: open}, number, &NewNode{Mode: unix.S_IFREG | 0o444})
	d := &Dentry{sb: nsfs.sb}
	d.place.Store(newPlace(nil, shown))
	d.inode.Store(i)
	i.use()
	return Path{nsfs.m, d}.Get()
}
