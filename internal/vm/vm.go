// Package vm runs a program in a virtual machine, on the Kevlar kernel or on real
// Linux: it makes the initramfs, starts QEMU, connects the program's input, output
// and terminal, and finds out how the run ended. The commands of kevlar and the
// contracts are built on Run.
package vm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
	"kevlar/internal/rootfs"
	"kevlar/internal/vm/proto"
)

// Kernels that a run can boot.
const (
	Kevlar = "kevlar"
	Linux  = "linux" // Debian's kernel for virtual machines
)

// Config describes a run. The zero value of a field is a sensible default, except
// for Arch and Kernel.
type Config struct {
	Arch    arch.Arch
	Kernel  string // Kevlar or Linux
	Image   string // path of the kernel's image; Linux has a default
	Machine string // QEMU's machine type
	CPUs    int    // 1
	Memory  int64  // bytes; DefaultMemory
	GIC     int

	Rootfs string                       // path of a root file system; a BusyBox userland
	Add    func(w *rootfs.Writer) error // writes more files into the initramfs
	Initrd string                       // path of an initrd to use as it is, instead of all that

	Command  []string // the program and its arguments; what the kernel falls back to
	Env      []string
	Dir      string
	User     string // USER[:GROUP]
	Hostname string // the kernel's name

	Stdin          io.Reader // nothing to read
	Stdout, Stderr io.Writer // discarded
	Terminal       *Terminal // instead of the three

	Trace        io.Writer // gets the kernel's trace (docs/trace.md), on Linux strace's text; nil for none
	TraceClasses string    // what the kernel is to record

	Interrupt  <-chan struct{} // each value becomes a SIGINT to the program
	Timeout    time.Duration   // none
	Log        io.Writer       // the kernel's log on the serial port, as it comes
	Report     func(Report)    // is given each report of the kernel on its own failures
	Progress   io.Writer       // what is prepared, a line at a time
	Verbose    bool            // the kernel logs all it has to say
	Profiler   *Profiler       // takes profiles of a Kevlar kernel
	Goroutines <-chan struct{} // each value makes a Kevlar kernel tell on Progress what all goroutines do
	Append     []string        // more words for the kernel
	Args       []string        // more arguments for QEMU
}

// Terminal is what an interactive run is typed on.
type Terminal struct {
	In     io.Reader
	Out    io.Writer
	Resize <-chan Size // the first size, and each change
}

// Size is a terminal's.
type Size struct{ Columns, Rows int }

// DefaultMemory is the size of a machine whose size nobody chose.
const DefaultMemory = 512 << 20

// Outcome is how a run ended.
type Outcome int

const (
	Exited   Outcome = iota // the program did, with Result.Status
	TimedOut                // it was killed after Config.Timeout
	Panicked                // the kernel did
	NoStatus                // the machine ended without saying how the program did
)

// Result is what a run came to.
type Result struct {
	Status  int // the program's exit status, or one of those that package proto lists
	Outcome Outcome
	Reason  string        // why the program could not be run, if the kernel said so
	Log     string        // the kernel's log; its end, where it is long
	Panic   *Report       // the first report of a panic
	QEMU    string        // what QEMU had to complain about
	Elapsed time.Duration // from starting QEMU to the status
}

