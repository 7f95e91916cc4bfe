//go:build linux

// Command agent is PID 1 where a run boots a real Linux kernel in Kevlar's place.
// It does what the Kevlar kernel does itself: mounts the usual file systems, hands
// the host's streams or terminal to the program, follows the control stream, and
// reports the program's exit status. It is built for the guest and put into its
// initramfs.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/internal/vm/proto"
)

func main() {
	a := &agent{}
	if err := a.start(); err != nil {
		a.fail(err)
	}
	a.finish(a.reap())
}

type agent struct {
	cfg     proto.Config
	control *os.File
	stdio   [3]*os.File // what the program gets
	streams []*stream   // what it writes to, where that is not a terminal
	child   int

	mu   sync.Mutex // guards done
	done bool       // the child is reaped: its number may be another's
}

// start brings the system up and runs the program.
func (a *agent) start() error {
	if err := mountKernelFS(); err != nil {
		return err
	}
	data, err := os.ReadFile(proto.ConfigPath)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &a.cfg); err != nil {
		return fmt.Errorf("%s: %w", proto.ConfigPath, err)
	}
	for _, m := range a.cfg.Modules {
		if err := loadModule(filepath.Join(proto.Directory, m)); err != nil {
			return err
		}
	}
	if a.control, err = openPort(proto.Control); err != nil {
		return err
	}
	if err := awaitHost(a.control); err != nil {
		return err
	}
	if a.cfg.Disk {
		if err := switchRoot(a.cfg.ReadOnly); err != nil {
			return err
		}
	}
	if err := mountUserFS(); err != nil {
		return err
	}
	if a.cfg.Hostname != "" {
		if err := unix.Sethostname([]byte(a.cfg.Hostname)); err != nil {
			return fmt.Errorf("sethostname: %w", err)
		}
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	if a.cfg.Terminal {
		err = a.openTerminal()
	} else {
		err = a.openStreams()
	}
	if err != nil {
		return err
	}
	if len(a.cfg.Tracer) > 0 {
		if err := a.openTrace(); err != nil {
			return err
		}
	}
	go a.followControl()
	return a.run()
}

// fail reports what keeps the agent from its work where somebody may see it, and
// ends the machine without a status.
func (a *agent) fail(err error) {
	msg := fmt.Sprintf("kevlar agent: %v\n", err)
	if kmsg, e := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); e == nil {
		kmsg.WriteString("<0>" + msg)
	}
	powerOff()
}

// finish reports the status and ends the machine.
func (a *agent) finish(status int) {
	for _, s := range a.streams {
		s.drain()
	}
	unix.Sync()
	a.control.WriteString(proto.Exit(status))
	powerOff()
}

func powerOff() {
	// QEMU is told to take a restart for the end. A power-off would leave a machine
	// without such a switch standing.
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	select {}
}

type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data)
	if err != nil && !errors.Is(err, unix.EBUSY) { // EBUSY: the kernel has mounted it
		return fmt.Errorf("mount %s: %w", m.target, err)
	}
	return nil
}

const noPrograms = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

