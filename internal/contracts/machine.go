package contracts

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kevlar/internal/arch"
	"kevlar/internal/qemu"
	"kevlar/internal/rootfs"
	"kevlar/internal/vm/proto"
)

// A guest is a kernel in a QEMU machine whose initramfs holds the contracts and lib/init.c.
type guest struct {
	arch      arch.Arch
	config    qemu.Config
	transport Transport
	init      string             // path of the program made from lib/init.c
	modules   []string           // kernel modules to load, in order
	sets      map[string]fileSet // what the directive "files" of contracts names

	traced bool     // the kernel is Kevlar and traces the contract, which is the boot's only one
	strace fileSet  // of Linux, where that traces the contracts; it has the program strace
	tracer []string // and its command
}

// A Transport is the way that records take from lib/init.c to the host.
type Transport string

const (
	// Port is a virtio port that init opens by its name.
	Port Transport = "port"
	// Stdout is the virtio port that Kevlar gives the first program as its standard output.
	Stdout Transport = "stdout"
	// Serial is the console, where a foreign kernel's own messages stand between the records.
	Serial Transport = "serial"
)

const portName = "kevlar.contracts"

// logTail is how much of a machine's log a report holds.
const logTail = 8 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	if over := t.b.Len() - logTail; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func (g *guest) boot(ctx context.Context, jobs []job, begin func(i int), end func(i int, a Answer)) (string, error) {
	dir, err := os.MkdirTemp("", "kevlar-contracts")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	c := g.config
	c.Initrd = filepath.Join(dir, "initramfs.cpio")
	if err := g.initramfs(c.Initrd, jobs); err != nil {
		return "", err
	}

	// A machine that hangs is ended by a watchdog that each record feeds: the time limits inside the machine come first.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(bootTimeout, cancel)
	defer watchdog.Stop()

	var log tail
	var look *onlooker // nil where the kernel cannot be asked
	var serial io.Writer = &log
	records := io.Reader(nil)
	switch g.transport {
	case Port:
		c.Ports = []string{portName}
	case Stdout:
		c.Ports = []string{proto.Control, proto.Stdin, proto.Stdout, proto.Stderr}
		if g.traced {
			c.Ports = append(c.Ports, proto.Trace)
			c.Append += fmt.Sprintf(" kevlar.trace=%v kevlar.trace.limit=%d", traceClasses, traceStrings)
		}
	case Serial:
		r, w := io.Pipe()
		defer r.Close()
		defer w.Close()
		serial, records = w, &filter{in: bufio.NewReader(r), noise: &log}
	}
	vm, err := qemu.Start(ctx, c, serial)
	if err != nil {
		return "", err
	}
	defer vm.Close()
	switch g.transport {
	case Port:
		records = vm.Port(portName)
	case Stdout:
		records = vm.Port(proto.Stdout)
		go io.Copy(&log, vm.Port(proto.Stderr))
		look = newOnlooker(vm.Port(proto.Control), vm.Port(proto.Stdin))
	case Serial:
		w := serial.(*io.PipeWriter)
		go func() { <-vm.Done(); w.Close() }()
	}
	finished := func(int) {} // ends the contract whose trace was awaited
	if g.traced {
		traced := make(chan *trace, 1)
		go func() {
			port := vm.Port(proto.Trace)
			traced <- readTrace(port, jobs[0].path())
			io.Copy(io.Discard, port) // whatever is wrong with it must not hold up the machine
		}()
		ended := end
		end = func(i int, a Answer) {
			finished = func(i int) {
				a.Trace = <-traced
				ended(i, a)
			}
		}
	}
	err = readRecords(records,
		func(i int) {
			watchdog.Reset(jobs[i].limit() + grace)
			begin(i)
		},
		func(int) { look.ask() },
		func(i int, a Answer) {
			if strings.HasPrefix(a.End, "timeout") {
				a.Log, a.Stuck = log.String(), look.answer()
			}
			end(i, a)
		})
	if err == nil && !g.traced {
		return log.String(), nil
	}
	// The stream's end may be seen before the last words of a kernel that panicked, or of its trace.
	select {
	case <-vm.Done():
	case <-time.After(lastWords):
	}
	vm.Kill()
	_, werr := vm.Wait()
	finished(0)
	if err == nil {
		werr = nil
	}
	return log.String(), werr
}

