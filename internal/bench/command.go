package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"golang.org/x/term"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
)

// Command is `kevlar bench`: its flags, in the form that the command line parser takes.
type Command struct {
	Arch        []arch.Arch `help:"Architectures: amd64, arm64." default:"arm64,amd64"`
	SMP         []int       `name:"smp" help:"Machines to measure in: their numbers of CPUs." default:"1"`
	Match       string      `name:"run" help:"Only the rows whose name matches." placeholder:"REGEX"`
	Rounds      int         `help:"Boots of each kernel: 5 if not given, 3 with --icount." placeholder:"N"`
	ICount      bool        `name:"icount" help:"Count instructions instead of time: figures that do not depend on the host's load. One CPU only."`
	JSON        string      `name:"json" help:"Write the results as JSON." type:"path" placeholder:"FILE"`
	HTML        string      `name:"html" help:"Write the results as one HTML page, with plots." type:"path" placeholder:"FILE"`
	List        bool        `help:"List the rows and measure none."`
	KernelImage string      `help:"Image of Kevlar to measure, instead of building one." type:"path"`
	Machine     string      `help:"QEMU's machine type." placeholder:"TYPE"`
	Append      string      `help:"More words for both kernels' command lines." placeholder:"WORDS"`
	Dir         string      `help:"Directory of the programs (default: this source's)." type:"path"`
}

// ErrFailed says that rows have no figure.
var ErrFailed = errors.New("not everything could be measured")

// Run is called by the command line parser.
func (c *Command) Run() error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.List {
		rows, err := Load(o.Dir)
		for _, r := range rows {
			if o.Match == nil || o.Match.MatchString(r.Name()) {
				fmt.Printf("%-24s %s\n", r.Name(), r.What)
			}
		}
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, a := range c.Arch {
		if err := debian.Ensure(ctx, os.Stderr, qemu.Tool(a)); err != nil {
			return err
		}
	}
	report, err := Run(ctx, o)
	if report == nil {
		return err
	}
	fmt.Println()
	report.Text(os.Stdout)
	err = errors.Join(err, writeFile(c.JSON, report.JSON), writeFile(c.HTML, report.HTML))
	if err == nil && len(report.Failures) > 0 {
		err = ErrFailed
	}
	return err
}

func (c *Command) options() (Options, error) {
	o := Options{Dir: c.Dir, Archs: c.Arch, CPUs: c.SMP, Rounds: c.Rounds, ICount: c.ICount, Image: c.KernelImage,
		Machine: c.Machine, Append: c.Append, Out: os.Stdout, Live: term.IsTerminal(int(os.Stdout.Fd()))}
	for _, n := range c.SMP {
		if n < 1 || n > 1 && c.ICount {
			return o, fmt.Errorf("--smp %d: want at least 1, and no more with --icount", n)
		}
	}
	switch {
	case c.Rounds < 0:
		return o, fmt.Errorf("--rounds %d: want at least 1", c.Rounds)
	case c.Rounds == 0 && c.ICount:
		o.Rounds = 3
	case c.Rounds == 0:
		o.Rounds = 5
	}
	if c.KernelImage != "" && len(c.Arch) != 1 {
		return o, errors.New("--kernel-image: name its architecture with --arch")
	}
	if c.Match != "" {
		re, err := regexp.Compile(c.Match)
		if err != nil {
			return o, err
		}
		o.Match = re
	}
	if o.Dir == "" {
		root, err := image.SourceRoot()
		if err != nil {
			return o, err
		}
		o.Dir = filepath.Join(root, "bench")
	}
	return o, nil
}

// writeFile writes a report, where a file is named.
func writeFile(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
