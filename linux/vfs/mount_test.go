package vfs_test

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/sim"
)

// tree is a task's view of a file tree in memory, for tests that read like a shell.
type tree struct {
	*testing.T
	*vfs.Context
}

func newTree(t *testing.T) *tree {
	t.Helper()
	sim.New(t, sim.Config{})
	vfs.RegisterFS(tmpfs.Type)
	c := &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), Files: vfs.NewFDTable()}
	sb, err := tmpfs.New(tmpfs.Rootfs, c, "mode=755")
	if err != nil {
		t.Fatal(err)
	}
	c.FS = vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs"))
	return &tree{t, c}
}

func (t *tree) ok(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t *tree) want(err error, errno unix.Errno) {
	t.Helper()
	if err != errno {
		t.Fatalf("got %v, want %v", err, errno)
	}
}

func (t *tree) mkdir(names ...string) {
	t.Helper()
	for _, n := range names {
		t.ok(vfs.Mkdir(t.Context, unix.AT_FDCWD, []byte(n), 0o755))
	}
}

func (t *tree) touch(name string) {
	t.Helper()
	f, err := vfs.OpenPath(t.Context, name, unix.O_CREAT|unix.O_WRONLY, 0o644)
	t.ok(err)
	f.Unref()
}

func (t *tree) has(name string) bool {
	_, err := vfs.Lookup(t.Context, unix.AT_FDCWD, []byte(name), 0)
	return err == nil
}

func (t *tree) mount(source, target, fs string, flags uint64) error {
	return vfs.MountAt(t.Context, &vfs.MountArgs{Source: source, HasSource: true, Target: []byte(target), Type: fs,
		HasType: fs != "", Flags: flags})
}

func (t *tree) umount(name string, flags uint32) error {
	return vfs.Umount(t.Context, []byte(name), flags)
}

func (t *tree) chdir(name string) {
	t.Helper()
	p, err := vfs.Lookup(t.Context, unix.AT_FDCWD, []byte(name), vfs.Follow)
	t.ok(err)
	t.FS.SetCwd(p)
}

// unshare returns the view of another task, in a mount namespace of its own.
func (t *tree) unshare() *tree {
	c := *t.Context
	c.FS = t.FS.Copy()
	t.ok(c.FS.CopyNamespace(c.Cred))
	return &tree{t.T, &c}
}

func (t *tree) mountinfo() string {
	ids := regexp.MustCompile(`(?m)^\d+ \d+ \d+:\d+ `)
	return ids.ReplaceAllString(t.FS.Namespace().MountInfoText(t.FS.Root()), "")
}

func TestMountAndBind(t *testing.T) {
	v := newTree(t)
	v.mkdir("/a", "/b", "/a/sub")
	v.touch("/f")
	v.want(v.mount("x", "/a", "nonsense", 0), unix.ENODEV)
	v.want(v.mount("x", "/a", "", 0), unix.EINVAL)
	v.want(v.mount("x", "/none", "tmpfs", 0), unix.ENOENT)
	v.want(v.mount("x", "/f", "tmpfs", 0), unix.ENOTDIR)
	v.ok(v.mount("x y", "/a", "tmpfs", unix.MS_NOSUID))
	v.touch("/a/inside")
	v.ok(v.mount("/a", "/b", "", unix.MS_BIND))
	if !v.has("/b/inside") {
		t.Error("the bind mount does not show what is mounted")
	}
	v.ok(v.mount("", "/b", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY))
	v.want(vfs.Mkdir(v.Context, unix.AT_FDCWD, []byte("/b/d"), 0o755), unix.EROFS)
	v.ok(vfs.Mkdir(v.Context, unix.AT_FDCWD, []byte("/a/d"), 0o755))
	want := "/ / rw - rootfs rootfs rw\n" +
		"/ /a rw,nosuid,relatime - tmpfs x\\040y rw\n" +
		"/ /b ro,relatime - tmpfs x\\040y rw\n"
	got := regexp.MustCompile(`(?m),size=.*$|,mode=755,inode64$|,inode64$`).ReplaceAllString(v.mountinfo(), "")
	if got != want {
		t.Errorf("mountinfo:\n%swant\n%s", got, want)
	}
	v.chdir("/a")
	v.want(v.umount("/a", 0), unix.EBUSY)
	v.want(v.umount("/a/d", 0), unix.EINVAL)
	v.want(v.umount("/b", 64), unix.EINVAL)
	v.ok(v.umount("/a", unix.MNT_DETACH))
	if !v.has("inside") || v.has("/a/inside") || !v.has("/a/sub") {
		t.Error("after a lazy umount")
	}
	v.chdir("/")
	v.ok(v.umount("/b", 0))
}

func TestExpireAndReadOnly(t *testing.T) {
	v := newTree(t)
	v.mkdir("/a")
	v.ok(v.mount("x", "/a", "tmpfs", 0))
	f, err := vfs.OpenPath(v.Context, "/a/f", unix.O_CREAT|unix.O_WRONLY, 0o644)
	v.ok(err)
	v.want(v.mount("", "/a", "", unix.MS_REMOUNT|unix.MS_RDONLY), unix.EBUSY)
	v.want(v.mount("", "/a", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY), unix.EBUSY)
	v.want(v.umount("/a", unix.MNT_EXPIRE), unix.EBUSY)
	f.Unref()
	v.want(v.umount("/a", unix.MNT_EXPIRE), unix.EAGAIN)
	v.ok(v.mount("", "/a", "", unix.MS_REMOUNT|unix.MS_RDONLY))
	_, err = vfs.OpenPath(v.Context, "/a/f", unix.O_WRONLY, 0)
	v.want(err, unix.EROFS)
	v.want(v.umount("/a", unix.MNT_EXPIRE), unix.EAGAIN) // it has been used since
	v.ok(v.umount("/a", unix.MNT_EXPIRE))
}

