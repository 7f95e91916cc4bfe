package syscalls

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
)

var schedRows = []Row{
	{Name: "sched_yield", Do: sysSchedYield, Contracts: []string{"scheduling/yield_priorities"}},
	{Name: "sched_getaffinity", Args: []Kind{PID, Size, Out | CPUMask}, Do: sysSchedGetaffinity,
		Contracts: []string{"scheduling/affinity_masks", "scheduling/sched_policies"}},
	{Name: "sched_setaffinity", Args: []Kind{PID, Size, CPUMask}, Do: sysSchedSetaffinity,
		Contracts: []string{"scheduling/sched_policies", "scheduling/affinity_masks"}},
	{Name: "sched_getscheduler", Args: []Kind{PID}, Do: sysSchedGetscheduler,
		Contracts: []string{"scheduling/sched_policies", "scheduling/sched_attributes"}},
	{Name: "sched_setscheduler", Args: []Kind{PID, Int, Ptr}, Do: sysSchedSetscheduler,
		Contracts: []string{"scheduling/sched_attributes", "scheduling/sched_policies"}},
	{Name: "sched_getparam", Args: []Kind{PID, Ptr}, Do: sysSchedGetparam, Contracts: []string{"scheduling/sched_policies"}},
	{Name: "sched_setparam", Args: []Kind{PID, Ptr}, Do: sysSchedSetparam,
		Contracts: []string{"scheduling/sched_attributes"}},
	{Name: "sched_getattr", Args: []Kind{PID, Ptr, Uint, Hex}, Do: sysSchedGetattr, Contracts: []string{"scheduling/sched_attributes"}},
	{Name: "sched_setattr", Args: []Kind{PID, Ptr, Hex}, Do: sysSchedSetattr, Support: Partial,
		Note:      "deadlines are no more than a high priority; no utilization clamps (EOPNOTSUPP)",
		Contracts: []string{"scheduling/sched_attributes"}},
	{Name: "sched_get_priority_max", Args: []Kind{Int}, Do: sysSchedGetPriorityMax,
		Contracts: []string{"scheduling/sched_policies", "scheduling/sched_attributes"}},
	{Name: "sched_get_priority_min", Args: []Kind{Int}, Do: sysSchedGetPriorityMin, Contracts: []string{"scheduling/sched_attributes"}},
	{Name: "sched_rr_get_interval", Args: []Kind{PID, Out | Timespec}, Do: sysSchedRrGetInterval, Contracts: []string{"scheduling/sched_attributes"}},
	{Name: "getpriority", Args: []Kind{Int, PID}, Do: sysGetpriority, Contracts: []string{"process/getpriority_values", "scheduling/yield_priorities"}},
	{Name: "setpriority", Args: []Kind{Int, PID, Int}, Do: sysSetpriority,
		Contracts: []string{"process/getpriority_values", "scheduling/fair_shares", "scheduling/yield_priorities"}},
	{Name: "ioprio_get", Args: []Kind{Int, PID}, Do: sysIoprioGet, Contracts: []string{"scheduling/yield_priorities"}},
	{Name: "ioprio_set", Args: []Kind{Int, PID, Hex}, Do: sysIoprioSet, Support: Partial, Note: "does not change the order of requests",
		Contracts: []string{"scheduling/yield_priorities"}},
	{Name: "getcpu", Args: []Kind{Out | UserAt, Out | UserAt, Ptr}, Do: sysGetcpu, Contracts: []string{"scheduling/affinity_masks"}},
}

func sysSchedYield(t *task.Task, _ *Args) (uint64, error) {
	t.Yield()
	return 0, nil
}

// thread finds the thread that a call means by pid, itself for 0: EINVAL for a negative
// one, ESRCH.
func thread(t *task.Task, pid int) (*task.Task, error) {
	switch {
	case pid < 0:
		return nil, unix.EINVAL
	case pid == 0:
		return t, nil
	}
	o := t.PIDNamespace().Task(task.ID(pid))
	if o == nil {
		return nil, unix.ESRCH
	}
	return o, nil
}

