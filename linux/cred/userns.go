package cred

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// UserNS is a user namespace: user_namespaces(7). Everywhere in the kernel an ID is one of
// the machine's first namespace, for which nil stands; the methods translate where a
// program names an ID or is told one. What only a namespace refers to that nobody is in is
// garbage.
type UserNS struct {
	parent       *UserNS
	level        int
	owner, group uint32 // effective IDs of who made it
	number       uint64
	fileCaps     bool // its maker had CAP_SETFCAP: see SetMap

	maps  [kinds]atomic.Pointer[idMap] // nil until it is written, which happens once
	deny  atomic.Bool                  // setgroups(2) is forbidden
	quota quota
}

// IDKind is what kind of ID a map is of.
type IDKind int

const (
	UserIDs IDKind = iota
	GroupIDs
	ProjectIDs
	kinds
)

const (
	// None is the ID of nobody: what an ID without a meaning becomes. It is (uid_t) -1.
	None = Keep
	// Overflow stands for an ID that a namespace has no number for: overflowuid and
	// overflowgid in proc(5).
	Overflow = 65534

	// maxLevel is how deep user namespaces may nest below one that makes another.
	maxLevel = 32
	// firstUserNS is the number of the first namespace in /proc/PID/ns, as on Linux.
	firstUserNS = 0xeffffffd
)

// userMu guards what changes in namespaces after they are made: maps, and the permission to
// set groups, which depends on them. It is a leaf lock.
var userMu sync.Mutex

var lastUserNS atomic.Uint64

// UnprivilegedUserNS says that users without CAP_SYS_ADMIN may make user namespaces:
// /proc/sys/kernel/unprivileged_userns_clone of Debian's kernel.
var UnprivilegedUserNS atomic.Int32

func init() { UnprivilegedUserNS.Store(1) }

// Number is the inode number that stands for the namespace in /proc/PID/ns.
func (ns *UserNS) Number() uint64 {
	if ns == nil {
		return firstUserNS
	}
	return ns.number
}

// Parent is the namespace in which ns was made: nil for the first, and for what was made in
// it.
func (ns *UserNS) Parent() *UserNS {
	if ns == nil {
		return nil
	}
	return ns.parent
}

// Owner is the effective user ID of who made the namespace.
func (ns *UserNS) Owner() uint32 {
	if ns == nil {
		return 0
	}
	return ns.owner
}

// Group is their effective group ID.
func (ns *UserNS) Group() uint32 {
	if ns == nil {
		return 0
	}
	return ns.group
}

func (ns *UserNS) depth() int {
	if ns == nil {
		return 0
	}
	return ns.level
}

// Within reports whether ns is outer or below it.
func (ns *UserNS) Within(outer *UserNS) bool {
	for n := ns; ; n = n.parent {
		if n == outer {
			return true
		}
		if n == nil {
			return false
		}
	}
}

// CapableIn reports whether c has a capability with regard to what belongs to ns: it is
// effective in ns or an ancestor of it, or c made ns, or an ancestor of it, in c's own
// namespace (user_namespaces(7), "Capabilities", rules 1 to 3).
func (c *Cred) CapableIn(ns *UserNS, capability int) bool {
	for n := ns; ; n = n.parent {
		if n == c.User {
			return c.Effective.Has(capability)
		}
		if n.depth() <= c.User.depth() {
			return false
		}
		if n.parent == c.User && n.owner == c.EUID {
			return true
		}
	}
}

// CapableHere is CapableIn for c's own namespace.
func (c *Cred) CapableHere(capability int) bool { return c.Effective.Has(capability) }

// NewUserNS puts c, which the caller has copied, into a user namespace of its own, where it
// has all capabilities. ENOSPC where namespaces nest too deep or there are too many, EPERM
// where c's IDs have no meaning in the namespace it was in.
func (c *Cred) NewUserNS() error {
	parent := c.User
	if parent.depth() > maxLevel {
		return unix.ENOSPC
	}
	if !parent.Has(UserIDs, c.EUID) || !parent.Has(GroupIDs, c.EGID) {
		return unix.EPERM
	}
	ns := &UserNS{
		parent: parent, level: parent.depth() + 1, owner: c.EUID, group: c.EGID,
		number: firstUserNS + 0x4000000 + lastUserNS.Add(1), fileCaps: c.Effective.Has(unix.CAP_SETFCAP),
	}
	ns.quota.init()
	if err := Charge(c, UserNamespaces, ns); err != nil {
		return err
	}
	userMu.Lock()
	ns.deny.Store(parent != nil && parent.deny.Load())
	userMu.Unlock()
	c.EnterUserNS(ns)
	return nil
}

