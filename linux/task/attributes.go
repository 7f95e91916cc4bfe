package task

import (
	"math"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/ipc"
	"kevlar/linux/seccomp"
	"kevlar/linux/uts"
	"kevlar/linux/wait"
)

// DefaultSlack is the timer slack of the first process, in nanoseconds: PR_SET_TIMERSLACK.
const DefaultSlack = 50_000

// attributes are what a thread is besides its identity, its memory and its files, and
// what clone copies of that. Others may read them.
type attributes struct {
	sched       schedule
	uts         atomic.Pointer[uts.Namespace]
	ipc         atomic.Pointer[ipc.Namespace]
	rseq        rseq
	seccomp     atomic.Pointer[seccomp.State]
	inBarrier   atomic.Bool              // in membarrier(2)
	semUndo     atomic.Pointer[ipc.Undo] // what SEM_UNDO takes back; nil before the first
	slack       atomic.Uint64            // nanoseconds; timers here are exact, which any slack allows
	baseSlack   uint64                   // what slack 0 sets
	personality atomic.Uint32
	machineKill uint8 // PR_MCE_KILL
}

// groupAttributes are those of a process. The flags are changed without a lock: a program
// whose threads set them at once gets one of the results, as on Linux.
type groupAttributes struct {
	notDumpable atomic.Bool // PR_SET_DUMPABLE
	noHugePages atomic.Bool // PR_SET_THP_DISABLE
	oomAdj      atomic.Int32
	oomMin      atomic.Int32           // the lowest oomAdj that was set with CAP_SYS_RESOURCE
	coreFilter  atomic.Uint32          // /proc/PID/coredump_filter, xor defaultCoreFilter
	cgroup      atomic.Pointer[Cgroup] // nil: RootCgroup

	barriers   atomic.Uint32 // see Barriers
	signalWait wait.Queue    // woken when a signal is sent

	itimers     itimers
	posixTimers posixTimers
	cpuAlarms   cpuAlarms
	cpuLimit    cpuAlarm // for RLIMIT_CPU
}

// inherit gives a task that clone makes the attributes of t.
func (t *Task) inherit(from *Task, flags uint64) {
	a, f := &t.attributes, &from.attributes
	a.sched.inherit(&f.sched)
	t.setSeccomp(f.seccomp.Load())
	if flags&unix.CLONE_VM == 0 {
		a.rseq = f.rseq
		t.Regs.OnlyCPU = from.Regs.OnlyCPU
	}
	a.uts.Store(f.uts.Load())
	a.slack.Store(f.slack.Load())
	a.baseSlack = f.slack.Load()
	a.personality.Store(f.personality.Load())
	a.machineKill = f.machineKill
}

// initial gives the first task of a machine its attributes.
func (a *attributes) initial() {
	a.uts.Store(uts.New())
	a.ipc.Store(ipc.NewNamespace())
	a.slack.Store(DefaultSlack)
	a.baseSlack = DefaultSlack
	a.machineKill = unix.PR_MCE_KILL_DEFAULT
}

func (g *groupAttributes) inherit(from *groupAttributes) {
	g.barriers.Store(from.barriers.Load())
	g.notDumpable.Store(from.notDumpable.Load())
	g.noHugePages.Store(from.noHugePages.Load())
	g.oomAdj.Store(from.oomAdj.Load())
	g.oomMin.Store(from.oomMin.Load())
	g.coreFilter.Store(from.coreFilter.Load())
	g.cgroup.Store(from.cgroup.Load())
}

// newProgram is what execve means to the attributes: secure says that the program is told
// that it has rights its caller lacks, gains that it may do more.
func (t *Task) newProgram(secure, gains bool) {
	g := t.Group
	t.attributes.personality.And(^uint32(readImpliesExec))
	if secure {
		t.attributes.personality.And(^uint32(clearedOnSetID))
	}
	if secure || gains {
		t.deathSig.Store(0)
	}
	c := t.Cred()
	g.SetDumpable(c.EUID == c.UID && c.EGID == c.GID && !gains)
	g.mu.Lock()
	g.deleteTimers()
	g.mu.Unlock()
	g.barriers.Store(0)
	t.endRseq()
}

// Bits of personality(2) that do not outlive execve, or that of a set-ID program.
const (
	readImpliesExec = 0x0400000
	clearedOnSetID  = readImpliesExec | 0x0040000 | 0x0200000 | 0x0100000
)

// UTS is the namespace of host and domain name that the task is in.
func (t *Task) UTS() *uts.Namespace { return t.attributes.uts.Load() }

// Dumpable reports whether others with the same identity may look into the process:
// PR_GET_DUMPABLE. Without it /proc/PID belongs to root.
func (g *Group) Dumpable() bool { return !g.groupAttributes.notDumpable.Load() }

