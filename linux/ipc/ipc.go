// Package ipc is System V inter-process communication (sysvipc(7)): segments of shared
// memory, sets of semaphores, queues of messages, and the namespaces that their keys and
// IDs belong to. It knows identities and address spaces, no tasks: callers say who asks,
// and sleep with their own Waiter.
package ipc

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// Flags and commands that all three kinds share (sysvipc(7), svipc's headers).
const (
	Private = 0 // a key that nothing has

	Create = unix.IPC_CREAT
	Excl   = unix.IPC_EXCL
	NoWait = unix.IPC_NOWAIT
)

// Caller is who does something: its identity, its process's ID in the initial PID
// namespace, and how it sleeps.
type Caller struct {
	Cred   *cred.Cred
	PID    int32
	Waiter *wait.Waiter
}

// Perm is struct ipc64_perm: to whom an object belongs. ID tells which it is.
type Perm struct {
	ID                   int32
	Key                  int32
	UID, GID, CUID, CGID uint32
	Mode                 uint32

	owner *cred.UserNS // the namespace's
}

const permBits = 0o777

// Seq is the part of the ID that tells objects apart that have had the same index.
func (p *Perm) Seq() uint16 { return uint16(p.ID >> indexBits) }

func (ns *Namespace) newPerm(c *cred.Cred, key int32, mode uint32) Perm {
	return Perm{Key: key, UID: c.EUID, GID: c.EGID, CUID: c.EUID, CGID: c.EGID, Mode: mode & permBits, owner: ns.owner}
}

// allows checks the mode that is wanted, whose bits may stand for owner, group or
// others alike: EACCES.
func (p *Perm) allows(c *cred.Cred, want uint32) error {
	want = want>>6 | want>>3 | want
	granted := p.Mode
	switch {
	case c.EUID == p.CUID || c.EUID == p.UID:
		granted >>= 6
	case c.InGroup(p.CGID) || c.InGroup(p.GID):
		granted >>= 3
	}
	if want&^granted&7 != 0 && !c.CapableIn(p.owner, unix.CAP_IPC_OWNER) {
		return unix.EACCES
	}
	return nil
}

