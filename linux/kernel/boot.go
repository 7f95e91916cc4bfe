package kernel

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/block"
	"kevlar/linux/chardev"
	"kevlar/linux/clock"
	"kevlar/linux/diag"
	"kevlar/linux/fs/cgroup"
	"kevlar/linux/fs/devpts"
	"kevlar/linux/fs/devtmpfs"
	"kevlar/linux/fs/initramfs"
	"kevlar/linux/fs/mqueue"
	"kevlar/linux/fs/proc"
	"kevlar/linux/fs/sysfs"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/klog"
	"kevlar/linux/syscalls"
	"kevlar/linux/task"
	"kevlar/linux/trace"
	"kevlar/linux/tty"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// Exit statuses of a machine whose first process could not run (README, "Exit status").
const (
	statusPanic     = 125
	statusCannotRun = 126
	statusNotFound  = 127
)

// system is a machine that runs.
type system struct {
	m    machine.Machine
	out  io.Writer // the machine's log
	opt  options
	host *host
	k    *task.Kernel
	diag *diag.Diagnosis
	fs   *vfs.FSInfo
	ctx  *vfs.Context // the kernel's own
}

// Run boots the personality on m and runs the first process. It ends the machine when
// that has ended, and does not return. Messages of the kernel's log go to log, as far as
// the command line wants them.
func Run(m machine.Machine, log io.Writer) {
	s := &system{m: m, out: log, opt: parse(m.Info().Cmdline), host: newHost(m.Devices())}
	status, err := s.run()
	if err != nil {
		klog.Printf(klog.Emergency, "%v", err)
		s.host.fail(err)
	}
	s.stop(machine.PowerOff, status)
}

// run returns the machine's exit status. An error says why there was no first process.
func (s *system) run() (int, error) {
	s.startLog()
	wait.SetClock(s.m.Now)
	s.startTrace()
	clock.Init(s.m.BootTime().Add(s.m.Now()), s.m.SetWallClock)
	vfs.Clock = func() vfs.Time { return vfs.At(clock.Realtime.Read()) }
	tty.Attach(s.m.Devices())
	tty.Register()
	devpts.Register()
	mqueue.Register()
	devtmpfs.Register()
	chardev.Register(s.m)
	s.host.register()
	block.Register(s.m.Devices().Blocks)
	for _, t := range []*vfs.FSType{tmpfs.Type, tmpfs.Ramfs} {
		vfs.RegisterFS(t)
	}
	s.k = &task.Kernel{Machine: s.m, Dispatch: syscalls.Dispatch, Log: klog.Log}
	s.k.Stop = func(how machine.StopKind) { s.stop(how, 0) }
	s.diag = diag.New(s.k, func() {
		s.host.panicked()
		s.m.Stop(machine.PowerOff, statusPanic)
	})
	s.diag.Register()
	if p := s.host.profiles; p != nil {
		s.diag.ServeProfiles(p, s.opt.profile)
	}
	proc.Register(s.k)
	sysfs.Register(s.m)
	cgroup.Register(s.k)
	if err := s.makeRoot(); err != nil {
		return statusPanic, err
	}
	s.mountDefaults()

	ended := make(chan task.WaitStatus, 1)
	first := s.k.NewFirst(vfs.NewFDTable(), s.fs, func(w task.WaitStatus) { ended <- w })
	if s.opt.hostname != "" {
		first.UTS().SetNode(s.opt.hostname)
	}
	if err := s.openStreams(first); err != nil {
		return statusPanic, fmt.Errorf("descriptors of the first process: %w", err)
	}
	if status, err := s.exec(first); err != nil {
		return status, err
	}
	s.host.steer(first, s.diag)
	s.diag.Watch(s.opt.watchdog)
	first.Start()
	return s.status(<-ended), nil
}

// status is the machine's exit status for the first process's. A panic counts more.
func (s *system) status(w task.WaitStatus) int {
	if s.k.Panics.Load() > 0 {
		return statusPanic
	}
	return w.ShellStatus()
}

// makeRoot makes the root file system and fills it from the initial RAM disk.
func (s *system) makeRoot() error {
	sb, err := tmpfs.New(tmpfs.Rootfs, &vfs.Context{Cred: rootCred, Waiter: wait.NewWaiter()}, "")
	if err != nil {
		return fmt.Errorf("root file system: %w", err)
	}
	s.fs = vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs"))
	s.ctx = vfs.KernelContext(s.fs)
	if d := s.m.Info().Initrd; len(d) > 0 {
		return initramfs.Unpack(s.ctx, d)
	}
	return errors.New("no initial RAM disk, and so nothing to run")
}

// mountDefaults mounts what every program expects to find, so that a command needs no
// init to do it. Where a directory cannot be made the file system stays out.
func (s *system) mountDefaults() {
	if err := devtmpfs.Mount(s.ctx, "/dev"); err != nil {
		klog.Printf(klog.Warning, "/dev: %v", err)
	}
	for _, m := range []struct{ fs, dir string }{{"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := s.mount(m.fs, m.dir); err != nil {
			klog.Printf(klog.Warning, "%s: %v", m.dir, err)
		}
	}
}

