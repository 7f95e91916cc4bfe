package contracts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"kevlar/internal/arch"
	"kevlar/internal/cc"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
)

// Options say what to run, on what, and what to write.
type Options struct {
	Dir       string // the contracts directory
	Archs     []arch.Arch
	Match     *regexp.Regexp // of contracts' names; nil for all
	Linux     bool           // on Debian's Linux instead of Kevlar
	Image     string         // kernel image, "" for the usual one
	Machine   string         // QEMU's machine type, "" for the usual one
	Built     string         // Kevlar's image, where there is one already
	Transport Transport      // "" for the kernel's usual one
	Append    string         // more words for the kernel's command line
	QemuArgs  []string       // more arguments for QEMU
	HostClock bool           // time is the host's also where the machine is emulated
	Record    bool           // write what the kernel answered as the expectation
	Fresh     bool           // a fresh boot for each contract
	Repeat    int            // how many times; at least 1
	Jobs      int            // machines at a time; 0 for as many as this host has processors for
	CPUs      int
	Memory    int64
	JSON      string // files to write, "" for none
	JUnit     string
	HTML      string
	Out       io.Writer // progress and summary
	Live      bool      // Out is a terminal
	Verbose   bool      // a line for each contract, not only for those that do not pass
	Explain   bool      // contracts that do not pass run again, traced, here and on Linux; only for Kevlar
	Trace     bool      // all contracts are traced, each in a fresh boot; only for Kevlar
}

// kevlar reports whether the kernel is this source's, which can be traced.
func (o *Options) kevlar() bool { return !o.Linux && o.Image == "" }

