package task

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// numLimits is RLIM_NLIMITS.
const numLimits = 16

// limits are the resource limits of a process (getrlimit(2)). mu guards the table; it
// is a leaf lock.
type limits struct {
	mu    sync.Mutex
	table [numLimits]unix.Rlimit
}

// initialLimits are those of the first process, as Linux has them on a machine that
// could run threads tasks.
func initialLimits(threads uint64) (table [numLimits]unix.Rlimit) {
	const inf = unix.RLIM_INFINITY
	for i := range table {
		table[i] = unix.Rlimit{Cur: inf, Max: inf}
	}
	table[unix.RLIMIT_STACK] = unix.Rlimit{Cur: 8 << 20, Max: inf}
	table[unix.RLIMIT_CORE] = unix.Rlimit{Cur: 0, Max: inf}
	table[unix.RLIMIT_NPROC] = unix.Rlimit{Cur: threads / 2, Max: threads / 2}
	table[unix.RLIMIT_NOFILE] = unix.Rlimit{Cur: 1024, Max: 4096}
	table[unix.RLIMIT_MEMLOCK] = unix.Rlimit{Cur: 8 << 20, Max: 8 << 20}
	table[unix.RLIMIT_SIGPENDING] = unix.Rlimit{Cur: threads / 2, Max: threads / 2}
	table[unix.RLIMIT_MSGQUEUE] = unix.Rlimit{Cur: 819200, Max: 819200}
	table[unix.RLIMIT_NICE] = unix.Rlimit{}
	table[unix.RLIMIT_RTPRIO] = unix.Rlimit{}
	return table
}

func (l *limits) get(resource int) unix.Rlimit {
	l.mu.Lock()
	limit := l.table[resource]
	l.mu.Unlock()
	return limit
}

// Limit returns the soft limit of a resource (a unix.RLIMIT_ constant).
func (t *Task) Limit(resource int) uint64 { return t.Group.limits.get(resource).Cur }

// Limit returns the soft limit of a resource of the process.
func (g *Group) Limit(resource int) uint64 { return g.limits.get(resource).Cur }

// Limits is prlimit64(2) on process g: it returns the old limits and, where set is not
// nil, changes them for t. EINVAL for what is no limit, EPERM to raise a hard one without
// CAP_SYS_RESOURCE.
func (g *Group) Limits(t *Task, resource int, set *unix.Rlimit) (unix.Rlimit, error) {
	if resource < 0 || resource >= numLimits {
		return unix.Rlimit{}, unix.EINVAL
	}
	if set == nil {
		return g.limits.get(resource), nil
	}
	old, err := g.limits.change(t, resource, set)
	if err == nil && resource == unix.RLIMIT_CPU {
		g.watchCPULimit()
		t.checkSoon()
	}
	return old, err
}

func (l *limits) change(t *Task, resource int, set *unix.Rlimit) (unix.Rlimit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.table[resource]
	const maxFiles = 1 << 20 // fs.nr_open: proc(5)
	switch {
	case set.Cur > set.Max:
		return old, unix.EINVAL
	case resource == unix.RLIMIT_NOFILE && set.Max > maxFiles:
		return old, unix.EPERM
	case set.Max > old.Max && !t.Capable(unix.CAP_SYS_RESOURCE):
		return old, unix.EPERM
	}
	l.table[resource] = *set
	return old, nil
}

// MayLimit reports whether t may see and change the limits of o's process: EPERM unless
// they are one user's and group's, or t has CAP_SYS_RESOURCE (prlimit(2)).
func (t *Task) MayLimit(o *Task) error {
	c, d := t.Cred(), o.Cred()
	same := c.UID == d.UID && c.UID == d.EUID && c.UID == d.SUID && c.GID == d.GID && c.GID == d.EGID && c.GID == d.SGID
	if t.Group != o.Group && !same && !c.CapableIn(d.User, unix.CAP_SYS_RESOURCE) {
		return unix.EPERM
	}
	return nil
}

// users counts what the limits of a user, not of a process, are about.
type users struct {
	mu    sync.Mutex // guards byUID and account.refs; a leaf lock
	byUID map[uint32]*account
}

// account is one user's: how many tasks and queued signals it has.
type account struct {
	uid              uint32
	refs             int // tasks
	tasks, signalled atomic.Int64
}

// move takes a task from one account, nil for a new task, to that of uid.
func (u *users) move(from *account, uid uint32) *account {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byUID == nil {
		u.byUID = make(map[uint32]*account)
	}
	a := u.byUID[uid]
	if a == nil {
		a = &account{uid: uid}
		u.byUID[uid] = a
	}
	a.refs++
	a.tasks.Add(1)
	u.drop(from)
	return a
}

// leave takes a task that has ended out of its account.
func (u *users) leave(a *account) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(a)
}

func (u *users) drop(a *account) {
	if a == nil {
		return
	}
	a.tasks.Add(-1)
	if a.refs--; a.refs == 0 && a.signalled.Load() == 0 {
		delete(u.byUID, a.uid)
	}
}

// Threads is how many threads the machine has.
func (k *Kernel) Threads() (n int64) {
	u := &k.users
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range u.byUID {
		n += a.tasks.Load()
	}
	return n
}

// signal counts queued signals and returns how many there are. A signal that is not
// on an account has nil.
func (a *account) signal(n int64) int64 {
	if a == nil {
		return 0
	}
	return a.signalled.Add(n)
}
