package task

import (
	"math"
	"sync"
	"time"
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

// CountLoad keeps the load average for as long as the machine runs.
func (k *Kernel) CountLoad() {
	for range time.Tick(loadPeriod) {
		t := k.Totals()
		k.load.count(t.Running + t.Blocked)
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

// LoadAverage is the load average of the last one, five and fifteen minutes.
func (k *Kernel) LoadAverage() [3]float64 {
	k.load.mu.Lock()
	defer k.load.mu.Unlock()
	return k.load.average
}
