package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
	"kevlar/internal/vm"
	"kevlar/internal/vm/proto"
)

// runCmd is kevlar run.
type runCmd struct {
	runFlags
	Env   []string `short:"e" sep:"none" help:"Set an environment variable." placeholder:"K=V"`
	Trace optional `help:"Record all that the kernel does in FILE (kevlar.trace), for kevlar trace --read." placeholder:"=FILE"`
}

// runFlags are the flags of a run, whatever is made of it.
type runFlags struct {
	Arch     arch.Arch     `help:"Architecture: amd64 or arm64 (default: this host's)." placeholder:"ARCH"`
	Kernel   string        `help:"Kernel to boot: kevlar, or linux for Debian's." enum:"kevlar,linux" default:"kevlar"`
	Image    string        `help:"Boot this kernel image instead of building one." placeholder:"PATH"`
	Machine  string        `help:"Machine type: microvm or q35 on amd64, virt on arm64." placeholder:"TYPE"`
	SMP      int           `name:"smp" help:"Number of CPUs." default:"1" placeholder:"N"`
	Memory   string        `help:"Memory of the machine." default:"512M" placeholder:"SIZE"`
	GIC      int           `name:"gic" help:"arm64: version of the interrupt controller, 2 or 3." placeholder:"N"`
	Timeout  time.Duration `help:"End the run after this time, with status 124." placeholder:"D"`
	Rootfs   string        `help:"Root file system: a directory, tar (gz, zst), cpio, OCI layout or ext4 image (default: a BusyBox userland)." placeholder:"PATH"`
	Init     string        `help:"Program to boot as PID 1 (default: COMMAND, or a shell)." placeholder:"PATH"`
	Dir      string        `short:"w" help:"Working directory." placeholder:"DIR"`
	User     string        `short:"u" help:"User to run as, by name or number." placeholder:"USER[:GROUP]"`
	Volume   []string      `short:"v" sep:"none" help:"Share a directory of this host." placeholder:"HOST:GUEST[:ro]"`
	QEMUArgs []string      `name:"qemu-arg" sep:"none" help:"One more argument for QEMU." placeholder:"ARG"`
	Pprof    string        `help:"Write profiles of the kernel to PREFIX.cpu.prof and so on at the end, or serve them at an address while it runs." placeholder:"PREFIX|ADDR:PORT"`
	GDB      bool          `name:"gdb" help:"Halt the machine at its start, and say how to attach a debugger."`
	Panics   string        `name:"panic-report" help:"File for the kernel's reports on its own failures (default: kevlar-panic-ARCH-TIME.txt here)." placeholder:"FILE"`
	Append   []string      `sep:"none" help:"One more word for the kernel's command line." placeholder:"WORD"`
	Verbose  bool          `help:"Show the kernel's log on standard error."`
	Command  []string      `arg:"" optional:"" passthrough:"partial" help:"Program to run, and its arguments."`
}

func (r *runCmd) Run(ctx context.Context) error {
	if r.Trace.set {
		return r.traced(ctx)
	}
	return r.boot(ctx, vm.Config{Env: r.Env})
}

// fill takes into c what the flags say of the machine and of what it runs, and builds the kernel.
func (r *runFlags) fill(ctx context.Context, c *vm.Config) error {
	if r.Arch == "" {
		r.Arch = arch.Host()
	}
	if len(r.Volume) > 0 {
		return fmt.Errorf("-v: sharing directories is not supported yet")
	}
	memory, err := vm.ParseSize(r.Memory)
	if err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	if r.SMP < 1 {
		return fmt.Errorf("--smp %d: want at least 1", r.SMP)
	}
	command := r.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if r.Init != "" {
		command = append([]string{r.Init}, command...)
	} else if len(command) == 0 && r.Rootfs == "" {
		command = []string{"/bin/sh", "-l"}
	}
	if err := debian.Ensure(ctx, os.Stderr, qemu.Tool(r.Arch)); err != nil {
		return err
	}
	c.Arch, c.Kernel, c.Image, c.Machine, c.CPUs, c.Memory, c.GIC = r.Arch, r.Kernel, r.Image, r.Machine, r.SMP, memory, r.GIC
	c.Rootfs, c.Command, c.Dir, c.User = r.Rootfs, command, r.Dir, r.User
	c.Timeout, c.Verbose, c.Args, c.Progress = r.Timeout, r.Verbose, r.QEMUArgs, os.Stderr
	c.Append = append(c.Append, r.Append...)
	if r.Verbose {
		c.Log = os.Stderr
	}
	if c.Kernel == vm.Kevlar && r.Init == "" && len(command) > 0 {
		c.Append = append(c.Append, "kevlar.command") // no init: signals may end it
	}
	if c.Kernel == vm.Kevlar && c.Image == "" {
		dir, err := image.CacheDir("kernel")
		if err != nil {
			return err
		}
		if c.Image, err = image.Build(string(r.Arch), dir); err != nil {
			return err
		}
	}
	return nil
}

