// Package tmpfs is the file system in memory: the root that an initramfs fills, /tmp,
// /dev/shm and the files behind memfd_create (tmpfs(5)). Package devtmpfs builds on it.
package tmpfs

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/linux/vfs"
	"kevlar/machine/mem"
)

const magic = 0x01021994

// Type is the file system for vfs.RegisterFS; Ramfs the same without limits by default;
// Rootfs what the root shows in /proc/mounts.
var (
	Type   = &vfs.FSType{Name: "tmpfs", NoDevice: true, ForUsers: true}
	Ramfs  = &vfs.FSType{Name: "ramfs", NoDevice: true, ForUsers: true}
	Rootfs = &vfs.FSType{Name: "rootfs", NoDevice: true}
)

func init() {
	Type.Mount = func(c *vfs.Context, source string, readOnly bool, data string) (*vfs.Superblock, error) {
		return New(Type, c, data)
	}
	Ramfs.Mount = func(c *vfs.Context, source string, readOnly bool, data string) (*vfs.Superblock, error) {
		sb, err := New(Ramfs, c, "")
		if err == nil {
			fs := sb.Ops.(*FS)
			fs.quota.Max.Store(0)
			fs.maxInodes.Store(0)
		}
		return sb, err
	}
}

// FS is one instance.
type FS struct {
	sb *vfs.Superblock

	quota             mm.Quota     // of pages
	maxInodes, inodes atomic.Int64 // 0 is no limit

	// mu guards all, the inodes with storage that Release frees, and options.
	mu      sync.Mutex
	all     map[*node]struct{}
	options options
}

// options are the mount options that were given.
type options struct {
	size      int64 // bytes; -1 where not given
	inodes    int64
	mode      uint32
	uid, gid  uint32
	hasMode   bool
	hasInodes bool
}

// New returns an instance, with mount options as mount(8) gives them.
func New(t *vfs.FSType, c *vfs.Context, data string) (*vfs.Superblock, error) {
	o := options{size: -1, mode: 0o1777, uid: c.Cred.FSUID, gid: c.Cred.FSGID}
	if err := o.parse(c.Cred.User, data); err != nil {
		return nil, err
	}
	fs := &FS{all: make(map[*node]struct{}), options: o}
	fs.sb = vfs.NewSuperblock(t, magic, fs)
	fs.sb.Options = fs.show
	fs.sb.ACLs = t != Ramfs
	fs.limit(&o)
	root := fs.newNode(&vfs.NewNode{Mode: unix.S_IFDIR | o.mode, UID: o.uid, GID: o.gid})
	root.parent = root
	fs.sb.NewRoot(&root.Inode)
	return fs.sb, nil
}

// limit applies the limits of o: half of memory where there is none.
func (fs *FS) limit(o *options) {
	half := int64(mem.Usage().Total / 2)
	switch {
	case o.size >= 0:
		fs.quota.Max.Store((o.size + mem.PageSize - 1) / mem.PageSize)
	default:
		fs.quota.Max.Store(half)
	}
	if o.hasInodes {
		fs.maxInodes.Store(o.inodes)
	} else {
		fs.maxInodes.Store(half)
	}
}

func (o *options) parse(user *cred.UserNS, data string) error {
	for word := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "":
		case "size":
			o.size, err = parseSize(value)
		case "nr_blocks":
			o.size, err = parseSize(value)
			o.size *= mem.PageSize
		case "nr_inodes":
			o.inodes, err = parseSize(value)
			o.hasInodes = true
		case "mode":
			var v uint64
			v, err = strconv.ParseUint(value, 8, 32)
			o.mode, o.hasMode = uint32(v)&0o7777, true
		case "uid":
			var v uint64
			v, err = strconv.ParseUint(value, 10, 32)
			if o.uid = user.UID(uint32(v)); o.uid == cred.None {
				err = unix.EINVAL
			}
		case "gid":
			var v uint64
			v, err = strconv.ParseUint(value, 10, 32)
			if o.gid = user.GID(uint32(v)); o.gid == cred.None {
				err = unix.EINVAL
			}
		case "huge", "inode32", "inode64", "noswap", "mpol":
			// They choose how memory and numbers are laid out, which no program sees.
		default:
			return unix.EINVAL
		}
		if err != nil {
			return unix.EINVAL
		}
	}
	return nil
}

