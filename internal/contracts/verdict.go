package contracts

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"

	"kevlar/internal/arch"
)

// A Verdict compares an answer with what Linux answered.
type Verdict string

const (
	Pass    Verdict = "PASS"
	Diverge Verdict = "DIVERGE" // a line or the exit status differs
	Fail    Verdict = "FAIL"    // crash, timeout, or the machine ended
	XFail   Verdict = "XFAIL"   // differs or fails, as the registry says
	XPass   Verdict = "XPASS"   // passes although the registry says it would not
)

// Good reports whether a run with the verdict can succeed.
func (v Verdict) Good() bool { return v == Pass || v == XFail }

// A Result is the verdict on one contract on one architecture.
type Result struct {
	Arch    arch.Arch `json:"arch"`
	Name    string    `json:"name"`
	Verdict Verdict   `json:"verdict"`
	Seconds float64   `json:"seconds"`
	Diff    string    `json:"diff"`
	Reason  string    `json:"reason,omitempty"` // from the registry

	// Of a contract that does not pass, where the kernel can be traced; Trace also of others, where all are.
	Difference string `json:"difference,omitempty"` // where its calls first differ from those on Linux
	Trace      string `json:"trace,omitempty"`      // its calls, and signals
	Stuck      string `json:"stuck,omitempty"`      // what tasks and kernel did when its time was over

	answer Answer
}

// Category is the directory of the contract.
func (r Result) Category() string { return strings.SplitN(r.Name, "/", 2)[0] }

// judge compares an answer with the recorded one.
func judge(a Answer, expected string) (Verdict, string) {
	got := a.Text()
	switch {
	case a.End == "":
		return Fail, diff(expected, a.Output) + "the machine ended\n" + a.Log
	case got == expected:
		return Pass, ""
	case strings.HasPrefix(a.End, "exit ") && a.End != "exit 127" && a.End != "exit 126":
		return Diverge, diff(expected, got)
	}
	text := diff(expected, got)
	if a.Log != "" {
		text += "the end of the machine's log:\n" + strings.TrimRight(a.Log, "\n") + "\n"
	}
	return Fail, text
}

// diff shows how two texts differ, a line each: "-" is Linux's, "+" the kernel's under test.
func diff(want, got string) string {
	a, b := lines(want), lines(got)
	// Longest common subsequence: the texts are short.
	n, m := len(a), len(b)
	best := make([][]int, n+1)
	for i := range best {
		best[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[i] == b[j] {
				best[i][j] = best[i+1][j+1] + 1
			} else {
				best[i][j] = max(best[i+1][j], best[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && a[i] == b[j]:
			i, j = i+1, j+1
		case i < n && (j == m || best[i+1][j] >= best[i][j+1]):
			fmt.Fprintf(&out, "-%s\n", a[i])
			i++
		default:
			fmt.Fprintf(&out, "+%s\n", b[j])
			j++
		}
	}
	return out.String()
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// A Registry names the known divergences: per architecture, with a reason each.
type Registry map[arch.Arch]map[string]string

var registryLine = regexp.MustCompile(`^(\S+)\s+(\S+)\s+(\S.*)$`)

// LoadRegistry reads a registry: a line has the architecture or "all", the contract's name and the reason. Empty lines
// and lines that start with # are skipped. A missing file is an empty registry.
func LoadRegistry(path string) (Registry, error) {
	r := Registry{}
	for _, a := range arch.All {
		r[a] = map[string]string{}
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		n++
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		m := registryLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s:%d: want ARCH NAME REASON", path, n)
		}
		if m[1] == "all" {
			for _, a := range arch.All {
				r[a][m[2]] = m[3]
			}
			continue
		}
		a, err := arch.Parse(m[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		r[a][m[2]] = m[3]
	}
	return r, nil
}

// apply turns a verdict into what the registry makes of it.
func (r Registry) apply(a arch.Arch, name string, v Verdict) (Verdict, string) {
	reason, known := r[a][name]
	switch {
	case !known:
		return v, ""
	case v == Pass:
		return XPass, reason
	}
	return XFail, reason
}

// stale lists the entries that name no contract of the architecture: they fail a run as XPASS does.
func (r Registry) stale(a arch.Arch, all []Contract) []string {
	known := map[string]bool{}
	for _, c := range all {
		known[c.Name] = c.On(a)
	}
	var list []string
	for name := range r[a] {
		if !known[name] {
			list = append(list, name)
		}
	}
	return list
}