// Run runs contracts. The error is for what kept it from running; whether all is well the report knows.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Trace && !o.kevlar() {
		return nil, errors.New("only Kevlar can be traced")
	}
	all, err := Load(o.Dir)
	if err != nil {
		return nil, err
	}
	registry, err := LoadRegistry(filepath.Join(o.Dir, "registry"))
	if err != nil {
		return nil, err
	}
	if !o.kevlar() {
		registry = Registry{} // it is Kevlar's
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no contracts in %s", o.Dir)
	}
	debs, err := debian.Open(os.Stderr)
	if err != nil {
		return nil, err
	}
	report := new(Report)
	answers := map[string]map[arch.Arch]string{}
	for _, a := range o.Archs {
		m, jobs, err := prepare(ctx, debs, a, all, &o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		if len(jobs) == 0 {
			return nil, fmt.Errorf("%s: no contract matches", a)
		}
		for range max(o.Repeat, 1) {
			results, err := o.pass(ctx, m, a, jobs, registry)
			if err == nil && o.Explain && o.kevlar() {
				if e := o.explain(ctx, m, jobs, results); e != nil { // the verdicts are good without
					fmt.Fprintf(o.Out, "%s explains no more: %v\n", a, e)
				}
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", a, err)
			}
			for _, r := range results {
				report.add(r)
				if o.Record && r.answer.End != "" {
					if answers[r.Name] == nil {
						answers[r.Name] = map[arch.Arch]string{}
					}
					answers[r.Name][a] = r.answer.Text()
				}
			}
		}
		if o.kevlar() {
			for _, name := range registry.stale(a, all) {
				fmt.Fprintf(o.Out, "registry: %s: no contract %s\n", a, name)
				report.stale = true
			}
		}
	}
	if o.Record {
		for _, c := range all {
			if got := answers[c.Name]; got != nil {
				if err := c.Record(got); err != nil {
					return nil, err
				}
			}
		}
		return report, recordKernels(ctx, debs, &o)
	}
	report.sort()
	for path, write := range map[string]func(io.Writer) error{o.JSON: report.JSON, o.JUnit: report.JUnit, o.HTML: report.HTML} {
		if path == "" {
			continue
		}
		if err := writeFile(path, write); err != nil {
			return nil, err
		}
	}
	fmt.Fprintln(o.Out)
	return report, report.Text(o.Out)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// recordKernels writes whose answers the recorded ones are.
func recordKernels(ctx context.Context, debs *debian.Cache, o *Options) error {
	var text strings.Builder
	text.WriteString("The kernels whose answers the .expect files hold:\n")
	for _, a := range arch.All {
		k, err := debs.Kernel(ctx, a)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s: Linux %s (Debian %s)\n", a, k.Release, k.Version)
	}
	return os.WriteFile(filepath.Join(o.Dir, "RECORDED"), []byte(text.String()), 0o666)
}

// flags are the compiler's for contracts: they pass bad pointers on purpose.
var flags = []string{"-O1",
	"-Wno-unused-parameter", "-Wno-unused-result", "-Wno-unused-variable", "-Wno-missing-field-initializers",
	"-Wno-sign-compare", "-Wno-return-type", "-Wno-infinite-recursion", "-Wno-clobbered",
	"-Wno-stringop-overread", "-Wno-stringop-overflow", "-Wno-nonnull", "-Wno-array-bounds"}

// prepare compiles the contracts that match, and makes the machine for them.
func prepare(ctx context.Context, debs *debian.Cache, a arch.Arch, all []Contract, o *Options) (*guest, []job, error) {
	lib, err := filepath.Abs(filepath.Join(o.Dir, "lib"))
	if err != nil {
		return nil, nil, err
	}
	compiler, err := cc.New(ctx, debs, a, lib, flags...)
	if err != nil {
		return nil, nil, err
	}
	if err := compiler.Use(ctx, "musl"); err != nil {
		return nil, nil, err
	}
	g := &guest{arch: a, transport: o.Transport, sets: map[string]fileSet{}}
	if g.init, err = compiler.Build(ctx, "musl", filepath.Join(lib, "init.c")); err != nil {
		return nil, nil, err
	}
	var jobs []job
	for _, c := range all {
		if !c.On(a) || o.Match != nil && !o.Match.MatchString(c.Name) {
			continue
		}
		jobs = append(jobs, job{Contract: c})
		if err := compiler.Use(ctx, c.Libc); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		for _, set := range c.Files {
			if err := g.addSet(ctx, debs, set); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	if err := compile(ctx, compiler, jobs); err != nil {
		return nil, nil, err
	}
	return g, jobs, g.machine(ctx, debs, o)
}

// machine chooses the kernel and the machine that it is for.
func (g *guest) machine(ctx context.Context, debs *debian.Cache, o *Options) (err error) {
	a := g.arch
	g.config = qemu.Config{Arch: a, Machine: o.Machine, CPUs: max(o.CPUs, 1), Memory: o.Memory, Args: o.QemuArgs}
	if g.config.Memory == 0 {
		g.config.Memory = 512 << 20
	}
	if !o.HostClock && qemu.Accelerator(a) == "tcg" {
		// Time is counted in instructions, and passes as the host's only while the machine idles.
		g.config.Args = append([]string{"-icount", "shift=1"}, g.config.Args...)
	}
	console := "console=ttyS0"
	if a == arch.ARM64 {
		console = "console=ttyAMA0"
	}
	g.config.Append = strings.TrimSpace(console + " quiet panic=-1 " + o.Append)
	usual := Stdout
	switch {
	case o.Linux:
		usual = Port
		err = g.linux(ctx, debs, o)
	case o.Image != "":
		usual = Serial
		err = g.foreign(o.Image)
	default:
		err = g.kevlar(o.Built)
	}
	if g.transport == "" {
		g.transport = usual
	}
	g.traced = o.Trace
	return err
}

// kevlar builds the kernel.
func (g *guest) kevlar(built string) error {
	if built != "" {
		g.config.Kernel = built
		return nil
	}
	dir, err := image.CacheDir("kernel")
	if err != nil {
		return err
	}
	g.config.Kernel, err = image.Build(string(g.arch), dir)
	return err
}

// linux takes Debian's kernel, with the modules that it needs to talk to the host.
func (g *guest) linux(ctx context.Context, debs *debian.Cache, o *Options) error {
	k, err := debs.Kernel(ctx, g.arch)
	if err != nil {
		return err
	}
	g.config.Kernel, g.config.ACPI = k.Image, true
	if o.Image != "" {
		g.config.Kernel = o.Image
	}
	g.config.Append += " mitigations=off kpti=off nokaslr reboot=t"
	modules := []string{"virtio/virtio_ring.ko", "virtio/virtio.ko", "virtio/virtio_mmio.ko", "char/virtio_console.ko"}
	if g.arch == arch.AMD64 {
		// A microvm leaves Linux without a clock to measure the processor's by, when that is emulated: now and then it hangs.
		g.config.Machine = qemu.Q35
		modules = []string{"virtio/virtio_ring.ko", "virtio/virtio.ko", "virtio/virtio_pci_legacy_dev.ko",
			"virtio/virtio_pci_modern_dev.ko", "virtio/virtio_pci.ko", "char/virtio_console.ko"}
	}
	for _, m := range modules {
		g.modules = append(g.modules, filepath.Join(k.Modules, "kernel", "drivers", m))
	}
	return nil
}

// foreign takes a kernel of somebody else's, in a copy whose init slot, where it has one, names our init.
func (g *guest) foreign(path string) error {
	g.config.Kernel = path
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(data, []byte(image.SlotMagic)) {
		return nil
	}
	dir, err := image.CacheDir("foreign")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	g.config.Kernel = filepath.Join(dir, hex.EncodeToString(sum[:12]))
	if err := os.WriteFile(g.config.Kernel, data, 0o755); err != nil {
		return err
	}
	return image.SetInit(g.config.Kernel, "/init")
}

// compile fills in the jobs' programs, on all of the host's processors.
func compile(ctx context.Context, c *cc.Compiler, jobs []job) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	errs := make([]error, len(jobs))
	for i := range jobs {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			jobs[i].program, errs[i] = c.Build(ctx, jobs[i].Libc, jobs[i].Source)
			<-slots
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pass runs jobs once and judges their answers, saying so as they come.
func (o *Options) pass(ctx context.Context, m *guest, a arch.Arch, jobs []job, registry Registry) ([]Result, error) {
	perBoot := 0
	if o.Fresh || o.Trace {
		perBoot = 1
	}
	workers := o.Jobs
	if workers == 0 {
		workers = max(1, runtime.NumCPU()/max(o.CPUs, 1))
	}
	p := newProgress(o.Out, o.Live, o.Verbose || o.Record, a, len(jobs))
	defer p.finish()
	var results []Result
	s := session{machine: m, jobs: jobs,
		begin: func(i int) { p.begin(i, jobs[i].Name) },
		end: func(i int, ans Answer) {
			c := jobs[i].Contract
			r := Result{Arch: a, Name: c.Name, Seconds: ans.Seconds, Stuck: ans.Stuck, answer: ans}
			if ans.Trace != nil {
				r.Trace = ans.Trace.String()
			}
			expected, err := c.Expected(a)
			switch {
			case o.Record && ans.End != "":
				r.Verdict = Pass
			case o.Record:
				r.Verdict, r.Diff = Fail, "the machine ended\n"+ans.Log
			case err != nil:
				r.Verdict, r.Diff = Fail, err.Error()+"\n"
			default:
				r.Verdict, r.Diff = judge(ans, expected)
				r.Verdict, r.Reason = registry.apply(a, c.Name, r.Verdict)
			}
			results = append(results, r)
			p.end(i, r)
		}}
	err := s.run(ctx, workers, perBoot)
	return results, err
}
