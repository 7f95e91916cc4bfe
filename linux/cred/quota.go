package cred

import (
	"math"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Namespaces are kinds of namespaces that are counted.
type Namespaces int

const (
	UserNamespaces Namespaces = iota
	PIDNamespaces
	UTSNamespaces
	IPCNamespaces
	MountNamespaces
	countedKinds
)

// quota is how many namespaces of each kind each user may make in a user namespace and
// below it (namespaces(7), "The /proc/sys/user directory").
type quota struct {
	limit [countedKinds]int64            // guarded by quotaMu
	made  map[uint32][countedKinds]int64 // by the kernel's ID of the user; likewise
}

// quotaMu guards all quotas. It is a leaf lock.
var quotaMu sync.Mutex

// firstQuota is that of the first user namespace.
var firstQuota quota

func init() { firstQuota.init() }

func (q *quota) init() {
	for k := range q.limit {
		q.limit[k] = math.MaxInt32
	}
}

// SetFirstLimits sets what holds in the first user namespace, by the number of threads that
// the machine has room for.
func SetFirstLimits(threads uint64) {
	for k := range countedKinds {
		(*UserNS)(nil).SetLimit(k, int64(min(threads/2, math.MaxInt32)))
	}
}

func (ns *UserNS) counts() *quota {
	if ns == nil {
		return &firstQuota
	}
	return &ns.quota
}

// Limit and SetLimit are the limit that ns has.
func (ns *UserNS) Limit(kind Namespaces) int64 {
	quotaMu.Lock()
	defer quotaMu.Unlock()
	return ns.counts().limit[kind]
}

func (ns *UserNS) SetLimit(kind Namespaces, n int64) {
	quotaMu.Lock()
	defer quotaMu.Unlock()
	ns.counts().limit[kind] = n
}

// charge is a namespace that counts: at its maker in the maker's user namespace, and at the
// makers of that and its ancestors in theirs.
type charge struct {
	in   *UserNS
	uid  uint32
	kind Namespaces
}

// Charge counts made, a namespace that c makes, until it is garbage: ENOSPC where that is
// one too many.
func Charge[T any](c *Cred, kind Namespaces, made *T) error {
	ch := charge{c.User, c.EUID, kind}
	if !ch.enter() {
		runtime.GC() // namespaces that nobody uses any more count until it has run
		if !ch.enter() {
			return unix.ENOSPC
		}
	}
	runtime.AddCleanup(made, charge.leave, ch)
	return nil
}

func (ch charge) enter() bool {
	quotaMu.Lock()
	defer quotaMu.Unlock()
	for ns, uid := ch.in, ch.uid; ; ns, uid = ns.parent, ns.owner {
		if q := ns.counts(); q.made[uid][ch.kind] >= q.limit[ch.kind] {
			return false
		}
		if ns == nil {
			break
		}
	}
	ch.add(1)
	return true
}

func (ch charge) leave() {
	quotaMu.Lock()
	defer quotaMu.Unlock()
	ch.add(-1)
}

// add needs quotaMu.
func (ch charge) add(n int64) {
	for ns, uid := ch.in, ch.uid; ; ns, uid = ns.parent, ns.owner {
		q := ns.counts()
		if q.made == nil {
			q.made = make(map[uint32][countedKinds]int64)
		}
		m := q.made[uid]
		if m[ch.kind] += n; m == ([countedKinds]int64{}) {
			delete(q.made, uid)
		} else {
			q.made[uid] = m
		}
		if ns == nil {
			return
		}
	}
}
