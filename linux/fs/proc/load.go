package proc

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"time"

	"kevlar/linux/task"
)

// loadPeriod is how often tasks are counted for the load average.
const loadPeriod = 5 * time.Second

// load is the load average of the last one, five and fifteen minutes: how many tasks ran
// or waited for a disk, each count weighing less the older it is (proc(5), loadavg).
type load struct {
	mu      sync.Mutex // guards average; leaf
	average [3]float64
}

// decay is by what the old average is multiplied in a period, for each of the three.
var decay = [3]float64{
	math.Exp(-loadPeriod.Seconds() / 60), math.Exp(-loadPeriod.Seconds() / 300), math.Exp(-loadPeriod.Seconds() / 900),
}

// run counts for as long as the machine runs.
func (l *load) run(k *task.Kernel) {
	for range time.Tick(loadPeriod) {
		t := k.Totals()
		l.count(t.Running + t.Blocked)
	}
}

// count adds the number of active tasks now.
func (l *load) count(active int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.average {
		l.average[i] = l.average[i]*decay[i] + float64(active)*(1-decay[i])
	}
}

func (l *load) now() [3]float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.average
}

// LoadAverage is the load average in units of 1/65536, as sysinfo(2) gives it.
func (s *system) LoadAverage() (l [3]uint64) {
	for i, a := range s.load.now() {
		l[i] = uint64(a * (1 << 16))
	}
	return l
}

func (fs *FS) showLoadAvg(w *bytes.Buffer) {
	l, t := fs.load.now(), fs.k.Totals()
	last := task.ID(0)
	if ns := fs.pids(); ns != nil {
		last = ns.Last()
	}
	fmt.Fprintf(w, "%.2f %.2f %.2f %d/%d %d\n", l[0], l[1], l[2], t.Running, t.Tasks, last)
}
