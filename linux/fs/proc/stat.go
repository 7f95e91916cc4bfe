package proc

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/machine/mem"
)

const (
	pageSize = mem.PageSize
	pageKB   = pageSize / 1024
)

// stateNames are the states as status has them.
var stateNames = map[task.State]string{
	task.Running: "R (running)", task.Sleeping: "S (sleeping)", task.Blocked: "D (disk sleep)",
	task.Stopped: "T (stopped)", task.Traced: "t (tracing stop)", task.Zombie: "Z (zombie)",
}

// usage is what the task's memory uses; false where it has none.
func (v *view) usage() (u mm.SpaceUsage, ok bool) {
	s := v.t.SeenMem()
	if s == nil {
		return u, false
	}
	defer s.Release()
	return s.SpaceUsage(), true
}

// escape writes a task's name so that it stays on its line.
func escape(name, special string) string {
	if !strings.ContainsAny(name, special) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\n' && strings.IndexByte(special, c) >= 0:
			b.WriteString(`\n`)
		case strings.IndexByte(special, c) >= 0:
			fmt.Fprintf(&b, `\%c`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func showComm(v *view) error {
	v.printf("%s\n", v.t.Name())
	return nil
}

// storeComm names a thread; only its own process may (EINVAL).
func storeComm(v *view, data []byte) error {
	by := task.Of(v.c)
	if by == nil || by.Group != v.t.Group {
		return unix.EINVAL
	}
	name, _, _ := strings.Cut(string(data), "\x00")
	v.t.SetName(name[:min(len(name), 15)])
	return nil
}

// Flags of tasks as stat shows them (PF_ in Linux's sources).
const (
	flagExiting    = 0x4
	flagForkNoExec = 0x40
	flagRandomize  = 0x400000
)

// encodeDev is a device number as stat has it: 32 bits.
func encodeDev(dev uint64) uint32 {
	major, minor := unix.Major(dev), unix.Minor(dev)
	return minor&0xff | major<<8 | minor&^0xff<<12
}

// showStat is stat: 52 fields (proc(5)). Those of a process add up its threads.
func showStat(v *view) error {
	t, g, ns := v.t, v.g, v.fs.pids()
	id, job := t.Identity(ns), g.Job(ns)
	used, waited := t.Used(), task.Usage{}
	if v.in == ofProcess {
		used = g.Usage()
	}
	waited = g.ChildUsage()
	state := t.State()
	sig := t.SignalState()
	flags := flagRandomize
	if !g.Execed() {
		flags |= flagForkNoExec
	}
	if state == task.Zombie {
		flags |= flagExiting
	}
	u, _ := v.usage()
	image := v.image()
	limits, _ := g.Limits(t, unix.RLIMIT_RSS, nil)
	sched := t.Sched()
	priority := 20 + sched.Nice
	if sched.RealTime() {
		priority = -1 - sched.Priority
	}
	started := t.Started()
	if v.in == ofProcess {
		started = g.Leader().Started()
	}
	var exit task.WaitStatus
	if v.permitted() {
		exit = g.Status()
	} else {
		image = task.Layout{}
	}
	v.printf("%d (%s) %c %d %d %d %d %d %d", v.id, escape(t.Name(), "\n\\"), state, id.Parent,
		job.Group, job.Session, encodeDev(job.Terminal), job.Foreground, flags)
	v.printf(" %d %d %d %d", used.MinorFaults, waited.MinorFaults, used.MajorFaults, waited.MajorFaults)
	v.printf(" %d %d %d %d", task.Ticks(used.User), task.Ticks(used.System), task.Ticks(waited.User), task.Ticks(waited.System))
	v.printf(" %d %d %d 0 %d", priority, sched.Nice, id.Threads, task.Ticks(started))
	v.printf(" %d %d %d %d %d %d 0 0", u.Total, u.Resident, limits.Cur, image.CodeStart, image.CodeEnd, image.StackTop)
	const low = 1<<31 - 1 // what fits the field: proc(5) sends readers to status
	v.printf(" %d %d %d %d", sig.Pending&low, sig.Blocked&low, sig.Ignored&low, sig.Handled&low)
	waits := 0
	if state == task.Sleeping || state == task.Blocked {
		waits = 1
	}
	exitSignal := int(id.Exit)
	if v.in == ofThread && !id.Leader {
		exitSignal = -1
	}
	v.printf(" %d 0 0 %d 0 %d %d 0 0 0", waits, exitSignal, sched.Priority, sched.Policy)
	v.printf(" %d %d %d %d %d %d %d %d\n", image.DataStart, image.DataEnd, u.Heap,
		image.ArgStart, image.ArgEnd, image.EnvStart, image.EnvEnd, exit)
	return nil
}

// image is the program that the task runs, as far as addresses go.
func (v *view) image() task.Layout {
	if im := v.t.Image(); im != nil {
		return im.Layout
	}
	return task.Layout{}
}

func showStatm(v *view) error {
	u, _ := v.usage()
	image := v.image()
	text := (image.CodeEnd+pageSize-1)/pageSize - image.CodeStart/pageSize
	v.printf("%d %d %d %d 0 %d 0\n", u.Total/pageSize, u.Resident, u.File+u.Shared, text, u.Data+u.Stack)
	return nil
}

// numbers writes IDs one after the other.
func numbers(ids []task.ID) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "\t%d", id)
	}
	return b.String()
}

