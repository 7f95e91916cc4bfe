package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	ktrace "kevlar/internal/trace"
	"kevlar/internal/vm"
	"kevlar/linux/trace"
)

// traceCmd is kevlar trace: a run whose trace is decoded as it comes, or a file of one.
type traceCmd struct {
	runFlags
	Env      []string `sep:"none" help:"Set an environment variable." placeholder:"K=V"`
	Follow   bool     `short:"f" help:"Show all processes, with their numbers; else only the first."`
	Filter   []string `short:"e" sep:"none" help:"Show only some: CALL,... (also %file, %desc, %process, %signal, %memory, %network, %ipc; ! before them for all others), error=NAME,..., status=failed, task=N,..." placeholder:"EXPR"`
	Count    bool     `short:"c" help:"Count calls, errors and time, and show a table at the end."`
	Times    bool     `short:"T" help:"Show how long each call took."`
	Stamps   bool     `short:"t" help:"Show when each call began, in seconds since boot."`
	Strings  int      `short:"s" default:"32" help:"Show so many bytes of a buffer." placeholder:"N"`
	Output   string   `short:"o" help:"Write to FILE instead of standard error." placeholder:"FILE"`
	JSON     bool     `name:"json" help:"Write a JSON object per event, a line each."`
	Perfetto string   `help:"Write a trace for Perfetto's viewer (ui.perfetto.dev) to FILE, and no text." placeholder:"FILE"`
	Classes  string   `help:"What to record, or to show of what was: syscall, sched, fault, signal, wait, irq, vfs, block, gc, or all (default: syscall,signal; all for Perfetto)." placeholder:"LIST"`
	Save     string   `help:"Keep the trace itself in FILE." placeholder:"FILE"`
	Linux    bool     `name:"diff-linux" help:"Run COMMAND on Linux, too, under strace, and show the first difference of what the two answer it; status 1 if there is one."`
	Read     string   `help:"Decode the trace in FILE instead of running anything." placeholder:"FILE"`
}

func (t *traceCmd) Run(ctx context.Context) error {
	filter := new(ktrace.Filter)
	for _, e := range t.Filter {
		if err := filter.Add(e); err != nil {
			return err
		}
	}
	if t.Classes == "" {
		t.Classes = "syscall,signal"
		if t.Perfetto != "" {
			t.Classes = "all"
		}
	}
	classes, err := trace.ParseClasses(t.Classes)
	if err != nil {
		return fmt.Errorf("--classes: %w", err)
	}
	filter.Classes = classes // a trace that is read may have others
	d := &decoding{filter: filter, count: t.Count && t.Perfetto == ""}
	var out io.Writer = os.Stderr
	if t.Output != "" {
		f, err := os.Create(t.Output)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	} else if t.Read != "" || t.Linux {
		out = os.Stdout
	} else if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
		out = crlf{out} // the terminal is raw
	}
	if t.Linux {
		return t.diffLinux(ctx, out)
	}
	style := ktrace.Style{Strings: t.Strings}
	switch {
	case t.Perfetto != "":
		f, err := os.Create(t.Perfetto)
		if err != nil {
			return err
		}
		defer f.Close()
		d.begin = func(m trace.Machine) {
			p := ktrace.NewPerfetto(f, m)
			p.Style = style
			d.print, d.close = p.Print, p.Close
		}
	case t.Count:
		d.out = out
	case t.JSON:
		b := bufio.NewWriter(out)
		defer b.Flush()
		j := ktrace.NewJSON(b)
		j.Style = style
		d.print = j.Print
	default:
		p := ktrace.NewText(out)
		p.Style, p.Follow, p.Times, p.Stamps = style, t.Follow, t.Times, t.Stamps
		d.print = func(e *ktrace.Event) error { p.Print(e); return nil }
		d.flush, d.close = p.Flush, p.Close
	}
	if t.Read != "" {
		f, err := os.Open(t.Read)
		if err != nil {
			return err
		}
		defer f.Close()
		return d.decode(f)
	}
	var save io.Writer
	if t.Save != "" {
		f, err := os.Create(t.Save)
		if err != nil {
			return err
		}
		defer f.Close()
		save = f
	}
	c := vm.Config{Env: t.Env, TraceClasses: t.Classes}
	if t.Strings > trace.DefaultLimit {
		c.Append = append(c.Append, "kevlar.trace.limit="+strconv.Itoa(t.Strings))
	}
	return d.run(ctx, &t.runFlags, c, save)
}

