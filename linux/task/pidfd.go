package task

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// PIDFD is a file that stands for a process, also after its ID has been given to
// another: pidfd_open(2).
type PIDFD struct {
	vfs.DefaultOps
	pid *pid
}

// OpenPIDFD returns a file for the process with an ID in t's namespace. ESRCH where
// nothing has the ID, EINVAL where that is no process.
func (t *Task) OpenPIDFD(id ID, flags uint32) (*vfs.File, error) {
	procs.RLock()
	defer procs.RUnlock()
	p := t.pid.ns.ids[id]
	switch {
	case p == nil:
		return nil, unix.ESRCH
	case p.group == nil:
		return nil, unix.EINVAL
	}
	return p.file(flags), nil
}

// reservePIDFD takes a descriptor for CLONE_PIDFD, and tells the program which; -1 without
// the flag.
func (t *Task) reservePIDFD(a *CloneArgs) (int, error) {
	if a.Flags&unix.CLONE_PIDFD == 0 {
		return -1, nil
	}
	fd, err := t.Files.Reserve(t.VFS(), 0, true)
	if err != nil {
		return -1, err
	}
	if err := t.CopyOut(a.PidFD, le.AppendUint32(nil, uint32(fd))); err != nil {
		t.Files.Abandon(fd)
		return -1, err
	}
	return fd, nil
}

// file makes a pidfd.
func (p *pid) file(flags uint32) *vfs.File {
	return vfs.NewAnonFile("[pidfd]", &PIDFD{pid: p}, unix.O_RDWR|flags&unix.O_NONBLOCK)
}

// FDInfo is what /proc/PID/fdinfo says of it: the process's IDs; -1 once it has been waited
// for.
func (p *PIDFD) FDInfo(w io.Writer) {
	id := ID(-1)
	if p.Group() != nil {
		id = p.pid.global()
	}
	fmt.Fprintf(w, "Pid:\t%d\nNSpid:\t%d\n", id, id)
}

// Group is the process; nil once it has been waited for.
func (p *PIDFD) Group() *Group {
	procs.RLock()
	defer procs.RUnlock()
	return p.pid.group
}

// ID is the process's ID as seen from ns: 0 where it cannot be seen, -1 once it has been
// waited for.
func (p *PIDFD) ID(ns *PIDNamespace) ID {
	if p.Group() == nil {
		return -1
	}
	return p.pid.in(ns)
}

// Poll implements vfs.FileOps: the file is readable once the process has ended.
func (p *PIDFD) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		p.pid.wait.Add(e)
	}
	if p.pid.done.Load() {
		return wait.In | wait.RdNorm
	}
	return 0
}

// Unpoll implements vfs.FileOps.
func (p *PIDFD) Unpoll(_ *vfs.File, e *wait.Entry) { p.pid.wait.Remove(e) }

// GroupByPIDFD finds the process behind descriptor fd of t's, and the file's flags. EBADF
// for another file, and nil for a process that has been waited for.
func (t *Task) GroupByPIDFD(fd int) (g *Group, flags uint32, err error) {
	f, err := t.Files.Get(fd)
	if err != nil {
		return nil, 0, err
	}
	defer f.Unref()
	p, ok := f.Ops.(*PIDFD)
	if !ok {
		return nil, 0, unix.EBADF
	}
	return p.Group(), f.Flags(), nil
}

// Sees reports whether process g has an ID in the namespace of t.
func (t *Task) Sees(g *Group) bool { return g.IDIn(t.PIDNamespace()) != 0 }