// An onlooker asks a Kevlar kernel what it does, on its control port.
type onlooker struct {
	control io.Writer
	text    strings.Builder // written by the goroutine that reads the port, until dumped
	dumped  chan struct{}   // closed once the answer is complete
}

// newOnlooker returns an onlooker at a control port. Once it has an answer it says so to lib/init.c on its standard input.
func newOnlooker(control io.ReadWriter, stdin io.Writer) *onlooker {
	l := &onlooker{control: control, dumped: make(chan struct{})}
	go func() {
		lines := bufio.NewReader(control)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if text, ok := strings.CutPrefix(line, proto.Dump); ok {
				l.text.WriteString(text)
			} else if strings.TrimSpace(line) == proto.Dumped {
				break
			}
		}
		close(l.dumped)
		io.WriteString(stdin, "\n")
		io.Copy(io.Discard, lines)
	}()
	return l
}

// ask asks, once in a boot.
func (l *onlooker) ask() {
	if l != nil {
		io.WriteString(l.control, proto.Goroutines)
	}
}

// answer is what the kernel said, "" where it has not.
func (l *onlooker) answer() string {
	if l == nil {
		return ""
	}
	select {
	case <-l.dumped:
	case <-time.After(lastWords):
		return ""
	}
	var c clipped
	c.WriteString(l.text.String())
	return c.String()
}

const (
	bootTimeout = 120 * time.Second // by the host's clock, like grace: a busy host takes its time
	grace       = 60 * time.Second
	lastWords   = 2 * time.Second
)

// initramfs writes the programs, the init and the list of the work to a file.
func (g *guest) initramfs(path string, jobs []job) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 1<<20)
	w := rootfs.NewWriter(b)
	if err := g.fill(w, jobs); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func (g *guest) fill(w *rootfs.Writer, jobs []job) error {
	for _, d := range []rootfs.Header{
		rootfs.Dir("/", 0o755), rootfs.Dir("dev", 0o755), rootfs.Dir("proc", 0o555), rootfs.Dir("sys", 0o555),
		rootfs.Dir("tmp", 0o1777), rootfs.Dir("etc", 0o755), rootfs.Dir("bin", 0o755),
		// Where a kernel mounts no devtmpfs, init and the contracts find at least these.
		rootfs.CharDevice("dev/console", 0o600, 5, 1), rootfs.CharDevice("dev/null", 0o666, 1, 3),
	} {
		if err := w.Add(d, nil); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n",
		"etc/group":  "root:x:0:\nuser:x:1000:\n",
	} {
		if err := w.AddBytes(name, 0o644, []byte(text)); err != nil {
			return err
		}
	}
	if err := w.AddHostFile("init", g.init, 0o755); err != nil {
		return err
	}
	for i, m := range g.modules {
		if err := w.AddHostFile(fmt.Sprintf("modules/%02d-%s", i, filepath.Base(m)), m, 0o644); err != nil {
			return err
		}
	}
	var list strings.Builder
	fmt.Fprintln(&list, g.transport)
	packed := map[string]bool{}
	for i, j := range jobs {
		uid, tty := 0, "-"
		if j.User {
			uid = 1000
		}
		if j.TTY {
			tty = "tty"
		}
		name := strings.TrimPrefix(j.path(), "/")
		if !packed[name] {
			packed[name] = true
			if err := w.AddHostFile(name, j.program, 0o755); err != nil {
				return err
			}
		}
		for _, set := range j.Files {
			if packed[set] {
				continue
			}
			packed[set] = true
			if err := g.sets[set].write(w); err != nil {
				return err
			}
		}
		fmt.Fprintf(&list, "%d /%s %d %d %s\n", i, name, uid, int(j.limit().Seconds()), tty)
	}
	if g.tracer != nil {
		if err := g.strace.write(w); err != nil {
			return err
		}
		if err := w.AddBytes("contracts/TRACER", 0o644, []byte(strings.Join(g.tracer, " "))); err != nil {
			return err
		}
	}
	return w.AddBytes("contracts/LIST", 0o644, []byte(list.String()))
}