// EnterUserNS puts c into ns, with all capabilities: setns(2).
func (c *Cred) EnterUserNS(ns *UserNS) {
	c.User = ns
	c.SecureBits = 0
	c.Inheritable, c.Ambient = 0, 0
	c.Permitted, c.Effective, c.Bounding = AllCaps, AllCaps, AllCaps
}

// idMap is how the IDs of a namespace lie in the kernel's.
type idMap []idRange

// idRange is count IDs from first on, which are those from kernel on.
type idRange struct{ first, kernel, count uint32 }

// maxRanges is how many a map has at most: user_namespaces(7).
const maxRanges = 340

// global is the kernel's ID of count IDs from id on; None where they have none, or not
// together.
func (m *idMap) global(id, count uint32) uint32 {
	if m == nil {
		return None
	}
	for _, r := range *m {
		if at := id - r.first; id >= r.first && at < r.count && count <= r.count-at {
			return r.kernel + at
		}
	}
	return None
}

// local is the reverse of global for one ID.
func (m *idMap) local(id uint32) uint32 {
	if m == nil {
		return None
	}
	for _, r := range *m {
		if at := id - r.kernel; id >= r.kernel && at < r.count {
			return r.first + at
		}
	}
	return None
}

// Global is the kernel's ID of an ID that a program in ns names; None where it has no
// meaning there.
func (ns *UserNS) Global(kind IDKind, id uint32) uint32 {
	if ns == nil {
		return id
	}
	return ns.maps[kind].Load().global(id, 1)
}

// Local is the ID by which ns knows an ID of the kernel's; None where it does not.
func (ns *UserNS) Local(kind IDKind, id uint32) uint32 {
	if ns == nil {
		return id
	}
	return ns.maps[kind].Load().local(id)
}

// Has reports whether ns knows an ID of the kernel's.
func (ns *UserNS) Has(kind IDKind, id uint32) bool { return ns == nil || ns.Local(kind, id) != None }

// UID and GID are Global for users and groups.
func (ns *UserNS) UID(id uint32) uint32 { return ns.Global(UserIDs, id) }
func (ns *UserNS) GID(id uint32) uint32 { return ns.Global(GroupIDs, id) }

// ShowUID and ShowGID are Local for what a program is told: Overflow where ns does not know
// the ID.
func (ns *UserNS) ShowUID(id uint32) uint32 { return ns.show(UserIDs, id) }
func (ns *UserNS) ShowGID(id uint32) uint32 { return ns.show(GroupIDs, id) }

func (ns *UserNS) show(kind IDKind, id uint32) uint32 {
	if id = ns.Local(kind, id); id == None {
		return Overflow
	}
	return id
}

// HasRoot reports whether a user is root in ns or one around it.
func (ns *UserNS) HasRoot(uid uint32) bool {
	for n := ns; ; n = n.parent {
		if n.Local(UserIDs, uid) == 0 {
			return true
		}
		if n == nil {
			return false
		}
	}
}

// MaySetgroups reports whether c may change its supplementary groups: setgroups(2).
func (c *Cred) MaySetgroups() bool {
	return c.CapableHere(unix.CAP_SETGID) &&
		(c.User == nil || c.User.maps[GroupIDs].Load() != nil && !c.User.deny.Load())
}

// Setgroups reports whether /proc/PID/setgroups says "allow".
func (ns *UserNS) Setgroups() bool { return ns == nil || !ns.deny.Load() }

