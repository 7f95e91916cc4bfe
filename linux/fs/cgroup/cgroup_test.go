package cgroup

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/machine/sim"
)

func read(u *sim.User, path string) string {
	fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	defer u.Must(unix.SYS_CLOSE, fd)
	buf := make([]byte, 4096)
	return string(buf[:u.Must(unix.SYS_READ, fd, buf, len(buf))])
}

// move writes to a group's cgroup.procs and returns the result.
func move(u *sim.User, group, id string) int64 {
	fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, group+"/cgroup.procs", unix.O_WRONLY, 0)
	defer u.Must(unix.SYS_CLOSE, fd)
	return u.Syscall(unix.SYS_WRITE, fd, id, len(id))
}

func TestGroups(t *testing.T) {
	prepare := func(k *task.Kernel, c *vfs.Context) { Register(k) }
	linuxtest.RunPrepared(t, prepare, func(u *sim.User) {
		u.Must(unix.SYS_MKDIRAT, unix.AT_FDCWD, "/cg", 0o755)
		u.Must(unix.SYS_MOUNT, "none", "/cg", "cgroup2", 0, nil)
		u.Must(unix.SYS_MKDIRAT, unix.AT_FDCWD, "/cg/a", 0o755)
		u.Must(unix.SYS_MKDIRAT, unix.AT_FDCWD, "/cg/a/b", 0o755)
		if got := read(u, "/cg/cgroup.procs"); got != "1\n" {
			u.Errorf("in the root: %q", got)
		}
		if got := read(u, "/cg/cgroup.stat"); !strings.HasPrefix(got, "nr_descendants 2\n") {
			u.Errorf("stat: %q", got)
		}
		if got := read(u, "/cg/a/cgroup.events"); got != "populated 0\nfrozen 0\n" {
			u.Errorf("events: %q", got)
		}
		pid := u.Fork(func(u *sim.User) {
			if n := move(u, "/cg/a/b", "0"); n != 1 {
				u.Errorf("move: %d", n)
			}
			if got, want := read(u, "/cg/a/b/cgroup.procs"), fmt.Sprintf("%d\n", u.Must(unix.SYS_GETPID)); got != want {
				u.Errorf("moved: %q, want %q", got, want)
			}
			if got := read(u, "/cg/a/cgroup.events"); got != "populated 1\nfrozen 0\n" {
				u.Errorf("events above: %q", got)
			}
			u.Expect(unix.EBUSY, unix.SYS_UNLINKAT, unix.AT_FDCWD, "/cg/a/b", unix.AT_REMOVEDIR)
			u.Exit(0)
		})
		u.Must(unix.SYS_WAIT4, pid, nil, 0, nil)
		u.Expect(unix.EBUSY, unix.SYS_UNLINKAT, unix.AT_FDCWD, "/cg/a", unix.AT_REMOVEDIR)
		for _, bad := range []struct {
			id   string
			want unix.Errno
		}{{"99999", unix.ESRCH}, {"x", unix.EINVAL}, {"-1", unix.EINVAL}} {
			if n := move(u, "/cg/a", bad.id); n != -int64(bad.want) {
				u.Errorf("moving %s: %d, want %v", bad.id, n, bad.want)
			}
		}
		u.Must(unix.SYS_UNLINKAT, unix.AT_FDCWD, "/cg/a/b", unix.AT_REMOVEDIR)
		u.Must(unix.SYS_UNLINKAT, unix.AT_FDCWD, "/cg/a", unix.AT_REMOVEDIR)
		u.Expect(unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, "/cg/a", unix.O_RDONLY, 0)
		u.Expect(unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/cg/file", unix.O_CREAT|unix.O_RDWR, 0o600)
		u.Must(unix.SYS_UMOUNT2, "/cg", 0)
	})
}
