package contracts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"golang.org/x/term"

	"kevlar/internal/arch"
	"kevlar/internal/image"
)

// Command is `kevlar contracts`: its flags, in the form that the command line parser takes.
type Command struct {
	Arch        []arch.Arch `help:"Architectures: amd64, arm64." default:"arm64,amd64"`
	Match       string      `name:"run" help:"Only the contracts whose name matches." placeholder:"REGEX"`
	Kernel      string      `help:"Kernel to judge: kevlar, or linux for Debian's." enum:"kevlar,linux" default:"kevlar"`
	KernelImage string      `help:"Image of another kernel to judge; its init slot, if it has one, is set in a copy." type:"path"`
	Transport   string      `help:"How answers come out: port, stdout or serial. A foreign kernel's come on the serial port." placeholder:"WAY"`
	Machine     string      `help:"QEMU's machine type." placeholder:"TYPE"`
	Append      string      `help:"More words for the kernel's command line." placeholder:"WORDS"`
	QemuArg     []string    `name:"qemu-arg" help:"One more argument for QEMU; may be repeated." placeholder:"ARG" sep:"none"`
	Record      bool        `help:"Write what Linux answers as the expectations. Implies --kernel linux."`
	Isolate     string      `help:"boot: a fresh boot for each contract; process: all in one. Linux's boots are dear, Kevlar's are not." enum:"auto,boot,process" default:"auto"`
	Clock       string      `help:"What time is in an emulated machine: instructions, so that a busy host does not look like a slow kernel, or the host's." enum:"instructions,host" default:"instructions"`
	Repeat      int         `help:"Run everything N times." default:"1" placeholder:"N"`
	Jobs        int         `short:"j" help:"Machines at a time (default: what this host has processors for)." placeholder:"N"`
	SMP         int         `name:"smp" help:"Processors of the machine." default:"1"`
	JSON        string      `name:"json" help:"Write a report as JSON." type:"path" placeholder:"FILE"`
	JUnit       string      `name:"junit" help:"Write a report as JUnit's XML." type:"path" placeholder:"FILE"`
	HTML        string      `name:"html" help:"Write a report as one HTML page." type:"path" placeholder:"FILE"`
	Explain     bool        `help:"Run contracts that do not pass again with a trace, and under strace on Linux, and show where they differ." default:"true" negatable:""`
	Trace       bool        `help:"Trace all contracts, also those that pass, each in a fresh boot."`
	List        bool        `help:"List the contracts and run none."`
	Verbose     bool        `help:"A line for each contract, not only for those that do not pass."`
	Dir         string      `help:"Directory of the contracts (default: this source's)." type:"path"`
}

// ErrDiffers says that a contract got another answer than Linux's.
var ErrDiffers = errors.New("not every contract passes")

// Run is called by the command line parser.
func (c *Command) Run() error {
	if c.Dir == "" {
		root, err := image.SourceRoot()
		if err != nil {
			return err
		}
		c.Dir = filepath.Join(root, "contracts")
	}
	linux := c.Record || c.Kernel == "linux"
	switch Transport(c.Transport) {
	case "", Port, Stdout, Serial:
	default:
		return fmt.Errorf("--transport %s: want %s, %s or %s", c.Transport, Port, Stdout, Serial)
	}
	o := Options{Dir: c.Dir, Archs: c.Arch, Linux: linux, Image: c.KernelImage, Machine: c.Machine,
		Transport: Transport(c.Transport), Append: c.Append, QemuArgs: c.QemuArg, HostClock: c.Clock == "host", Record: c.Record,
		Fresh:  c.Isolate == "boot" || c.Isolate == "auto" && !linux,
		Repeat: c.Repeat, Jobs: c.Jobs, CPUs: c.SMP, JSON: c.JSON, JUnit: c.JUnit, HTML: c.HTML, Explain: c.Explain, Trace: c.Trace,
		Out: os.Stdout, Live: term.IsTerminal(int(os.Stdout.Fd())), Verbose: c.Verbose}
	if c.Match != "" {
		re, err := regexp.Compile(c.Match)
		if err != nil {
			return err
		}
		o.Match = re
	}
	if c.List {
		all, err := Load(c.Dir)
		for _, k := range all {
			if o.Match == nil || o.Match.MatchString(k.Name) {
				fmt.Println(k.Name)
			}
		}
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := Run(ctx, o)
	if err == nil && !report.Good() {
		err = ErrDiffers
	}
	return err
}
