// Package uts holds what uname(2) tells: the system's names, and the namespaces that
// host and domain name belong to (uts_namespaces(7)).
package uts

import (
	"bytes"
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

// field is the size of a name in Names.
const field = MaxName + 1

// Where the names are in Names.
const (
	system = iota * field
	node
	release
	version
	hardware
	domain
	namesSize
)

// Names are all names as uname(2) gives them: struct new_utsname.
type Names [namesSize]byte

func (n *Names) set(at int, name string) {
	p := n[at : at+field]
	clear(p)
	copy(p[:MaxName], name)
}

func (n *Names) get(at int) string {
	p := n[at : at+field]
	return string(p[:bytes.IndexByte(p, 0)])
}

// SetRelease and SetMachine change what a program with a personality(2) of its own sees.
func (n *Names) SetRelease(name string) { n.set(release, name) }
func (n *Names) SetMachine(name string) { n.set(hardware, name) }

// Namespace is a UTS namespace.
type Namespace struct {
	id    uint64
	owner *cred.UserNS

	mu    sync.Mutex // for those who replace names; leaf
	names atomic.Pointer[Names]
}

// initialID is the inode number of the first namespace in /proc/PID/ns, as on Linux.
const initialID = 0xeffffffe

// New returns the namespace of a machine's first process.
func New() *Namespace {
	var n Names
	n.set(system, System)
	n.set(node, none)
	n.set(release, Release)
	n.set(version, Version)
	n.set(hardware, Machine)
	n.set(domain, none)
	ns := &Namespace{id: initialID}
	ns.names.Store(&n)
	return ns
}

// lastID counts namespaces. Their inode numbers start where Linux's dynamic ones do.
var lastID atomic.Uint64

// Copy returns a new namespace with the names of ns, which c makes: ENOSPC where it may not
// have another.
func (ns *Namespace) Copy(c *cred.Cred) (*Namespace, error) {
	n := &Namespace{id: 0xf1000000 + lastID.Add(1), owner: c.User}
	n.names.Store(ns.names.Load())
	return n, cred.Charge(c, cred.UTSNamespaces, n)
}

// Owner is the user namespace in which who changes the names is to have CAP_SYS_ADMIN.
func (ns *Namespace) Owner() *cred.UserNS { return ns.owner }

// ID is the inode number that stands for the namespace in /proc/PID/ns.
func (ns *Namespace) ID() uint64 { return ns.id }

// Kind is the flag of clone(2) that makes such a namespace.
func (ns *Namespace) Kind() uint64 { return unix.CLONE_NEWUTS }

// Names are the names now. They do not change: who renames replaces them.
func (ns *Namespace) Names() *Names { return ns.names.Load() }

// Node is the host name: gethostname(2).
func (ns *Namespace) Node() string { return ns.Names().get(node) }

// Domain is the NIS domain name: getdomainname(2).
func (ns *Namespace) Domain() string { return ns.Names().get(domain) }

// SetNode changes the host name, of which MaxName bytes are kept, up to a NUL.
func (ns *Namespace) SetNode(name string) { ns.rename(node, name) }

// SetDomain changes the domain name likewise.
func (ns *Namespace) SetDomain(name string) { ns.rename(domain, name) }

func (ns *Namespace) rename(at int, name string) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := *ns.names.Load()
	n.set(at, name)
	ns.names.Store(&n)
}