func (s *system) mount(fs, dir string) error {
	t, err := vfs.FindFS(fs)
	if err != nil {
		return err
	}
	if err := vfs.Mkdir(s.ctx, unix.AT_FDCWD, []byte(dir), 0o555); err != nil && err != unix.EEXIST {
		return err
	}
	p, err := vfs.Lookup(s.ctx, unix.AT_FDCWD, []byte(dir), vfs.Follow|vfs.MustBeDir)
	if err != nil {
		return err
	}
	return vfs.MountType(s.ctx, fs, p, t, 0, "")
}

// openStreams gives the first process its descriptors 0 to 2: the host's streams where
// there are some, else the console, which becomes its terminal.
func (s *system) openStreams(first *task.Task) error {
	c := first.VFS()
	for fd := range 3 {
		f, err := s.stream(c, fd)
		if err != nil {
			return err
		}
		if _, err := first.Files.Install(c, f, fd, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) stream(c *vfs.Context, fd int) (*vfs.File, error) {
	if f, err := s.host.stream(c, fd); f != nil || err != nil {
		return f, err
	}
	console := tty.Console()
	if f, err := vfs.OpenPath(c, "/dev/"+console.Name, unix.O_RDWR, 0); err == nil {
		return f, nil
	}
	ops, err := console.Open(c, unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	return vfs.NewAnonFile("console", ops, unix.O_RDWR), nil
}

// fallbacks are tried in this order where nothing names the first program.
var fallbacks = []string{"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"}

// exec gives the first process its program, directory and identity.
func (s *system) exec(first *task.Task) (int, error) {
	c := first.VFS()
	if d := s.opt.cwd; d != "" {
		p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte(d), vfs.Follow|vfs.MustBeDir)
		if err != nil {
			return statusCannotRun, fmt.Errorf("working directory %s: %w", d, err)
		}
		first.FS.SetCwd(p)
	}
	env := append([]string{"HOME=/", "TERM=linux"}, s.opt.env...)
	if s.opt.user != "" {
		id, home, err := s.lookupUser(s.opt.user)
		if err != nil {
			return statusCannotRun, fmt.Errorf("user %s: %w", s.opt.user, err)
		}
		env[0] = "HOME=" + home
		first.SetCred(id)
	}
	env = lastWins(env)
	paths := fallbacks
	if p := s.m.Info().Init; p != "" {
		paths = []string{p}
	} else if s.opt.init != "" {
		paths = []string{s.opt.init}
	}
	var err error
	for _, path := range paths {
		err = first.Exec(&task.ExecArgs{
			DirFD: unix.AT_FDCWD, Path: []byte(path), Flags: vfs.Follow,
			Strings: func() (args, vars []string, err error) { return append([]string{path}, s.opt.args...), env, nil },
		})
		switch {
		case err == nil:
			traceFirst(first, path, append([]string{path}, s.opt.args...), env)
			if s.opt.command {
				first.Group.MakeKillable()
			}
			return 0, nil
		case err == unix.ENOENT && len(paths) > 1:
			continue
		}
		return execStatus(err), fmt.Errorf("%s: %w", path, execError(err))
	}
	return statusNotFound, errors.New("no program to run: none of " + strings.Join(paths, ", ") + " exists (init= names one)")
}

func execStatus(err error) int {
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return statusNotFound
	}
	return statusCannotRun
}

// execError says more than the error's number does.
func execError(err error) error {
	switch err {
	case unix.ENOEXEC:
		return errors.New("no executable of this machine's architecture, nor a script (exec format error)")
	case unix.ELIBBAD:
		return errors.New("its interpreter (PT_INTERP) is no usable program")
	case unix.EACCES:
		return errors.New("not executable (permission denied)")
	case abi.ERESTARTNOINTR:
		return errors.New("the program is damaged: its segments cannot be mapped")
	case unix.ENOENT:
		return errors.New("the program, or the interpreter that it names, does not exist")
	}
	return err
}

// lastWins keeps the last setting of each variable.
func lastWins(env []string) []string {
	at := make(map[string]int)
	var list []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if i, ok := at[name]; ok {
			list[i] = kv
			continue
		}
		at[name] = len(list)
		list = append(list, kv)
	}
	return list
}

// startLog makes messages of the kernel log reach the machine's log (the serial port),
// as far as the command line wants them.
func (s *system) startLog() {
	l := klog.GetLevels()
	l.Console = s.opt.loglevel
	klog.SetLevels(l)
	klog.SetConsole(func(line string) { io.WriteString(s.out, line) })
}

// stop ends the machine once everything that was written has arrived.
func (s *system) stop(how machine.StopKind, status int) {
	if c := tty.Console(); c != nil {
		c.Drain(wait.NewWaiter())
	}
	if s.diag != nil {
		s.diag.Finish()
	}
	trace.Stop()
	if s.k != nil && s.k.Panics.Load() > 0 {
		s.host.panicked()
	} else {
		s.host.exit(status)
	}
	s.m.Stop(how, status)
}
