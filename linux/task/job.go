package task

import (
	"golang.org/x/sys/unix"
)

// Session is what setsid makes: process groups that may share a controlling terminal.
type Session struct {
	leader   *Group                     // nil once it has ended; guarded by procs
	terminal *Terminal                  // guarded by procs
	groups   map[*ProcessGroup]struct{} // guarded by procs
}

// ProcessGroup is a job: processes that signals from a terminal reach together.
type ProcessGroup struct {
	session *Session            // never changes
	members map[*Group]struct{} // guarded by procs
}

// Terminal is the job-control half of a terminal: which session it controls, and
// which job is in the foreground. A tty holds one; the zero value controls no session.
type Terminal struct {
	Dev uint64 // device number, for /proc/PID/stat
	TTY any    // the *tty.TTY that this is part of

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
func (tt *Terminal) Acquire(t *Task, steal bool) error { return unix.EPERM }

// Release gives up the controlling terminal of the task's session (TIOCNOTTY): if the
// task leads it, its foreground job gets SIGHUP and SIGCONT. ENOTTY where tt is not it.
func (tt *Terminal) Release(t *Task) error { return unix.ENOTTY }

// Controls reports whether tt is the controlling terminal of t's session.
func (tt *Terminal) Controls(t *Task) bool {
	procs.RLock()
	defer procs.RUnlock()
	return tt.session != nil && t.Group.process.session == tt.session
}

// Session returns the ID of the session that tt controls, seen by t (TIOCGSID);
// ENOTTY where it is not t's controlling terminal. The master of a pseudo-terminal asks
// about any session's terminal: ENOTTY only where it controls none.
func (tt *Terminal) Session(t *Task, master bool) (ID, error) { return 0, unix.ENOTTY }

// Foreground returns the ID of the job in the foreground, seen by t (TIOCGPGRP);
// ENOTTY where tt is not t's controlling terminal. The master of a pseudo-terminal asks
// about any session's terminal: 0 where there is no such job.
func (tt *Terminal) Foreground(t *Task, master bool) (ID, error) { return 0, unix.ENOTTY }

// SetForeground puts job id of t's session in the foreground (TIOCSPGRP). The caller
// has done Background(t, SIGTTOU) first. ENOTTY, EINVAL, ESRCH, EPERM.
func (tt *Terminal) SetForeground(t *Task, id ID) error { return unix.ENOTTY }

// Background is the check before t reads (sig is SIGTTIN), writes with TOSTOP or
// changes the terminal (SIGTTOU): nil where t may go on, because it is in the
// foreground, tt does not control its session, or it blocks or ignores SIGTTOU. Else
// its job gets the signal and the result is ERESTARTSYS; EIO where that cannot stop it
// (orphaned job, or SIGTTIN blocked or ignored).
func (tt *Terminal) Background(t *Task, sig unix.Signal) error { return nil }

// Signal sends sig to the foreground job, as the terminal's special characters do.
func (tt *Terminal) Signal(sig unix.Signal) {}

// Hangup tells the session that the terminal has gone: SIGHUP and SIGCONT to its
// leader and the foreground job; the session has no terminal afterwards.
func (tt *Terminal) Hangup() {}
