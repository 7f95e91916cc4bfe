package vfs_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var (
	hostSeed  = flag.Uint64("hostseed", 1, "first seed of the comparison with the host's Linux")
	hostSeeds = flag.Int("hostseeds", 20, "how many seeds to try")
)

// TestAgainstHost makes the same random calls on the host's tmpfs and on ours and
// compares every result. Each seed is one sequence of calls. It needs root.
func TestAgainstHost(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for name, v := range map[string]*atomic.Int32{"symlinks": &vfs.ProtectedSymlinks, "hardlinks": &vfs.ProtectedHardlinks,
		"fifos": &vfs.ProtectedFIFOs, "regular": &vfs.ProtectedRegular} {
		b, err := os.ReadFile("/proc/sys/fs/protected_" + name)
		if err != nil {
			t.Skip(err)
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		was := v.Swap(int32(n))
		defer v.Store(was)
	}
	dir := t.TempDir()
	for seed := *hostSeed; seed < *hostSeed+uint64(*hostSeeds); seed++ {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			t.Skipf("mount: %v", err)
		}
		done := make(chan bool)
		go func() {
			defer close(done)
			runtime.LockOSThread() // for good: the thread gets a root of its own
			compare(t, dir, seed)
		}()
		<-done
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}

func compare(t *testing.T, dir string, seed uint64) {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		t.Error(err)
		return
	}
	if err := unix.Chroot(dir); err != nil {
		t.Error(err)
		return
	}
	if err := unix.Chdir("/"); err != nil {
		t.Error(err)
		return
	}
	unix.Umask(0o022)
	h, k := &host{}, &ours{tree: newTree(t)}
	r := rand.New(rand.NewPCG(seed, 0))
	g := &generator{r}
	var log []string
	for range 2000 {
		op, a, n := g.call()
		if op == "linkfd" && k.Cred.FSUID != 0 {
			continue // since Linux 6.10 whoever opened the file may
		}
		call := fmt.Sprintf("%s%q%o", op, a, n)
		want, got := h.do(op, a, n), k.do(op, a, n)
		log = append(log, call+" = "+want)
		if got != want {
			t.Errorf("seed %d: %s:\n  here  %s\n  Linux %s\nafter\n%s", seed, call, got, want, strings.Join(log[max(0, len(log)-40):], "\n"))
			break
		}
	}
	unix.Setfsuid(0)
	for _, f := range h.files {
		unix.Close(f)
	}
}

// generator makes calls.
type generator struct{ *rand.Rand }

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) name() string {
	if g.IntN(60) == 0 {
		return strings.Repeat("n", pick(g, 255, 256))
	}
	return pick(g, "a", "b", "c", "d", "e", "a", "b", "c", "d", ".", "..")
}

func (g *generator) path() string {
	if g.IntN(80) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(pick(g, "", "", "", "/", "//"))
	for i := range 1 + g.IntN(3) {
		if i > 0 {
			b.WriteString(pick(g, "/", "/", "/", "//"))
		}
		b.WriteString(g.name())
	}
	b.WriteString(pick(g, "", "", "", "", "", "/", "//"))
	return b.String()
}

var opens = []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_ACCMODE}

func (g *generator) openFlags() int {
	f := pick(g, opens...)
	for _, bit := range []int{unix.O_CREAT, unix.O_EXCL, unix.O_TRUNC, unix.O_DIRECTORY, unix.O_NOFOLLOW, unix.O_NOATIME, unix.O_APPEND} {
		if g.IntN(3) == 0 {
			f |= bit
		}
	}
	switch g.IntN(12) {
	case 0:
		f |= unix.O_PATH
	case 1:
		f = f&unix.O_ACCMODE | unix.O_TMPFILE
	}
	return f
}

func (g *generator) mode() int {
	return pick(g, 0o755, 0o644, 0o777, 0o700, 0o2775, 0o1777, 0o6755, 0o4711, 0o2711, 0o600, 0, 0o500, 0o300, 0o2745)
}