// Run runs a program and waits for its end. The error says what kept the machine
// from starting; whatever happens in it is in the result. When ctx ends, so does
// the machine.
func Run(ctx context.Context, c Config) (Result, error) {
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	dir, err := os.MkdirTemp("", "kevlar-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	q, err := c.prepare(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	return c.run(ctx, q)
}

// prepare makes the machine that the run needs, with its files in dir.
func (c *Config) prepare(ctx context.Context, dir string) (qemu.Config, error) {
	cache, err := debian.Open(c.Progress)
	if err != nil {
		return qemu.Config{}, err
	}
	if c.Hostname == "" {
		c.Hostname = c.Kernel
	}
	var src rootfs.Source
	if c.Rootfs != "" {
		if src, err = rootfs.Open(c.Rootfs, string(c.Arch)); err != nil {
			return qemu.Config{}, err
		}
		c.defaults(src.Image)
	}
	c.Env = withDefault(c.Env, "PATH", rootfs.PATH)
	if c.User == "" {
		c.Env = withDefault(c.Env, "HOME", "/root")
	}
	q := qemu.Config{
		Arch: c.Arch, Machine: c.Machine, CPUs: max(c.CPUs, 1), Memory: c.Memory, GIC: c.GIC,
		Kernel: c.Image, Args: c.Args, Console: c.Terminal != nil, Ports: []string{proto.Control},
	}
	if q.Memory == 0 {
		q.Memory = DefaultMemory
	}
	if q.Machine == "" {
		q.Machine = qemu.DefaultMachine(c.Arch)
		if c.Kernel == Linux && c.Arch == arch.AMD64 {
			// On a microvm Linux finds no clock to compare the TSC with but the PIT; on
			// a busy host it gives up on both, and hangs.
			q.Machine = qemu.Q35
		}
	}
	if c.Terminal == nil {
		q.Ports = append(q.Ports, proto.Stdin, proto.Stdout, proto.Stderr)
	}
	if c.Profiler != nil {
		q.Ports = append(q.Ports, proto.Profiles)
	}

	if c.Trace != nil {
		q.Ports = append(q.Ports, proto.Trace)
	}

	files := func(w *rootfs.Writer) error { return nil }
	if c.Rootfs == "" {
		busybox, err := cache.Busybox(ctx, c.Arch)
		if err != nil {
			return q, err
		}
		files = func(w *rootfs.Writer) error { return w.AddBusybox(busybox) }
	} else if src.Kind == rootfs.Ext4 && c.Kernel == Linux {
		q.Disks = []qemu.Disk{{Path: c.Rootfs}}
	} else {
		files = src.WriteTo
	}
	if c.Kernel == Linux {
		more, err := c.linux(ctx, cache, &q)
		if err != nil {
			return q, err
		}
		base := files
		files = func(w *rootfs.Writer) error { return errors.Join(base(w), more(w)) }
	}
	if c.Initrd != "" {
		q.Initrd = c.Initrd
	} else {
		q.Initrd = filepath.Join(dir, "initramfs")
		names, err := writeInitramfs(q.Initrd, files, c.Add)
		if err != nil {
			return q, err
		}
		if c.Kernel == Kevlar && len(c.Command) > 0 && len(q.Disks) == 0 {
			c.Command = append([]string{names.LookPath(c.Command[0], searchPath(c.Env))}, c.Command[1:]...)
		}
	}
	if err := image.Check(q.Kernel); err != nil {
		return q, err
	}
	if err := enough(q); err != nil {
		return q, err
	}
	if c.Kernel != Linux {
		q.Append = c.kevlarCommandLine(len(q.Disks) > 0)
	}
	return q, nil
}

// defaults takes from a container image what the run does not say itself.
func (c *Config) defaults(image rootfs.ImageConfig) {
	if len(c.Command) == 0 {
		c.Command = image.Command
	}
	for _, kv := range image.Env {
		name, value, _ := strings.Cut(kv, "=")
		c.Env = withDefault(c.Env, name, value)
	}
	if c.Dir == "" {
		c.Dir = image.Dir
	}
	if c.User == "" {
		c.User = image.User
	}
}

// enough sees that the kernel and its initramfs, packed and unpacked, fit into memory.
func enough(q qemu.Config) error {
	const least = 8 << 20 // for the kernel's own
	need := int64(least)
	for path, times := range map[string]int64{q.Kernel: 1, q.Initrd: 2} {
		if info, err := os.Stat(path); err == nil { // what is not there is found later
			need += times * info.Size()
		}
	}
	if q.Memory < need {
		return fmt.Errorf("%d MiB of memory are too little for this kernel and root file system: they take %d MiB", q.Memory>>20, (need+1<<20-1)>>20)
	}
	return nil
}

func writeInitramfs(path string, parts ...func(*rootfs.Writer) error) (*rootfs.Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 64<<10)
	w := rootfs.NewWriter(b)
	for _, part := range parts {
		if part == nil {
			continue
		}
		if err := part(w); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), b.Flush()); err != nil {
		return nil, err
	}
	return w, f.Close()
}

// withDefault adds a variable where the environment does not have it.
func withDefault(env []string, name, value string) []string {
	for _, kv := range env {
		if strings.HasPrefix(kv, name+"=") {
			return env
		}
	}
	return append(env[:len(env):len(env)], name+"="+value)
}

func searchPath(env []string) string {
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			return path
		}
	}
	return rootfs.PATH
}

// serial is the name of the architecture's serial console.
func serial(a arch.Arch) string {
	if a == arch.ARM64 {
		return "ttyAMA0"
	}
	return "ttyS0"
}

