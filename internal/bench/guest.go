package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kevlar/internal/arch"
	"kevlar/internal/cc"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
	"kevlar/internal/rootfs"
)

// A Kernel is one of the two that are compared.
type Kernel string

const (
	Kevlar Kernel = "kevlar"
	Linux  Kernel = "linux"
)

// A guest makes boots of one kernel in one kind of machine.
type guest struct {
	config  qemu.Config
	init    string // path of the program made from the directory bench
	busybox string
	icount  bool
	limits  limits
}

// limits say how long things may take.
type limits struct {
	sample time.Duration // least length of a sample, on the machine's clock
	row    int           // seconds of a benchmark, on the machine's clock
	quiet  time.Duration // how long a machine may report nothing, on the host's
}

const (
	rowsMemory = 2 << 30   // many tasks and files need it
	bootMemory = 512 << 20 // of the machine whose boot is measured
	// icountShift makes an instruction take 1<<icountShift ns of the machine's clock.
	icountShift = 1
)

// newGuests makes the programs and finds both kernels for one kind of machine.
func newGuests(ctx context.Context, debs *debian.Cache, a arch.Arch, cpus int, o *Options) (map[Kernel]*guest, string, error) {
	c, err := cc.New(ctx, debs, a, o.Dir, "-O2", "-Wno-unused-result", "-Wno-unused-parameter", "-Wno-sign-compare")
	if err != nil {
		return nil, "", err
	}
	if err := c.Use(ctx, "musl"); err != nil {
		return nil, "", err
	}
	files, err := sources(o.Dir)
	if err != nil {
		return nil, "", err
	}
	g := guest{icount: o.ICount, limits: limits{20 * time.Millisecond, 60, 150 * time.Second}}
	if g.init, err = c.Build(ctx, "musl", files...); err != nil {
		return nil, "", err
	}
	if g.busybox, err = debs.Busybox(ctx, a); err != nil {
		return nil, "", err
	}
	g.config = qemu.Config{Arch: a, Machine: o.Machine, CPUs: cpus}
	if g.config.Machine == "" && a == arch.AMD64 {
		// The one on which both kernels boot dependably.
		g.config.Machine = qemu.Q35
	}
	g.config.Append = "console=ttyS0"
	if a == arch.ARM64 {
		g.config.Append = "console=ttyAMA0"
	}
	g.config.Append = strings.TrimSpace(g.config.Append + " quiet panic=-1 init=/init " + o.Append)
	if o.ICount {
		g.config.Args = []string{"-icount", fmt.Sprintf("shift=%d,sleep=off", icountShift)}
		g.limits = limits{2 * time.Millisecond, 20, 300 * time.Second}
	}
	ours, theirs := g, g
	if ours.config.Kernel = o.Image; o.Image == "" {
		dir, err := image.CacheDir("kernel")
		if err != nil {
			return nil, "", err
		}
		if ours.config.Kernel, err = image.Build(string(a), dir); err != nil {
			return nil, "", err
		}
	}
	k, err := debs.Kernel(ctx, a)
	if err != nil {
		return nil, "", err
	}
	theirs.config.Kernel, theirs.config.ACPI = k.Image, true
	theirs.config.Append += " mitigations=off"
	if a == arch.ARM64 {
		theirs.config.Append += " kpti=off nokaslr"
	}
	return map[Kernel]*guest{Kevlar: &ours, Linux: &theirs}, k.Release, nil
}

// measure finds the figures of rows on as many boots as it takes: one for the machine's own rows, one for the programs, and
// one more each time that a machine ends before its work. running is told what is being measured; failed, what has no figure.
func (g *guest) measure(ctx context.Context, rows []Row, running func(Row), figure func(Row, float64), failed func(Row, string)) error {
	var own, programs []Row
	for _, r := range rows {
		if r.booted() {
			own = append(own, r)
		} else {
			programs = append(programs, r)
		}
	}
	if len(own) > 0 {
		running(own[0])
		if values, err := g.bootFigures(ctx); err != nil {
			for _, r := range own {
				failed(r, err.Error())
			}
		} else {
			for _, r := range own {
				figure(r, values[r.Program])
			}
		}
	}
	runs := byRun(programs)
	for len(runs) > 0 && ctx.Err() == nil {
		next := 0
		fail := func(why string) {
			for _, r := range runs[next] {
				failed(r, why)
			}
			next++
		}
		err := g.boot(ctx, rowsMemory, list(g.limits, runs), func(e event) {
			if next >= len(runs) || e.name != runs[next][0].run() {
				return
			}
			switch e.kind {
			case "begin":
				running(runs[next][0])
			case "ok", "tail":
				for _, r := range runs[next] {
					figure(r, g.convert(r, e.value(r)))
				}
				next++
			case "fail":
				fail(e.reason)
			}
		})
		if err != nil && next < len(runs) && ctx.Err() == nil {
			fail(err.Error())
		}
		runs = runs[next:]
	}
	return ctx.Err()
}

// byRun puts those rows together that one run of a program gives their figures.
func byRun(rows []Row) [][]Row {
	var runs [][]Row
	for _, r := range rows {
		if n := len(runs); n > 0 && runs[n-1][0].run() == r.run() {
			runs[n-1] = append(runs[n-1], r)
		} else {
			runs = append(runs, []Row{r})
		}
	}
	return runs
}

// convert makes a figure of what a program reports, which takes the machine's clock for time.
func (g *guest) convert(r Row, v float64) float64 {
	if g.icount && r.Unit.counted() != r.Unit {
		return v / (1 << icountShift)
	}
	return v
}