func (g *generator) call() (op string, a []string, n []int) {
	one, two := []string{g.path()}, []string{g.path(), g.path()}
	switch pick(g, "mkdir", "mkdir", "mkdir", "rmdir", "unlink", "symlink", "symlink", "link", "rename", "rename", "rename", "mknod",
		"open", "open", "open", "stat", "stat", "lstat", "chmod", "chown", "lchown", "readlink", "truncate", "faccessat", "utimes", "list",
		"user", "chdir", "resolve", "getcwd", "write", "fstat", "fchown", "fchmod", "linkfd", "umask") {
	case "mkdir":
		return "mkdir", one, []int{g.mode()}
	case "rmdir":
		return "rmdir", one, nil
	case "unlink":
		return "unlink", one, nil
	case "symlink":
		return "symlink", two, nil
	case "link":
		return "link", two, []int{pick(g, 0, unix.AT_SYMLINK_FOLLOW)}
	case "rename":
		return "rename", two, []int{pick(g, 0, 0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE, unix.RENAME_WHITEOUT)}
	case "mknod":
		return "mknod", one, []int{pick(g, unix.S_IFREG, unix.S_IFSOCK, 0, unix.S_IFDIR, unix.S_IFLNK) | g.mode(), 0}
	case "open":
		return "open", one, []int{g.openFlags(), g.mode()}
	case "stat":
		return "stat", one, nil
	case "lstat":
		return "lstat", one, nil
	case "chmod":
		return "chmod", one, []int{g.mode()}
	case "chown":
		return "chown", one, []int{pick(g, -1, 0, 1, 2), pick(g, -1, 0, 1, 2), pick(g, 0, unix.AT_SYMLINK_NOFOLLOW)}
	case "readlink":
		return "readlink", one, nil
	case "truncate":
		return "truncate", one, []int{pick(g, 0, 5, 5000)}
	case "faccessat":
		return "faccessat", one, []int{g.IntN(8)}
	case "utimes":
		return "utimes", one, []int{pick(g, 0, 1, 2), pick(g, 0, 1, 2)}
	case "list":
		return "list", one, nil
	case "user":
		return "user", nil, []int{pick(g, 0, 0, 1, 2)}
	case "chdir":
		return "chdir", one, nil
	case "resolve":
		return "resolve", one, []int{1 << g.IntN(5), pick(g, 0, unix.O_NOFOLLOW)}
	case "write":
		return "write", nil, []int{g.IntN(100), g.IntN(50)}
	case "fstat":
		return "fstat", nil, []int{g.IntN(100)}
	case "fchmod":
		return "fchmod", nil, []int{g.IntN(100), g.mode()}
	case "fchown":
		return "fchown", nil, []int{g.IntN(100), pick(g, -1, 0, 1, 2), pick(g, -1, 0, 1, 2)}
	case "linkfd":
		return "linkfd", one, []int{g.IntN(100)}
	case "umask":
		return "umask", nil, []int{pick(g, 0, 0o022, 0o077)}
	}
	return "getcwd", nil, nil
}

// result is an errno's name, or else what f says.
func result(err error, f func() string) string {
	var e unix.Errno
	if errors.As(err, &e) {
		return unix.ErrnoName(e)
	}
	if err != nil {
		return err.Error()
	}
	if f == nil {
		return "ok"
	}
	return f()
}

// host is the host's Linux, on a thread whose root is a tmpfs.
type host struct{ files []int }

func (h *host) file(n int) int {
	if len(h.files) == 0 {
		return -1
	}
	return h.files[n%len(h.files)]
}

const keepFiles = 8