// kevlarCommandLine is what the Kevlar kernel is told.
func (c *Config) kevlarCommandLine(disk bool) string {
	words := []string{"console=" + serial(c.Arch), "panic=-1"}
	if c.Terminal != nil {
		words[0] = "console=hvc0"
	}
	if !c.Verbose {
		words = append(words, "quiet")
	}
	if disk {
		words = append(words, "root=/dev/vda", "rootfstype=ext4", "rw")
	}
	for _, kv := range [][2]string{{"kevlar.cwd", c.Dir}, {"kevlar.user", c.User}, {"kevlar.hostname", c.Hostname}} {
		if kv[1] != "" {
			words = append(words, kv[0]+"="+kv[1])
		}
	}
	if c.Profiler != nil && c.Profiler.atEnd != nil {
		words = append(words, proto.ProfileWord)
	}
	if c.Trace != nil {
		words = append(words, "kevlar.trace="+c.TraceClasses)
	}
	words = append(words, c.Env...)
	words = append(words, c.Append...)
	if len(c.Command) > 0 {
		words = append(words, "init="+c.Command[0])
		if len(c.Command) > 1 {
			words = append(append(words, "--"), c.Command[1:]...)
		}
	}
	for i, w := range words {
		words[i] = quoteWord(w)
	}
	return strings.Join(words, " ")
}

// quoteWord makes one word of the kernel's command line.
func quoteWord(w string) string {
	if w != "" && !strings.ContainsAny(w, " \t\n\"\\") {
		return w
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
}

// grace is how long a machine may take to end once its program's status is known.
const grace = 2 * time.Second

func (c *Config) run(ctx context.Context, q qemu.Config) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := &tail{}
	var found *Report // written by the copy of the serial port, which machine.Wait waits for
	report := func(r Report) {
		if found == nil && r.Title == proto.PanicReport {
			found = &r
		}
		if c.Report != nil {
			c.Report(r)
		}
	}
	outs := []io.Writer{log, &reportFinder{found: report}}
	if c.Log != nil {
		outs = append(outs, c.Log)
	}
	out := io.MultiWriter(outs...)
	begin := time.Now()
	machine, err := qemu.Start(ctx, q, out)
	if err != nil {
		return Result{}, err
	}
	defer machine.Close()

	var copies sync.WaitGroup // of what the guest writes
	output := func(w io.Writer, p *qemu.Port) {
		if w == nil {
			w = io.Discard
		}
		copies.Go(func() { io.Copy(w, p) })
	}
	control := machine.Port(proto.Control)
	if c.Terminal != nil {
		output(c.Terminal.Out, machine.Console())
		go io.Copy(machine.Console(), c.Terminal.In)
	} else {
		output(c.Stdout, machine.Port(proto.Stdout))
		output(c.Stderr, machine.Port(proto.Stderr))
		go func() {
			if c.Stdin != nil {
				io.Copy(machine.Port(proto.Stdin), c.Stdin)
			}
			machine.Port(proto.Stdin).CloseWrite()
		}()
	}
	if port := machine.Port(proto.Profiles); port != nil {
		c.Profiler.start(port)
		copies.Go(func() { c.Profiler.receive(port) })
	}
	if c.Trace != nil {
		output(c.Trace, machine.Port(proto.Trace))
	}
	dumped := make(chan struct{}, 1)
	go c.steer(ctx, control, dumped)

	// The guest's word is awaited apart from the machine's end: after the word there
	// is output to come.
	said := make(chan Result, 1)
	go func() {
		lines := bufio.NewScanner(control)
		lines.Buffer(nil, 1<<20) // a line of a trace may be long
		var reason string
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), proto.Dump); ok {
				fmt.Fprintln(c.Progress, text)
				continue
			}
			if text, ok := strings.CutPrefix(lines.Text(), proto.Error); ok {
				reason = text
				continue
			}
			word, n, err := proto.Parse(lines.Text())
			switch {
			case err != nil:
			case word == proto.Dumped:
				select {
				case dumped <- struct{}{}:
				default: // an answer that nobody waits for any more
				}
			case word == "exit" && len(n) == 1:
				said <- Result{Status: n[0], Outcome: Exited, Reason: reason}
				return
			case word == "panic":
				said <- Result{Status: proto.StatusNoStatus, Outcome: Panicked}
				return
			}
		}
		said <- Result{Status: proto.StatusNoStatus, Outcome: NoStatus}
	}()
	var timeout <-chan time.Time
	if c.Timeout > 0 {
		t := time.NewTimer(c.Timeout)
		defer t.Stop()
		timeout = t.C
	}

	var r Result
	select {
	case r = <-said:
		r.Elapsed = time.Since(begin)
		// The agent has seen the host take all output before it reports: Linux need
		// not be waited for. A panic is followed by its trace.
		if c.Kernel != Linux || r.Outcome != Exited {
			select {
			case <-machine.Done():
			case <-ctx.Done():
			case <-time.After(grace):
			}
		}
	case <-timeout:
		r = Result{Status: proto.StatusTimeout, Outcome: TimedOut, Elapsed: time.Since(begin)}
	case <-ctx.Done():
		r = Result{Status: proto.StatusNoStatus, Outcome: NoStatus, Elapsed: time.Since(begin)}
	}
	machine.Kill()
	machine.Wait()
	copies.Wait()
	r.Log, r.QEMU = log.String(), machine.Stderr()
	if r.Outcome == NoStatus {
		if text := lastWords(r.Log); text != "" {
			r.Outcome = Panicked
			if found == nil && c.Kernel == Kevlar {
				report(Report{proto.PanicReport, text + symbols(text, q.Kernel)})
			}
		}
	}
	r.Panic = found
	return r, nil
}

