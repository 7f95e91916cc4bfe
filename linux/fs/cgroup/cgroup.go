// Package cgroup is the cgroup2 file system (cgroups(7)): the tree of control groups, and
// which processes are in which. There are no controllers: groups order processes, and
// bound nothing.
package cgroup

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

const magic = 0x63677270

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "cgroup2", NoDevice: true}

// Register makes the file system known; the kernel calls it at boot.
func Register(k *task.Kernel) {
	t := &tree{k: k}
	t.sb = vfs.NewSuperblock(Type, magic, vfs.DefaultSuper{})
	t.sb.NewRoot(t.newGroup(nil, &task.RootCgroup, 0o555, 0, 0).Inode())
	Type.Mount = func(_ *vfs.Context, _ string, _ bool, data string) (*vfs.Superblock, error) {
		for word := range strings.SplitSeq(data, ",") {
			switch word {
			case "", "nsdelegate", "favordynmods", "memory_localevents", "memory_recursiveprot":
			default:
				return nil, unix.EINVAL
			}
		}
		return t.sb, nil
	}
	vfs.RegisterFS(Type)
}

// tree is the one hierarchy.
type tree struct {
	k  *task.Kernel
	sb *vfs.Superblock

	// mu makes moves and removals exclude each other, so that no process gets into a group
	// that has gone. It is taken after the inodes' locks.
	mu sync.Mutex
}

// group is the directory of a control group.
type group struct {
	*pseudo.Dir
	t      *tree
	parent *group
	cg     *task.Cgroup

	mu       sync.Mutex // guards children; leaf
	children map[string]*group
}

func (t *tree) newGroup(parent *group, cg *task.Cgroup, mode, uid, gid uint32) *group {
	g := &group{Dir: pseudo.NewDir(t.sb, mode, false), t: t, parent: parent, cg: cg, children: make(map[string]*group)}
	g.Inode().Ops = g
	g.Inode().SetOwner(uid, gid)
	g.Later(func() { g.addFiles(uid, gid) })
	return g
}

// addFiles adds the files by which a group is looked at and changed.
func (g *group) addFiles(uid, gid uint32) {
	type file struct {
		name  string
		mode  uint32
		show  func(c *vfs.Context, w *bytes.Buffer) error
		store func(c *vfs.Context, value string) error
	}
	files := []file{
		{"cgroup.procs", 0o644, g.showProcs, g.move},
		{"cgroup.threads", 0o644, g.showThreads, notHere},
		{"cgroup.controllers", 0o444, nothing, nil},
		{"cgroup.subtree_control", 0o644, nothing, noController},
		{"cgroup.max.depth", 0o644, maximum, onlyMaximum},
		{"cgroup.max.descendants", 0o644, maximum, onlyMaximum},
		{"cgroup.stat", 0o444, g.showStat, nil},
	}
	if g.parent != nil {
		files = append(files, file{"cgroup.events", 0o444, g.showEvents, nil},
			file{"cgroup.type", 0o644, func(_ *vfs.Context, w *bytes.Buffer) error { w.WriteString("domain\n"); return nil }, notHere})
	}
	for _, f := range files {
		text := &pseudo.Text{Show: f.show, NoStore: unix.EINVAL, ToEnd: true}
		if f.store != nil {
			text.Store = func(c *vfs.Context, data []byte) error { return f.store(c, strings.TrimSpace(string(data))) }
		}
		i := pseudo.Node(g.t.sb, text, unix.S_IFREG|f.mode)
		i.SetOwner(uid, gid)
		g.Add(f.name, i)
	}
}

func nothing(*vfs.Context, *bytes.Buffer) error { return nil }

func maximum(_ *vfs.Context, w *bytes.Buffer) error {
	w.WriteString("max\n")
	return nil
}

// onlyMaximum takes no limit but none.
func onlyMaximum(_ *vfs.Context, value string) error {
	if value != "max" {
		return unix.EINVAL
	}
	return nil
}

// noController is what asking for a controller that is not there answers.
func noController(_ *vfs.Context, value string) error {
	for _, word := range strings.Fields(value) {
		if word[0] != '+' && word[0] != '-' {
			return unix.EINVAL
		}
		return unix.ENOENT
	}
	return nil
}

// notHere refuses what concerns single threads: every group is a domain.
func notHere(*vfs.Context, string) error { return unix.EOPNOTSUPP }

