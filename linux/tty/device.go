package tty

import (
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/device"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// consoles are the terminals of the machine. Attach fills it before the first task.
var consoles struct {
	all  []*TTY
	main *TTY // behind /dev/console

	mu       sync.Mutex
	redirect *redirection // TIOCCONS; guarded by mu
}

// redirection sends what is written to /dev/console elsewhere.
type redirection struct {
	file *vfs.File
	tty  *TTY
}

// Majors of serial terminals (devices.txt).
var serialMajors = []struct {
	prefix       string
	major, minor uint32
}{
	{"ttyS", 4, 64},
	{"ttyAMA", 204, 64},
	{"hvc", 229, 0},
}

// deviceNumber returns the device number of a serial terminal by its name; 0 for a
// name that Linux does not know.
func deviceNumber(name string) uint64 {
	for _, s := range serialMajors {
		n := uint32(0)
		if len(name) <= len(s.prefix) || name[:len(s.prefix)] != s.prefix {
			continue
		}
		for _, c := range name[len(s.prefix):] {
			if c < '0' || c > '9' {
				return 0
			}
			n = n*10 + uint32(c-'0')
		}
		return unix.Mkdev(s.major, s.minor+n)
	}
	return 0
}

// Attach makes terminals of the machine's consoles and starts to read them. It runs once,
// before the first task. The terminals have the consoles' order.
func Attach(d *machine.Devices) []*TTY {
	for _, con := range d.Serial {
		attach(con, con == d.Console)
	}
	if consoles.main == nil && d.Console != nil {
		attach(d.Console, true)
	}
	return consoles.all
}

func attach(con machine.Console, main bool) {
	t := NewDevice(con.Name(), deviceNumber(con.Name()), con)
	consoles.all = append(consoles.all, t)
	if main {
		consoles.main = t
	}
	t.setSizeOf(con)
	go t.readPort(con)
	if resized := con.Resized(); resized != nil {
		go func() {
			for range resized {
				t.setSizeOf(con)
			}
		}()
	}
}

func (t *TTY) setSizeOf(con machine.Console) {
	if columns, rows := con.Size(); columns > 0 && rows > 0 {
		t.SetSize(abi.Winsize{Row: uint16(rows), Col: uint16(columns)})
	}
}

// readPort feeds what arrives at the device to its terminal until the device fails.
func (t *TTY) readPort(con machine.Console) {
	w := wait.NewWaiter()
	buf := make([]byte, 512)
	for {
		n, err := con.Read(buf)
		if err != nil {
			t.Hangup()
			return
		}
		t.Receive(buf[:n], w)
	}
}

// Console is the terminal behind /dev/console.
func Console() *TTY { return consoles.main }

// Consoles are the terminals of the machine's consoles, for device nodes.
func Consoles() []*TTY { return consoles.all }

// Register makes the terminals' devices known, and opens of them come here: after Attach,
// before the first task. devpts.Register does it for pseudo-terminals.
func Register() {
	open := func(c *vfs.Context, f *vfs.File) (vfs.FileOps, error) {
		return Open(c, f.Inode().Rdev, f.Flags())
	}
	vfs.RegisterChar(5, 0, "/dev/tty", open)
	vfs.RegisterChar(5, 1, "/dev/console", open)
	device.Add(&device.Device{Name: "tty", Class: "tty", Dev: DevTTY, Mode: 0o666})
	device.Add(&device.Device{Name: "console", Class: "tty", Dev: DevConsole, Mode: 0o600})
	for _, t := range consoles.all {
		if t.Dev != 0 {
			vfs.RegisterChar(unix.Major(t.Dev), unix.Minor(t.Dev), strings.TrimRight(t.Name, "0123456789"), open)
			device.Add(&device.Device{Name: t.Name, Class: "tty", Dev: t.Dev, Mode: 0o600})
		}
	}
}

// Open is the open of a terminal's device file, whichever it is: /dev/tty,
// /dev/console or a serial line. ENXIO for a device number without a terminal.
func Open(c *vfs.Context, dev uint64, flags uint32) (vfs.FileOps, error) {
	switch dev {
	case DevTTY:
		return openControlling(c)
	case DevConsole:
		return openConsole(c)
	}
	for _, t := range consoles.all {
		if t.Dev == dev && dev != 0 {
			return t.Open(c, flags)
		}
	}
	return nil, unix.ENXIO
}

// Device numbers of the files that are more than a terminal (devices.txt).
var (
	DevTTY     = unix.Mkdev(5, 0)
	DevConsole = unix.Mkdev(5, 1)
	DevPtmx    = unix.Mkdev(5, 2)
)

// openControlling is open("/dev/tty"): the controlling terminal of the caller.
func openControlling(c *vfs.Context) (vfs.FileOps, error) {
	who := task.Of(c)
	if who == nil {
		return nil, unix.ENXIO
	}
	job := who.Terminal()
	if job == nil {
		return nil, unix.ENXIO
	}
	return job.TTY.(*TTY).open(c)
}

// openConsole is open("/dev/console"), which never gives a controlling terminal.
func openConsole(c *vfs.Context) (vfs.FileOps, error) {
	if consoles.main == nil {
		return nil, unix.ENODEV
	}
	f, err := consoles.main.open(c)
	if err != nil {
		return nil, err
	}
	f.console = true
	return &consoleFile{f}, nil
}

// consoleFile is /dev/console: its output may be redirected.
type consoleFile struct{ *file }

// Write implements vfs.FileOps.
func (f *consoleFile) Write(c *vfs.Context, vf *vfs.File, src *user.IO, off int64) (int, error) {
	consoles.mu.Lock()
	r := consoles.redirect
	consoles.mu.Unlock()
	if r == nil {
		return f.file.Write(c, vf, src, off)
	}
	return (&file{tty: r.tty, generation: r.tty.now()}).Write(c, vf, src, off)
}

// Ioctl implements vfs.FileOps: TIOCCONS on the console itself ends a redirection.
func (f *consoleFile) Ioctl(c *vfs.Context, vf *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	if cmd != unix.TIOCCONS {
		return f.file.Ioctl(c, vf, cmd, arg, m)
	}
	if !c.Capable(unix.CAP_SYS_ADMIN) {
		return 0, unix.EPERM
	}
	consoles.mu.Lock()
	consoles.redirect = nil
	consoles.mu.Unlock()
	return 0, nil
}

func (t *TTY) now() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.generation
}

// redirectConsole is TIOCCONS on another terminal.
func redirectConsole(io *ioctl, t *TTY) error {
	if !io.c.Capable(unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	if !io.vf.Writable() {
		return unix.EBADF
	}
	consoles.mu.Lock()
	defer consoles.mu.Unlock()
	if consoles.redirect != nil {
		return unix.EBUSY
	}
	consoles.redirect = &redirection{file: io.vf, tty: t}
	return nil
}

// endRedirection ends the redirection to a file that is closed.
func endRedirection(vf *vfs.File) {
	consoles.mu.Lock()
	defer consoles.mu.Unlock()
	if consoles.redirect != nil && consoles.redirect.file == vf {
		consoles.redirect = nil
	}
}