func sysSchedGetaffinity(t *task.Task, a *Args) (uint64, error) {
	n, cpus := a.Uint(1), t.Kernel.Machine.NumCPU()
	if uint64(n)*8 < uint64(cpus) || n%8 != 0 {
		return 0, unix.EINVAL
	}
	pid := a.Int(0)
	o := t
	if pid != 0 {
		if o = t.PIDNamespace().Task(task.ID(pid)); o == nil {
			return 0, unix.ESRCH
		}
	}
	n = min(n, uint32((cpus+63)/64*8))
	set := o.CPUs()
	b := make([]byte, 0, n)
	for _, w := range set[:n/8] {
		b = le.AppendUint64(b, w)
	}
	return uint64(n), t.CopyOut(a.Addr(2), b)
}

func sysSchedSetaffinity(t *task.Task, a *Args) (uint64, error) {
	var b [task.CPUs / 8]byte
	if err := t.CopyIn(b[:min(a.Uint(1), uint32(len(b)))], a.Addr(2)); err != nil {
		return 0, err
	}
	o := t
	if pid := a.Int(0); pid != 0 {
		if o = t.PIDNamespace().Task(task.ID(pid)); o == nil {
			return 0, unix.ESRCH
		}
	}
	var set task.CPUSet
	for i := range set {
		set[i] = le.Uint64(b[8*i:])
	}
	return 0, o.SetCPUs(t, set)
}

// resetOnFork is SCHED_RESET_ON_FORK, which policies may be combined with.
const resetOnFork = 0x40000000

