package contracts

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kevlar/internal/arch"
)

// progress shows a run as it goes: a line for each contract that does not pass (for all, if verbose), and below them, on
// a terminal, one line that tells how far the run is.
type progress struct {
	mu      sync.Mutex // guards all below
	out     io.Writer
	live    bool // out is a terminal
	verbose bool
	arch    arch.Arch
	total   int
	done    int
	counts  Counts
	running map[int]string
	said    time.Time // when the last line was written, where out is no terminal
	drawn   bool      // the status line is on the screen
}

func newProgress(out io.Writer, live, verbose bool, a arch.Arch, total int) *progress {
	return &progress{out: out, live: live, verbose: verbose, arch: a, total: total, running: map[int]string{}, said: time.Now()}
}

func (p *progress) begin(i int, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[i] = name
	p.draw()
}

func (p *progress) end(i int, r Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, i)
	p.done++
	p.counts.add(r.Verdict)
	if p.verbose || r.Verdict != Pass {
		p.clear()
		fmt.Fprintf(p.out, "%s %4d/%d  %-8s %6.3f s  %s\n", p.arch, p.done, p.total, r.Verdict, r.Seconds, r.Name)
		if r.Diff != "" {
			io.WriteString(p.out, indent(r.Diff))
		}
	}
	const quiet = 10 * time.Second // so often a log gets a sign of life
	if !p.live && !p.verbose && time.Since(p.said) > quiet {
		p.said = time.Now()
		fmt.Fprintf(p.out, "%s progress %d/%d: so far %s\n", p.arch, p.done, p.total, &p.counts)
	}
	p.draw()
}

// finish takes the status line away.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.drawn {
		io.WriteString(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) draw() {
	if !p.live {
		return
	}
	var names []string
	for _, n := range p.running {
		names = append(names, n)
	}
	line := fmt.Sprintf("%s %4d/%d  %s  %s", p.arch, p.done, p.total, &p.counts, strings.Join(names, " "))
	const width = 100
	fmt.Fprintf(p.out, "\r\x1b[K%.*s", width, line)
	p.drawn = true
}

func indent(s string) string {
	return "\t" + strings.Join(lines(s), "\n\t") + "\n"
}
