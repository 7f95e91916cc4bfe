package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// Session is what setsid makes: process groups that may share a controlling terminal.
// All fields are guarded by procs.
type Session struct {
	pid      *pid
	leader   *Group // nil once it has ended
	terminal *Terminal
	jobs     int // process groups in it
}

// ProcessGroup is a job: processes that signals from a terminal reach together.
type ProcessGroup struct {
	pid     *pid
	session *Session            // never changes
	members map[*Group]struct{} // guarded by procs
}

// newSession makes g the leader of a new session and its only process group. The
// caller holds procs.
func (g *Group) newSession() {
	s := &Session{pid: g.pid, leader: g}
	g.pid.session = s
	g.join(s.job(g.pid))
}

// job makes a process group in s with the ID p.
func (s *Session) job(p *pid) *ProcessGroup {
	s.jobs++
	p.process = &ProcessGroup{pid: p, session: s, members: make(map[*Group]struct{})}
	return p.process
}

// join moves g to a process group; the caller holds procs.
func (g *Group) join(p *ProcessGroup) {
	if g.process == p {
		return
	}
	if g.process != nil {
		g.process.leave(g)
	}
	p.members[g] = struct{}{}
	g.process = p
}

// leave takes g out. A process group or session without members gives its ID back.
func (p *ProcessGroup) leave(g *Group) {
	delete(p.members, g)
	if len(p.members) > 0 {
		return
	}
	s := p.session
	if tt := s.terminal; tt != nil && tt.foreground == p {
		tt.foreground = nil
	}
	p.pid.process = nil
	p.pid.free()
	if s.jobs--; s.jobs == 0 {
		s.dropTerminal()
		s.pid.session = nil
		s.pid.free()
	}
}

// orphaned reports whether no member but except has a parent in the same session and
// another process group: nobody could continue a stopped member (POSIX 3.264). The
// caller holds procs.
func (p *ProcessGroup) orphaned(except *Group) bool {
	for g := range p.members {
		if g == except || g.zombie {
			continue
		}
		parent := g.parent.Load()
		if parent == nil || parent == g.pid.ns.reaper && parent.process.session != p.session {
			continue
		}
		if parent.process != p && parent.process.session == p.session {
			return false
		}
	}
	return true
}

// tellOrphaned sends SIGHUP and SIGCONT to a newly orphaned process group that has a
// stopped member. The caller holds procs.
func (p *ProcessGroup) tellOrphaned() {
	stopped := false
	for g := range p.members {
		g.mu.Lock()
		stopped = stopped || g.stop.pending
		g.mu.Unlock()
	}
	if stopped {
		p.signal(unix.SIGHUP)
		p.signal(unix.SIGCONT)
	}
}

// signal sends sig from the kernel to all members; the caller holds procs.
func (p *ProcessGroup) signal(sig unix.Signal) {
	if p == nil {
		return
	}
	for g := range p.members {
		if !g.zombie {
			info := abi.Kernel(sig)
			g.send(&info, signal{})
		}
	}
}

// abandonTerminal takes the terminal from the session that g leads, and returns it if its line is to be hung up. The
// machine ends with its first process, and has the rest of that one's output to write. The caller holds procs.
func (g *Group) abandonTerminal() *Terminal {
	s := g.process.session
	tt := s.terminal
	if s.leader != g || tt == nil {
		return nil
	}
	tt.foreground.signal(unix.SIGHUP)
	s.dropTerminal()
	if tt.Disconnect == nil || g.parent.Load() == nil {
		return nil
	}
	return tt
}

// leaveSession is what the end of g means to its jobs. The caller holds procs.
func (g *Group) leaveSession() {
	// Children in jobs that only g connected to the session.
	for c := g.children; c != nil; c = c.sibling {
		if c.process != g.process && c.process.session == g.process.session && c.process.orphanedWithout(g) {
			c.process.tellOrphaned()
		}
	}
	if p := g.process; p.orphaned(g) && !p.orphaned(nil) {
		p.tellOrphaned()
	}
	if s := g.process.session; s.leader == g {
		s.leader = nil
	}
}

// orphanedWithout reports whether p is orphaned once parent's children have none.
func (p *ProcessGroup) orphanedWithout(parent *Group) bool {
	for g := range p.members {
		if g.zombie || g.parent.Load() == parent {
			continue
		}
		if q := g.parent.Load(); q != nil && q.process != p && q.process.session == p.session {
			return false
		}
	}
	return true
}

func (s *Session) dropTerminal() {
	if tt := s.terminal; tt != nil {
		tt.session, tt.foreground, s.terminal = nil, nil, nil
	}
}