// parseSize reads a number with one of the suffixes k, m, g, t, or % of memory.
func parseSize(s string) (int64, error) {
	if n, ok := strings.CutSuffix(s, "%"); ok {
		v, err := strconv.ParseInt(n, 10, 64)
		return v * int64(mem.Usage().Total) / 100 * mem.PageSize, err
	}
	shift := 0
	if s != "" {
		if k := strings.IndexByte("kmgt", s[len(s)-1]|0x20); k >= 0 {
			shift = 10 * (k + 1)
			s = s[:len(s)-1]
		}
	}
	v, err := strconv.ParseInt(s, 0, 64)
	if err == nil && (v < 0 || v > 1<<62>>shift) {
		err = unix.EINVAL
	}
	return v << shift, err
}

// show is the options as /proc/mounts has them.
func (fs *FS) show() string {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var b strings.Builder
	o := &fs.options
	if o.size >= 0 {
		b.WriteString(",size=" + strconv.FormatInt(fs.quota.Max.Load()*mem.PageSize/1024, 10) + "k")
	}
	if o.hasInodes {
		b.WriteString(",nr_inodes=" + strconv.FormatInt(o.inodes, 10))
	}
	if o.hasMode && o.mode != 0o1777 {
		b.WriteString(",mode=" + strconv.FormatUint(uint64(o.mode), 8))
	}
	if o.uid != 0 {
		b.WriteString(",uid=" + strconv.FormatUint(uint64(o.uid), 10))
	}
	if o.gid != 0 {
		b.WriteString(",gid=" + strconv.FormatUint(uint64(o.gid), 10))
	}
	if fs.sb.Type != Ramfs {
		b.WriteString(",inode64") // numbers of 64 bits, as Debian's kernel has them
	}
	return strings.TrimPrefix(b.String(), ",")
}

// Statfs implements vfs.SuperOps.
func (fs *FS) Statfs(s *vfs.Statfs) error {
	s.BlockSize, s.FragmentSize = mem.PageSize, mem.PageSize
	if limit := fs.quota.Max.Load(); limit > 0 {
		s.Blocks = uint64(limit)
		s.Free = uint64(max(0, limit-fs.quota.Used.Load()))
		s.Available = s.Free
	}
	if limit := fs.maxInodes.Load(); limit > 0 {
		s.Files = uint64(limit)
		s.FilesFree = uint64(max(0, limit-fs.inodes.Load()))
	}
	return nil
}

// Sync implements vfs.SuperOps: there is nowhere to write to.
func (fs *FS) Sync() error { return nil }

// Remount implements vfs.SuperOps: limits may change, not below what is in use.
func (fs *FS) Remount(c *vfs.Context, readOnly bool, data string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	o := fs.options
	if err := o.parse(c.Cred.User, data); err != nil {
		return err
	}
	if o.size >= 0 && o.size/mem.PageSize < fs.quota.Used.Load() || o.hasInodes && o.inodes < fs.inodes.Load() {
		return unix.EINVAL
	}
	fs.options = o
	fs.limit(&o)
	return nil
}

// Release implements vfs.SuperOps: it frees every file's memory.
func (fs *FS) Release() {
	fs.mu.Lock()
	all := fs.all
	fs.all = nil
	fs.mu.Unlock()
	for n := range all {
		n.data.Release()
	}
}

// node is an inode of tmpfs, and its own InodeOps.
type node struct {
	vfs.Inode
	vfs.DefaultInode
	fs   *FS
	data *mm.PageCache // regular files; its size is the inode's, which writers set after it

	seals vfs.Seals // regular files

	// Directories; guarded by Inode.Mu.
	parent  *node
	entries map[string]*entry
	order   []*entry // by pos; removed entries are nil until compaction
	removed int
	nextPos int64

	xattrs xattrs
}

// entry is a name in a directory. Its position stays while it exists, so that a
// program may remove entries between two getdents calls and meet the others once.
type entry struct {
	name string
	node *node
	pos  int64
}

// firstPos follows the positions of "." and "..".
const firstPos = 2

func (fs *FS) newNode(n *vfs.NewNode) *node {
	fs.inodes.Add(1)
	i := &node{fs: fs}
	i.Init(fs.sb, i, fs.sb.NextIno(), n)
	switch n.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		i.nextPos = firstPos
	case unix.S_IFREG:
		i.data = mm.NewPageCache(0, nil, &fs.quota)
		i.data.Stored = i.Changed
		i.seals.Init(unix.F_SEAL_SEAL)
		fs.mu.Lock()
		fs.all[i] = struct{}{}
		fs.mu.Unlock()
	case unix.S_IFLNK:
		i.Target = []byte(n.Target)
		i.SetSize(int64(len(n.Target)))
	}
	return i
}