// owned checks that the object is c's to change: EPERM.
func (p *Perm) owned(c *cred.Cred) error {
	if c.EUID != p.CUID && c.EUID != p.UID && !c.CapableIn(p.owner, unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	return nil
}

// set is IPC_SET: what it may change. EINVAL for IDs of nobody.
func (p *Perm) set(to Perm) error {
	if to.UID == cred.None || to.GID == cred.None {
		return unix.EINVAL
	}
	p.UID, p.GID = to.UID, to.GID
	p.Mode = p.Mode&^permBits | to.Mode&permBits
	return nil
}

const (
	read  = 0o444
	write = 0o222
)

// indexBits is how many bits of an ID are its index.
const (
	indexBits = 15
	maxIndex  = 1 << indexBits
	maxSeq    = math.MaxInt32 >> indexBits
)

// object is a segment, set or queue. perm is guarded by the object's own lock.
type object interface {
	comparable
	permission() *Perm
	lock()
	unlock()
}

// table are the objects of one kind in a namespace. mu guards it, and is taken before
// the locks of objects.
type table[T object] struct {
	mu    sync.Mutex
	max   int // how many there may be
	byID  map[int32]T
	byKey map[int32]T
	last  int32 // index that was given last
	seq   int32
}

func newTable[T object](max int) table[T] {
	return table[T]{max: max, byID: make(map[int32]T), byKey: make(map[int32]T), last: -1}
}

// get is shmget(2) and its relatives: it finds the object with a key or makes one.
// fits checks one that exists. ENOENT, EEXIST, EACCES, ENOSPC.
func (t *table[T]) get(c *cred.Cred, key int32, flags uint32, fits func(T) error, make func() (T, error)) (int32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key != Private {
		if o, ok := t.byKey[key]; ok {
			if flags&(Create|Excl) == Create|Excl {
				return 0, unix.EEXIST
			}
			o.lock()
			defer o.unlock()
			if err := fits(o); err != nil {
				return 0, err
			}
			return o.permission().ID, o.permission().allows(c, flags&permBits)
		}
		if flags&Create == 0 {
			return 0, unix.ENOENT
		}
	}
	if len(t.byID) >= t.max {
		return 0, unix.ENOSPC
	}
	o, err := make()
	if err != nil {
		return 0, err
	}
	p := o.permission()
	p.ID = t.takeID()
	t.byID[p.ID] = o
	if key != Private {
		t.byKey[key] = o
	}
	return p.ID, nil
}

// takeID finds the next free ID. The sequence number changes each time around.
func (t *table[T]) takeID() int32 {
	for {
		if t.last++; t.last >= maxIndex {
			t.last = 0
			t.seq = (t.seq + 1) % (maxSeq + 1)
		}
		id := t.seq<<indexBits | t.last
		if _, used := t.byID[id]; !used {
			return id
		}
	}
}

// find returns the object with an ID, locked. EINVAL where there is none.
func (t *table[T]) find(id int32) (o T, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.byID[id]
	if !ok {
		return o, unix.EINVAL
	}
	o.lock()
	return o, nil
}

// own is find for those who may change or remove the object: EPERM for others.
func (t *table[T]) own(c *cred.Cred, id int32) (o T, err error) {
	if o, err = t.find(id); err != nil {
		return o, err
	}
	if err = o.permission().owned(c); err != nil {
		o.unlock()
	}
	return o, err
}

// at returns the object with an index, locked: SHM_STAT and its relatives.
func (t *table[T]) at(index int32) (o T, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, o := range t.byID {
		if id&(maxIndex-1) == index {
			o.lock()
			return o, nil
		}
	}
	return o, unix.EINVAL
}

// highest is the highest index in use, 0 where there is none, and how many objects there
// are.
func (t *table[T]) highest() (index int32, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.byID {
		index = max(index, id&(maxIndex-1))
	}
	return index, len(t.byID)
}

// remove takes o out, with its key. The caller holds no lock.
func (t *table[T]) remove(o T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeKey(o)
	if p := o.permission(); t.byID[p.ID] == o {
		delete(t.byID, p.ID)
	}
}

// removeKey makes the key of o free for another; the caller holds t.mu.
func (t *table[T]) removeKey(o T) {
	for key, other := range t.byKey {
		if other == o {
			delete(t.byKey, key)
		}
	}
}

// all lists the objects.
func (t *table[T]) all() (list []T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byID {
		list = append(list, o)
	}
	return list
}

// Namespace is an IPC namespace (ipc_namespaces(7)).
type Namespace struct {
	id    uint64
	owner *cred.UserNS
	refs  atomic.Int64

	shm table[*Segment]
	sem table[*Set]
	msg table[*Queue]

	partMu sync.Mutex // guards part; leaf
	part   Part
}

// Part is what another package keeps with a namespace: POSIX message queues.
type Part interface {
	// End is called when the namespace goes.
	End()
}

// Part returns what make has made for the namespace at the first call.
func (ns *Namespace) Part(make func() (Part, error)) (p Part, err error) {
	ns.partMu.Lock()
	defer ns.partMu.Unlock()
	if ns.part == nil {
		if ns.part, err = make(); err != nil {
			ns.part = nil
		}
	}
	return ns.part, err
}

// initialID is the inode number of the first namespace in /proc/PID/ns, as on Linux.
const initialID = 0xefffffff

var lastID atomic.Uint64

// NewNamespace makes the first namespace of a machine, empty and with one reference.
func NewNamespace() *Namespace { return newNamespace(initialID, nil) }

// MakeNamespace makes another, for c: ENOSPC where it may not have one more.
func MakeNamespace(c *cred.Cred) (*Namespace, error) {
	ns := newNamespace(0xf2000000+lastID.Add(1), c.User)
	return ns, cred.Charge(c, cred.IPCNamespaces, ns)
}

func newNamespace(id uint64, owner *cred.UserNS) *Namespace {
	ns := &Namespace{id: id, owner: owner}
	ns.refs.Store(1)
	ns.shm = newTable[*Segment](maxSegments)
	ns.sem = newTable[*Set](maxSets)
	ns.msg = newTable[*Queue](maxQueues)
	return ns
}

// ID is the inode number that stands for the namespace in /proc/PID/ns.
func (ns *Namespace) ID() uint64 { return ns.id }

// Owner is the user namespace in which capabilities with regard to the objects count.
func (ns *Namespace) Owner() *cred.UserNS { return ns.owner }

// Kind is the flag of clone(2) that makes such a namespace.
func (ns *Namespace) Kind() uint64 { return unix.CLONE_NEWIPC }

// Ref adds a reference, Unref drops one. The last one removes everything.
func (ns *Namespace) Ref() *Namespace { ns.refs.Add(1); return ns }

func (ns *Namespace) Unref() {
	if ns.refs.Add(-1) > 0 {
		return
	}
	for _, s := range ns.shm.all() {
		s.destroy()
	}
	for _, s := range ns.sem.all() {
		s.remove()
	}
	for _, q := range ns.msg.all() {
		q.remove()
	}
	if ns.part != nil {
		ns.part.End()
	}
}

// seconds is the time that objects remember.
func seconds() int64 { return int64(clock.Realtime.Read() / time.Second) }