func (h *host) do(op string, a []string, n []int) string {
	const cwd = unix.AT_FDCWD
	stat := func(err error, s *unix.Stat_t) string {
		return result(err, func() string {
			size := s.Size
			if s.Mode&unix.S_IFMT == unix.S_IFDIR {
				size = 0 // counts entries, in a way of each version's own
			}
			return fmt.Sprintf("%o %d %d:%d %d", s.Mode, s.Nlink, s.Uid, s.Gid, size)
		})
	}
	var s unix.Stat_t
	switch op {
	case "mkdir":
		return result(unix.Mkdir(a[0], uint32(n[0])), nil)
	case "rmdir":
		return result(unix.Rmdir(a[0]), nil)
	case "unlink":
		return result(unix.Unlink(a[0]), nil)
	case "symlink":
		return result(unix.Symlink(a[0], a[1]), nil)
	case "link":
		return result(unix.Linkat(cwd, a[0], cwd, a[1], n[0]), nil)
	case "linkfd":
		return result(unix.Linkat(h.file(n[0]), "", cwd, a[0], unix.AT_EMPTY_PATH), nil)
	case "rename":
		return result(unix.Renameat2(cwd, a[0], cwd, a[1], uint(n[0])), nil)
	case "mknod":
		return result(unix.Mknod(a[0], uint32(n[0]), n[1]), nil)
	case "open", "resolve":
		var fd int
		var err error
		if op == "open" {
			fd, err = unix.Open(a[0], n[0]|unix.O_NONBLOCK, uint32(n[1]))
		} else {
			fd, err = unix.Openat2(cwd, a[0], &unix.OpenHow{Flags: uint64(unix.O_PATH | n[1]), Resolve: uint64(n[0])})
		}
		if err != nil {
			return result(err, nil)
		}
		h.files = append(h.files, fd)
		if len(h.files) > keepFiles {
			unix.Close(h.files[0])
			h.files = h.files[1:]
		}
		return stat(unix.Fstat(fd, &s), &s)
	case "write":
		_, err := unix.Write(h.file(n[0]), make([]byte, n[1]))
		return result(err, nil)
	case "fstat":
		return stat(unix.Fstat(h.file(n[0]), &s), &s)
	case "fchmod":
		return result(unix.Fchmod(h.file(n[0]), uint32(n[1])), nil)
	case "fchown":
		return result(unix.Fchown(h.file(n[0]), n[1], n[2]), nil)
	case "stat":
		return stat(unix.Stat(a[0], &s), &s)
	case "lstat":
		return stat(unix.Lstat(a[0], &s), &s)
	case "chmod":
		return result(unix.Fchmodat(cwd, a[0], uint32(n[0]), 0), nil)
	case "chown":
		return result(unix.Fchownat(cwd, a[0], n[0], n[1], n[2]), nil)
	case "readlink":
		b := make([]byte, 5000)
		k, err := unix.Readlink(a[0], b)
		return result(err, func() string { return string(b[:k]) })
	case "truncate":
		return result(unix.Truncate(a[0], int64(n[0])), nil)
	case "faccessat":
		return result(unix.Faccessat2(cwd, a[0], uint32(n[0]), unix.AT_EACCESS), nil)
	case "utimes":
		ts := make([]unix.Timespec, 2)
		for i := range ts {
			ts[i].Nsec = int64([]int{unix.UTIME_NOW, unix.UTIME_OMIT, 5}[n[i]])
		}
		return result(unix.UtimesNanoAt(cwd, a[0], ts, 0), nil)
	case "list":
		fd, err := unix.Open(a[0], unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return result(err, nil)
		}
		defer unix.Close(fd)
		b := make([]byte, 1<<16)
		k, err := unix.Getdents(fd, b)
		return result(err, func() string {
			_, _, list := unix.ParseDirent(b[:k], -1, nil)
			return strings.Join(slices.Sorted(slices.Values(list)), " ")
		})
	case "user":
		unix.Setfsuid(0)
		unix.Setfsgid(n[0])
		unix.Setfsuid(n[0])
		return ""
	case "chdir":
		return result(unix.Chdir(a[0]), nil)
	case "getcwd":
		b := make([]byte, 5000)
		k, err := unix.Getcwd(b)
		return result(err, func() string { return string(b[:k-1]) })
	case "umask":
		return fmt.Sprint(unix.Umask(n[0]))
	}
	panic(op)
}

