package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kevlar/internal/arch"
	"kevlar/internal/cc"
	"kevlar/internal/contracts"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
)

// testCmd is `kevlar test`: everything that can be checked, on this host and in machines. .ci/run is nothing else.
type testCmd struct {
	Parts   []string    `arg:"" optional:"" enum:"host,boot,contracts,rederive,e2e,soak,mutations" help:"What to run: host (format, vet, unit tests), boot (kernels and what boots them), contracts (on Kevlar), rederive (the recorded answers, from Linux), e2e (programs), soak (long ones), mutations (a kernel broken on purpose: contracts must notice). All but the last two if not given."`
	Arch    []arch.Arch `help:"Architectures of the machines." default:"arm64,amd64"`
	Match   string      `name:"run" help:"Only tests and contracts whose name matches." placeholder:"REGEX"`
	Report  string      `help:"Write the reports on contracts into this directory." type:"path" placeholder:"DIR"`
	Verbose bool        `short:"v" help:"Show each test and contract."`

	root string
}

// A step is one thing that is run, seen to pass or fail, and timed.
type step struct {
	part string
	name string
	run  func(ctx context.Context) error
}

// booting are the packages whose tests boot machines or build kernels; -short leaves these tests out. They run without
// the race detector, which the packages' other tests have had, and one package at a time: machines starve each other.
var booting = []string{"./cmd/kernel", "./internal/debian", "./internal/image", "./internal/vm", "./machine/nk"}

const endToEnd = "./internal/e2e"

func (c *testCmd) steps() []step {
	all := []step{
		{"host", "gofmt", c.gofmt},
		{"host", "go vet, arm64", c.vet(arch.ARM64)},
		{"host", "go vet, amd64", c.vet(arch.AMD64)},
		{"host", "go test -race", c.goTest("-race", "-short", "-timeout=20m", "./...")},
		{"boot", "kernels", c.kernels},
		{"boot", "machines", c.goTest(append([]string{"-p=1", "-timeout=20m"}, booting...)...)},
		{"contracts", "contracts on Kevlar", c.contracts("kevlar", 1)},
		{"contracts", "contracts on 4 CPUs", c.contracts("kevlar", 4)},
		{"e2e", "programs on Kevlar", c.goTest(c.e2eArgs()...)},
		{"rederive", "contracts on Linux", c.contracts("linux", 1)},
		{"rederive", "programs on Linux", c.goTest(append([]string{"-run=^(TestRun|TestTerminal)$"}, c.e2eArgs("-kernel=linux")...)...)},
		{"soak", "soak", c.goTest(c.e2eArgs("-soak", "-timeout=6h")...)},
		{"mutations", "mutations", c.mutations},
	}
	return slices.DeleteFunc(all, func(s step) bool {
		if len(c.Parts) == 0 {
			return s.part == "soak" || s.part == "mutations"
		}
		return !slices.Contains(c.Parts, s.part)
	})
}

func (c *testCmd) Run(ctx context.Context) error {
	var err error
	if c.root, err = image.SourceRoot(); err != nil {
		return err
	}
	if err := debian.Ensure(ctx, os.Stderr, c.tools()...); err != nil {
		return err
	}
	begin := time.Now()
	var summary bytes.Buffer
	failed := 0
	steps := c.steps()
	for i, s := range steps {
		fmt.Printf("== %d/%d %s: %s\n", i+1, len(steps), s.part, s.name)
		start := time.Now()
		outcome := "ok"
		if err := s.run(ctx); err != nil {
			outcome = "FAILED"
			failed++
			fmt.Printf("== %s: %v\n", s.name, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fmt.Fprintf(&summary, "%-10s %-22s %-7s %8s\n", s.part, s.name, outcome, time.Since(start).Round(100*time.Millisecond))
	}
	fmt.Printf("\n%s", &summary)
	took := time.Since(begin).Round(time.Second)
	if failed > 0 {
		fmt.Printf("%d of %d failed, in %v\n", failed, len(steps), took)
		return exitStatus(1)
	}
	fmt.Printf("all %d passed, in %v\n", len(steps), took)
	return nil
}

// tools are what the chosen steps need of this host.
func (c *testCmd) tools() []debian.Tool {
	var tools []debian.Tool
	parts := map[string]bool{}
	for _, s := range c.steps() {
		parts[s.part] = true
	}
	if parts["host"] { // the race detector is linked with the C library
		tools = append(tools, debian.Tool{Program: "gcc", Package: "gcc"}, debian.Tool{File: "/usr/include/stdio.h", Package: "libc6-dev"})
	}
	if len(parts) == 1 && parts["host"] {
		return tools
	}
	for _, a := range arch.All {
		if !slices.Contains(c.Arch, a) && !parts["boot"] {
			continue
		}
		tools = append(tools, qemu.Tool(a))
		if parts["contracts"] || parts["rederive"] || parts["mutations"] {
			tools = append(tools, cc.Tool(a))
		}
	}
	return tools
}

// gofmt names the files that are not formatted.
func (c *testCmd) gofmt(context.Context) error {
	var bad []string
	err := filepath.WalkDir(c.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != c.root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "out" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, err := format.Source(text)
		if err != nil || !bytes.Equal(text, want) {
			bad = append(bad, path)
		}
		return nil
	})
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("not formatted: %s", strings.Join(bad, " "))
	}
	return err
}

