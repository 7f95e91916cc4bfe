package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// maySignal checks that t may send sig to a process: kill(2). EPERM otherwise. The
// caller holds procs.
func (t *Task) maySignal(to *Group, sig unix.Signal) error {
	if sig != 0 && !valid(sig) {
		return unix.EINVAL
	}
	if to == t.Group {
		return nil
	}
	c, o := t.Cred(), to.leader.Cred()
	if c.EUID == o.SUID || c.EUID == o.UID || c.UID == o.SUID || c.UID == o.UID || c.CapableIn(o.User, unix.CAP_KILL) {
		return nil
	}
	if sig == unix.SIGCONT && t.Group.process.session == to.process.session {
		return nil
	}
	return unix.EPERM
}

// forceFrom reports whether a signal from t reaches the first process of to's PID
// namespace: only one from outside does.
func (t *Task) forceFrom(to *Group) bool { return t.pid.in(to.pid.ns) == 0 }

// user is the information of a signal that t sends to a process with kill(2).
func (t *Task) userInfo(sig unix.Signal, code int32, to *Group) abi.SigInfo {
	return abi.Kill(sig, code, int32(t.Group.pid.in(to.pid.ns)), to.uidOf(t))
}

// uidOf is t's real user ID as g's user namespace knows it.
func (g *Group) uidOf(t *Task) uint32 { return g.leader.Cred().User.ShowUID(t.Cred().UID) }

// Kill is kill(2): it sends sig, or with 0 only checks, to process id, or to process
// group -id; 0 means the caller's process group, -1 every process but the caller and the
// namespace's first.
func (t *Task) Kill(id ID, sig unix.Signal) error {
	procs.RLock()
	defer procs.RUnlock()
	ns := t.pid.ns
	switch {
	case id > 0:
		p := ns.ids[id]
		if p == nil || p.task == nil {
			return unix.ESRCH
		}
		return t.killGroup(p.task.Group, sig)
	case id == -1:
		found, denied := false, false
		for _, p := range ns.ids {
			if g := p.group; g != nil && g != t.Group && g != ns.reaper {
				found = true
				denied = t.killGroup(g, sig) != nil || denied
			}
		}
		if !found {
			return unix.ESRCH
		}
		return nil // Linux reports success even where some were denied
	case id == 0:
		return t.killJob(t.Group.process, sig)
	}
	if id == -1<<31 {
		return unix.ESRCH
	}
	p := ns.ids[-id]
	if p == nil || p.process == nil {
		return unix.ESRCH
	}
	return t.killJob(p.process, sig)
}

func (t *Task) killGroup(g *Group, sig unix.Signal) error {
	if err := t.maySignal(g, sig); err != nil || sig == 0 {
		return err
	}
	info := t.userInfo(sig, abi.SI_USER, g)
	return g.send(&info, signal{by: t, force: t.forceFrom(g)})
}

// killJob sends to all members: success if one could be signalled.
func (t *Task) killJob(p *ProcessGroup, sig unix.Signal) error {
	err, sent := error(unix.ESRCH), false
	for g := range p.members {
		if e := t.killGroup(g, sig); e != nil {
			err = e
		} else {
			sent = true
		}
	}
	if sent {
		return nil
	}
	return err
}

// KillThread is tgkill(2), and tkill(2) with group 0: it sends sig to one thread.
func (t *Task) KillThread(group, id ID, sig unix.Signal) error {
	info := func(to *Group) abi.SigInfo { return t.userInfo(sig, abi.SI_TKILL, to) }
	return t.toThread(group, id, sig, info)
}

func (t *Task) toThread(group, id ID, sig unix.Signal, info func(to *Group) abi.SigInfo) error {
	procs.RLock()
	defer procs.RUnlock()
	to := t.pid.ns.find(id)
	if to == nil || group != 0 && to.Group.pid.in(t.pid.ns) != group {
		return unix.ESRCH
	}
	if err := t.maySignal(to.Group, sig); err != nil || sig == 0 {
		return err
	}
	i := info(to.Group)
	return to.Group.send(&i, signal{to: to, by: t, force: t.forceFrom(to.Group)})
}

// mayForge checks information that a program brings: only the kernel and kill may say
// SI_USER, SI_TKILL or a kernel's code to another process (rt_sigqueueinfo(2)).
func (t *Task) mayForge(id ID, info *abi.SigInfo) error {
	if (info.Code() >= 0 || info.Code() == abi.SI_TKILL) && t.Group.ID() != id {
		return unix.EPERM
	}
	return nil
}

// translate makes the sender's IDs in information that a program brings mean the same to the
// receiver, as far as it knows them.
func (t *Task) translate(info *abi.SigInfo, to *Group) {
	if c := info.Code(); c >= 0 || c == abi.SI_TIMER || c == abi.SI_SIGIO {
		return // it has other things there
	}
	if from, in := t.Cred().User, to.leader.Cred().User; from != in {
		info.SetUID(in.ShowUID(from.UID(info.UID())))
	}
	if t.forceFrom(to) {
		info.SetPID(0)
	}
}

// Queue is rt_sigqueueinfo(2): it sends info, which the caller made, to a process.
func (t *Task) Queue(id ID, sig unix.Signal, info abi.SigInfo) error {
	info.SetSigno(sig)
	if err := t.mayForge(id, &info); err != nil {
		return err
	}
	procs.RLock()
	defer procs.RUnlock()
	to := t.pid.ns.find(id)
	if to == nil {
		return unix.ESRCH
	}
	if err := t.maySignal(to.Group, sig); err != nil || sig == 0 {
		return err
	}
	t.translate(&info, to.Group)
	return to.Group.send(&info, signal{by: t, force: t.forceFrom(to.Group)})
}

// QueueThread is rt_tgsigqueueinfo(2).
func (t *Task) QueueThread(group, id ID, sig unix.Signal, info abi.SigInfo) error {
	if group <= 0 || id <= 0 {
		return unix.EINVAL
	}
	info.SetSigno(sig)
	if (info.Code() >= 0 || info.Code() == abi.SI_TKILL) && t.ID() != id {
		return unix.EPERM
	}
	return t.toThread(group, id, sig, func(to *Group) abi.SigInfo { t.translate(&info, to); return info })
}

// SignalGroup sends a process a signal from the kernel: alarms, lost terminals.
func (g *Group) SignalGroup(info *abi.SigInfo) {
	procs.RLock()
	defer procs.RUnlock()
	if !g.zombie {
		g.send(info, signal{})
	}
}

// SignalFrom is pidfd_send_signal(2) to process g: info is nil for what kill would say.
func (g *Group) SignalFrom(t *Task, sig unix.Signal, info *abi.SigInfo) error {
	procs.RLock()
	defer procs.RUnlock()
	if g.reaped {
		return unix.ESRCH
	}
	if info == nil {
		return t.killGroup(g, sig)
	}
	if g != t.Group && (info.Code() >= 0 || info.Code() == abi.SI_TKILL) {
		return unix.EPERM
	}
	if err := t.maySignal(g, sig); err != nil || sig == 0 {
		return err
	}
	i := *info
	t.translate(&i, g)
	return g.send(&i, signal{by: t, force: t.forceFrom(g)})
}