// processes calls do for the processes in the group itself, in the order of their IDs as the
// caller sees them.
func (g *group) processes(c *vfs.Context, do func(id task.ID, p *task.Group) bool) {
	ns := g.t.k.PIDNamespace()
	if t := task.Of(c); t != nil {
		ns = t.PIDNamespace()
	}
	if ns == nil {
		return
	}
	ns.Groups(1, func(id task.ID, p *task.Group) bool {
		return p.Cgroup() != g.cg || p.Leader().State() == task.Zombie || do(id, p)
	})
}

func (g *group) showProcs(c *vfs.Context, w *bytes.Buffer) error {
	g.processes(c, func(id task.ID, _ *task.Group) bool {
		fmt.Fprintln(w, id)
		return true
	})
	return nil
}

func (g *group) showThreads(c *vfs.Context, w *bytes.Buffer) error {
	ns := g.t.k.PIDNamespace()
	if t := task.Of(c); t != nil {
		ns = t.PIDNamespace()
	}
	g.processes(c, func(_ task.ID, p *task.Group) bool {
		for _, t := range p.Threads() {
			if id := t.IDIn(ns); id != 0 {
				fmt.Fprintln(w, id)
			}
		}
		return true
	})
	return nil
}

// populated reports whether a process is in the group or in one below it.
func (g *group) populated() (found bool) {
	for _, t := range g.t.k.All() {
		if t.State() == task.Zombie {
			continue
		}
		for cg := t.Group.Cgroup(); cg != nil && !found; cg = cg.Parent {
			found = cg == g.cg
		}
	}
	return found
}

func (g *group) showEvents(_ *vfs.Context, w *bytes.Buffer) error {
	n := 0
	if g.populated() {
		n = 1
	}
	fmt.Fprintf(w, "populated %d\nfrozen 0\n", n)
	return nil
}

// descendants counts the groups below.
func (g *group) descendants() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, child := range g.children {
		n += 1 + child.descendants()
	}
	return n
}

func (g *group) showStat(_ *vfs.Context, w *bytes.Buffer) error {
	fmt.Fprintf(w, "nr_descendants %d\nnr_dying_descendants 0\n", g.descendants())
	return nil
}

// move takes a process into the group: a write to cgroup.procs. 0 is the writer. EINVAL
// for no number, ESRCH for no process, ENODEV where the group has gone.
func (g *group) move(c *vfs.Context, value string) error {
	id, err := strconv.ParseInt(value, 10, 32)
	if err != nil || id < 0 {
		return unix.EINVAL
	}
	by := task.Of(c)
	var p *task.Group
	switch {
	case by == nil:
		return unix.EINVAL
	case id == 0:
		p = by.Group
	default:
		t := by.PIDNamespace().Task(task.ID(id))
		if t == nil {
			return unix.ESRCH
		}
		p = t.Group
	}
	g.t.mu.Lock()
	defer g.t.mu.Unlock()
	if g.Inode().Dead() {
		return unix.ENODEV
	}
	p.SetCgroup(g.cg)
	return nil
}

// Create implements vfs.InodeOps: mkdir makes a group.
func (g *group) Create(c *vfs.Context, dir *vfs.Inode, name string, n *vfs.NewNode) (*vfs.Inode, error) {
	if n.Mode&unix.S_IFMT != unix.S_IFDIR {
		return g.Dir.Create(c, dir, name, n)
	}
	if strings.Contains(name, "\n") {
		return nil, unix.EINVAL
	}
	child := g.t.newGroup(g, &task.Cgroup{Parent: g.cg, Path: path.Join(g.cg.Path, name)}, n.Mode&0o7777, n.UID, n.GID)
	g.Add(name, child.Inode())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.children[name] = child
	return child.Inode(), nil
}

// Rmdir implements vfs.InodeOps. EBUSY where processes or groups are in it.
func (g *group) Rmdir(_ *vfs.Context, _ *vfs.Inode, name string, target *vfs.Inode) error {
	child := target.Ops.(*group)
	g.t.mu.Lock()
	defer g.t.mu.Unlock()
	if child.descendants() > 0 || child.populated() {
		return unix.EBUSY
	}
	target.SetNlink(0) // so that nobody moves in any more
	g.Remove(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.children, name)
	return nil
}
