package contracts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"

	"kevlar/internal/arch"
)

// Command is `kevlar contracts`: its flags, in the form that the command line parser takes.
type Command struct {
	Arch        []arch.Arch `help:"Architectures: amd64, arm64." default:"arm64,amd64"`
	Match       string      `name:"run" help:"Only the contracts whose name matches." placeholder:"REGEX"`
	Kernel      string      `help:"Kernel to judge." enum:"kevlar,linux" default:"kevlar"`
	KernelImage string      `help:"Image of the kernel to judge, in place of the built one." type:"path"`
	Append      string      `help:"More words for the kernel's command line." placeholder:"WORDS"`
	Record      bool        `help:"Write what Linux answers as the expectations. Implies --kernel linux."`
	Isolate     string      `help:"A fresh boot for each contract, or a process in one boot." enum:"boot,process" default:"process"`
	Repeat      int         `help:"Run everything N times." default:"1" placeholder:"N"`
	SMP         int         `name:"smp" help:"Processors of the machine." default:"1"`
	JSON        string      `name:"json" help:"Write a report as JSON." type:"path" placeholder:"FILE"`
	JUnit       string      `name:"junit" help:"Write a report as JUnit's XML." type:"path" placeholder:"FILE"`
	HTML        string      `name:"html" help:"Write a report as one HTML page." type:"path" placeholder:"FILE"`
	List        bool        `help:"List the contracts and run none."`
	Dir         string      `help:"Directory of the contracts." default:"contracts" type:"path"`
}

// ErrDiffers says that a contract got another answer than Linux's.
var ErrDiffers = errors.New("not every contract passes")

// Run is called by the command line parser.
func (c *Command) Run() error {
	o := Options{Dir: c.Dir, Archs: c.Arch, Linux: c.Record || c.Kernel == "linux", Image: c.KernelImage, Append: c.Append,
		Record: c.Record, Fresh: c.Isolate == "boot", Repeat: c.Repeat, CPUs: c.SMP,
		JSON: c.JSON, JUnit: c.JUnit, HTML: c.HTML, Out: os.Stdout}
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
	ok, err := Run(ctx, o)
	if err == nil && !ok {
		err = ErrDiffers
	}
	return err
}