// boot does the run. c says what the flags do not.
func (r *runFlags) boot(ctx context.Context, c vm.Config) error {
	if err := r.fill(ctx, &c); err != nil {
		return err
	}
	if r.GDB {
		command, err := c.Debugger()
		if err != nil {
			return fmt.Errorf("--gdb: %w", err)
		}
		fmt.Fprintf(os.Stderr, "kevlar: halted until a debugger connects:\n  %s\n", command)
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ask := askGoroutines(&c)
	restore := func() {}
	if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
		var err error
		if restore, err = attachTerminal(ctx, cancel, ask, &c); err != nil {
			return err
		}
		defer restore()
	} else {
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		c.Interrupt = interrupts(cancel)
	}
	if r.Pprof != "" {
		if c.Kernel != vm.Kevlar {
			return fmt.Errorf("--pprof: only Kevlar has Go's profiles")
		}
		end, err := attachProfiler(&c, r.Pprof)
		if err != nil {
			return fmt.Errorf("--pprof: %w", err)
		}
		defer end()
	}
	reports := &reports{path: r.Panics, config: c, stderr: c.Progress}
	c.Report = reports.add
	result, err := vm.Run(ctx, c)
	restore()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return exitStatus(proto.StatusNoStatus) // ended by the user, who knows
	}
	if why := result.Explain(); why != "" {
		fmt.Fprintf(os.Stderr, "kevlar: %s\n", why)
	}
	if result.Status != 0 {
		return exitStatus(result.Status)
	}
	return nil
}

// interrupts passes Ctrl-C to the guest; a second one ends the run.
func interrupts(cancel func()) <-chan struct{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	pass := make(chan struct{}, 1)
	go func() {
		<-signals
		pass <- struct{}{}
		<-signals
		cancel()
	}()
	return pass
}

// askGoroutines makes SIGQUIT and the returned function ask the kernel what its goroutines do.
func askGoroutines(c *vm.Config) (ask func()) {
	wanted := make(chan struct{}, 1)
	c.Goroutines = wanted
	ask = func() {
		select {
		case wanted <- struct{}{}:
		default: // it is being asked
		}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGQUIT)
	go func() {
		for range signals {
			ask()
		}
	}()
	return ask
}

// attachTerminal makes this process's terminal the guest's. The returned function
// gives it back.
func attachTerminal(ctx context.Context, cancel, ask func(), c *vm.Config) (func(), error) {
	fd := int(os.Stdin.Fd())
	if t := os.Getenv("TERM"); t != "" {
		c.Env = append(c.Env[:len(c.Env):len(c.Env)], "TERM="+t)
	}
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	resize := make(chan vm.Size, 1)
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		for {
			if columns, rows, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
				select {
				case resize <- vm.Size{Columns: columns, Rows: rows}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	c.Terminal = &vm.Terminal{In: &escape{in: os.Stdin, quit: cancel, ask: ask}, Out: os.Stdout, Resize: resize}
	// What is said while the terminal is raw needs its own carriage returns.
	c.Progress = crlf{os.Stderr}
	if c.Log != nil {
		c.Log = crlf{c.Log}
	}
	return func() { term.Restore(fd, old) }, nil
}

// escape passes typed bytes on, and looks for Ctrl-A x, which ends the run, and Ctrl-A g,
// which asks for the kernel's goroutines. Ctrl-A Ctrl-A is one Ctrl-A.
type escape struct {
	in   io.Reader
	quit func()
	ask  func()
	seen bool // the byte before was Ctrl-A
}

const ctrlA = 1

func (e *escape) Read(p []byte) (int, error) {
	// One byte may come out more than went in: the Ctrl-A that was held back.
	buf := make([]byte, max(len(p)/2, 1))
	for {
		n, err := e.in.Read(buf)
		out := p[:0]
		for _, b := range buf[:n] {
			switch {
			case e.seen && (b == 'x' || b == 'X'):
				e.quit()
				return 0, io.EOF
			case e.seen && (b == 'g' || b == 'G'):
				e.ask()
				e.seen = false
			case e.seen && b == ctrlA:
				out, e.seen = append(out, b), false
			case b == ctrlA:
				e.seen = true
			case e.seen:
				out, e.seen = append(out, ctrlA, b), false
			default:
				out = append(out, b)
			}
		}
		if len(out) > 0 || err != nil {
			return len(out), err
		}
	}
}

// crlf writes lines to a terminal in raw mode.
type crlf struct{ w io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+8)
	for i, b := range p {
		if b == '\n' && (i == 0 || p[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, b)
	}
	_, err := c.w.Write(out)
	return len(p), err
}