func TestMoveMount(t *testing.T) {
	v := newTree(t)
	v.mkdir("/a", "/b")
	v.ok(v.mount("x", "/a", "tmpfs", 0))
	v.mkdir("/a/in")
	v.want(v.mount("/a", "/a/in", "", unix.MS_MOVE), unix.ELOOP)
	v.want(v.mount("/b", "/a", "", unix.MS_MOVE), unix.EINVAL)
	v.ok(v.mount("/a", "/b", "", unix.MS_MOVE))
	if !v.has("/b/in") || v.has("/a/in") {
		t.Error("not moved")
	}
	// What switch_root does: the new root goes over the old one.
	v.chdir("/b")
	v.ok(v.mount(".", "/", "", unix.MS_MOVE))
	v.FS.SetRoot(v.FS.Cwd())
	if !v.has("/in") || v.has("/b") {
		t.Error("not at the root")
	}
	if s := v.mountinfo(); !strings.Contains(s, "/ / rw,relatime - tmpfs x ") || strings.Contains(s, "rootfs") {
		t.Errorf("mountinfo shows what is out of reach:\n%s", s)
	}
}

func TestPropagation(t *testing.T) {
	v := newTree(t)
	v.mkdir("/s", "/peer", "/slave", "/private")
	v.ok(v.mount("x", "/s", "tmpfs", 0))
	v.mkdir("/s/m")
	v.ok(v.mount("", "/s", "", unix.MS_SHARED))
	v.want(v.mount("", "/s/m", "", unix.MS_SHARED), unix.EINVAL)
	v.want(v.mount("", "/s", "", unix.MS_SHARED|unix.MS_PRIVATE), unix.EINVAL)
	for _, name := range []string{"/peer", "/slave", "/private"} {
		v.ok(v.mount("/s", name, "", unix.MS_BIND))
	}
	v.ok(v.mount("", "/slave", "", unix.MS_SLAVE))
	v.ok(v.mount("", "/private", "", unix.MS_PRIVATE))
	v.ok(v.mount("y", "/s/m", "tmpfs", 0))
	v.touch("/s/m/f")
	if !v.has("/peer/m/f") || !v.has("/slave/m/f") || v.has("/private/m/f") {
		t.Errorf("the mount went wrong ways:\n%s", v.mountinfo())
	}
	v.mkdir("/slave/m/deep")
	v.ok(v.mount("z", "/slave/m/deep", "tmpfs", 0))
	v.touch("/slave/m/deep/f")
	if v.has("/s/m/deep/f") || v.has("/peer/m/deep/f") {
		t.Error("a slave's mount reached its master")
	}
	v.ok(v.umount("/slave/m/deep", 0))
	v.ok(v.umount("/peer/m", 0))
	if v.has("/s/m/f") || v.has("/slave/m/f") {
		t.Error("the umount did not propagate")
	}
	v.ok(v.mount("", "/private", "", unix.MS_UNBINDABLE))
	v.want(v.mount("/private", "/s/m", "", unix.MS_BIND), unix.EINVAL)
}

func TestNamespaces(t *testing.T) {
	v := newTree(t)
	v.mkdir("/a", "/b")
	v.ok(v.mount("x", "/a", "tmpfs", 0))
	v.ok(v.mount("", "/a", "", unix.MS_SHARED))
	v.mkdir("/a/m")
	w := v.unshare()
	v.ok(v.mount("y", "/b", "tmpfs", 0))
	v.touch("/b/f")
	if w.has("/b/f") {
		t.Error("a private mount reached another namespace")
	}
	w.ok(w.mount("z", "/a/m", "tmpfs", 0))
	w.touch("/a/m/f")
	if !v.has("/a/m/f") {
		t.Error("a shared mount did not reach another namespace")
	}
	v.ok(v.umount("/a/m", 0))
	if w.has("/a/m/f") {
		t.Error("a shared umount did not reach another namespace")
	}
	v.want(vfs.Rmdir(v.Context, unix.AT_FDCWD, []byte("/b")), unix.EBUSY)
	w.ok(vfs.Rmdir(w.Context, unix.AT_FDCWD, []byte("/b"))) // nothing is mounted there for w
	if v.has("/b/f") {
		t.Error("a removed directory keeps its mount")
	}
	w.FS.Unref()
	v.ok(v.umount("/a", 0))
}

func TestPivotRoot(t *testing.T) {
	v := newTree(t)
	v.mkdir("/a")
	v.ok(v.mount("x", "/a", "tmpfs", 0))
	v.want(vfs.PivotRoot(v.Context, []byte("/a"), []byte("/a")), unix.EINVAL) // a rootfs stays at the root
	v.chdir("/a")
	v.ok(v.mount(".", "/", "", unix.MS_MOVE))
	v.FS.SetRoot(v.FS.Cwd())
	v.mkdir("/new")
	v.want(vfs.PivotRoot(v.Context, []byte("/new"), []byte("/new")), unix.EBUSY)
	v.ok(v.mount("y", "/new", "tmpfs", 0))
	v.mkdir("/new/old")
	v.want(vfs.PivotRoot(v.Context, []byte("/new"), []byte("/")), unix.EBUSY)
	other := &tree{t, &vfs.Context{Cred: v.Cred, Waiter: v.Waiter, Files: v.Files, FS: v.FS.Copy()}}
	v.ok(vfs.PivotRoot(v.Context, []byte("/new"), []byte("/new/old")))
	for _, x := range []*tree{v, other} {
		if !x.has("/old/new") || x.has("/new") {
			t.Errorf("not at the root:\n%s", x.mountinfo())
		}
	}
	v.ok(v.umount("/old", unix.MNT_DETACH))
}