// Setsid is setsid(2). EPERM for the leader of a process group.
func (t *Task) Setsid() (ID, error) {
	procs.Lock()
	defer procs.Unlock()
	g := t.Group
	if g.pid.process != nil || g.pid.session != nil {
		return 0, unix.EPERM
	}
	g.newSession()
	return g.pid.local(), nil
}

// Setpgid is setpgid(2): it moves process id (0: the caller) to process group job (0:
// its own ID). EINVAL, ESRCH, EPERM, EACCES.
func (t *Task) Setpgid(id, job ID) error {
	if job < 0 {
		return unix.EINVAL
	}
	procs.Lock()
	defer procs.Unlock()
	ns := t.pid.ns
	g := t.Group
	if id != 0 {
		o := ns.find(id)
		if o == nil {
			return unix.ESRCH
		}
		if o != o.Group.leader {
			return unix.EINVAL
		}
		g = o.Group
	}
	if g != t.Group {
		if g.parent.Load() != t.Group {
			return unix.ESRCH
		}
		if g.process.session != t.Group.process.session {
			return unix.EPERM
		}
		if g.execed {
			return unix.EACCES
		}
	}
	s := g.process.session
	if s.leader == g {
		return unix.EPERM
	}
	p := g.pid
	if job != 0 {
		p = ns.ids[job]
	}
	switch {
	case p == g.pid && p.process == nil:
		g.join(s.job(p))
		return nil
	case p == nil || p.process == nil || p.process.session != t.Group.process.session:
		return unix.EPERM
	}
	g.join(p.process)
	return nil
}

// Getpgid is getpgid(2), and getpgrp(2) with 0.
func (t *Task) Getpgid(id ID) (ID, error) {
	return t.jobID(id, func(g *Group) *pid { return g.process.pid })
}

// Getsid is getsid(2).
func (t *Task) Getsid(id ID) (ID, error) {
	return t.jobID(id, func(g *Group) *pid { return g.process.session.pid })
}

func (t *Task) jobID(id ID, get func(*Group) *pid) (ID, error) {
	procs.RLock()
	defer procs.RUnlock()
	o := t
	if id != 0 {
		if o = t.pid.ns.find(id); o == nil {
			return 0, unix.ESRCH
		}
	}
	return get(o.Group).in(t.pid.ns), nil
}

// Job describes a process's place in job control, as /proc/PID/stat shows it to ns.
type Job struct {
	Group, Session, Foreground ID // -1 for no foreground job
	Terminal                   uint64
}

// Job returns g's place in job control.
func (g *Group) Job(ns *PIDNamespace) Job {
	procs.RLock()
	defer procs.RUnlock()
	s := g.process.session
	j := Job{Group: g.process.pid.in(ns), Session: s.pid.in(ns), Foreground: -1}
	if tt := s.terminal; tt != nil {
		j.Terminal = tt.Dev
		if tt.foreground != nil {
			j.Foreground = tt.foreground.pid.in(ns)
		}
	}
	return j
}

// Terminal is the job-control half of a terminal: which session it controls, and
// which job is in the foreground. A tty holds one; the zero value controls no session.
type Terminal struct {
	Dev uint64 // device number, for /proc/PID/stat
	TTY any    // the *tty.TTY that this is part of

	// Disconnect hangs the line up when the leader of the session ends. Nil for a
	// pseudo-terminal, whose line goes on.
	Disconnect func()

	session    *Session      // guarded by procs
	foreground *ProcessGroup // guarded by procs
}

// Terminal returns the controlling terminal of the task's session, or nil.
func (t *Task) Terminal() *Terminal {
	procs.RLock()
	defer procs.RUnlock()
	return t.Group.process.session.terminal
}

// Acquire makes tt the controlling terminal of the calling task's session
// (TIOCSCTTY, and open without O_NOCTTY): the task must lead a session that has none,
// and tt must control no other, unless steal is set, which asks for CAP_SYS_ADMIN.
// EPERM otherwise.
func (tt *Terminal) Acquire(t *Task, steal bool) error {
	procs.Lock()
	defer procs.Unlock()
	g := t.Group
	s := g.process.session
	if s.leader == g && s.terminal == tt {
		return nil
	}
	if s.leader != g || s.terminal != nil {
		return unix.EPERM
	}
	if tt.session != nil {
		if !steal || !t.Capable(unix.CAP_SYS_ADMIN) {
			return unix.EPERM
		}
		tt.session.terminal = nil
	}
	s.terminal, tt.session, tt.foreground = tt, s, g.process
	return nil
}

