// Command kevlar builds the Kevlar kernel, boots it in a virtual machine, and runs
// programs on it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"kevlar/internal/arch"
	"kevlar/internal/image"
)

type cli struct {
	Run       runCmd       `cmd:"" help:"Boot and run a program, or an interactive shell."`
	Trace     traceCmd     `cmd:"" help:"Show what a program asks of the kernel, and what the kernel does."`
	Contracts contractsCmd `cmd:"" help:"Compare what system calls do with what Linux does."`
	Bench     benchCmd     `cmd:"" help:"Measure what things cost, on Kevlar and on Linux."`
	Test      testCmd      `cmd:"" help:"Run everything that can be checked."`
	Build     buildCmd     `cmd:"" help:"Build the kernel."`
	Doctor    doctorCmd    `cmd:"" help:"Tell what this host has and what it lacks."`
}

func main() {
	var c cli
	k := kong.Must(&c,
		kong.Name("kevlar"),
		kong.Description("Kevlar is a Linux-compatible kernel written in Go."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	parsed, err := k.Parse(os.Args[1:])
	if err != nil {
		k.Errorf("%s", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run()
	stop()
	var status exitStatus
	switch {
	case errors.As(err, &status):
		os.Exit(int(status))
	case err != nil:
		fmt.Fprintf(os.Stderr, "kevlar: %v\n", err)
		os.Exit(1)
	}
}

// exitStatus is an error that has been reported already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

type buildCmd struct {
	Arch   []arch.Arch `help:"Architectures to build for: amd64, arm64. Both if not given." placeholder:"ARCH"`
	Init   string      `help:"Write the path of the first program into the kernel's init slot." placeholder:"PATH"`
	Output string      `short:"o" help:"Directory of the kernels." default:"out" placeholder:"DIR"`
}

func (b *buildCmd) Run() error {
	if len(b.Arch) == 0 {
		b.Arch = arch.All
	}
	for _, a := range b.Arch {
		file, err := image.Build(string(a), b.Output)
		if err != nil {
			return err
		}
		if b.Init != "" {
			if err := image.SetInit(file, b.Init); err != nil {
				return err
			}
		}
		fmt.Println(file)
	}
	return nil
}