func (c *testCmd) vet(a arch.Arch) func(context.Context) error {
	return func(ctx context.Context) error {
		return c.goTool(ctx, []string{"GOOS=linux", "GOARCH=" + string(a)}, "vet", "./...")
	}
}

func (c *testCmd) kernels(ctx context.Context) error {
	for _, a := range arch.All {
		dir, err := image.CacheDir("kernel")
		if err != nil {
			return err
		}
		start := time.Now()
		file, err := image.Build(string(a), dir)
		if err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d KiB, in %v\n", filepath.Base(file), info.Size()>>10, time.Since(start).Round(time.Millisecond))
	}
	return nil
}

func (c *testCmd) e2eArgs(more ...string) []string {
	var archs []string
	for _, a := range c.Arch {
		archs = append(archs, string(a))
	}
	return append([]string{"-timeout=30m", endToEnd, "-arch=" + strings.Join(archs, ",")}, more...)
}

// goTest runs go test with arguments: flags, packages, and flags of the test.
func (c *testCmd) goTest(args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		first := []string{"test"}
		if c.Verbose {
			first = append(first, "-v")
		}
		if c.Match != "" {
			first = append(first, "-run="+c.Match)
		}
		return c.goTool(ctx, nil, append(first, args...)...)
	}
}

// goTool runs the go command in the source's root and shows what it says as it comes, without the packages that have no
// tests.
func (c *testCmd) goTool(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.root
	cmd.Env = append(os.Environ(), env...)
	out := &lineFilter{w: os.Stdout, drop: func(line []byte) bool {
		return bytes.Contains(line, []byte("[no test files]")) || bytes.Contains(line, []byte("[no tests to run]"))
	}}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	out.Flush()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return err
}

// parallel are the contracts that machines of several CPUs answer as well: of what tasks do at the same time.
const parallel = "^(threading|events|ipc)/|^scheduling/affinity"

// contracts runs the contracts on Kevlar, or on Linux, whose answers must be the recorded ones.
func (c *testCmd) contracts(kernel string, cpus int) func(context.Context) error {
	return func(ctx context.Context) error {
		cmd := contracts.Command{Arch: c.Arch, Match: c.Match, Kernel: kernel, Isolate: "auto", Repeat: 1, SMP: cpus, Explain: true, Verbose: c.Verbose}
		if cpus > 1 {
			cmd.Clock = "host"
			if c.Match == "" {
				cmd.Match = parallel
			}
		}
		if c.Report != "" {
			if err := os.MkdirAll(c.Report, 0o755); err != nil {
				return err
			}
			base := filepath.Join(c.Report, fmt.Sprintf("contracts-%s-%d", kernel, cpus))
			cmd.JSON, cmd.JUnit, cmd.HTML = base+".json", base+".xml", base+".html"
		}
		return cmd.Run()
	}
}

// lineFilter writes lines on, but for some.
type lineFilter struct {
	w    io.Writer
	drop func(line []byte) bool
	part []byte
}

func (f *lineFilter) Write(p []byte) (int, error) {
	f.part = append(f.part, p...)
	for {
		i := bytes.IndexByte(f.part, '\n')
		if i < 0 {
			return len(p), nil
		}
		if line := f.part[:i+1]; !f.drop(line) {
			if _, err := f.w.Write(line); err != nil {
				return 0, err
			}
		}
		f.part = f.part[i+1:]
	}
}

// Flush writes the last line, where it has no end.
func (f *lineFilter) Flush() {
	if len(f.part) > 0 && !f.drop(f.part) {
		f.w.Write(f.part)
	}
	f.part = nil
}
