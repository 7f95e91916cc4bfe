// Package diag is what the kernel says of itself when something is wrong with it, and when
// somebody asks: the report of a panic, the watchdog's of what is stuck, the files below
// /proc/kevlar. Package kernel starts it at boot; docs/debugging.md is the user's side.
//
// A report is a page of text on the serial port between two lines that the host command
// knows, and that whoever copies it from a console can see.
package diag

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"kevlar/linux/abi"
	"kevlar/linux/klog"
	"kevlar/linux/task"
	"kevlar/linux/trace"
	"kevlar/linux/uts"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
)

// The lines around a report. Package internal/vm/proto has them, too.
const (
	reportBegin = "======== kevlar: "
	reportEnd   = "======== end of report"
)

// Diagnosis looks after one kernel.
type Diagnosis struct {
	k        *task.Kernel
	profiler *profiler // nil where the host wants no profiles

	// Fail ends the machine, at once, as one whose kernel has panicked.
	Fail func()
}

// kernel is the one that New was called with last: where debuggers begin to look.
var kernel *task.Kernel

// New makes the kernel report its panics. fail is Diagnosis.Fail.
func New(k *task.Kernel, fail func()) *Diagnosis {
	d := &Diagnosis{k: k, Fail: fail}
	k.Panicked = d.panicked
	kernel = k
	return d
}

// panicked reports a panic in a system call, on the goroutine that panicked.
func (d *Diagnosis) panicked(t *task.Task, p any) {
	stack := string(debug.Stack())
	if i := strings.Index(stack, "\npanic("); i > 0 { // above it is what led here from there
		stack = stack[i+1:]
	}
	process, thread := t.IDs()
	klog.Printf(klog.Emergency, "panic in %s[%d.%d], which is killed: %v", t.Name(), process, thread, p)
	var w strings.Builder
	fmt.Fprintf(&w, "panic: %v\n", p)
	d.describeTask(&w, t)
	w.WriteString("\nwhere it panicked:\n" + stack)
	w.WriteString("\nregisters of the program:\n" + t.Regs.String())
	d.report("panic report", w.String())
}

// report prints a page that begins with text.
func (d *Diagnosis) report(title, text string) {
	var w strings.Builder
	fmt.Fprintf(&w, "%s%s ========\n", reportBegin, title)
	w.WriteString(text)
	w.WriteString("\nmachine:\n")
	d.describeMachine(&w)
	describeEvents(&w)
	w.WriteString(reportEnd + " ========\n")
	klog.Print(w.String())
}

// describeTask names a task and its system call. Other tasks than the caller's may run
// meanwhile: what is said of their call is then a guess.
func (d *Diagnosis) describeTask(w *strings.Builder, t *task.Task) {
	process, thread := t.IDs()
	id := t.Cred()
	fmt.Fprintf(w, "task:   %s, process %d, thread %d, user %d, group %d\n", t.Name(), process, thread, id.EUID, id.EGID)
	fmt.Fprintf(w, "call:   %s\n", formatCall(t.Call))
}

// formatCall is a system call as a line: its name and its six arguments as they are.
func formatCall(c task.Call) string {
	name := "?"
	for n, nr := range abi.Names() {
		if uint64(nr) == c.Number {
			name = n
		}
	}
	var args []string
	for _, a := range c.Args {
		args = append(args, fmt.Sprintf("%#x", a))
	}
	return fmt.Sprintf("%s(%s), number %d", name, strings.Join(args, ", "), c.Number)
}

// describeMachine says which kernel runs where, and what it uses. It takes no lock that
// a panic may have left behind, and stops nobody.
func (d *Diagnosis) describeMachine(w *strings.Builder) {
	m := d.k.Machine
	info := m.Info()
	fmt.Fprintf(w, "kernel: %s %s, %s, %s, build %s\n", uts.System, uts.Release, uts.Machine, runtime.Version(), Build())
	fmt.Fprintf(w, "up:     %v, on CPU %d of %d, %s\n", wait.Now().Round(time.Millisecond), m.CPU(), m.NumCPU(), info.CPUModel)
	fmt.Fprintf(w, "booted: %s\n", strings.TrimRight(info.Cmdline, "\n\x00"))
	use := mem.Usage()
	fmt.Fprintf(w, "memory: %d MiB; of %d frames for programs %d are used and %d free\n", info.Memory>>20, use.Total, use.InUse, use.Free)
	names := []string{"/memory/classes/heap/objects:bytes", "/memory/classes/total:bytes", "/gc/gomemlimit:bytes",
		"/gc/cycles/total:gc-cycles", "/sched/goroutines:goroutines"}
	s := make([]metrics.Sample, len(names))
	for i, n := range names {
		s[i].Name = n
	}
	metrics.Read(s)
	fmt.Fprintf(w, "heap:   %d KiB of objects, %d KiB in all, limit %d KiB; %d collections; %d goroutines\n",
		s[0].Value.Uint64()>>10, s[1].Value.Uint64()>>10, s[2].Value.Uint64()>>10, s[3].Value.Uint64(), s[4].Value.Uint64())
	if n := d.k.Panics.Load(); n > 0 {
		fmt.Fprintf(w, "panics: %d\n", n)
	}
}

// lastEvents is how many events of the tracer a report has.
const lastEvents = 40

// describeEvents lists what the tracer saw last, where it is on (package trace says what the words mean).
func describeEvents(w *strings.Builder) {
	events := trace.Last(lastEvents)
	if len(events) == 0 {
		return
	}
	w.WriteString("\nlast events:\n")
	for _, e := range events {
		fmt.Fprintf(w, "%12.6f CPU %d task %-5d %s", e.Time.Seconds(), e.CPU, e.Task, e.Code)
		switch e.Code {
		case trace.Enter:
			c := task.Call{Number: uint64(e.Aux)}
			copy(c.Args[:], e.Words[:])
			fmt.Fprintf(w, " %s\n", formatCall(c))
		case trace.Data, trace.More, trace.Walked, trace.Named:
			fmt.Fprintf(w, " %q\n", bytes.TrimRight(e.Bytes(), "\x00"))
		default:
			fmt.Fprintf(w, " %#x\n", e.Words[:e.N])
		}
	}
}

// Build is the version of the source that the kernel was built from, "unknown" where the
// go command saw no repository.
func Build() string {
	id, dirty := "unknown", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			switch {
			case s.Key == "vcs.revision":
				id = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = " with changes"
			}
		}
	}
	return id + dirty
}