// showStatus is status, in the order of Linux 6.1.
func showStatus(v *view) error {
	t, g, ns := v.t, v.g, v.fs.pids()
	id, c := t.Identity(ns), t.Cred()
	v.printf("Name:\t%s\n", escape(t.Name(), "\n\\"))
	files, fs := t.SeenFiles(), t.SeenFS()
	if fs != nil {
		v.printf("Umask:\t%04o\n", fs.Umask())
	}
	v.printf("State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		stateNames[t.State()], id.Process[0], id.Thread[0], id.Parent, t.Tracer(ns))
	reader := v.c.Cred.User
	uid, gid := reader.ShowUID, reader.ShowGID
	v.printf("Uid:\t%d\t%d\t%d\t%d\n", uid(c.UID), uid(c.EUID), uid(c.SUID), uid(c.FSUID))
	v.printf("Gid:\t%d\t%d\t%d\t%d\n", gid(c.GID), gid(c.EGID), gid(c.SGID), gid(c.FSGID))
	slots := 0
	if files != nil {
		slots = files.Cap()
	}
	v.printf("FDSize:\t%d\nGroups:\t", slots)
	for i, group := range c.Groups {
		if i > 0 {
			v.WriteByte(' ')
		}
		v.WriteString(strconv.FormatUint(uint64(gid(group)), 10))
	}
	v.printf(" \nNStgid:%s\nNSpid:%s\nNSpgid:%s\nNSsid:%s\n", numbers(id.Process), numbers(id.Thread), numbers(id.Job), numbers(id.Session))
	if u, ok := v.usage(); ok {
		v.memory(&u)
	}
	sig := t.SignalState()
	queued, _ := g.Limits(t, unix.RLIMIT_SIGPENDING, nil)
	v.printf("Threads:\t%d\nSigQ:\t%d/%d\n", id.Threads, sig.Queued, queued.Cur)
	for _, s := range []struct {
		name string
		set  abi.SigSet
	}{{"SigPnd", sig.Pending}, {"ShdPnd", sig.Shared}, {"SigBlk", sig.Blocked}, {"SigIgn", sig.Ignored}, {"SigCgt", sig.Handled}} {
		v.printf("%s:\t%016x\n", s.name, uint64(s.set))
	}
	v.printf("CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n",
		uint64(c.Inheritable), uint64(c.Permitted), uint64(c.Effective), uint64(c.Bounding), uint64(c.Ambient))
	nnp := 0
	if c.NoNewPrivs {
		nnp = 1
	}
	v.printf("NoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%d\n", nnp, t.Seccomp().Mode(), t.Seccomp().Filters())
	v.printf("Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n")
	cpus := t.CPUs()
	n := t.Kernel.Machine.NumCPU()
	v.printf("Cpus_allowed:\t%s\nCpus_allowed_list:\t%s\n", cpuMask(cpus, n), cpuList(cpus))
	v.printf("Mems_allowed:\t1\nMems_allowed_list:\t0\n")
	used := t.Used()
	v.printf("voluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t%d\n", used.Voluntary, used.Preempted)
	return nil
}

// memory is the part of status about memory.
func (v *view) memory(u *mm.SpaceUsage) {
	image := v.image()
	text := ((image.CodeEnd+pageSize-1)/pageSize - image.CodeStart/pageSize) * pageKB
	lib := u.Executable * pageKB
	text = min(text, lib)
	for _, m := range []struct {
		name string
		kB   uint64
	}{
		{"VmPeak", u.Peak >> 10}, {"VmSize", u.Total >> 10}, {"VmLck", u.Locked * pageKB}, {"VmPin", 0},
		{"VmHWM", uint64(u.PeakResident) * pageKB}, {"VmRSS", uint64(u.Resident) * pageKB},
		{"RssAnon", uint64(u.Anonymous) * pageKB}, {"RssFile", uint64(u.File) * pageKB}, {"RssShmem", uint64(u.Shared) * pageKB},
		{"VmData", u.Data * pageKB}, {"VmStk", u.Stack * pageKB}, {"VmExe", text}, {"VmLib", lib - text},
		{"VmPTE", uint64(u.Tables) * pageKB}, {"VmSwap", 0}, {"HugetlbPages", 0},
	} {
		v.printf("%s:\t%8d kB\n", m.name, m.kB)
	}
	huge := 1
	if v.g.HugePagesDisabled() {
		huge = 0
	}
	v.printf("CoreDumping:\t0\nTHP_enabled:\t%d\n", huge)
}

// cpuMask is a set of CPUs of a machine with n in hexadecimal, 32 to a word.
func cpuMask(s task.CPUSet, n int) string {
	var b strings.Builder
	words := (n + 31) / 32
	for w := words - 1; w >= 0; w-- {
		part := uint32(s[w/2] >> (32 * (w % 2)))
		if w == words-1 {
			fmt.Fprintf(&b, "%0*x", (n-32*w+3)/4, part)
		} else {
			fmt.Fprintf(&b, ",%08x", part)
		}
	}
	return b.String()
}

// cpuList is a set of CPUs as ranges: 0-3,8.
func cpuList(s task.CPUSet) string {
	var parts []string
	for cpu := 0; cpu < task.CPUs; cpu++ {
		if s[cpu/64]>>(cpu%64)&1 == 0 {
			continue
		}
		last := cpu
		for last+1 < task.CPUs && s[(last+1)/64]>>((last+1)%64)&1 != 0 {
			last++
		}
		if last == cpu {
			parts = append(parts, strconv.Itoa(cpu))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", cpu, last))
		}
		cpu = last
	}
	return strings.Join(parts, ",")
}

// limitLines are the lines of limits, in the order of the resources' numbers.
var limitLines = [...]struct {
	name, unit string
}{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
	{"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"}, {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

func showLimits(v *view) error {
	v.printf("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	value := func(n uint64) string {
		if n == math.MaxUint64 {
			return "unlimited"
		}
		return strconv.FormatUint(n, 10)
	}
	for resource, l := range limitLines {
		r, err := v.g.Limits(v.t, resource, nil)
		if err != nil {
			return err
		}
		v.printf("%-25s %-20s %-20s ", l.name, value(r.Cur), value(r.Max))
		if l.unit != "" {
			v.printf("%-10s", l.unit)
		}
		v.WriteByte('\n')
	}
	return nil
}

// showSched is a part of sched: what does not depend on how Linux's scheduler works.
func showSched(v *view) error {
	used, sched := v.t.Used(), v.t.Sched()
	id := v.t.Identity(v.fs.pids())
	v.printf("%s (%d, #threads: %d)\n", v.t.Name(), v.id, id.Threads)
	v.WriteString("-------------------------------------------------------------------\n")
	run := used.User + used.System
	v.printf("%-45s:%21d.%06d\n", "se.sum_exec_runtime", run.Milliseconds(), run.Nanoseconds()%1e6)
	priority := 120 + sched.Nice
	if sched.RealTime() {
		priority = 99 - sched.Priority
	}
	for _, l := range []struct {
		name string
		n    int64
	}{
		{"nr_switches", used.Voluntary + used.Preempted}, {"nr_voluntary_switches", used.Voluntary},
		{"nr_involuntary_switches", used.Preempted}, {"policy", int64(sched.Policy)}, {"prio", int64(priority)},
	} {
		v.printf("%-45s:%21d\n", l.name, l.n)
	}
	return nil
}

// showSchedstat is the time on a CPU, that spent waiting for one, which nobody measures
// here, and how often it got one.
func showSchedstat(v *view) error {
	used := v.t.Used()
	v.printf("%d 0 %d\n", (used.User + used.System).Nanoseconds(), used.Voluntary+used.Preempted)
	return nil
}

func showChildren(v *view) error {
	for _, g := range v.t.Children() {
		if id := g.IDIn(v.fs.pids()); id != 0 {
			v.printf("%d ", id)
		}
	}
	return nil
}

// showWchan says nothing of where a task waits, as Linux does to who may not know.
func showWchan(v *view) error {
	v.WriteByte('0')
	return nil
}

func showCgroup(v *view) error {
	v.printf("0::%s\n", v.g.Cgroup().Path)
	return nil
}

func showCpuset(v *view) error {
	v.WriteString("/\n")
	return nil
}

// memoryShare is by what part of a thousand a task's pages fill the machine's memory.
func (v *view) memoryShare() int {
	u, _ := v.usage()
	total := uint64(max(mem.Usage().Total, 1))
	hi, lo := bits.Mul64(uint64(u.Resident+u.Tables), 1000)
	q, _ := bits.Div64(hi, lo, total)
	return int(q)
}
