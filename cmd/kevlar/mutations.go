package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/contracts"
	"kevlar/internal/image"
)

// A mutation is a fault put into the kernel on purpose, and the contract that finds it: a patch in contracts/mutations
// whose first lines say what is broken, and name the contract and, if it is not all, the architecture.
type mutation struct {
	name     string
	file     string
	what     string
	contract string
	arch     arch.Arch
	patched  []string // the files that it changes
}

func readMutation(file string) (mutation, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return mutation{}, err
	}
	m := mutation{name: strings.TrimSuffix(filepath.Base(file), ".patch"), file: file}
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case i == 0:
			m.what = line
		case strings.HasPrefix(line, "contract: "):
			m.contract = strings.TrimPrefix(line, "contract: ")
		case strings.HasPrefix(line, "arch: "):
			if m.arch, err = arch.Parse(strings.TrimPrefix(line, "arch: ")); err != nil {
				return m, fmt.Errorf("%s: %w", file, err)
			}
		case strings.HasPrefix(line, "+++ b/"):
			m.patched = append(m.patched, strings.TrimPrefix(line, "+++ b/"))
		}
	}
	if m.contract == "" || len(m.patched) == 0 {
		return m, fmt.Errorf("%s: names no contract, or changes nothing", file)
	}
	return m, nil
}

// mutations breaks the kernel in each known way, and fails where the contract that should find it passes.
func (c *testCmd) mutations(ctx context.Context) error {
	all, err := c.readMutations()
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range c.Arch {
		here := slices.DeleteFunc(slices.Clone(all), func(m mutation) bool { return m.arch != "" && m.arch != a })
		if err := c.control(ctx, a, here); err != nil {
			return err
		}
		for _, m := range here {
			r, err := c.mutate(ctx, m, a)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s on %s: %w", m.name, a, err))
			case r.Verdict.Good():
				errs = append(errs, fmt.Errorf("%s on %s: %s does not find it", m.name, a, m.contract))
			default:
				fmt.Printf("%-7s %-25s %-8s %s\n%s", a, m.name, r.Verdict, m.contract, clipLines(r.Diff, 4))
				if n := strings.Count(r.Difference, "\n"); n > screen || !strings.Contains(r.Difference, "+++ Kevlar\n") {
					errs = append(errs, fmt.Errorf("%s on %s: %d lines do not explain it:\n%s", m.name, a, n, clipLines(r.Difference, screen)))
					break
				}
				fmt.Printf("\twhere it leaves Linux:\n%s", clipLines(r.Difference, screen))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *testCmd) readMutations() (all []mutation, err error) {
	files, err := filepath.Glob(filepath.Join(c.root, "contracts/mutations/*.patch"))
	if err != nil {
		return nil, err
	}
	match, err := regexp.Compile(c.Match)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		m, err := readMutation(file)
		if err != nil {
			return nil, err
		}
		if match.MatchString(m.name) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no mutation has such a name")
	}
	return all, nil
}

// control sees to it that the contracts pass on the kernel as it is.
func (c *testCmd) control(ctx context.Context, a arch.Arch, all []mutation) error {
	var names []string
	for _, m := range all {
		names = append(names, m.contract)
	}
	results, err := c.judge(ctx, a, "", names...)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Verdict != contracts.Pass {
			return fmt.Errorf("%s on %s: %s without a mutation:\n%s", r.Name, a, r.Verdict, r.Diff)
		}
	}
	return nil
}

// mutate builds the broken kernel and runs the contract on it.
func (c *testCmd) mutate(ctx context.Context, m mutation, a arch.Arch) (contracts.Result, error) {
	dir, err := os.MkdirTemp("", "kevlar-mutation")
	if err != nil {
		return contracts.Result{}, err
	}
	defer os.RemoveAll(dir)
	overlay, err := c.overlay(m, dir)
	if err != nil {
		return contracts.Result{}, err
	}
	kernel, err := image.Build(string(a), dir, "-overlay="+overlay)
	if err != nil {
		return contracts.Result{}, err
	}
	results, err := c.judge(ctx, a, kernel, m.contract)
	if err != nil {
		return contracts.Result{}, err
	}
	return results[0], nil
}

// judge runs contracts on a kernel: the one of this source, or one that is built.
func (c *testCmd) judge(ctx context.Context, a arch.Arch, kernel string, names ...string) ([]contracts.Result, error) {
	for i, n := range names {
		names[i] = regexp.QuoteMeta(n)
	}
	o := contracts.Options{
		Dir: filepath.Join(c.root, "contracts"), Archs: []arch.Arch{a}, Match: regexp.MustCompile("^(" + strings.Join(names, "|") + ")$"),
		Built: kernel, Fresh: true, Repeat: 1, CPUs: 1, Explain: true, Out: io.Discard,
	}
	report, err := contracts.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	return report.Results, nil
}

// screen is how many lines of an explanation are shown: it must not take more to explain what is broken on purpose.
const screen = 40

// clipLines indents the first lines of a text.
func clipLines(text string, most int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i == most {
			b.WriteString("\t...\n")
			break
		}
		fmt.Fprintf(&b, "\t%s\n", line)
	}
	return b.String()
}

// overlay applies a mutation to copies of the files that it changes, and returns what makes the go command take these.
func (c *testCmd) overlay(m mutation, dir string) (string, error) {
	replace := map[string]string{}
	for _, name := range m.patched {
		copied := filepath.Join(dir, name)
		text, err := os.ReadFile(filepath.Join(c.root, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(copied), 0o755)
		}
		if err == nil {
			err = os.WriteFile(copied, text, 0o644)
		}
		if err != nil {
			return "", err
		}
		replace[filepath.Join(c.root, name)] = copied
	}
	apply := exec.Command("git", "apply", m.file)
	apply.Dir = dir
	if out, err := apply.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the patch does not apply any more: %s", out)
	}
	text, err := json.Marshal(struct{ Replace map[string]string }{replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o644)
}