// answerTime is how long a kernel may take to say what its goroutines do.
const answerTime = 20 * time.Second

// steer passes window sizes, interrupts and the wish to see all goroutines on. dumped has a value after each answer to the last.
func (c *Config) steer(ctx context.Context, control io.Writer, dumped <-chan struct{}) {
	var resize <-chan Size
	if c.Terminal != nil {
		resize = c.Terminal.Resize
	}
	for {
		select {
		case s, ok := <-resize:
			if !ok {
				resize = nil
				continue
			}
			io.WriteString(control, proto.Winsize(s.Columns, s.Rows))
		case _, ok := <-c.Interrupt:
			if !ok {
				return
			}
			io.WriteString(control, proto.Interrupt)
		case _, ok := <-c.Goroutines:
			if !ok {
				c.Goroutines = nil
				continue
			}
			if c.Kernel != Kevlar {
				fmt.Fprintln(c.Progress, "kevlar: this kernel has no goroutines")
				continue
			}
			io.WriteString(control, proto.Goroutines)
			select {
			case <-dumped:
			case <-ctx.Done():
			case <-time.After(answerTime):
				fmt.Fprintf(c.Progress, "kevlar: the kernel has not answered for %v: it runs no goroutines, or its host is very busy\n", answerTime)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Explain is one message on a run that did not end with the program's own status,
// with what the kernel said last where that is not known to be the program's fault; "" for one that did.
func (r Result) Explain() string {
	var what string
	switch r.Outcome {
	case Exited:
		return r.Reason
	case TimedOut:
		what = fmt.Sprintf("timed out after %v", r.Elapsed.Round(time.Millisecond))
	case Panicked:
		what = "the kernel panicked"
	default:
		what = "the machine ended without an exit status"
	}
	if r.QEMU != "" {
		what += "\nQEMU: " + r.QEMU
	}
	if r.Panic != nil {
		return what + ":\n" + firstLines(r.Panic.Text, 40)
	}
	if log := lastLines(r.Log, 40); log != "" && r.Outcome != TimedOut {
		what += "\nthe kernel's last words:\n" + log
	}
	return what
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfterN(s, "\n", n+1)
	return strings.TrimRight(strings.Join(lines[:min(n, len(lines))], ""), "\n")
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// tailSize is how much of a log is kept: a panic's traces of many goroutines fit.
const tailSize = 1 << 20

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ReplaceAll(t.buf, []byte("\r\n"), []byte("\n")))
}

// ParseSize reads a size of memory: bytes, or with a suffix K, M or G. As for
// QEMU, a bare number that is too small for bytes counts megabytes.
func ParseSize(s string) (int64, error) {
	num, shift := s, 0
	if i := strings.IndexAny(s, "kKmMgG"); i > 0 && i >= len(s)-3 {
		shift = map[byte]int{'k': 10, 'm': 20, 'g': 30}[s[i]|0x20]
		if unit := strings.ToLower(s[i+1:]); unit != "" && unit != "b" && unit != "ib" {
			return 0, fmt.Errorf("size %q: want a number with K, M or G", s)
		}
		num = s[:i]
	}
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n <= 0 || n > 1<<(62-shift) {
		return 0, fmt.Errorf("size %q: want a number with K, M or G", s)
	}
	if shift == 0 && n < 1<<20 {
		shift = 20
	}
	return n << shift, nil
}
