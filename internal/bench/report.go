package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"kevlar/internal/arch"
)

// A Result is one row's: what both kernels needed, as medians of the rounds.
type Result struct {
	Arch   arch.Arch `json:"arch"`
	Name   string    `json:"name"`
	SMP    int       `json:"smp"`
	Unit   Unit      `json:"unit"`
	Kevlar float64   `json:"kevlar"`
	Linux  float64   `json:"linux"`  // 0 of what only Kevlar has
	Ratio  float64   `json:"ratio"`  // Kevlar's cost over Linux's: below 1 is faster
	Spread float64   `json:"spread"` // of the rounds, relative to the median: the greater of the kernels'

	row Row
}

// A Failure is a row without a figure.
type Failure struct {
	Arch   arch.Arch `json:"arch"`
	Name   string    `json:"name"`
	SMP    int       `json:"smp"`
	Kernel Kernel    `json:"kernel"`
	Reason string    `json:"reason"`
}

// A Report is what a run found.
type Report struct {
	Results  []Result  `json:"results"`
	Failures []Failure `json:"failures,omitempty"`

	conditions []string // a line for each kind of machine
}

func (r *Report) add(s *series) {
	r.Results = append(r.Results, s.results()...)
	r.Failures = append(r.Failures, s.failures...)
}

// condition notes how a kind of machine is measured.
func (r *Report) condition(a arch.Arch, cpus int, release string, o *Options) {
	how := "time"
	if o.ICount {
		how = "instructions (QEMU -icount)"
	}
	words := "mitigations=off"
	if a == arch.ARM64 {
		words += " kpti=off nokaslr"
	}
	r.conditions = append(r.conditions, fmt.Sprintf("%s, --smp %d: %s, medians of %d interleaved rounds; Linux is Debian's %s, with %s", a, cpus, how, o.Rounds, release, words))
}

// JSON writes the report for programs to read.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if r.Results == nil {
		r.Results = []Result{}
	}
	return e.Encode(r)
}

// A group is the results of one kind of machine.
type group struct {
	Arch    arch.Arch
	SMP     int
	Results []Result
}

// Geomean is the geometric mean of the group's ratios.
func (g *group) Geomean() float64 {
	var ratios []float64
	for _, r := range g.Results {
		ratios = append(ratios, r.Ratio)
	}
	return geomean(ratios)
}

// Slow are the group's results above a ratio, the worst first.
func (g *group) Slow(limit float64) []Result {
	slow := slices.DeleteFunc(slices.Clone(g.Results), func(r Result) bool { return r.Ratio <= limit })
	slices.SortFunc(slow, func(a, b Result) int {
		if a.Ratio > b.Ratio {
			return -1
		}
		return 1
	})
	return slow
}

func (r *Report) groups() []*group {
	var all []*group
	for _, res := range r.Results {
		i := slices.IndexFunc(all, func(g *group) bool { return g.Arch == res.Arch && g.SMP == res.SMP })
		if i < 0 {
			i = len(all)
			all = append(all, &group{Arch: res.Arch, SMP: res.SMP})
		}
		all[i].Results = append(all[i].Results, res)
	}
	return all
}

// slowRatio is the greatest ratio that a row should have.
const slowRatio = 1.5

// Text writes the summary: a line for each kind of machine, the slow rows, and what failed.
func (r *Report) Text(w io.Writer) {
	for _, g := range r.groups() {
		fmt.Fprintf(w, "%s, %d CPU: geometric mean %.2f of %d rows\n", g.Arch, g.SMP, g.Geomean(), len(g.Results))
		for _, s := range g.Slow(slowRatio) {
			fmt.Fprintf(w, "    %.2f  %s\n", s.Ratio, s.Name)
		}
	}
	if len(r.Failures) > 0 {
		fmt.Fprintf(w, "%d without a figure:\n", len(r.Failures))
		for _, f := range r.Failures {
			reason, _, _ := strings.Cut(f.Reason, "\n")
			fmt.Fprintf(w, "    %s, %d CPU, on %s: %s: %s\n", f.Arch, f.SMP, f.Kernel, f.Name, reason)
		}
	}
}

// number writes a figure with three digits, or all that stand before the point.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// LinuxText and RatioText are these figures for people to read, a dash where Linux has nothing to compare.
func (r Result) LinuxText() string { return r.compared(r.Linux) }

func (r Result) RatioText() string { return r.compared(r.Ratio) }

func (r Result) compared(v float64) string {
	if r.row.ours() {
		return "-"
	}
	return number(v)
}

// A table shows rows as they become final, and on a terminal below them what is being measured.
type table struct {
	w      io.Writer
	live   bool
	drawn  bool
	ratios []float64
}

func newTable(w io.Writer, live bool) *table { return &table{w: w, live: live} }

func (t *table) head(s *series) {
	fmt.Fprintf(t.w, "%s, %d CPU, %d rows\n%-24s %12s %12s %-16s %6s %7s\n", s.arch, s.cpus, len(s.rows), "", "Kevlar", "Linux", "", "ratio", "spread")
}

func (t *table) row(r Result) {
	t.clear()
	t.ratios = append(t.ratios, r.Ratio)
	fmt.Fprintf(t.w, "%-24s %12s %12s %-16s %6s %6.0f%%\n", r.Name, number(r.Kevlar), r.LinuxText(), r.Unit, r.RatioText(), 100*r.Spread)
}

func (t *table) failure(f Failure) {
	t.clear()
	fmt.Fprintf(t.w, "%-24s failed on %s: %s\n", f.Name, f.Kernel, strings.ReplaceAll(f.Reason, "\n", "\n    "))
}

// round tells a log, which shows nothing else until the last round, that one more boot begins.
func (t *table) round(round, rounds int, k Kernel) {
	if !t.live {
		fmt.Fprintf(t.w, "round %d of %d, %s\n", round+1, rounds, k)
	}
}

func (t *table) running(round, rounds int, k Kernel, r Row) {
	if !t.live {
		return
	}
	mean := ""
	if len(t.ratios) > 0 {
		mean = fmt.Sprintf("  mean ratio so far %.2f", geomean(t.ratios))
	}
	fmt.Fprintf(t.w, "\r\x1b[Kround %d of %d, %s: %s%s", round+1, rounds, k, r.Name(), mean)
	t.drawn = true
}

func (t *table) clear() {
	if t.drawn {
		io.WriteString(t.w, "\r\x1b[K")
		t.drawn = false
	}
}
