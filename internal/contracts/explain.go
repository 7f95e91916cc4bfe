package contracts

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"kevlar/internal/debian"
	"kevlar/internal/vm"
)

// mostExplained bounds how many contracts of a pass are explained: where more fail it is not each of them that is broken.
const mostExplained = 8

// again is how often a contract that does not pass is traced: one that fails now and then may pass.
const again = 3

// slowdown is how much longer a contract may take under strace.
const slowdown = 4

// explain says of contracts that do not pass what they did, by a trace of a fresh boot, and where that leaves Linux, by a strace
// of the same there. Results get it; it is shown, too.
func (o *Options) explain(ctx context.Context, g *guest, jobs []job, results []Result) error {
	bad := map[string]*Result{}
	var todo []job
	for i := range results {
		if r := &results[i]; r.Verdict != Pass && r.Verdict != XPass && len(todo) < mostExplained {
			bad[r.Name] = r
			todo = append(todo, jobs[slices.IndexFunc(jobs, func(j job) bool { return j.Name == r.Name })])
		}
	}
	if len(todo) == 0 {
		return nil
	}
	fmt.Fprintf(o.Out, "%s explaining %d: traced on Kevlar, and under strace on Linux\n", g.arch, len(todo))
	traces := map[string]*trace{}
	notes := map[string]string{}
	for _, j := range todo {
		if t := bad[j.Name].answer.Trace; t != nil { // all are traced
			traces[j.Name] = t
			continue
		}
		for try := 1; try <= again; try++ {
			a, err := g.trace(ctx, j)
			if err != nil {
				return err
			}
			traces[j.Name] = a.Trace
			if expected, err := j.Expected(g.arch); err != nil || a.Text() != expected {
				notes[j.Name] = ""
				break
			}
			notes[j.Name] = fmt.Sprintf("it passed when it was traced, %d times: what follows is no failure\n", try)
		}
	}
	linux, err := o.straced(ctx, g, todo)
	if err != nil {
		return err
	}
	for _, j := range todo {
		r := bad[j.Name]
		r.Difference = notes[j.Name] + differs(linux[j.Name], traces[j.Name])
		if t := traces[j.Name]; t != nil {
			r.Trace = t.String()
		}
		fmt.Fprintf(o.Out, "%s %s: where it leaves Linux\n%s", g.arch, j.Name, indent(r.Difference))
		if !strings.HasPrefix(r.answer.End, "timeout") {
			continue
		}
		if _, tasks, ok := strings.Cut(r.Stuck, "\ntasks:\n"); ok {
			tasks, _, _ = strings.Cut(tasks, "\n\n")
			fmt.Fprintf(o.Out, "\ttasks when its time was over:\n%s", indent(tasks))
		}
		fmt.Fprintf(o.Out, "\tthe end of the trace:\n%s", indent(lastLines(r.Trace, 12)))
	}
	return nil
}

// String is the trace's text, and what was wrong with it.
func (t *trace) String() string {
	if t.err != nil {
		return t.text.String() + fmt.Sprintf("... the trace cannot be read on: %v\n", t.err)
	}
	return t.text.String()
}

// trace runs a contract with the tracer on, in a boot of its own.
func (g *guest) trace(ctx context.Context, j job) (Answer, error) {
	traced := *g
	traced.traced = true
	var answer Answer
	s := session{machine: &traced, jobs: []job{j}, begin: func(int) {}, end: func(_ int, a Answer) { answer = a }}
	err := s.run(ctx, 1, 1)
	return answer, err
}

// straced runs contracts on Linux under strace, all in one boot, and returns the traces by the contracts' names.
func (o *Options) straced(ctx context.Context, kevlar *guest, todo []job) (map[string]*trace, error) {
	debs, err := debian.Open(os.Stderr)
	if err != nil {
		return nil, err
	}
	lo := *o
	lo.Linux, lo.Image, lo.Machine, lo.Append, lo.Transport = true, "", "", "", ""
	g := &guest{arch: kevlar.arch, init: kevlar.init, sets: kevlar.sets}
	if err := g.machine(ctx, debs, &lo); err != nil {
		return nil, err
	}
	command, files, err := vm.Strace(ctx, debs, g.arch, "/strace")
	if err != nil {
		return nil, err
	}
	g.tracer, g.strace = command, fileSet{files: map[string]string{}}
	for name, path := range files {
		g.strace.files["strace/"+name] = path
	}
	jobs := slices.Clone(todo)
	for i := range jobs {
		jobs[i].slow = slowdown
	}
	traces := map[string]*trace{}
	s := session{machine: g, jobs: jobs, begin: func(int) {}, end: func(i int, a Answer) { traces[jobs[i].Name] = a.Trace }}
	err = s.run(ctx, 1, 0)
	return traces, err
}

// lastLines are the last n lines of a text.
func lastLines(text string, n int) string {
	all := lines(text)
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
