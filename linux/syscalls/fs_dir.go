package syscalls

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls that read directories, and those on the working and root directory.
var fsDirRows = []Row{
	{Name: "getdents64", Args: []Kind{FD, Dirents, Size}, Do: sysGetdents64, Contracts: []string{"filesystem/getdents_order"}},
	{Name: "getdents", Args: []Kind{FD, Ptr, Size}, Do: sysGetdents, Contracts: []string{"abi/legacy_calls"}},
	{Name: "chdir", Args: []Kind{Path}, Do: sysChdir, Contracts: []string{"filesystem/chdir_getcwd"}},
	{Name: "fchdir", Args: []Kind{FD}, Do: sysFchdir, Contracts: []string{"filesystem/chdir_getcwd"}},
	{Name: "chroot", Args: []Kind{Path}, Do: sysChroot, Contracts: []string{"filesystem/pivot_chroot", "filesystem/pivot_root_rules"}},
	{Name: "getcwd", Args: []Kind{Ustring, Size}, Do: sysGetcwd, Contracts: []string{"filesystem/chdir_getcwd", "filesystem/pivot_chroot"}},
	{Name: "umask", Args: []Kind{Mode}, Do: sysUmask,
		Contracts: []string{"filesystem/open_mode_umask", "process/execve_keeps", "process/clone_shared_files"}},
}

// direntBuffers keep entries until they are copied to the program in one piece.
var direntBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// dirents collects struct linux_dirent64, or struct linux_dirent, for a program's
// buffer.
type dirents struct {
	t     *task.Task
	to    user.Addr // where the collected entries go
	room  int       // bytes of the program's buffer behind to
	old   bool      // struct linux_dirent
	buf   []byte    // collected
	n     int       // bytes of buf in use
	moved int       // bytes that the program has
	err   error
	begin int64 // position of the first entry in buf
	next  int64 // position after the last one
}

// Sizes of the fields before the name.
const (
	direntHeader   = 18
	dirent64Header = 19
)

// emit adds an entry; false where it does not fit.
func (d *dirents) emit(e vfs.DirEntry) bool {
	header, size := dirent64Header, dirent64Header+len(e.Name)+1
	if d.old {
		// The type comes after the name's NUL, in the last byte: getdents(2).
		header, size = direntHeader, direntHeader+len(e.Name)+2
	}
	size = (size + 7) &^ 7
	if size > d.room-d.n {
		if d.n+d.moved == 0 {
			d.err = unix.EINVAL
		}
		return false
	}
	if size > len(d.buf)-d.n && !d.flush() {
		return false
	}
	b := d.buf[d.n : d.n+size]
	clear(b[header:])
	le := binary.LittleEndian
	le.PutUint64(b, e.Ino)
	le.PutUint64(b[8:], uint64(e.Next))
	le.PutUint16(b[16:], uint16(size))
	if d.old {
		b[size-1] = e.Type
	} else {
		b[18] = e.Type
	}
	copy(b[header:], e.Name)
	d.n += size
	d.next = e.Next
	return true
}

// flush copies what is collected to the program.
func (d *dirents) flush() bool {
	if d.err = d.t.CopyOut(d.to, d.buf[:d.n]); d.err != nil {
		return false
	}
	d.to += user.Addr(d.n)
	d.room -= d.n
	d.moved += d.n
	d.n, d.begin = 0, d.next
	return true
}

func sysGetdents64(t *task.Task, a *Args) (uint64, error) { return getdents(t, a, false) }
func sysGetdents(t *task.Task, a *Args) (uint64, error)   { return getdents(t, a, true) }

func getdents(t *task.Task, a *Args, old bool) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	buf := direntBuffers.Get().(*[16 << 10]byte)
	defer direntBuffers.Put(buf)
	d := dirents{t: t, to: a.Addr(1), room: int(a.Uint(2) & 0x7fffffff), old: old, buf: buf[:], begin: f.Pos()}
	err = f.ReadDir(t.VFS(), d.emit)
	if d.n > 0 && (d.err == unix.EFAULT || !d.flush()) {
		f.Seek(d.begin, unix.SEEK_SET) // the program does not have them
	}
	switch {
	case d.moved > 0: // what went wrong later is found by the next call
		return uint64(d.moved), nil
	case err != nil:
		return 0, err
	}
	return 0, d.err
}

func sysChdir(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error {
		p, err := vfs.Lookup(t.VFS(), unix.AT_FDCWD, name, vfs.Follow|vfs.MustBeDir)
		if err != nil {
			return err
		}
		return enterDir(t, p)
	})
}

func sysFchdir(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	if !f.Inode().IsDir() {
		return 0, unix.ENOTDIR
	}
	return 0, enterDir(t, f.Path())
}

func enterDir(t *task.Task, p vfs.Path) error {
	if err := p.PermitAt(t.VFS(), vfs.MayExec); err != nil {
		return err
	}
	t.FS.SetCwd(p)
	return nil
}

func sysChroot(t *task.Task, a *Args) (uint64, error) {
	return 0, withPath(t, a.Addr(0), func(name []byte) error {
		c := t.VFS()
		p, err := vfs.Lookup(c, unix.AT_FDCWD, name, vfs.Follow|vfs.MustBeDir)
		if err != nil {
			return err
		}
		if err := p.PermitAt(c, vfs.MayExec); err != nil {
			return err
		}
		if !t.Cred().CapableHere(unix.CAP_SYS_CHROOT) {
			return unix.EPERM
		}
		t.FS.SetRoot(p)
		return nil
	})
}

func sysGetcwd(t *task.Task, a *Args) (uint64, error) {
	s, err := t.FS.Getcwd()
	if err != nil {
		return 0, err
	}
	if len(s) >= pathMax {
		return 0, unix.ENAMETOOLONG
	}
	if uint64(len(s)) >= a.Size(1) {
		return 0, unix.ERANGE
	}
	if err := t.CopyOut(a.Addr(0), append([]byte(s), 0)); err != nil {
		return 0, err
	}
	return uint64(len(s) + 1), nil
}

func sysUmask(t *task.Task, a *Args) (uint64, error) {
	return uint64(t.FS.SetUmask(a.Uint(0))), nil
}
