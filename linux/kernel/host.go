package kernel

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/device"
	"kevlar/linux/diag"
	"kevlar/linux/klog"
	"kevlar/linux/task"
	"kevlar/linux/trace"
	"kevlar/linux/tty"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// host is the other end of a run: named ports of a virtio console that the host
// command attaches (docs/architecture.md). Control carries lines; the others are the
// standard streams of the first process. Any of them may be missing.
type host struct {
	control  machine.Port
	profiles machine.Port
	trace    machine.Port
	streams  [3]machine.Port
}

func newHost(d *machine.Devices) *host {
	h := new(host)
	for _, p := range d.Ports {
		switch p.Name() {
		case "kevlar.control":
			h.control = p
		case "kevlar.pprof":
			h.profiles = p
		case "kevlar.trace":
			h.trace = p
		case "kevlar.stdin":
			h.streams[0] = p
		case "kevlar.stdout":
			h.streams[1] = p
		case "kevlar.stderr":
			h.streams[2] = p
		}
	}
	return h
}

// exit tells the host the machine's status.
func (h *host) exit(status int) {
	if h.control != nil {
		fmt.Fprintf(h.control, "exit %d\n", status)
	}
}

// panicked tells the host that the kernel has panicked, which the status alone does not.
func (h *host) panicked() {
	if h.control != nil {
		fmt.Fprint(h.control, "panic\n")
	}
}

// fail tells the host why there was no first process.
func (h *host) fail(err error) {
	if h.control != nil {
		fmt.Fprintf(h.control, "error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// steer follows the host's words: the size of the window, the wish to interrupt or to see
// what all goroutines do.
func (h *host) steer(first *task.Task, d *diag.Diagnosis) {
	if h.control == nil {
		return
	}
	go func() {
		lines := bufio.NewScanner(h.control)
		for lines.Scan() {
			w := strings.Fields(lines.Text())
			switch {
			case len(w) == 3 && w[0] == "winsize":
				columns, err1 := strconv.ParseUint(w[1], 10, 16)
				rows, err2 := strconv.ParseUint(w[2], 10, 16)
				if err1 == nil && err2 == nil && tty.Console() != nil {
					tty.Console().SetSize(abi.Winsize{Row: uint16(rows), Col: uint16(columns)})
				}
			case len(w) == 2 && w[0] == "trace":
				if c, err := trace.ParseClasses(w[1]); err != nil {
					klog.Printf(klog.Warning, "control port: %v", err)
				} else {
					trace.Select(c)
				}
			case len(w) == 1 && w[0] == "interrupt":
				first.Group.Interrupt()
			case len(w) == 1 && w[0] == "goroutines":
				go h.dump(d.Goroutines())
			default:
				klog.Printf(klog.Warning, "control port: unknown word %q", lines.Text())
			}
		}
	}()
}

// dump sends a text to the host, a word before each of its lines, and one word at its end.
func (h *host) dump(text string) {
	var w strings.Builder
	for line := range strings.Lines(text) {
		w.WriteString("dump " + line)
	}
	w.WriteString("dumped\n")
	io.WriteString(h.control, w.String())
}

// portMajor is the device major of the streams' nodes. Linux gives its virtio ports one
// of those that are free (234 to 254 in devices.txt).
const portMajor = 244

// register makes devices of the streams, so that programs can open them again by
// /dev/stderr and its like. It is called once, before the first process.
func (h *host) register() {
	for fd, p := range h.streams {
		if p == nil {
			continue
		}
		var ops vfs.FileOps = &portWriter{port: p}
		if fd == 0 {
			ops = newPortReader(p)
		}
		minor := uint32(fd + 1)
		vfs.RegisterChar(portMajor, minor, "virtio-portsdev", func(*vfs.Context, *vfs.File) (vfs.FileOps, error) { return ops, nil })
		device.Add(&device.Device{Name: portName(fd), Class: "virtio-ports", Dev: unix.Mkdev(portMajor, minor), Mode: 0o666})
	}
}

// portName is the name of stream fd's node in /dev.
func portName(fd int) string { return fmt.Sprintf("vport0p%d", fd+1) }

// stream is standard stream fd as a file, nil where the host has none.
func (h *host) stream(c *vfs.Context, fd int) (*vfs.File, error) {
	if h.streams[fd] == nil {
		return nil, nil
	}
	flags := uint32(unix.O_WRONLY)
	if fd == 0 {
		flags = unix.O_RDONLY
	}
	return vfs.OpenPath(c, "/dev/"+portName(fd), flags, 0)
}

// portReader is the reading end of a port: a goroutine keeps one buffer of input ready,
// so that poll can tell.
type portReader struct {
	vfs.DefaultOps
	queue wait.Queue
	space chan struct{} // a token asks the goroutine for more

	mu    sync.Mutex // guards what follows; a leaf
	ready []byte
	ended bool
}

const portBuffer = 64 << 10

func newPortReader(p machine.Port) *portReader {
	r := &portReader{space: make(chan struct{}, 1)}
	go r.fill(p)
	return r
}

func (r *portReader) fill(p machine.Port) {
	buf := make([]byte, portBuffer)
	for {
		n, err := p.Read(buf)
		r.mu.Lock()
		r.ready, r.ended = buf[:n], err != nil
		r.mu.Unlock()
		r.queue.Wake(wait.In | wait.RdNorm)
		if err != nil {
			r.queue.Wake(wait.Hup)
			return
		}
		if n > 0 {
			<-r.space
		}
	}
}

// Read implements vfs.FileOps.
func (r *portReader) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	if f.NonBlock() && !r.readable() {
		return 0, unix.EAGAIN
	}
	if err := c.Waiter.Until(&r.queue, wait.In|wait.Hup, wait.Forever, r.readable); err != nil {
		return 0, err
	}
	r.mu.Lock()
	b := r.ready
	r.mu.Unlock()
	n, err := dst.Write(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready = r.ready[n:]; len(r.ready) == 0 && n > 0 {
		r.space <- struct{}{}
	}
	return n, err
}

func (r *portReader) readable() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ready) > 0 || r.ended
}

// Poll implements vfs.FileOps.
func (r *portReader) Poll(_ *vfs.File, e *wait.Entry) (events wait.Events) {
	if e != nil {
		r.queue.Add(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ready) > 0 {
		events |= wait.In | wait.RdNorm
	}
	if r.ended {
		events |= wait.Hup
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (r *portReader) Unpoll(_ *vfs.File, e *wait.Entry) { r.queue.Remove(e) }

// portWriter is the writing end of a port.
type portWriter struct {
	vfs.DefaultOps
	port machine.Port

	mu  sync.Mutex // one write at a time; guards buf
	buf []byte
}

// Write implements vfs.FileOps.
func (w *portWriter) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (total int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf == nil {
		w.buf = make([]byte, portBuffer)
	}
	for src.Len() > 0 {
		n, err := src.Read(w.buf)
		if n > 0 {
			if _, err := w.port.Write(w.buf[:n]); err != nil {
				return total, unix.EIO
			}
			total += n
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