// SetDumpable is PR_SET_DUMPABLE.
func (g *Group) SetDumpable(on bool) { g.groupAttributes.notDumpable.Store(!on) }

// HugePagesDisabled and DisableHugePages are PR_GET_THP_DISABLE and PR_SET_THP_DISABLE.
func (g *Group) HugePagesDisabled() bool   { return g.groupAttributes.noHugePages.Load() }
func (g *Group) DisableHugePages(off bool) { g.groupAttributes.noHugePages.Store(off) }

// OOMScoreAdj is /proc/PID/oom_score_adj: from -1000 (never kill) to 1000 (first).
func (g *Group) OOMScoreAdj() int { return int(g.groupAttributes.oomAdj.Load()) }

// SetOOMScoreAdj changes it for the task by. EACCES below what it has been set to with
// CAP_SYS_RESOURCE, without that.
func (g *Group) SetOOMScoreAdj(by *Task, adj int) error {
	privileged := by == nil || by.Capable(unix.CAP_SYS_RESOURCE)
	if !privileged && adj < int(g.groupAttributes.oomMin.Load()) {
		return unix.EACCES
	}
	g.groupAttributes.oomAdj.Store(int32(adj))
	if privileged {
		g.groupAttributes.oomMin.Store(int32(adj))
	}
	return nil
}

// Cgroup is a control group, which linux/fs/cgroup makes: cgroups(7).
type Cgroup struct {
	Parent *Cgroup // nil for RootCgroup
	Path   string  // from the root
}

// RootCgroup is where processes are that nobody has moved.
var RootCgroup = Cgroup{Path: "/"}

// Cgroup is the control group that the process is in.
func (g *Group) Cgroup() *Cgroup {
	if cg := g.groupAttributes.cgroup.Load(); cg != nil {
		return cg
	}
	return &RootCgroup
}

// SetCgroup moves the process.
func (g *Group) SetCgroup(cg *Cgroup) { g.groupAttributes.cgroup.Store(cg) }

// defaultCoreFilter has anonymous memory and ELF headers dumped: core(5).
const defaultCoreFilter = 0x33

// CoreFilter and SetCoreFilter are /proc/PID/coredump_filter.
func (g *Group) CoreFilter() uint32     { return g.groupAttributes.coreFilter.Load() ^ defaultCoreFilter }
func (g *Group) SetCoreFilter(f uint32) { g.groupAttributes.coreFilter.Store(f ^ defaultCoreFilter) }

// Become replaces the identity of the calling task as a system call asks for it. A
// task that may do other things than before loses what others could hold over it:
// dumpability and the signal at its parent's death.
func (t *Task) Become(c *cred.Cred) {
	if c.Gains(t.Cred()) {
		t.Group.SetDumpable(false)
		t.deathSig.Store(0)
	}
	t.SetCred(c)
}

// DeathSignal is what the task gets when the thread that made its process ends, 0 for
// none: PR_GET_PDEATHSIG.
func (t *Task) DeathSignal() unix.Signal { return unix.Signal(t.deathSig.Load()) }

// SetDeathSignal is PR_SET_PDEATHSIG. EINVAL for what is no signal.
func (t *Task) SetDeathSignal(sig uint64) error {
	if sig > abi.NumSignals {
		return unix.EINVAL
	}
	t.deathSig.Store(int32(sig))
	return nil
}

// Subreaper reports whether orphans among the process's descendants become its
// children: PR_GET_CHILD_SUBREAPER.
func (g *Group) Subreaper() bool {
	procs.RLock()
	defer procs.RUnlock()
	return g.subreaper
}

// SetSubreaper is PR_SET_CHILD_SUBREAPER.
func (g *Group) SetSubreaper(on bool) {
	procs.Lock()
	defer procs.Unlock()
	g.subreaper = on
}

// TimerSlack is by how many nanoseconds the task's sleeps may be late. 0 sets
// what it was when the task was made.
func (t *Task) TimerSlack() uint64 { return t.attributes.slack.Load() }

// SetTimerSlack is PR_SET_TIMERSLACK.
func (t *Task) SetTimerSlack(ns uint64) {
	if ns == 0 {
		ns = t.attributes.baseSlack
	}
	t.attributes.slack.Store(min(ns, math.MaxInt64))
}

// Personality is personality(2)'s value.
func (t *Task) Personality() uint32 { return t.attributes.personality.Load() }

// SetPersonality changes it and returns the old one.
func (t *Task) SetPersonality(p uint32) (old uint32) { return t.attributes.personality.Swap(p) }

// MachineKill and SetMachineKill are PR_MCE_KILL_GET and PR_MCE_KILL: when the task wants
// to hear of broken memory. Machines here report none.
func (t *Task) MachineKill() uint8     { return t.attributes.machineKill }
func (t *Task) SetMachineKill(p uint8) { t.attributes.machineKill = p }
