package diag

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"kevlar/linux/klog"
	"kevlar/machine"
)

// Profiles go to the host over a port of their own: package internal/vm/proto has the
// protocol. The host writes lines of a name and a number; each answer is a line of the
// name and a length, and so many bytes.

// profiler serves the port.
type profiler struct {
	port machine.Port

	mu  sync.Mutex    // one profile of the CPU at a time
	cpu *bytes.Buffer // the one that runs from boot to the machine's end, else nil

	out sync.Mutex // one answer at a time
}

// memProfileRate is Go's default: a sample of each half MiB that is allocated. Where nobody
// asks, the machine layer has none taken.
const memProfileRate = 512 << 10

// ServeProfiles answers the host's requests. Where fromBoot is set a CPU profile begins
// now, and Finish sends it.
func (d *Diagnosis) ServeProfiles(port machine.Port, fromBoot bool) {
	p := &profiler{port: port}
	runtime.MemProfileRate = memProfileRate
	if fromBoot {
		p.cpu = new(bytes.Buffer)
		if err := pprof.StartCPUProfile(p.cpu); err != nil {
			klog.Printf(klog.Error, "profile: %v", err)
			p.cpu = nil
		}
	}
	d.profiler = p
	go p.serve()
}

func (p *profiler) serve() {
	lines := bufio.NewScanner(p.port)
	for lines.Scan() {
		name, arg, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(arg)
		var w bytes.Buffer
		if err := p.take(&w, name, n); err != nil {
			name = "error"
			w.Reset()
			w.WriteString(err.Error())
		}
		p.send(name, w.Bytes())
	}
}

// take writes a profile: "profile" of the CPU for n seconds, or one of package
// runtime/pprof's with n as its detail, 0 being the format of go tool pprof.
func (p *profiler) take(w io.Writer, name string, n int) error {
	if name == "profile" {
		return p.takeCPU(w, time.Duration(n)*time.Second)
	}
	profile := pprof.Lookup(name)
	if profile == nil {
		return fmt.Errorf("no profile has the name %q", name)
	}
	return profile.WriteTo(w, n)
}

func (p *profiler) takeCPU(w io.Writer, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cpu != nil {
		return errors.New("a CPU profile of the whole run is under way")
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		return err
	}
	time.Sleep(d)
	pprof.StopCPUProfile()
	return nil
}

// finish sends the profiles of the whole run, if they were asked for.
func (p *profiler) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cpu == nil {
		return
	}
	pprof.StopCPUProfile()
	p.send("cpu", p.cpu.Bytes())
	p.cpu = nil
	for _, name := range []string{"heap", "goroutine"} {
		var w bytes.Buffer
		if p.take(&w, name, 0) == nil {
			p.send(name, w.Bytes())
		}
	}
}

func (p *profiler) send(name string, data []byte) {
	p.out.Lock()
	defer p.out.Unlock()
	fmt.Fprintf(p.port, "%s %d\n", name, len(data))
	p.port.Write(data)
}

// Finish sends the host what it wants to have at the machine's end.
func (d *Diagnosis) Finish() {
	if d.profiler != nil {
		d.profiler.finish()
	}
}

// Goroutines is the machine's state and the stacks of all goroutines, for the host to show.
func (d *Diagnosis) Goroutines() string {
	var w strings.Builder
	d.describeMachine(&w)
	w.WriteString("\ntasks:\n")
	for _, t := range d.k.All() {
		process, thread := t.IDs()
		fmt.Fprintf(&w, "%5d.%-5d %c %-15s last call %s\n", process, thread, t.State(), t.Name(), formatCall(t.Call))
	}
	w.WriteString("\n")
	pprof.Lookup("goroutine").WriteTo(&w, 2)
	return w.String()
}
