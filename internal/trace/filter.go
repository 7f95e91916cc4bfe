package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kevlar/linux/trace"
)

// Filter chooses events. The zero value chooses all.
type Filter struct {
	Classes trace.Class // of events; 0 for all

	calls  []callFilter
	errors []string // names; empty for all
	failed *bool    // only calls that failed, or that did not
	tasks  []string // numbers or names; empty for all
}

type callFilter struct {
	not   bool
	names []string
}

// groups are names for several calls, beside %file and %desc, which follow from the
// arguments.
var groups = map[string][]string{
	"%process": {"execve", "execveat", "clone", "clone3", "fork", "vfork", "exit", "exit_group", "wait4", "waitid", "kill", "tkill", "tgkill",
		"pidfd_open", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "unshare", "setns", "arch_prctl"},
	"%signal": {"rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigreturn", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
		"sigaltstack", "kill", "tkill", "tgkill", "pause", "signalfd", "signalfd4", "pidfd_send_signal"},
	"%memory": {"mmap", "munmap", "mremap", "mprotect", "brk", "madvise", "mincore", "msync", "mlock", "mlock2", "munlock", "mlockall", "munlockall", "shmat", "shmdt", "memfd_create", "process_vm_readv", "process_vm_writev"},
	"%network": {"socket", "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg",
		"recvmmsg", "shutdown", "getsockopt", "setsockopt"},
	"%ipc": {"shmget", "shmat", "shmdt", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl"},
}

// Add takes an expression: a list of calls and groups (%file, %desc, %process, %signal,
// %memory, %network, %ipc), with a "!" before it for all others, maybe after "trace=";
// error=NAME,...; status=failed or status=successful; task=NUMBER or NAME,...
func (f *Filter) Add(expr string) error {
	key, value, ok := strings.Cut(expr, "=")
	if !ok {
		key, value = "trace", expr
	}
	switch key {
	case "trace", "t":
		c := callFilter{}
		value, c.not = strings.CutPrefix(value, "!")
		for _, n := range strings.Split(value, ",") {
			if strings.HasPrefix(n, "%") && groups[n] == nil && n != "%file" && n != "%desc" {
				return fmt.Errorf("-e %s: no group of calls is called %s", expr, n)
			}
			if n != "all" {
				c.names = append(c.names, n)
			}
		}
		if len(c.names) > 0 {
			f.calls = append(f.calls, c)
		}
	case "error":
		for _, n := range strings.Split(value, ",") {
			if !slices.ContainsFunc(errnoNames(), func(s string) bool { return s == n }) {
				return fmt.Errorf("-e %s: no error is called %s", expr, n)
			}
			f.errors = append(f.errors, n)
		}
	case "status":
		failed := value == "failed"
		if !failed && value != "successful" {
			return fmt.Errorf("-e %s: want failed or successful", expr)
		}
		f.failed = &failed
	case "task":
		f.tasks = append(f.tasks, strings.Split(value, ",")...)
	default:
		return fmt.Errorf("-e %s: want a list of calls, or error=, status=, task=", expr)
	}
	return nil
}

func errnoNames() (names []string) {
	for _, e := range errnos {
		names = append(names, e.name)
	}
	return names
}

// OnlyResults reports whether a call can be judged only when it is done.
func (f *Filter) OnlyResults() bool { return len(f.errors) > 0 || f.failed != nil }

// Wants reports whether an event is chosen.
func (f *Filter) Wants(e *Event) bool {
	if f.Classes != 0 && e.Code < trace.Codes && classes[e.Code] != 0 && classes[e.Code]&f.Classes == 0 {
		return false
	}
	if len(f.tasks) > 0 && !slices.Contains(f.tasks, strconv.Itoa(e.Of.ID)) && !slices.Contains(f.tasks, e.Of.Name) {
		return false
	}
	c := e.Call
	if c == nil {
		return true
	}
	for _, cf := range f.calls {
		if slices.ContainsFunc(cf.names, c.in) == cf.not {
			return false
		}
	}
	if !f.OnlyResults() {
		return true
	}
	if !c.Done || f.failed != nil && *f.failed != c.Failed() {
		return false
	}
	return len(f.errors) == 0 || c.Failed() && slices.Contains(f.errors, errno(c.Errno))
}

// classes are those of events that belong to one; lives of tasks belong to all.
var classes = [trace.Codes]trace.Class{trace.Enter: trace.Syscall, trace.Exit: trace.Syscall, trace.Switched: trace.Sched, trace.Woken: trace.Sched,
	trace.Slept: trace.Wait, trace.Resumed: trace.Wait, trace.Faulted: trace.Faults, trace.Sent: trace.Signals, trace.Delivered: trace.Signals,
	trace.Interrupt: trace.IRQ, trace.Walked: trace.VFS, trace.Disk: trace.Block, trace.Paused: trace.GC, trace.Collected: trace.GC}

// in reports whether the call has a name or is in the group of it.
func (c *Call) in(name string) bool {
	switch name {
	case "%file":
		return slices.Contains(c.Kinds, trace.Path)
	case "%desc":
		return slices.Contains(c.Kinds, trace.FD) || slices.Contains(c.Kinds, trace.DirFD)
	}
	if g := groups[name]; g != nil {
		return slices.Contains(g, c.Name)
	}
	return c.Name == name
}