// ours is this package.
type ours struct {
	*tree
	files []*vfs.File
}

func (k *ours) file(n int) (*vfs.File, error) {
	if len(k.files) == 0 {
		return nil, unix.EBADF
	}
	return k.files[n%len(k.files)], nil
}

// opened is file for calls that refuse O_PATH.
func (k *ours) opened(n int) (*vfs.File, error) {
	f, err := k.file(n)
	if err == nil && f.PathOnly() {
		err = unix.EBADF
	}
	return f, err
}

func (k *ours) at(name string, look vfs.LookupFlags, do func(p vfs.Path) error) error {
	p, err := vfs.Lookup(k.Context, unix.AT_FDCWD, []byte(name), look)
	if err != nil {
		return err
	}
	return do(p)
}

func (k *ours) do(op string, a []string, n []int) string {
	const cwd = unix.AT_FDCWD
	c := k.Context
	var name, name2 []byte
	if len(a) > 0 {
		name = []byte(a[0])
	}
	if len(a) > 1 {
		name2 = []byte(a[1])
	}
	var s vfs.Stat
	stat := func(err error) string {
		return result(err, func() string {
			if s.Mode&unix.S_IFMT == unix.S_IFDIR {
				s.Size = 0
			}
			return fmt.Sprintf("%o %d %d:%d %d", s.Mode, s.Nlink, s.UID, s.GID, s.Size)
		})
	}
	switch op {
	case "mkdir":
		return result(vfs.Mkdir(c, cwd, name, uint32(n[0])), nil)
	case "rmdir":
		return result(vfs.Rmdir(c, cwd, name), nil)
	case "unlink":
		return result(vfs.Unlink(c, cwd, name), nil)
	case "symlink":
		return result(vfs.Symlink(c, a[0], cwd, name2), nil)
	case "link":
		look := vfs.LookupFlags(0)
		if n[0] != 0 {
			look = vfs.Follow
		}
		return result(vfs.Link(c, cwd, name, cwd, name2, look), nil)
	case "linkfd":
		f, err := k.file(n[0])
		if err != nil {
			return result(err, nil)
		}
		fd, err := c.Files.Install(c, f.Ref(), 0, false)
		if err != nil {
			return result(err, nil)
		}
		defer c.Files.Close(c, fd)
		return result(vfs.Link(c, fd, nil, cwd, name, vfs.AllowEmpty), nil)
	case "rename":
		if err := vfs.CheckRenameFlags(uint32(n[0])); err != nil {
			return result(err, nil)
		}
		return result(vfs.Rename(c, cwd, name, cwd, name2, uint32(n[0])), nil)
	case "mknod":
		return result(vfs.Mknod(c, cwd, name, uint32(n[0]), uint64(n[1])), nil)
	case "open", "resolve":
		var f *vfs.File
		var err error
		if op == "open" {
			f, err = vfs.Open(c, cwd, name, uint32(n[0]|unix.O_NONBLOCK), uint32(n[1]), 0)
		} else {
			look := map[int]vfs.LookupFlags{unix.RESOLVE_NO_XDEV: vfs.NoXDev, unix.RESOLVE_NO_MAGICLINKS: vfs.NoMagic,
				unix.RESOLVE_NO_SYMLINKS: vfs.NoSymlinks, unix.RESOLVE_BENEATH: vfs.Beneath, unix.RESOLVE_IN_ROOT: vfs.InRoot}[n[0]]
			f, err = vfs.Open(c, cwd, name, uint32(unix.O_PATH|n[1]), 0, look)
		}
		if err != nil {
			return result(err, nil)
		}
		k.files = append(k.files, f)
		if len(k.files) > keepFiles {
			k.files[0].Unref()
			k.files = k.files[1:]
		}
		return stat(f.Path().Stat(c, &s))
	case "write":
		f, err := k.opened(n[0])
		if err == nil {
			io := user.Kernel(make([]byte, n[1]))
			_, err = f.Write(c, &io)
		}
		return result(err, nil)
	case "fstat":
		f, err := k.file(n[0])
		if err == nil {
			err = f.Path().Stat(c, &s)
		}
		return stat(err)
	case "fchmod":
		f, err := k.opened(n[0])
		if err == nil {
			err = f.Path().Chmod(c, uint32(n[1]))
		}
		return result(err, nil)
	case "fchown":
		f, err := k.opened(n[0])
		if err == nil {
			err = f.Path().Chown(c, uint32(n[1]), uint32(n[2]))
		}
		return result(err, nil)
	case "stat":
		return stat(k.at(a[0], vfs.Follow, func(p vfs.Path) error { return p.Stat(c, &s) }))
	case "lstat":
		return stat(k.at(a[0], 0, func(p vfs.Path) error { return p.Stat(c, &s) }))
	case "chmod":
		return result(k.at(a[0], vfs.Follow, func(p vfs.Path) error { return p.Chmod(c, uint32(n[0])) }), nil)
	case "chown":
		look := vfs.Follow
		if n[2] != 0 {
			look = 0
		}
		return result(k.at(a[0], look, func(p vfs.Path) error { return p.Chown(c, uint32(n[0]), uint32(n[1])) }), nil)
	case "readlink":
		target, err := vfs.Readlink(c, cwd, name)
		return result(err, func() string { return target })
	case "truncate":
		return result(k.at(a[0], vfs.Follow, func(p vfs.Path) error { return p.Truncate(c, int64(n[0])) }), nil)
	case "faccessat":
		return result(k.at(a[0], vfs.Follow, func(p vfs.Path) error { return p.PermitAt(c, vfs.Access(n[0])) }), nil)
	case "utimes":
		change := [...]vfs.TimeChange{{Now: true}, {Omit: true}, {Time: vfs.Time{Nsec: 5}}}
		if n[0] == 1 && n[1] == 1 {
			return "ok"
		}
		return result(k.at(a[0], vfs.Follow, func(p vfs.Path) error { return p.Utimes(c, change[n[0]], change[n[1]]) }), nil)
	case "list":
		f, err := vfs.Open(c, cwd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0, 0)
		if err != nil {
			return result(err, nil)
		}
		defer f.Unref()
		var list []string
		err = f.ReadDir(c, func(e vfs.DirEntry) bool {
			if e.Name != "." && e.Name != ".." {
				list = append(list, e.Name)
			}
			return true
		})
		return result(err, func() string { return strings.Join(slices.Sorted(slices.Values(list)), " ") })
	case "user":
		id := uint32(n[0])
		c.Cred = cred.Root().Copy()
		c.Cred.FSUID, c.Cred.FSGID = id, id
		c.Cred.Groups = hostGroups()
		if id != 0 {
			for _, drop := range []int{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER,
				unix.CAP_FSETID, unix.CAP_LINUX_IMMUTABLE, unix.CAP_MKNOD, unix.CAP_MAC_OVERRIDE} {
				c.Cred.Effective &^= 1 << drop
			}
		}
		return ""
	case "chdir":
		return result(k.at(a[0], vfs.Follow|vfs.MustBeDir, func(p vfs.Path) error {
			if err := p.PermitAt(c, vfs.MayExec); err != nil {
				return err
			}
			c.FS.SetCwd(p)
			return nil
		}), nil)
	case "getcwd":
		s, err := c.FS.Getcwd()
		return result(err, func() string { return s })
	case "umask":
		return fmt.Sprint(c.FS.SetUmask(uint32(n[0])))
	}
	panic(op)
}

// hostGroups are the supplementary groups that the test itself has.
func hostGroups() []uint32 {
	list, _ := unix.Getgroups()
	var groups []uint32
	for _, g := range list {
		groups = append(groups, uint32(g))
	}
	slices.Sort(groups)
	return groups
}