// AllowSetgroups writes /proc/PID/setgroups: EPERM to allow what has been denied, or to deny
// it once there is a map of groups.
func (ns *UserNS) AllowSetgroups(allow bool) error {
	userMu.Lock()
	defer userMu.Unlock()
	switch {
	case ns == nil && !allow, ns != nil && allow && ns.deny.Load(),
		ns != nil && !allow && ns.maps[GroupIDs].Load() != nil:
		return unix.EPERM
	case !allow:
		ns.deny.Store(true)
	}
	return nil
}

// Range is a line of a map file.
type Range struct{ First, Lower, Count uint32 }

// Map lists a map as somebody in reader sees it: the IDs on the right are the reader's, or
// where the reader is in ns itself, those of its parent; None where those do not know it.
func (ns *UserNS) Map(kind IDKind, reader *UserNS) []Range {
	if ns == nil {
		return []Range{{0, 0, None}}
	}
	if reader == ns {
		reader = ns.parent
	}
	m := ns.maps[kind].Load()
	if m == nil {
		return nil
	}
	list := make([]Range, len(*m))
	for i, r := range *m {
		list[i] = Range{r.first, reader.Local(kind, r.kernel), r.count}
	}
	return list
}

// SetMap writes a map, whose IDs on the right are of the parent namespace. opener is who has
// opened the file, writer who writes: user_namespaces(7), "Defining user and group ID
// mappings". EPERM where they may not or there is a map already, EINVAL for ranges that
// overlap or overflow.
func (ns *UserNS) SetMap(kind IDKind, opener, writer *Cred, parse func() ([]Range, error)) error {
	if ns == nil || opener.User != ns && opener.User != ns.parent {
		return unix.EPERM
	}
	userMu.Lock()
	defer userMu.Unlock()
	if ns.maps[kind].Load() != nil || kind != ProjectIDs && !opener.CapableIn(ns, unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	list, err := parse()
	if err != nil {
		return err
	}
	if err := checkRanges(list); err != nil {
		return err
	}
	if !ns.mayMap(kind, opener, writer, list) {
		return unix.EPERM
	}
	m := make(idMap, len(list))
	for i, r := range list {
		lower := r.Lower
		if ns.parent != nil {
			lower = ns.parent.maps[kind].Load().global(r.Lower, r.Count)
		}
		if lower == None {
			return unix.EPERM
		}
		m[i] = idRange{r.First, lower, r.Count}
	}
	ns.maps[kind].Store(&m)
	return nil
}

func checkRanges(list []Range) error {
	if len(list) == 0 || len(list) > maxRanges {
		return unix.EINVAL
	}
	overlap := func(a, b, n, m uint32) bool { return a <= b+(m-1) && b <= a+(n-1) }
	for i, r := range list {
		if r.First == None || r.Lower == None || r.First+r.Count <= r.First || r.Lower+r.Count <= r.Lower ||
			slices.ContainsFunc(list[:i], func(o Range) bool {
				return overlap(r.First, o.First, r.Count, o.Count) || overlap(r.Lower, o.Lower, r.Count, o.Count)
			}) {
			return unix.EINVAL
		}
	}
	return nil
}

// mayMap reports whether a map is one that opener and writer may make: of the opener's own ID
// alone, or any with the capability in the parent namespace.
func (ns *UserNS) mayMap(kind IDKind, opener, writer *Cred, list []Range) bool {
	// Who maps the parent's root could give files capabilities there.
	if kind == UserIDs && slices.ContainsFunc(list, func(r Range) bool { return r.Lower == 0 }) {
		if opener.User == ns && !ns.fileCaps || opener.User != ns && !opener.CapableIn(ns.parent, unix.CAP_SETFCAP) {
			return false
		}
	}
	if len(list) == 1 && list[0].Count == 1 && ns.owner == opener.EUID {
		id := ns.parent.Global(kind, list[0].Lower)
		if kind == UserIDs && id == opener.EUID || kind == GroupIDs && ns.deny.Load() && id == opener.EGID {
			return true
		}
	}
	capability := unix.CAP_SETUID
	switch kind {
	case ProjectIDs:
		return true
	case GroupIDs:
		capability = unix.CAP_SETGID
	}
	return writer.CapableIn(ns.parent, capability) && opener.CapableIn(ns.parent, capability)
}
