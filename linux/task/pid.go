package task

import (
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// maxPID is one more than the largest ID: pid_max on a 64-bit system, proc(5).
const maxPID = 4194304

// PIDNamespace is a namespace of process IDs (pid_namespaces(7)). A process has an
// ID in its own namespace and in each ancestor of it.
type PIDNamespace struct {
	parent *PIDNamespace
	level  int
	max    ID
	id     uint64 // counts namespaces
	owner  *cred.UserNS

	// Guarded by procs.
	ids    map[ID]*pid
	last   ID
	reaper *Group // its first process, which adopts orphans; nil once that has ended
	ended  bool   // the first process has ended: no more may be made
}

// maxNamespaces is how deep PID namespaces nest (MAX_PID_NS_LEVEL).
const maxNamespaces = 32

var lastNamespace atomic.Uint64

func newPIDNamespace(parent *PIDNamespace) *PIDNamespace {
	return &PIDNamespace{parent: parent, max: maxPID, ids: make(map[ID]*pid), id: lastNamespace.Add(1)}
}

// newBelow makes a namespace under ns, for c. EINVAL where ns belongs to a user namespace
// that is not c's or around it, ENOSPC where they nest too deep or c may not have one more.
func (ns *PIDNamespace) newBelow(c *cred.Cred) (*PIDNamespace, error) {
	if !c.User.Within(ns.owner) {
		return nil, unix.EINVAL
	}
	if ns.level >= maxNamespaces {
		return nil, unix.ENOSPC
	}
	n := newPIDNamespace(ns)
	n.level, n.owner = ns.level+1, c.User
	return n, cred.Charge(c, cred.PIDNamespaces, n)
}

// Owner is the user namespace that the namespace belongs to.
func (ns *PIDNamespace) Owner() *cred.UserNS { return ns.owner }

// Last is the ID that was given last, for /proc/loadavg.
func (ns *PIDNamespace) Last() ID {
	procs.RLock()
	defer procs.RUnlock()
	return ns.last
}

// pid is an identity that tasks, process groups and sessions have. It outlives a task
// whose ID still names a group or session.
type pid struct {
	ns      *PIDNamespace // the deepest that has it
	numbers []ID          // by level, the initial namespace's first; never changes

	// Guarded by procs.
	task    *Task // the thread with this ID, until it has been released
	group   *Group
	process *ProcessGroup
	session *Session

	// Pidfds wait here, on the group's behalf, also after it has gone.
	wait wait.Queue
	done atomic.Bool // the process has ended (as pidfd_open's poll says)
}

// newPID gives out an ID in ns and its ancestors. The caller holds procs.
func newPID(ns *PIDNamespace) (*pid, error) {
	p := &pid{ns: ns, numbers: make([]ID, ns.level+1)}
	for n := ns; n != nil; n = n.parent {
		if n.ended {
			p.free()
			return nil, unix.ENOMEM // what fork says there: pid_namespaces(7)
		}
		id, err := n.take(p)
		if err != nil {
			p.free()
			return nil, err
		}
		p.numbers[n.level] = id
	}
	return p, nil
}

// take finds the next free ID. After the first round IDs start at 300, as on Linux.
func (ns *PIDNamespace) take(p *pid) (ID, error) {
	id := ns.last
	for range ns.max {
		if id++; id >= ns.max {
			id = 300
		}
		if _, used := ns.ids[id]; !used {
			ns.ids[id] = p
			ns.last = id
			return id, nil
		}
	}
	return 0, unix.EAGAIN
}

// free gives the IDs back if nothing has them any more. The caller holds procs.
func (p *pid) free() {
	if p.task != nil || p.group != nil || p.process != nil || p.session != nil {
		return
	}
	for n := p.ns; n != nil; n = n.parent {
		if id := p.numbers[n.level]; n.ids[id] == p {
			delete(n.ids, id)
		}
	}
}

func (p *pid) local() ID  { return p.numbers[len(p.numbers)-1] }
func (p *pid) global() ID { return p.numbers[0] }

// in is the ID as seen from ns, 0 where it cannot be seen.
func (p *pid) in(ns *PIDNamespace) ID {
	if ns.level >= len(p.numbers) {
		return 0
	}
	for n := p.ns; n.level >= ns.level; n = n.parent {
		if n == ns {
			return p.numbers[ns.level]
		}
		if n.parent == nil {
			break
		}
	}
	return 0
}

// PIDNamespace is the namespace that the task's ID is of.
func (t *Task) PIDNamespace() *PIDNamespace { return t.pid.ns }

// find returns the thread with an ID, dead or alive, or nil. The caller holds procs.
func (ns *PIDNamespace) find(id ID) *Task {
	if p := ns.ids[id]; p != nil {
		return p.task
	}
	return nil
}

// Task returns the thread with an ID in ns; nil where there is none.
func (ns *PIDNamespace) Task(id ID) *Task {
	procs.RLock()
	defer procs.RUnlock()
	return ns.find(id)
}

// Group returns the process with an ID in ns, a zombie too; nil where there is none.
func (ns *PIDNamespace) Group(id ID) *Group {
	procs.RLock()
	defer procs.RUnlock()
	if p := ns.ids[id]; p != nil {
		return p.group
	}
	return nil
}

// Seen is the ID in t's PID namespace of what has, or had, id in the initial one: 0 where
// it cannot be seen, or where it has gone and the namespace is another. Negative numbers
// stand for nobody and stay.
func (t *Task) Seen(id int) ID {
	procs.RLock()
	defer procs.RUnlock()
	ns := t.pid.ns
	if id < 0 || ns.parent == nil {
		return ID(id)
	}
	root := ns
	for root.parent != nil {
		root = root.parent
	}
	if p := root.ids[ID(id)]; p != nil {
		return p.in(ns)
	}
	return 0
}

// Groups calls do for each process that ns can see, in the order of their IDs from
// first on, until do returns false. do runs without locks.
func (ns *PIDNamespace) Groups(first ID, do func(id ID, g *Group) bool) {
	for _, id := range ns.sorted(first) {
		if g := ns.Group(id); g != nil && !do(id, g) {
			return
		}
	}
}

func (ns *PIDNamespace) sorted(first ID) []ID {
	procs.RLock()
	defer procs.RUnlock()
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(ns.ids)), func(id ID) bool {
		return id < first || ns.ids[id].group == nil
	})
	slices.Sort(ids)
	return ids
}

// Threads are the threads of the process that have not been released.
func (g *Group) Threads() []*Task {
	procs.RLock()
	defer procs.RUnlock()
	return g.list()
}

// list needs procs or g.mu.
func (g *Group) list() (all []*Task) {
	for t := g.threads; t != nil; t = t.next {
		all = append(all, t)
	}
	return all
}