func sysSchedGetscheduler(t *task.Task, a *Args) (uint64, error) {
	o, err := thread(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	s := o.Sched()
	policy := uint64(s.Policy)
	if s.Flags&task.SchedResetOnFork != 0 {
		policy |= resetOnFork
	}
	return policy, nil
}

func sysSchedSetscheduler(t *task.Task, a *Args) (uint64, error) {
	if a.Int(1) < 0 {
		return 0, unix.EINVAL
	}
	return setScheduler(t, a.Int(0), a.Int(1), a.Addr(2))
}

func sysSchedSetparam(t *task.Task, a *Args) (uint64, error) {
	return setScheduler(t, a.Int(0), -1, a.Addr(1))
}

// setScheduler sets policy, or leaves it with -1, and the priority at param.
func setScheduler(t *task.Task, pid, policy int, param user.Addr) (uint64, error) {
	if param == 0 || pid < 0 {
		return 0, unix.EINVAL
	}
	var b [4]byte
	if err := t.CopyIn(b[:], param); err != nil {
		return 0, err
	}
	o, err := thread(t, pid)
	if err != nil {
		return 0, err
	}
	s := o.Sched()
	s.Priority = int(int32(le.Uint32(b[:])))
	if policy >= 0 {
		s.Policy, s.Flags = policy&^resetOnFork, 0
		if policy&resetOnFork != 0 {
			s.Flags = task.SchedResetOnFork
		}
		s.Runtime, s.Deadline, s.Period = 0, 0, 0
	}
	return 0, o.SetSched(t, s)
}

func sysSchedGetparam(t *task.Task, a *Args) (uint64, error) {
	if a.Addr(1) == 0 {
		return 0, unix.EINVAL
	}
	o, err := thread(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	s := o.Sched()
	return 0, t.CopyOut(a.Addr(1), le.AppendUint32(nil, uint32(s.Priority)))
}

// Sizes of struct sched_attr: the first that was published, and the one known here.
const (
	schedAttrSize0 = 48
	schedAttrSize  = 56
)

func sysSchedGetattr(t *task.Task, a *Args) (uint64, error) {
	n := a.Uint(2)
	if a.Addr(1) == 0 || n > pageSize || n < schedAttrSize0 || a.Uint(3) != 0 {
		return 0, unix.EINVAL
	}
	o, err := thread(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	s := o.Sched()
	n = min(n, schedAttrSize)
	var b [schedAttrSize]byte
	le.PutUint32(b[0:], n)
	le.PutUint32(b[4:], uint32(s.Policy))
	le.PutUint64(b[8:], s.Flags)
	switch {
	case s.Policy == task.SchedDeadline:
		le.PutUint64(b[24:], s.Runtime)
		le.PutUint64(b[32:], s.Deadline)
		le.PutUint64(b[40:], s.Period)
	case s.RealTime():
		le.PutUint32(b[20:], uint32(s.Priority))
	default:
		le.PutUint32(b[16:], uint32(s.Nice))
	}
	return 0, t.CopyOut(a.Addr(1), b[:n])
}

func sysSchedSetattr(t *task.Task, a *Args) (uint64, error) {
	at := a.Addr(1)
	if at == 0 || a.Int(0) < 0 || a.Uint(2) != 0 {
		return 0, unix.EINVAL
	}
	s, err := getSchedAttr(t, at)
	if err != nil {
		return 0, err
	}
	if s.Policy < 0 {
		return 0, unix.EINVAL
	}
	o, err := thread(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	old := o.Sched()
	if s.Flags&task.SchedKeepPolicy != 0 {
		s.Policy = old.Policy
	}
	if s.Flags&task.SchedKeepParams != 0 {
		policy, flags := s.Policy, s.Flags
		s = old
		s.Policy, s.Flags = policy, flags
	}
	if s.Flags&(task.SchedUtilClampMin|task.SchedUtilClampMax) != 0 {
		return 0, unix.EOPNOTSUPP
	}
	s.Flags &^= task.SchedKeepPolicy | task.SchedKeepParams
	if s.Policy == task.SchedDeadline && s.Period == 0 {
		s.Period = s.Deadline
	}
	return 0, o.SetSched(t, s)
}

// getSchedAttr reads struct sched_attr: E2BIG, with the size that is known here written
// back, for one that is too short or has something set that is not known.
func getSchedAttr(t *task.Task, at user.Addr) (s task.SchedAttr, err error) {
	var b [pageSize]byte
	if err := t.CopyIn(b[:4], at); err != nil {
		return s, err
	}
	n := le.Uint32(b[:])
	if n == 0 {
		n = schedAttrSize0
	}
	bad := n < schedAttrSize0 || n > pageSize
	if !bad {
		if err := t.CopyIn(b[:n], at); err != nil {
			return s, err
		}
		for _, c := range b[schedAttrSize:] {
			bad = bad || c != 0
		}
	}
	if bad {
		t.CopyOut(at, le.AppendUint32(nil, schedAttrSize))
		return s, unix.E2BIG
	}
	s = task.SchedAttr{
		Policy: int(int32(le.Uint32(b[4:]))), Flags: le.Uint64(b[8:]),
		Nice: int(int32(le.Uint32(b[16:]))), Priority: int(int32(le.Uint32(b[20:]))),
		Runtime: le.Uint64(b[24:]), Deadline: le.Uint64(b[32:]), Period: le.Uint64(b[40:]),
	}
	if s.Flags&(task.SchedUtilClampMin|task.SchedUtilClampMax) != 0 && n < schedAttrSize {
		return s, unix.EINVAL
	}
	s.Nice = min(max(s.Nice, -20), 19)
	return s, nil
}

func sysSchedGetPriorityMax(_ *task.Task, a *Args) (uint64, error) {
	return schedPriority(a.Int(0), task.RealTimePriorities)
}

func sysSchedGetPriorityMin(_ *task.Task, a *Args) (uint64, error) {
	return schedPriority(a.Int(0), 1)
}

func schedPriority(policy int, realTime uint64) (uint64, error) {
	switch policy {
	case task.SchedFIFO, task.SchedRR:
		return realTime, nil
	case task.SchedOther, task.SchedBatch, task.SchedIdle, task.SchedDeadline:
		return 0, nil
	}
	return 0, unix.EINVAL
}

func sysSchedRrGetInterval(t *task.Task, a *Args) (uint64, error) {
	o, err := thread(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	var d time.Duration
	switch o.Sched().Policy {
	case task.SchedRR:
		d = 100 * time.Millisecond
	case task.SchedOther, task.SchedBatch, task.SchedIdle:
		d = 10 * time.Millisecond // how long the Go runtime lets a goroutine run
	}
	return 0, putTimespec(t, a.Addr(1), d)
}

func sysGetpriority(t *task.Task, a *Args) (uint64, error) {
	which := a.Int(0)
	if which < unix.PRIO_PROCESS || which > unix.PRIO_USER {
		return 0, unix.EINVAL
	}
	var few [4]*task.Task // mostly one
	best := -1
	for _, o := range t.Select(few[:0], task.Which(which), a.Uint(1)) {
		best = max(best, 20-o.Sched().Nice) // getpriority(2), "C library/kernel differences"
	}
	if best < 0 {
		return 0, unix.ESRCH
	}
	return uint64(best), nil
}

func sysSetpriority(t *task.Task, a *Args) (uint64, error) {
	which := a.Int(0)
	if which < unix.PRIO_PROCESS || which > unix.PRIO_USER {
		return 0, unix.EINVAL
	}
	return forAll(t.Select(nil, task.Which(which), a.Uint(1)), func(o *task.Task) error { return o.SetNice(t, a.Int(2)) })
}

// forAll does something to all threads of a selection: ESRCH where there is none, else
// the last error.
func forAll(threads []*task.Task, do func(o *task.Task) error) (uint64, error) {
	if len(threads) == 0 {
		return 0, unix.ESRCH
	}
	var last error
	for _, o := range threads {
		if err := do(o); err != nil {
			last = err
		}
	}
	return 0, last
}

// I/O priorities: a class above 13 bits of a level (ioprio_set(2)).
const (
	ioClassShift = 13
	ioNone       = 0
	ioRealTime   = 1
	ioBestEffort = 2
	ioIdle       = 3
	ioLevels     = 8
)

func sysIoprioGet(t *task.Task, a *Args) (uint64, error) {
	which, ok := ioWhich(a.Int(0))
	if !ok {
		return 0, unix.EINVAL
	}
	threads := t.Select(nil, which, a.Uint(1))
	if len(threads) == 0 {
		return 0, unix.ESRCH
	}
	if which == task.OneThread {
		return uint64(threads[0].IOPriority()), nil
	}
	best := ioPriority(threads[0])
	for _, o := range threads[1:] {
		best = min(best, ioPriority(o))
	}
	return uint64(best), nil
}

func ioWhich(which int) (task.Which, bool) {
	return task.Which(which - 1), which >= 1 && which <= 3
}

// ioPriority is the thread's I/O priority, where none was set the one that its scheduling
// implies.
func ioPriority(t *task.Task) int {
	prio := t.IOPriority()
	if prio>>ioClassShift != ioNone {
		return prio
	}
	s := t.Sched()
	class := ioBestEffort
	switch {
	case s.Policy == task.SchedIdle:
		class = ioIdle
	case s.RealTime() || s.Policy == task.SchedDeadline:
		class = ioRealTime
	}
	return class<<ioClassShift | (s.Nice+20)/5
}

func sysIoprioSet(t *task.Task, a *Args) (uint64, error) {
	prio := a.Int(2)
	level := prio & (1<<ioClassShift - 1)
	switch prio >> ioClassShift {
	case ioRealTime, ioBestEffort:
		if prio>>ioClassShift == ioRealTime && !t.Capable(unix.CAP_SYS_ADMIN) && !t.Capable(unix.CAP_SYS_NICE) {
			return 0, unix.EPERM
		}
		if level >= ioLevels {
			return 0, unix.EINVAL
		}
	case ioIdle:
	case ioNone:
		if level != 0 {
			return 0, unix.EINVAL
		}
	default:
		return 0, unix.EINVAL
	}
	which, ok := ioWhich(a.Int(0))
	if !ok {
		return 0, unix.EINVAL
	}
	return forAll(t.Select(nil, which, a.Uint(1)), func(o *task.Task) error { return o.SetIOPriority(t, prio) })
}

func sysGetcpu(t *task.Task, a *Args) (uint64, error) {
	if p := a.Addr(0); p != 0 {
		if err := t.CopyOut(p, le.AppendUint32(nil, uint32(t.CPU()))); err != nil {
			return 0, err
		}
	}
	if p := a.Addr(1); p != 0 {
		return 0, t.CopyOut(p, make([]byte, 4)) // one memory node
	}
	return 0, nil
}