// traced is a run that keeps its trace in a file.
func (r *runCmd) traced(ctx context.Context) error {
	f, err := os.Create(r.Trace.or("kevlar.trace"))
	if err != nil {
		return err
	}
	defer f.Close()
	d := new(decoding)
	return d.run(ctx, &r.runFlags, vm.Config{Env: r.Env, TraceClasses: "all"}, f)
}

// decoding is what is done with the events of a trace.
type decoding struct {
	filter  *ktrace.Filter        // nil for all
	begin   func(m trace.Machine) // when the machine is known; nil for nothing
	print   func(e *ktrace.Event) error
	flush   func() error // before the decoder waits for more
	close   func() error
	count   bool
	out     io.Writer // for the count
	summary ktrace.Summary
}

// run does a run and decodes its trace, of which save, if not nil, gets a copy.
func (d *decoding) run(ctx context.Context, r *runFlags, c vm.Config, save io.Writer) error {
	if r.Kernel != vm.Kevlar {
		return errors.New("only Kevlar can be traced; strace does it on Linux")
	}
	in, w := io.Pipe()
	c.Trace = w
	if save != nil {
		b := bufio.NewWriterSize(save, 1<<20)
		defer b.Flush()
		c.Trace = io.MultiWriter(b, w)
	}
	decoded := make(chan error, 1)
	go func() {
		err := d.decode(in)
		io.Copy(io.Discard, in) // whatever is wrong with it must not hold up the machine
		decoded <- err
	}()
	err := r.boot(ctx, c)
	w.Close()
	if derr := <-decoded; err == nil && !errors.Is(derr, io.EOF) {
		err = derr
	}
	return err
}

// decode reads a trace to its end, and says what it lacks.
func (d *decoding) decode(in io.Reader) error {
	r, err := trace.NewReader(&flushing{in, d.flush})
	if err != nil {
		return err
	}
	if d.begin != nil {
		d.begin(r.Machine)
	}
	s := ktrace.NewSource(r)
	for {
		e, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if d.filter != nil && !d.filter.Wants(&e) {
			continue
		}
		if d.count {
			d.summary.Add(&e)
		}
		if d.print != nil {
			if err := d.print(&e); err != nil {
				return err
			}
		}
	}
	if d.close != nil {
		if err := d.close(); err != nil {
			return err
		}
	}
	if d.count {
		if err := d.summary.Write(d.out); err != nil {
			return err
		}
	}
	if r.Lost > 0 {
		fmt.Fprintf(os.Stderr, "kevlar: the trace lacks %d events for which the kernel had no room\n", r.Lost)
	}
	if !r.Ended {
		fmt.Fprintln(os.Stderr, "kevlar: the trace has no end: the machine stopped before it was complete")
	}
	if text := ktrace.MissingText(r.Missing); text != "" {
		fmt.Fprintln(os.Stderr, "kevlar: not implemented, and asked for:", text)
	}
	return nil
}

// flushing calls a function before each read, which may wait.
type flushing struct {
	io.Reader
	flush func() error
}

func (f *flushing) Read(b []byte) (int, error) {
	if f.flush != nil {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	return f.Reader.Read(b)
}

// optional is a flag that may stand alone or, after "=", have a value.
type optional struct {
	set   bool
	value string
}

// Decode implements kong.MapperValue.
func (o *optional) Decode(ctx *kong.DecodeContext) error {
	o.set = true
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		o.value = fmt.Sprint(ctx.Scan.Pop().Value)
	}
	return nil
}

// IsBool tells kong that the flag may stand alone.
func (*optional) IsBool() bool { return true }

func (o *optional) or(value string) string {
	if o.value != "" {
		return o.value
	}
	return value
}
