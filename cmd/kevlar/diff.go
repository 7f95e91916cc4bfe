package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	ktrace "kevlar/internal/trace"
	"kevlar/internal/vm"
	"kevlar/linux/trace"
)

// diffLinux is kevlar trace --diff-linux: the command runs on Linux under strace and on Kevlar, with nothing to read, and
// what it writes is only compared.
func (t *traceCmd) diffLinux(ctx context.Context, out io.Writer) error {
	if t.Kernel != vm.Kevlar || t.Read != "" {
		return errors.New("--diff-linux runs the command on both kernels itself")
	}
	if len(t.Command) == 0 && t.Init == "" {
		return errors.New("--diff-linux: no command")
	}

	onLinux := t.runFlags
	onLinux.Kernel, onLinux.Image, onLinux.Append = vm.Linux, "", nil
	var text bytes.Buffer
	if err := onLinux.quietly(ctx, vm.Config{Env: t.Env, Trace: &text}); err != nil {
		return err
	}
	linux, err := ktrace.ReadStrace(&text)
	if err != nil {
		return fmt.Errorf("strace on Linux: %w", err)
	}
	if linux.Threads == nil {
		return errors.New("strace on Linux wrote nothing")
	}

	var recorder ktrace.Recorder
	in, w := io.Pipe()
	d := &decoding{print: func(e *ktrace.Event) error { recorder.Add(e); return nil }}
	decoded := make(chan error, 1)
	go func() {
		err := d.decode(in)
		io.Copy(io.Discard, in) // whatever is wrong with it must not hold up the machine
		decoded <- err
	}()
	err = t.quietly(ctx, vm.Config{Env: t.Env, Trace: w, TraceClasses: (trace.Syscall | trace.Signals).String()})
	w.Close()
	if derr := <-decoded; err == nil {
		err = derr
	}
	if err != nil {
		return err
	}

	difference := ktrace.Compare(linux, recorder.Steps())
	if err := difference.Write(out); err != nil {
		return err
	}
	if !difference.Same {
		return exitStatus(1)
	}
	return nil
}

// quietly does a run of which only the trace is wanted, and says how it ended if not as programs end.
func (r *runFlags) quietly(ctx context.Context, c vm.Config) error {
	if err := r.fill(ctx, &c); err != nil {
		return err
	}
	reports := &reports{path: r.Panics, config: c, stderr: c.Progress}
	c.Report = reports.add
	result, err := vm.Run(ctx, c)
	if err != nil {
		return err
	}
	if why := result.Explain(); why != "" {
		fmt.Fprintf(os.Stderr, "kevlar: on %s: %s\n", r.Kernel, why)
	}
	return ctx.Err()
}
