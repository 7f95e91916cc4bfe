package contracts

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// An Answer is what a contract did on a kernel.
type Answer struct {
	Output  string
	End     string // "exit N", "signal N", "timeout N" (seconds), or "" where the machine ended first
	Seconds float64
	Log     string // end of the machine's log, where the machine ended first
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
}

// runAll runs jobs on as many boots as it takes. A contract that was running when its machine ended has no end; the
// rest go on in a fresh boot.
func runAll(ctx context.Context, m machine, jobs []job, perBoot int, begin func(i int), end func(i int, a Answer)) error {
	for from := 0; from < len(jobs); {
		batch := jobs[from:]
		if perBoot > 0 && len(batch) > perBoot {
			batch = batch[:perBoot]
		}
		base, next, running := from, 0, -1
		var partial Answer
		log, err := m.boot(ctx, batch,
			func(i int) {
				running, partial = i, Answer{}
				begin(base + i)
			},
			func(i int, a Answer) {
				if a.End == "" {
					partial = a
					return
				}
				running, next = -1, i+1
				end(base+i, a)
			})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if running < 0 && next == 0 {
			if err == nil {
				err = fmt.Errorf("the machine ended before it ran a contract")
			}
			return fmt.Errorf("%w\n%s", err, log)
		}
		if running >= 0 {
			partial.Log = log
			end(base+running, partial)
			next = running + 1
		}
		from += next
	}
	return nil
}

// readRecords reads what init.c reports. It ends with nil after "done", with io.EOF where the stream ends earlier.
// The answer to a contract that never ended is passed on without an end.
func readRecords(r io.Reader, begin func(i int), end func(i int, a Answer)) error {
	in := bufio.NewReader(r)
	running := -1
	var out bytes.Buffer
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
			begin(i)
		case scan(line, "out %d %d\n", &i, &n):
			io.CopyN(&out, in, int64(n))
		case scan(line, "end %d %s %d %d\n", &i, &kind, &n, &micros):
			running = -1
			end(i, Answer{Output: out.String(), End: fmt.Sprintf("%s %d", kind, n), Seconds: float64(micros) / 1e6})
		}
	}
}

func scan(line, format string, values ...any) bool {
	n, err := fmt.Sscanf(line, format, values...)
	return err == nil && n == len(values)
}
