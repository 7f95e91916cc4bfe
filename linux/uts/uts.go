// Package uts holds what uname(2) tells: the system's names, and the namespaces that
// host and domain name belong to (uts_namespaces(7)).
package uts

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
)

// Names that are the same everywhere on the machine. The release begins with the
// version of Linux whose behaviour the system follows: programs parse it.
const (
	System  = "Linux"
	Release = "6.1.0-kevlar"
	Version = "#1 SMP PREEMPT_DYNAMIC Kevlar"
	Machine = abi.ELFPlatform
)

// MaxName is __NEW_UTS_LEN: how long a name may be, without its NUL.
const MaxName = 64

// none is the name of a host or domain that nobody has named.
const none = "(none)"

// Namespace is a UTS namespace.
type Namespace struct {
	id    uint64
	owner *cred.UserNS

	mu           sync.RWMutex // guards the names; leaf
	node, domain string
}

// initialID is the inode number of the first namespace in /proc/PID/ns, as on Linux.
const initialID = 0xeffffffe

// New returns the namespace of a machine's first process.
func New() *Namespace { return &Namespace{id: initialID, node: none, domain: none} }

// lastID counts namespaces. Their inode numbers start where Linux's dynamic ones do.
var lastID atomic.Uint64

// Copy returns a new namespace with the names of ns, which c makes: ENOSPC where it may not
// have another.
func (ns *Namespace) Copy(c *cred.Cred) (*Namespace, error) {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	n := &Namespace{id: 0xf1000000 + lastID.Add(1), owner: c.User, node: ns.node, domain: ns.domain}
	return n, cred.Charge(c, cred.UTSNamespaces, n)
}

// Owner is the user namespace in which who changes the names is to have CAP_SYS_ADMIN.
func (ns *Namespace) Owner() *cred.UserNS { return ns.owner }

// ID is the inode number that stands for the namespace in /proc/PID/ns.
func (ns *Namespace) ID() uint64 { return ns.id }

// Kind is the flag of clone(2) that makes such a namespace.
func (ns *Namespace) Kind() uint64 { return unix.CLONE_NEWUTS }

// Node is the host name: gethostname(2).
func (ns *Namespace) Node() string {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return ns.node
}

// Domain is the NIS domain name: getdomainname(2).
func (ns *Namespace) Domain() string {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return ns.domain
}

// SetNode changes the host name, of which MaxName bytes are kept.
func (ns *Namespace) SetNode(name string) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.node = name[:min(len(name), MaxName)]
}

// SetDomain changes the domain name likewise.
func (ns *Namespace) SetDomain(name string) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.domain = name[:min(len(name), MaxName)]
}
