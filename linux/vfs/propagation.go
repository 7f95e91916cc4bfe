package vfs

import (
	"slices"

	"golang.org/x/sys/unix"
)

// peerGroup is a set of mounts that propagate to each other: mount_namespaces(7).
type peerGroup struct {
	id      int
	members []*Mount
	slaves  []*Mount
}

// setPropagation changes how mounts under m propagate (a unix.MS_SHARED, SLAVE,
// PRIVATE or UNBINDABLE constant), with mountMu held.
func (m *Mount) setPropagation(kind int) {
	switch kind {
	case unix.MS_SHARED:
		m.unbind = false
		if m.peers == nil {
			m.peers = &peerGroup{id: int(nextPeerID.Add(1)), members: []*Mount{m}}
		}
		return
	case unix.MS_SLAVE:
		m.unbind = false
		old := m.peers
		m.leavePeers()
		if old != nil && len(old.members) > 0 {
			m.leaveMaster()
			m.master = old
			old.slaves = append(old.slaves, m)
		}
		return
	}
	m.leavePeers()
	m.leaveMaster()
	m.unbind = kind == unix.MS_UNBINDABLE
}

// leavePeers takes m out of its peer group. The slaves of a group without members
// have no master any more.
func (m *Mount) leavePeers() {
	g := m.peers
	if g == nil {
		return
	}
	m.peers = nil
	g.members = slices.DeleteFunc(g.members, func(x *Mount) bool { return x == m })
	if len(g.members) > 0 {
		return
	}
	for _, s := range g.slaves {
		s.master = m.master
		if m.master != nil {
			m.master.slaves = append(m.master.slaves, s)
		}
	}
	g.slaves = nil
}

func (m *Mount) leaveMaster() {
	if g := m.master; g != nil {
		g.slaves = slices.DeleteFunc(g.slaves, func(x *Mount) bool { return x == m })
		m.master = nil
	}
}

// receivers lists the mounts that a mount or umount under m propagates to, m itself not
// included, a master's before its slaves; with mountMu held.
func (m *Mount) receivers() []*Mount {
	if m.peers == nil {
		return nil
	}
	var list []*Mount
	seen := map[*Mount]bool{m: true}
	groups := []*peerGroup{m.peers}
	for k := 0; k < len(groups); k++ {
		for _, x := range slices.Concat(groups[k].members, groups[k].slaves) {
			if seen[x] {
				continue
			}
			seen[x] = true
			list = append(list, x)
			if x.peers != nil && !slices.Contains(groups, x.peers) {
				groups = append(groups, x.peers)
			}
		}
	}
	return list
}

// attachShared puts m at p and, where p's mount is shared, copies of it at the same
// place of every mount that p's propagates to, with mountMu held. What is mounted in a
// shared mount is shared itself; copies at peers are its peers, copies at slaves its
// slaves (mount_namespaces(7), "Propagation type transitions").
func (m *Mount) attachShared(p Path) {
	if p.Mnt.peers == nil {
		m.attach(p)
		return
	}
	for _, t := range m.subtree() {
		t.setPropagation(unix.MS_SHARED)
	}
	first := map[*peerGroup]*Mount{p.Mnt.peers: m} // what went to a group's first member
	for _, to := range p.Mnt.receivers() {
		if to.ns == nil || !to.Root.isAncestor(p.D) {
			continue
		}
		source, slave := first[to.peers], false
		if to.peers == nil || source == nil {
			slave = true
			if source = first[to.master]; source == nil {
				source = m // the group in between does not have the place
			}
		}
		n := source.cloneTree(source.Root, true, false, nil)
		if slave {
			for _, t := range n.subtree() {
				t.setPropagation(unix.MS_SLAVE)
				if to.peers != nil {
					t.setPropagation(unix.MS_SHARED)
				}
			}
		}
		if to.peers != nil && first[to.peers] == nil {
			first[to.peers] = n
		}
		if to.ns.Owner != p.Mnt.ns.Owner {
			n.lock()
		}
		n.attach(top(Path{to, p.D}))
	}
	m.attach(p)
}

// changePropagation is mount(2) with one of MS_SHARED, SLAVE, PRIVATE, UNBINDABLE.
func changePropagation(c *Context, p Path, flags uint64) error {
	mountMu.Lock()
	defer mountMu.Unlock()
	kind := int(flags & propagation)
	if !p.Mnt.here(c) || p.D != p.Mnt.Root || flags&^(propagation|unix.MS_REC|unix.MS_SILENT) != 0 || kind&(kind-1) != 0 {
		return unix.EINVAL
	}
	list := []*Mount{p.Mnt}
	if flags&unix.MS_REC != 0 {
		list = p.Mnt.subtree()
	}
	for _, m := range list {
		m.setPropagation(kind)
	}
	if ns := p.Mnt.ns; ns != nil {
		ns.changed()
	}
	return nil
}
