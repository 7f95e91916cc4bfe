package kernel

import (
	"kevlar/linux/abi"
	"kevlar/linux/klog"
	"kevlar/linux/syscalls"
	"kevlar/linux/task"
	"kevlar/linux/trace"
	"kevlar/linux/uts"
)

// startTrace begins to record what the command line asks for, if the host listens.
func (s *system) startTrace() {
	if s.host.trace == nil {
		if s.opt.trace != "" {
			klog.Printf(klog.Warning, "kevlar.trace=%s: the machine has no port kevlar.trace", s.opt.trace)
		}
		return
	}
	classes, err := trace.ParseClasses(s.opt.trace)
	if err != nil {
		klog.Printf(klog.Warning, "kevlar.trace: %v", err)
	}
	trace.Start(trace.Config{
		Out: s.host.trace, Now: s.m.Now, CPU: s.m.CPU, CPUs: s.m.NumCPU(),
		Machine: trace.Machine{Arch: abi.ELFPlatform, Release: uts.Release, CPUs: s.m.NumCPU(), Boot: s.m.BootTime()},
		Calls:   syscalls.TraceTable(), Missing: syscalls.TraceMissing, Limit: s.opt.limit,
	}, classes)
}

// traceFirst records the first program as if the first process had called execve itself.
func traceFirst(first *task.Task, path string, args, env []string) {
	if !trace.On(trace.Syscall) {
		return
	}
	nr, _ := abi.Number("execve")
	_, id := first.IDs()
	trace.EmitData(id, 0, 0, len(path), []byte(path))
	var b []byte
	for _, a := range args {
		b = append(append(b, a...), 0)
	}
	trace.EmitData(id, 1, 0, len(args), b)
	trace.EmitData(id, 2, 0, len(env), nil)
	trace.EmitWait(trace.Enter, uint16(nr), id, 0, 0, 0)
	trace.EmitWait(trace.Exit, uint16(nr), id, 0, 0, 0)
}