// list is the work that the first process reads.
func list(l limits, runs [][]Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sample %d\nlimit %d\n", l.sample.Nanoseconds(), l.row)
	for _, r := range runs {
		fmt.Fprintf(&b, "run %s %d\n", r[0].Program, r[0].Arg)
	}
	return b.String()
}

// bootFigures boots a machine that does nothing, and returns the figures of bootRows.
func (g *guest) bootFigures(ctx context.Context) (map[string]float64, error) {
	values := map[string]float64{}
	begin := time.Now()
	ms := func() float64 { return float64(time.Since(begin).Microseconds()) / 1e3 }
	err := g.boot(ctx, bootMemory, fmt.Sprintf("boot %d\n", bootMemory>>10), func(e event) {
		if e.kind == "boot" {
			values[bootToInit] = ms()
			values[memoryIdle], values[memoryTaken] = e.memory, e.unavailable
			if g.icount {
				values[bootToInit] = e.counter / g.countsPerNS() / (1 << icountShift)
			}
		}
	})
	values[wholeRun] = ms()
	if err == nil && len(values) < len(bootRows) {
		err = errors.New("the first process reported nothing")
	}
	return values, err
}

// countsPerNS is the rate of the counter that the first process reads, in a machine that counts instructions.
func (g *guest) countsPerNS() float64 {
	if g.config.Arch == arch.ARM64 {
		return 62.5e6 / 1e9 // QEMU's generic timer
	}
	return 1
}

// boot runs a machine to its end, and tells of each report. The error is for a machine that ended before its work.
func (g *guest) boot(ctx context.Context, memory int64, list string, on func(event)) error {
	dir, err := os.MkdirTemp("", "kevlar-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := g.config
	c.Memory = memory
	c.Initrd = filepath.Join(dir, "initramfs.cpio")
	if err := g.initramfs(c.Initrd, list); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(g.limits.quiet, cancel)
	defer watchdog.Stop()
	r, w := io.Pipe()
	defer r.Close()
	vm, err := qemu.Start(ctx, c, w)
	if err != nil {
		return err
	}
	defer vm.Close()
	go func() { <-vm.Done(); w.Close() }()
	var log noise
	done := false
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		e, ok := parse(line)
		switch {
		case !ok:
			log.add(line)
		case e.kind == "done":
			// The end of the machine is awaited, for it is measured.
			done = true
			watchdog.Reset(lastWords)
		default:
			watchdog.Reset(g.limits.quiet)
			on(e)
		}
		if err != nil {
			break
		}
	}
	if done {
		return nil
	}
	status, err := vm.Wait()
	what := fmt.Sprintf("the machine ended with status %d", status)
	if ctx.Err() != nil {
		what = fmt.Sprintf("nothing was heard for %v", g.limits.quiet)
	} else if err != nil {
		what = err.Error()
	}
	return fmt.Errorf("%s\n%s", what, log.String())
}

// lastWords is how long a machine may take to power off.
const lastWords = 20 * time.Second

// initramfs writes BusyBox, the programs and the list of the work to a file.
func (g *guest) initramfs(path, list string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 1<<20)
	w := rootfs.NewWriter(b)
	return errors.Join(
		w.AddBusybox(g.busybox),
		w.AddHostFile("init", g.init, 0o755),
		w.AddBytes("bench/LIST", 0o644, []byte(list)),
		w.Close(), b.Flush())
}

// An event is a report of the first process.
type event struct {
	kind          string // "boot", "begin", "ok", "tail", "fail", "done"
	name          string
	least, median float64
	tail          [5]float64 // a figure for each of parts, -1 for what the kernel does not have
	reason        string
	counter       float64
	memory        float64 // KiB
	unavailable   float64
}

// value is a row's figure, NaN where the kernel has none.
func (e event) value(r Row) float64 {
	if e.kind != "tail" {
		return e.median
	}
	if v := e.tail[max(slices.Index(parts, r.Part), 0)]; v >= 0 {
		return v
	}
	return math.NaN()
}

// parse reads a report in a line of the console.
func parse(line string) (event, bool) {
	const mark = "@kb "
	i := strings.Index(line, mark)
	if i < 0 || !strings.HasSuffix(line, "\n") {
		return event{}, false
	}
	f := strings.Fields(line[i+len(mark):])
	number := func(i int) float64 { v, _ := strconv.ParseFloat(f[i], 64); return v }
	switch {
	case len(f) == 1 && f[0] == "done":
		return event{kind: "done"}, true
	case len(f) == 4 && f[0] == "boot":
		return event{kind: "boot", counter: number(1), memory: number(2), unavailable: number(3)}, true
	case len(f) == 2 && f[0] == "begin":
		return event{kind: "begin", name: f[1]}, true
	case len(f) == 5 && f[0] == "end" && f[2] == "ok":
		return event{kind: "ok", name: f[1], least: number(3), median: number(4)}, true
	case len(f) == 3+len(parts) && f[0] == "end" && f[2] == "tail":
		e := event{kind: "tail", name: f[1]}
		for i := range e.tail {
			e.tail[i] = number(3 + i)
		}
		return e, true
	case len(f) > 3 && f[0] == "end" && f[2] == "fail":
		return event{kind: "fail", name: f[1], reason: strings.Join(f[3:], " ")}, true
	}
	return event{}, false
}

// noise keeps the end of what a kernel says besides the reports.
type noise struct {
	lines []string
}

func (n *noise) add(line string) {
	const most = 40
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	n.lines = append(n.lines, line)
	if len(n.lines) > most {
		n.lines = n.lines[1:]
	}
}

func (n *noise) String() string { return strings.Join(n.lines, "\n") }
