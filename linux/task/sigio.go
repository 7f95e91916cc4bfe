package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// IOTarget is who gets SIGIO of a file: a thread, a process or a process group
// (fcntl(2), F_SETOWN_EX). It implements vfs.SignalTarget.
type IOTarget struct {
	kind int // abi.F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP
	pid  *pid
}

// NewIOTarget returns the target with an ID in t's PID namespace; ESRCH where nothing
// has that ID.
func (t *Task) NewIOTarget(kind int, id ID) (*IOTarget, error) {
	procs.RLock()
	defer procs.RUnlock()
	p := t.pid.ns.ids[id]
	if p == nil {
		return nil, unix.ESRCH
	}
	return &IOTarget{kind, p}, nil
}

// SeenBy is what the target is, and its ID in t's PID namespace: 0 where it has gone.
func (o *IOTarget) SeenBy(t *Task) (kind int, id ID) {
	procs.RLock()
	defer procs.RUnlock()
	p := o.pid
	if o.kind == abi.F_OWNER_PGRP && p.process == nil || o.kind != abi.F_OWNER_PGRP && p.task == nil {
		return o.kind, 0
	}
	return o.kind, p.in(t.pid.ns)
}

// Signal implements vfs.SignalTarget.
func (o *IOTarget) Signal(from *vfs.Owner, band wait.Events) {
	info := ioInfo(from, band)
	procs.RLock()
	defer procs.RUnlock()
	switch p := o.pid; {
	case o.kind == abi.F_OWNER_PGRP:
		if p.process != nil {
			for g := range p.process.members {
				g.sendIO(nil, from, info)
			}
		}
	case p.task == nil:
	case o.kind == abi.F_OWNER_TID:
		p.task.Group.sendIO(p.task, from, info)
	default:
		p.task.Group.sendIO(nil, from, info)
	}
}

// ioInfo is what SIGIO tells: nothing without F_SETSIG.
func ioInfo(from *vfs.Owner, band wait.Events) abi.SigInfo {
	sig := unix.Signal(from.Signal)
	if sig == 0 {
		return abi.Kernel(unix.SIGIO)
	}
	code, bits := int32(abi.POLL_IN), wait.In|wait.RdNorm
	switch {
	case band&wait.Hup != 0:
		code, bits = abi.POLL_HUP, wait.Hup|wait.Err
	case band&wait.Err != 0:
		code, bits = abi.POLL_ERR, wait.Err
	case band&wait.In != 0:
	case band&wait.Pri != 0:
		code, bits = abi.POLL_PRI, wait.Pri|wait.RdBand
	case band&wait.Out != 0:
		code, bits = abi.POLL_OUT, wait.Out|wait.WrNorm|wait.WrBand
	}
	if sig != unix.SIGIO && (syncSignals | abi.SigMask(unix.SIGCHLD)).Has(sig) {
		code = abi.SI_SIGIO // these have codes of their own
	}
	return abi.PollInfo(sig, code, int64(bits), int32(from.FD))
}

// sendIO sends info to g, or its thread to, if the file's owner could signal it. Where a
// real-time signal does not fit the queue, SIGIO says so. The caller holds procs.
func (g *Group) sendIO(to *Task, from *vfs.Owner, info abi.SigInfo) {
	if c := g.leader.Cred(); from.EUID != 0 && from.EUID != c.SUID && from.EUID != c.UID &&
		from.UID != c.SUID && from.UID != c.UID {
		return
	}
	if g.send(&info, signal{to: to}) != nil {
		plain := abi.Kernel(unix.SIGIO)
		g.send(&plain, signal{to: to})
	}
}