// Release gives up the controlling terminal of the task's session (TIOCNOTTY): if the
// task leads it, its foreground job gets SIGHUP and SIGCONT. ENOTTY where tt is not it.
func (tt *Terminal) Release(t *Task) error {
	procs.Lock()
	defer procs.Unlock()
	s := t.Group.process.session
	if tt.session == nil || s.terminal != tt {
		return unix.ENOTTY
	}
	// Linux lets go of it for the one process only; nothing tells the difference here
	// but a leader's others, so that only the leader's call counts.
	if s.leader == t.Group {
		tt.foreground.signal(unix.SIGHUP)
		tt.foreground.signal(unix.SIGCONT)
		s.dropTerminal()
	}
	return nil
}

// Controls reports whether tt is the controlling terminal of t's session.
func (tt *Terminal) Controls(t *Task) bool {
	procs.RLock()
	defer procs.RUnlock()
	return tt.controls(t)
}

func (tt *Terminal) controls(t *Task) bool {
	return tt.session != nil && t.Group.process.session == tt.session
}

// Session returns the ID of the session that tt controls, seen by t (TIOCGSID);
// ENOTTY where it is not t's controlling terminal. The master of a pseudo-terminal asks
// about any session's terminal: ENOTTY only where it controls none.
func (tt *Terminal) Session(t *Task, master bool) (ID, error) {
	procs.RLock()
	defer procs.RUnlock()
	if tt.session == nil || !master && !tt.controls(t) {
		return 0, unix.ENOTTY
	}
	return tt.session.pid.in(t.pid.ns), nil
}

// Foreground returns the ID of the job in the foreground, seen by t (TIOCGPGRP);
// ENOTTY where tt is not t's controlling terminal. The master of a pseudo-terminal asks
// about any session's terminal: 0 where there is no such job.
func (tt *Terminal) Foreground(t *Task, master bool) (ID, error) {
	procs.RLock()
	defer procs.RUnlock()
	if !master && !tt.controls(t) {
		return 0, unix.ENOTTY
	}
	if tt.foreground == nil {
		return 0, nil
	}
	return tt.foreground.pid.in(t.pid.ns), nil
}

// SetForeground puts job id of t's session in the foreground (TIOCSPGRP). The caller
// has done Background(t, SIGTTOU) first. ENOTTY, EINVAL, ESRCH, EPERM.
func (tt *Terminal) SetForeground(t *Task, id ID) error {
	procs.Lock()
	defer procs.Unlock()
	if !tt.controls(t) {
		return unix.ENOTTY
	}
	if id < 0 {
		return unix.EINVAL
	}
	p := t.pid.ns.ids[id]
	if p == nil || p.process == nil {
		return unix.ESRCH
	}
	if p.process.session != tt.session {
		return unix.EPERM
	}
	tt.foreground = p.process
	return nil
}

// Background is the check before t reads (sig is SIGTTIN), writes with TOSTOP or
// changes the terminal (SIGTTOU): nil where t may go on, because it is in the
// foreground, tt does not control its session, or it blocks or ignores SIGTTOU. Else
// its job gets the signal and the result is ERESTARTSYS; EIO where that cannot stop it
// (orphaned job, or SIGTTIN blocked or ignored).
func (tt *Terminal) Background(t *Task, sig unix.Signal) error {
	procs.RLock()
	defer procs.RUnlock()
	job := t.Group.process
	if !tt.controls(t) || tt.foreground == nil || tt.foreground == job {
		return nil
	}
	g := t.Group
	g.mu.Lock()
	ignored := t.blocked.Has(sig) || g.actions.get(sig).Handler == abi.SigIgnore
	g.mu.Unlock()
	switch {
	case ignored && sig == unix.SIGTTIN, !ignored && job.orphaned(nil):
		return unix.EIO
	case ignored:
		return nil
	}
	job.signal(sig)
	t.Waiter.Interrupt() // the signal may have gone to another thread: restart all the same
	return abi.ERESTARTSYS
}

// Signal sends sig to the foreground job, as the terminal's special characters do.
func (tt *Terminal) Signal(sig unix.Signal) {
	procs.RLock()
	defer procs.RUnlock()
	tt.foreground.signal(sig)
}

// Hangup tells the session that the terminal has gone: SIGHUP and SIGCONT to its
// leader and the foreground job; the session has no terminal afterwards.
func (tt *Terminal) Hangup() {
	procs.Lock()
	defer procs.Unlock()
	s := tt.session
	if s == nil {
		return
	}
	if l := s.leader; l != nil && l.process != tt.foreground {
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGCONT} {
			info := abi.Kernel(sig)
			l.send(&info, signal{})
		}
	}
	tt.foreground.signal(unix.SIGHUP)
	tt.foreground.signal(unix.SIGCONT)
	s.dropTerminal()
}
