// Package linuxtest runs programs on the Linux personality in ordinary Go tests: on the
// machine of package sim, through the one table of system calls.
//
//	linuxtest.Run(t, func(u *sim.User) {
//		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/file", unix.O_CREAT|unix.O_WRONLY, 0o644)
//		u.Must(unix.SYS_WRITE, fd, "hello", 5)
//	})
//
// The root file system is an empty tmpfs but for /init, the program, and /tmp. There are
// no descriptors and no devices: what a test needs it makes.
package linuxtest

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/cred"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/syscalls"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

// limit is how long a program may take: only one that hangs gets there.
const limit = 2 * time.Minute

var once sync.Once

// Run runs program as the first process of a machine. It fails the test where the
// program ends with another status than 0, where a system call panics, and where frames
// are in use afterwards that were not before.
func Run(t *testing.T, program func(u *sim.User)) {
	t.Helper()
	RunPrepared(t, func(*task.Kernel, *vfs.Context) {}, program)
}

// RunPrepared is Run on a machine that prepare makes ready first: file systems to register
// and mount.
func RunPrepared(t *testing.T, prepare func(k *task.Kernel, c *vfs.Context), program func(u *sim.User)) {
	t.Helper()
	once.Do(func() { start(t, prepare, func(*sim.User) {}) }) // there are frames that are made once
	before := mem.Usage().InUse
	if w := start(t, prepare, program); w != task.Exited(0) {
		t.Errorf("the program ended with wait status %#x", uint32(w))
	}
	if after := mem.Usage().InUse; after > before && !t.Failed() {
		t.Errorf("%d frames have leaked", after-before)
	}
}

// start runs program to the end of its process.
func start(t *testing.T, prepare func(*task.Kernel, *vfs.Context), program func(u *sim.User)) task.WaitStatus {
	t.Helper()
	m := sim.New(t, sim.Config{CPUs: 2})
	clock.Init(time.Now(), func(time.Duration) {})
	k := &task.Kernel{Machine: m, Dispatch: syscalls.Dispatch, Log: func(_ int, text string) { t.Log(text) }}
	sb, err := tmpfs.New(tmpfs.Rootfs, &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter()}, "")
	if err != nil {
		t.Fatal(err)
	}
	ns := vfs.NewMountNS(sb, "rootfs")
	fs := vfs.NewFSInfo(ns)
	ns.Unref() // the last task to leave it frees the files
	c := vfs.KernelContext(fs)
	if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte("/tmp"), 0o1777); err != nil {
		t.Fatal(err)
	}
	prepare(k, c)
	write(t, c, "/init", sim.ELF(sim.Program(program)))

	ended := make(chan task.WaitStatus, 1)
	first := k.NewFirst(vfs.NewFDTable(), fs, func(w task.WaitStatus) { ended <- w })
	err = first.Exec(&task.ExecArgs{
		DirFD: unix.AT_FDCWD, Path: []byte("/init"), Flags: vfs.Follow,
		Strings: func() (args, env []string, err error) { return []string{"/init"}, nil, nil },
	})
	if err != nil {
		t.Fatalf("exec: %v", err)
	}
	first.Start()
	select {
	case w := <-ended:
		if n := k.Panics.Load(); n > 0 {
			t.Errorf("%d panics", n)
		}
		return w
	case <-time.After(limit):
		t.Fatal("the program hangs")
		return 0
	}
}

// write makes an executable file.
func write(t *testing.T, c *vfs.Context, path string, data []byte) {
	t.Helper()
	f, err := vfs.OpenPath(c, path, unix.O_CREAT|unix.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Unref()
	src := user.Kernel(data)
	if n, err := f.Write(c, &src); err != nil || n != len(data) {
		t.Fatalf("%s: wrote %d bytes: %v", path, n, err)
	}
}
