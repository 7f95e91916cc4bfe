package diag

import (
	"bytes"
	"fmt"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"kevlar/linux/klog"
	"kevlar/linux/task"
	"kevlar/linux/wait"
)

// The watchdog looks for tasks that are in the kernel and should not stay there: that
// neither sleep as tasks do (package wait) nor come back to their program. It tells of each
// once, with its stack. One that sleeps is no matter of its, for however long.
//
// Time counts only as far as the machine's CPUs have worked (machine.Busy): on a host that
// lets them run for a tenth of the time, a minute takes ten. While all CPUs are idle the
// clock counts.

// DefaultPatience is how long a task may stay in the kernel.
const DefaultPatience = 60 * time.Second

type watchdog struct {
	d     *Diagnosis
	limit time.Duration
	every time.Duration

	last time.Duration   // when it looked
	busy []time.Duration // what each CPU had worked by then

	seen map[*task.Task]*standstill // touched by one look at a time
}

// standstill is how long a task has made no progress.
type standstill struct {
	mark     int64 // changes with each progress
	counted  time.Duration
	reported bool
}

// Watch starts the watchdog; 0 is none.
func (d *Diagnosis) Watch(limit time.Duration) {
	if limit <= 0 {
		return
	}
	w := &watchdog{
		d: d, limit: limit, every: min(max(limit/20, 100*time.Millisecond), 2*time.Second),
		last: wait.Now(), busy: make([]time.Duration, d.k.Machine.NumCPU()), seen: make(map[*task.Task]*standstill),
	}
	go w.run()
}

// run has each look done by another goroutine, so that a lock that nobody lets go of, the
// list of tasks' for instance, does not stop the watchdog itself.
func (w *watchdog) run() {
	done := make(chan struct{}, 1)
	done <- struct{}{}
	var step, overdue time.Duration
	for {
		w.d.k.Machine.Alive(w.limit)
		time.Sleep(w.every)
		counted := w.count()
		step += counted
		select {
		case <-done:
			overdue = 0
			go func(step time.Duration) {
				w.look(step)
				done <- struct{}{}
			}(step)
			step = 0
		default:
			if overdue += counted; overdue > w.limit {
				w.d.report("watchdog report", fmt.Sprintf("watchdog: tasks cannot be looked at: a lock has been held for %v\n\nall goroutines:\n%s",
					overdue.Round(time.Second), stacks()))
				w.d.fail()
			}
		}
	}
}

// count is how much time has passed since it was last called, as far as it counts.
func (w *watchdog) count() time.Duration {
	now := wait.Now()
	passed := min(now-w.last, 2*w.every) // the host may have slept
	w.last = now
	var worked []time.Duration
	for cpu := range w.busy {
		b := w.d.k.Machine.Busy(cpu)
		worked = append(worked, b-w.busy[cpu])
		w.busy[cpu] = b
	}
	most := slices.Max(worked)
	if most < passed/10 {
		return passed
	}
	var sum, n time.Duration
	for _, d := range worked {
		if d >= most/10 {
			sum += d
			n++
		}
	}
	return min(sum/n, passed)
}

// look adds a step to the standstill of each task that has made no progress since the last
// look, and reports those that have made none for too long.
func (w *watchdog) look(step time.Duration) {
	all := w.d.k.All()
	alive := make(map[*task.Task]*standstill, len(all))
	for _, t := range all {
		s := w.seen[t]
		if s == nil {
			s = new(standstill)
		}
		alive[t] = s
		if mark := progress(t); mark != s.mark || t.Waiter.Asleep() != wait.Awake {
			*s = standstill{mark: mark}
			continue
		}
		if s.counted += step; s.counted > w.limit && !s.reported {
			w.check(t, s)
		}
	}
	w.seen = alive
}

// progress is a number that changes whenever the task goes to its program or to sleep, if
// not each time: a task that runs is found by the clock's ticks soon enough.
func progress(t *task.Task) int64 {
	user, kernel := t.Kernel.Machine.Ticks(t.Regs)
	u := t.Used()
	return int64(user) + int64(kernel) + u.Voluntary + u.MinorFaults + u.Preempted
}

// check reports the task if its stack shows that it is in the kernel, and not waiting for
// what may take its time.
func (w *watchdog) check(t *task.Task, s *standstill) {
	_, thread := t.IDs()
	all := stacks()
	state, stack := findStack(all, thread)
	locked := slices.ContainsFunc(lockStates, func(p string) bool { return strings.HasPrefix(state, p) })
	runs := strings.HasPrefix(state, "run") || strings.HasPrefix(state, "preempted")
	if !locked && !runs || inProgram.MatchString(stack) {
		s.counted = 0
		return
	}
	s.reported = true
	var b strings.Builder
	what := "runs in the kernel"
	if locked {
		what = "waits in the kernel for a lock or a device"
	}
	fmt.Fprintf(&b, "watchdog: %s[%d] %s and has not come back for %v of the CPUs' time\n", t.Name(), thread, what, s.counted.Round(time.Second))
	line := b.String()
	w.d.describeTask(&b, t)
	b.WriteString("\nwhere it is:\n" + stack + "\n")
	if locked {
		b.WriteString("\nall goroutines:\n" + all)
	}
	w.d.report("watchdog report", b.String())
	klog.Printf(klog.Alert, "%s", line)
	if locked && w.d.k.Panics.Load() > 0 {
		w.d.fail() // the lock was the panicked task's: others will wait for it, too
	}
}

// lockStates are states of goroutines, as the Go runtime names them, that a task should
// leave soon.
var lockStates = []string{"sync.Mutex.Lock", "sync.RWMutex", "semacquire", "chan receive", "chan send", "select"}

// inProgram matches the stack of a task whose program runs, or waits for its turn.
var inProgram = regexp.MustCompile(`\.Enter\(|kevlar/linux/task\.\(\*Task\)\.tick\(|kevlar/linux/wait\.\(\*Waiter\)\.Hold\(`)

// stacks are the stacks of all goroutines, separated by empty lines.
func stacks() string {
	var w bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&w, 2)
	return w.String()
}

// findStack is the state and the stack of the goroutine that is a task; its label tells. Goroutines that it
// has made have the label, too, but another beginning.
func findStack(all string, thread int) (state, stack string) {
	label := `labels:{"task": ` + strconv.Quote(strconv.Itoa(thread)) + "}"
	for s := range strings.SplitSeq(all, "\n\n") {
		head, _, _ := strings.Cut(s, "\n")
		if strings.Contains(head, label) && strings.Contains(s, "kevlar/linux/task.(*Task).run(") {
			_, state, _ = strings.Cut(head, "[")
			return state, s
		}
	}
	return "", ""
}

// fail ends the machine as one whose kernel has panicked.
func (d *Diagnosis) fail() {
	d.k.Panics.Add(1)
	d.Fail()
}
