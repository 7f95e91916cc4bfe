package trace

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kevlar/linux/trace"
)

// Summary counts calls.
type Summary struct{ calls map[string]*count }

type count struct {
	name        string
	n, errors   int
	total, most time.Duration
}

// Add counts an event's call once it is done.
func (s *Summary) Add(e *Event) {
	if e.Code != trace.Exit {
		return
	}
	if s.calls == nil {
		s.calls = map[string]*count{}
	}
	c := s.calls[e.Call.Name]
	if c == nil {
		c = &count{name: e.Call.Name}
		s.calls[c.name] = c
	}
	c.n++
	c.total += e.Call.Took
	c.most = max(c.most, e.Call.Took)
	if e.Call.Failed() {
		c.errors++
	}
}

// Write prints a table, the calls that took longest first. The time of a call is all that
// passes until it is done: also what it sleeps.
func (s *Summary) Write(w io.Writer) error {
	var all []*count
	sum := count{name: "total"}
	for _, c := range s.calls {
		all = append(all, c)
		sum.n, sum.errors, sum.total, sum.most = sum.n+c.n, sum.errors+c.errors, sum.total+c.total, max(sum.most, c.most)
	}
	slices.SortFunc(all, func(a, b *count) int {
		if a.total != b.total {
			return int(max(min(b.total-a.total, 1), -1))
		}
		return strings.Compare(a.name, b.name)
	})
	const rule = "------ ----------- ----------- ----------- --------- --------- ----------------\n"
	var b strings.Builder
	fmt.Fprintf(&b, "%6s %11s %11s %11s %9s %9s %s\n", "% time", "seconds", "usecs/call", "max usecs", "calls", "errors", "syscall")
	b.WriteString(rule)
	line := func(c *count) {
		share := 100.0
		if sum.total > 0 {
			share = 100 * float64(c.total) / float64(sum.total)
		}
		errors := ""
		if c.errors > 0 {
			errors = fmt.Sprint(c.errors)
		}
		fmt.Fprintf(&b, "%6.2f %11.6f %11d %11d %9d %9s %s\n", share, c.total.Seconds(), c.total.Microseconds()/int64(max(c.n, 1)), c.most.Microseconds(), c.n, errors, c.name)
	}
	for _, c := range all {
		line(c)
	}
	b.WriteString(rule)
	line(&sum)
	_, err := io.WriteString(w, b.String())
	return err
}
