package diag

import (
	"bytes"
	"fmt"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"kevlar/linux/task"
	"kevlar/machine"
)

func TestFindStack(t *testing.T) {
	const all = `goroutine 1 [running]:
main.main()

goroutine 7 [select labels:{"task": "12"}]:
kevlar/linux/tty.serve()
created by kevlar/linux/task.(*Task).syscall in goroutine 8

goroutine 8 [sync.Mutex.Lock, 2 minutes labels:{"task": "12"}]:
kevlar/linux/task.(*Task).syscall(0x1)
kevlar/linux/task.(*Task).run(0x1)

goroutine 9 [runnable labels:{"task": "1"}]:
kevlar/machine/nk.(*Programs).Enter(0x2)
kevlar/linux/task.(*Task).run(0x2)
`
	state, stack := findStack(all, 12)
	if !strings.HasPrefix(state, "sync.Mutex.Lock") || !strings.HasPrefix(stack, "goroutine 8 ") || inProgram.MatchString(stack) {
		t.Errorf("state %q, stack %q", state, stack)
	}
	if state, stack := findStack(all, 1); !strings.HasPrefix(state, "runnable") || !inProgram.MatchString(stack) {
		t.Errorf("a task in user mode: state %q, stack %q", state, stack)
	}
	if state, stack := findStack(all, 2); state != "" || stack != "" {
		t.Errorf("no such task: state %q, stack %q", state, stack)
	}
}

// busyMachine has CPUs that have worked for so long.
type busyMachine struct {
	machine.Machine
	busy []time.Duration
}

func (m *busyMachine) Busy(cpu int) time.Duration { return m.busy[cpu] }

func TestWatchdogCountsWork(t *testing.T) {
	const every = 40 * time.Millisecond
	for _, test := range []struct {
		name     string
		worked   []time.Duration
		min, max time.Duration
	}{
		{"idle: the clock counts", []time.Duration{0, time.Millisecond}, every, 2 * every},
		{"one CPU works", []time.Duration{0, 8 * time.Millisecond}, 8 * time.Millisecond, 8 * time.Millisecond},
		{"both work", []time.Duration{12 * time.Millisecond, 20 * time.Millisecond}, 16 * time.Millisecond, 16 * time.Millisecond},
		{"never more than has passed", []time.Duration{time.Hour, time.Hour}, every, 2 * every},
	} {
		m := &busyMachine{busy: slices.Clone(test.worked)}
		w := &watchdog{d: &Diagnosis{k: &task.Kernel{Machine: m}}, every: every, busy: make([]time.Duration, 2)}
		w.last = -time.Hour // the host has slept, at the longest
		if got := w.count(); got < test.min || got > test.max {
			t.Errorf("%s: %v counted, want %v to %v", test.name, got, test.min, test.max)
		}
	}
}

func TestPercentile(t *testing.T) {
	h := &metrics.Float64Histogram{Counts: []uint64{98, 1, 1}, Buckets: []float64{0, 1, 2, 3}}
	for q, want := range map[float64]float64{0.5: 1, 0.98: 2, 0.99: 2} {
		if got, n := percentile(h, q); got != want || n != 100 {
			t.Errorf("percentile %g is %g of %d values, want %g of 100", q, got, n, want)
		}
	}
	if got, n := percentile(&metrics.Float64Histogram{Counts: []uint64{0}, Buckets: []float64{0, 1}}, 0.5); got != 0 || n != 0 {
		t.Errorf("of nothing: %g of %d values", got, n)
	}
}

func TestMetrics(t *testing.T) {
	var w bytes.Buffer
	if err := showMetrics(nil, &w); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^/sched/goroutines:goroutines [1-9]\d*$`, `(?m)^/sched/pauses/total/gc:seconds p50=\S+ p99=\S+ count=\d+$`} {
		if !regexp.MustCompile(want).Match(w.Bytes()) {
			t.Errorf("no line matches %s:\n%s", want, &w)
		}
	}
}

func TestPauses(t *testing.T) {
	count := func() (n uint64) {
		var w bytes.Buffer
		if err := showPauses(nil, &w); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(w.String()) {
			var ns, times uint64
			if _, err := fmt.Sscan(line, &ns, &times); err != nil || times == 0 {
				t.Errorf("%q: want a length and a count: %v", line, err)
			}
			n += times
		}
		return n
	}
	before := count()
	runtime.GC()
	if after := count(); after <= before {
		t.Errorf("%d pauses before a collection, %d after", before, after)
	}
}
