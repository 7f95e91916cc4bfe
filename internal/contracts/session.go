package contracts

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// An Answer is what a contract did on a kernel.
type Answer struct {
	Output  string
	End     string // "exit N", "signal N", "timeout N" (seconds), or "" where the machine ended first
	Seconds float64
	Log     string // end of the machine's log, where the machine ended first or the time was over
	Stuck   string // what tasks and kernel did when the time was over, where the kernel can tell
	Trace   *trace // what the contract did, where that is traced
}

// Text is the answer as it is recorded: the output, and a last line with the end.
func (a Answer) Text() string {
	out := a.Output
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return out + "[" + a.End + "]\n"
}

// A machine runs contracts in one boot. It calls begin and end for each as they happen, in order, and returns when
// all ran or the machine ended; log is the end of what the machine printed.
type machine interface {
	boot(ctx context.Context, jobs []job, begin func(i int), end func(i int, a Answer)) (log string, err error)
}

// A job is a contract and its program for the machine.
type job struct {
	Contract
	program string
	slow    int // times the contract's own time limit; 0 is 1
}

// path is the program's in the machine.
func (j *job) path() string { return "/contracts/" + strings.TrimSuffix(j.Name, ".user") }

// limit is the time that the contract may take.
func (j *job) limit() time.Duration { return time.Duration(j.Timeout*max(j.slow, 1)) * time.Second }

// A session runs jobs on machines, several at a time.
type session struct {
	machine machine
	jobs    []job
	begin   func(i int) // called as jobs begin and end, from one goroutine at a time
	end     func(i int, a Answer)

	mu    sync.Mutex // guards all below, and calls of begin and end
	began int        // contracts that began
	dead  int        // boots that ended before a contract began, since the last that did not
}

// maxDead is after how many boots, one after the other, that do not come to a contract a session gives up.
const maxDead = 3

// run runs the jobs, perBoot in each boot (0: as many as there are), in as many machines at a time as there are workers.
func (s *session) run(ctx context.Context, workers, perBoot int) error {
	if perBoot == 0 {
		perBoot = max(1, (len(s.jobs)+workers-1)/workers)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	work := make(chan int)
	for range workers {
		wg.Go(func() {
			for from := range work {
				if err := s.batch(ctx, from, min(from+perBoot, len(s.jobs))); err != nil {
					cancel(err)
				}
			}
		})
	}
	for from := 0; from < len(s.jobs) && ctx.Err() == nil; from += perBoot {
		select {
		case work <- from:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// batch runs the jobs from one number to another on as many boots as it takes. A contract that was running when its
// machine ended has no end; the rest go on in a fresh boot. So does the first contract of a machine that never came to it.
func (s *session) batch(ctx context.Context, from, to int) error {
	for from < to {
		base, next, running := from, 0, -1
		var partial Answer
		log, err := s.machine.boot(ctx, s.jobs[from:to],
			func(i int) {
				running, partial = i, Answer{}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.dead = 0
				s.begin(base + i)
			},
			func(i int, a Answer) {
				if a.End == "" {
					partial = a
					return
				}
				running, next = -1, i+1
				s.mu.Lock()
				defer s.mu.Unlock()
				s.end(base+i, a)
			})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.mu.Lock()
		switch {
		case running >= 0:
			partial.Log = log
			s.end(base+running, partial)
			next = running + 1
		case next == 0:
			if err == nil {
				err = fmt.Errorf("the machine ended before it ran a contract")
			}
			if s.dead++; s.dead >= maxDead {
				s.mu.Unlock()
				return fmt.Errorf("%d machines in a row ran nothing: %w\n%s", s.dead, err, log)
			}
			s.begin(base)
			s.end(base, Answer{Log: fmt.Sprintf("%s\n%v\n", strings.TrimRight(log, "\n"), err)})
			next = 1
		}
		s.mu.Unlock()
		from += next
	}
	return nil
}

// readRecords reads what init.c reports. It ends with nil after "done", with io.EOF where the stream ends earlier. A contract
// whose time is over is late before it ends. The answer to one that never ended is passed on without an end.
func readRecords(r io.Reader, begin, late func(i int), end func(i int, a Answer)) error {
	in := bufio.NewReader(r)
	running := -1
	var out, strace bytes.Buffer
	var started time.Time
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			if running >= 0 {
				end(running, Answer{Output: out.String(), Seconds: time.Since(started).Seconds()})
			}
			return io.EOF
		}
		var i, n int
		var kind string
		var micros int64
		switch {
		case strings.HasPrefix(line, "done"):
			return nil
		case scan(line, "begin %d\n", &i):
			running, started = i, time.Now()
			out.Reset()
			strace.Reset()
			begin(i)
		case scan(line, "out %d %d\n", &i, &n):
			io.CopyN(&out, in, int64(n))
		case scan(line, "trace %d %d\n", &i, &n):
			io.CopyN(&strace, in, int64(n))
		case scan(line, "late %d\n", &i):
			late(i)
		case scan(line, "end %d %s %d %d\n", &i, &kind, &n, &micros):
			running = -1
			a := Answer{Output: out.String(), End: fmt.Sprintf("%s %d", kind, n), Seconds: float64(micros) / 1e6}
			if strace.Len() > 0 {
				a.Trace = readStrace(strace.String())
			}
			end(i, a)
		}
	}
}

func scan(line, format string, values ...any) bool {
	n, err := fmt.Sscanf(line, format, values...)
	return err == nil && n == len(values)
}
