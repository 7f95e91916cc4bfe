package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// Options say what to measure, on what, and how.
type Options struct {
	Dir     string // of the programs' sources
	Archs   []arch.Arch
	CPUs    []int          // machines: their numbers of CPUs
	Match   *regexp.Regexp // of rows' names; nil for all
	Rounds  int
	ICount  bool   // count instructions instead of time
	Image   string // of Kevlar, "" to build it
	Machine string // QEMU's machine type, "" for the usual one
	Append  string // more words for both kernels
	Out     io.Writer
	Live    bool // Out is a terminal
}

// matching are the rows that a machine with so many CPUs can measure and the options ask for.
func (o *Options) matching(rows []Row, cpus int) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		return o.Match != nil && !o.Match.MatchString(r.Name()) || r.CPUs && r.Arg > cpus ||
			o.ICount && r.Program == wholeRun // the host's time
	})
}

// Run measures, and returns what it found. The error is for what kept it from measuring; a row that has no figure is among
// the report's failures.
func Run(ctx context.Context, o Options) (*Report, error) {
	rows, err := Load(o.Dir)
	if err != nil {
		return nil, err
	}
	debs, err := debian.Open(os.Stderr)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	for _, a := range o.Archs {
		for _, cpus := range o.CPUs {
			todo := o.matching(rows, cpus)
			if len(todo) == 0 {
				return nil, fmt.Errorf("no benchmark matches")
			}
			guests, release, err := newGuests(ctx, debs, a, cpus, &o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", a, err)
			}
			report.condition(a, cpus, release, &o)
			s := &series{arch: a, cpus: cpus, rows: todo, rounds: o.Rounds, icount: o.ICount, guests: map[Kernel]measurer{}, show: newTable(o.Out, o.Live)}
			for k, g := range guests {
				s.guests[k] = g
			}
			err = s.run(ctx)
			report.add(s)
			if err != nil {
				return report, err
			}
		}
	}
	return report, nil
}

// A measurer finds rows' figures on one kernel. It tells what it measures, and each row's figure, NaN where the kernel has
// none of that kind, or failure.
type measurer interface {
	measure(ctx context.Context, rows []Row, running func(Row), figure func(Row, float64), failed func(Row, string)) error
}

// A series is the rounds of one kind of machine.
type series struct {
	arch   arch.Arch
	cpus   int
	rows   []Row
	rounds int
	icount bool
	guests map[Kernel]measurer
	show   *table

	figures  map[string]map[Kernel][]float64 // by row
	failures []Failure
}

// run boots the kernels in turn, each first in every other round, so that what drifts on the host meets both. A row that
// fails is not tried again.
func (s *series) run(ctx context.Context) error {
	s.figures = map[string]map[Kernel][]float64{}
	rows := slices.Clone(s.rows)
	s.show.head(s)
	defer s.show.clear()
	for round := range s.rounds {
		order := []Kernel{Kevlar, Linux}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for i, k := range order {
			s.show.round(round, s.rounds, k)
			var lost []string
			err := s.guests[k].measure(ctx, rows,
				func(r Row) { s.show.running(round, s.rounds, k, r) },
				func(r Row, v float64) {
					name := r.Name()
					if s.figures[name] == nil {
						s.figures[name] = map[Kernel][]float64{}
					}
					if !math.IsNaN(v) {
						s.figures[name][k] = append(s.figures[name][k], v)
					}
					if round == s.rounds-1 && i == 1 {
						s.show.row(s.result(r))
					}
				},
				func(r Row, why string) {
					lost = append(lost, r.Name())
					f := Failure{Arch: s.arch, Name: r.Name(), SMP: s.cpus, Kernel: k, Reason: why}
					s.failures = append(s.failures, f)
					s.show.failure(f)
				})
			rows = slices.DeleteFunc(rows, func(r Row) bool { return slices.Contains(lost, r.Name()) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// result sums a row's rounds up.
func (s *series) result(r Row) Result {
	f := s.figures[r.Name()]
	res := Result{Arch: s.arch, Name: r.Name(), SMP: s.cpus, Unit: r.Unit,
		Kevlar: median(f[Kevlar]), Linux: median(f[Linux]), Spread: max(spread(f[Kevlar]), spread(f[Linux])), row: r}
	if s.icount {
		res.Unit = r.Unit.counted()
	}
	if res.Linux > 0 {
		res.Ratio = res.Kevlar / res.Linux
	}
	return res
}

// results are those of the rows that both kernels have figures of and neither failed.
func (s *series) results() []Result {
	var all []Result
	for _, r := range s.rows {
		failed := slices.ContainsFunc(s.failures, func(f Failure) bool { return f.Name == r.Name() })
		if f := s.figures[r.Name()]; !failed && len(f[Kevlar]) > 0 && (len(f[Linux]) > 0 || r.ours()) {
			all = append(all, s.result(r))
		}
	}
	return all
}