func mountKernelFS() error {
	for _, m := range []mount{
		{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID, "mode=755"},
		{"proc", "/proc", "proc", noPrograms, ""},
		{"sysfs", "/sys", "sysfs", noPrograms, ""},
	} {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

func mountUserFS() error {
	for _, m := range []mount{
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=620,ptmxmode=666,gid=5"},
		{"tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	} {
		if err := m.do(); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2",
	} {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("loading %s: %w", path, err)
	}
	return nil
}

// switchRoot makes the file system of the first disk the root.
func switchRoot(readOnly bool) error {
	const disk, root = "/dev/vda", "/.root"
	if err := await(disk, func() bool { _, err := os.Stat(disk); return err == nil }); err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	flags := uintptr(0)
	if readOnly {
		flags = unix.MS_RDONLY
	}
	if err := unix.Mount(disk, root, "ext4", flags, ""); err != nil {
		return fmt.Errorf("mount %s as ext4: %w", disk, err)
	}
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if err := unix.Mount(dir, root+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("moving %s to the disk's root file system: %w", dir, err)
		}
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("moving the root file system: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return os.Chdir("/")
}

// await waits for something that a driver makes while it learns of its devices.
func await(what string, there func() bool) error {
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not appear in %v", what, patience)
		}
	}
	return nil
}

// openPort opens the virtio port of the name. Writes to it return once the host
// has the data.
func openPort(name string) (*os.File, error) {
	var device string
	find := func() bool {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, path := range names {
			if text, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(text)) == name {
				device = "/dev/" + filepath.Base(filepath.Dir(path))
				return true
			}
		}
		return false
	}
	if err := await("the port "+name, find); err != nil {
		return nil, err
	}
	// Blocking, which os.OpenFile does not give: a non-blocking write returns before
	// the host has read.
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("port %s: open %s: %w", name, device, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (a *agent) openTerminal() error {
	const path = "/dev/hvc0"
	if err := await(path, func() bool { _, err := os.Stat(path); return err == nil }); err != nil {
		return err
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	a.stdio = [3]*os.File{f, f, f}
	return nil
}

// openStreams connects the program's descriptors with the host's streams. There is
// a pipe in between, since a port can be open only once and a program expects to
// be able to open /dev/stdout again.
func (a *agent) openStreams() error {
	var input, program *os.File
	for i, name := range []string{proto.Stdin, proto.Stdout, proto.Stderr} {
		port, err := openPort(name)
		if err != nil {
			return err
		}
		if len(a.cfg.Tracer) > 0 {
			// What is traced is compared with Kevlar, which gives the ports themselves.
			if i > 0 {
				if err := awaitHost(port); err != nil {
					return err
				}
			}
			if err := port.Chmod(0o666); err != nil {
				return err
			}
			a.stdio[i] = port
			continue
		}
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return fmt.Errorf("pipe: %w", err)
		}
		r, w := os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe")
		if i == 0 {
			a.stdio[i] = r
			input, program = port, w
			continue
		}
		if err := awaitHost(port); err != nil {
			return err
		}
		a.stdio[i] = w
		s, err := newStream(port, fds[0])
		if err != nil {
			return err
		}
		a.streams = append(a.streams, s)
	}
	// Only now: until the driver has heard that the host is connected, a read finds
	// the end of the stream. What it hears of ports comes in their order.
	if input != nil {
		go feed(program, input)
	}
	return nil
}

// openTrace makes the file that the tracer writes to. The tracer closes it in the program that it traces, which would find
// a descriptor that it inherits.
func (a *agent) openTrace() error {
	port, err := openPort(proto.Trace)
	if err != nil {
		return err
	}
	if err := awaitHost(port); err != nil {
		return err
	}
	if err := unix.Mkfifo(proto.TracePath, 0o600); err != nil {
		return fmt.Errorf("mkfifo %s: %w", proto.TracePath, err)
	}
	// For writing as well: opening does not wait, and there is no end between two writers.
	fd, err := unix.Open(proto.TracePath, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", proto.TracePath, err)
	}
	s, err := newStream(port, fd)
	if err != nil {
		return err
	}
	a.streams = append(a.streams, s)
	return nil
}

// awaitHost waits until the driver has heard that the host is connected to a port.
func awaitHost(port *os.File) error {
	return await("the host on "+port.Name(), func() bool {
		fds := []unix.PollFd{{Fd: int32(port.Fd()), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, 0)
		return err == nil && n == 1 && fds[0].Revents&unix.POLLHUP == 0
	})
}

// feed copies the host's input to the program until either ends.
func feed(w, port *os.File) {
	defer w.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := port.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stream copies what the program writes to a port.
type stream struct {
	port *os.File
	pipe int
	wake [2]int // a pipe whose end says: copy what there is, and stop
	done chan struct{}
}

func newStream(port *os.File, pipe int) (*stream, error) {
	s := &stream{port: port, pipe: pipe, done: make(chan struct{})}
	if err := unix.Pipe2(s.wake[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	if err := unix.SetNonblock(pipe, true); err != nil {
		return nil, err
	}
	go s.copy()
	return s, nil
}

func (s *stream) copy() {
	defer close(s.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(s.pipe, buf)
		switch {
		case n > 0:
			if _, err := s.port.Write(buf[:n]); err != nil {
				return
			}
		case err == unix.EAGAIN:
			fds := []unix.PollFd{{Fd: int32(s.pipe), Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
			unix.Poll(fds, -1)
			if fds[0].Revents == 0 && fds[1].Revents != 0 {
				return
			}
		case err != unix.EINTR:
			return
		}
	}
}

// drain copies the rest of what was written. It does not wait for the end of the
// pipe, which programs in the background may hold open.
func (s *stream) drain() {
	unix.Close(s.wake[1])
	<-s.done
}

// followControl does what the host says.
func (a *agent) followControl() {
	lines := bufio.NewScanner(a.control)
	for lines.Scan() {
		word, n, err := proto.Parse(lines.Text())
		switch {
		case err != nil:
		case word == "winsize" && len(n) == 2 && a.cfg.Terminal:
			ws := unix.Winsize{Col: uint16(n[0]), Row: uint16(n[1])}
			unix.IoctlSetWinsize(int(a.stdio[0].Fd()), unix.TIOCSWINSZ, &ws)
		case word == "interrupt":
			a.mu.Lock()
			if a.child > 0 && !a.done {
				unix.Kill(-a.child, unix.SIGINT)
			}
			a.mu.Unlock()
		}
	}
}

// run starts the program in a session of its own. That there is no such program is
// a status, reported like the program's own.
func (a *agent) run() error {
	id, err := lookupUser(a.cfg.User)
	if err != nil {
		return a.cannotRun(a.cfg.User, err)
	}
	env := a.cfg.Env
	if id.home != "" {
		env = withDefault(env, "HOME="+id.home)
	}
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			os.Setenv("PATH", path)
		}
	}
	argv := a.cfg.Command
	if len(argv) == 0 {
		for _, path := range proto.Fallbacks {
			if _, err := os.Stat(path); err == nil {
				argv = []string{path}
				break
			}
		}
		if len(argv) == 0 {
			return a.cannotRun("init", fmt.Errorf("none of %s: %w", strings.Join(proto.Fallbacks, ", "), os.ErrNotExist))
		}
	}
	argv = append(a.cfg.Tracer, argv...)
	attr := &syscall.ProcAttr{
		Dir: a.cfg.Dir,
		Env: env,
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: a.cfg.Terminal, Ctty: 0, Credential: id.credential},
	}
	for _, f := range a.stdio {
		attr.Files = append(attr.Files, f.Fd())
	}
	if a.cfg.Dir != "" {
		if err := os.Chdir(a.cfg.Dir); err != nil {
			return a.cannotRun(argv[0], errors.New(err.Error())) // that the directory is absent does not make the program so
		}
	}
	path, err := exec.LookPath(argv[0])
	if err == nil {
		a.mu.Lock()
		a.child, err = syscall.ForkExec(path, argv, attr)
		a.mu.Unlock()
	}
	if err != nil {
		return a.cannotRun(argv[0], err)
	}
	if !a.cfg.Terminal {
		for _, f := range a.stdio {
			f.Close()
		}
	}
	return nil
}

func (a *agent) cannotRun(what string, err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	status, text := proto.StatusCannotRun, err.Error()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		status = proto.StatusNotFound
	}
	fmt.Fprintf(a.stdio[2], "kevlar: cannot run %s: %s\n", what, text)
	for _, f := range a.stdio {
		f.Close()
	}
	a.finish(status)
	return nil
}

// withDefault adds a variable where the environment does not have it.
func withDefault(env []string, kv string) []string {
	name, _, _ := strings.Cut(kv, "=")
	for _, e := range env {
		if strings.HasPrefix(e, name+"=") {
			return env
		}
	}
	return append(env, kv)
}

// reap waits for the program, and on the way for every orphan that PID 1 inherits.
func (a *agent) reap() (status int) {
	for {
		var ws unix.WaitStatus
		// Look before reaping: once reaped, the number may be given to another.
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			if err == unix.EINTR {
				continue
			}
			a.fail(fmt.Errorf("waiting for the program: %w", err))
		}
		a.mu.Lock()
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		if err == nil && pid == a.child {
			a.done = true
		}
		a.mu.Unlock()
		if err == nil && pid == a.child {
			if ws.Signaled() {
				return 128 + int(ws.Signal())
			}
			return ws.ExitStatus()
		}
	}
}

// loopbackUp brings the loopback interface up, as every Linux system has it.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	return nil
}
