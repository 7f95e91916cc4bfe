package vfs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The text forms of a mount namespace: proc(5), /proc/PID/mounts, mountinfo and
// mountstats. Each has a line per mount that can be reached from root.

// escapes writes white space and the like as \ooo, so that fields can be split.
var escapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// sourceEscapes are those of names that might begin a comment.
var sourceEscapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`)

// MountsText is /proc/PID/mounts for somebody whose root is root.
func (ns *MountNS) MountsText(root Path) string {
	return ns.text(root, func(b *strings.Builder, m *Mount, d *MountInfo) {
		fmt.Fprintf(b, "%s %s %s %s%s%s%s 0 0\n", sourceEscapes.Replace(m.Source), escapes.Replace(d.Point),
			sourceEscapes.Replace(m.SB.Type.Name), readOnlyWord(m.ReadOnly()), m.SB.flagWords(), m.Options(), m.SB.options())
	})
}

// MountInfoText is /proc/PID/mountinfo.
func (ns *MountNS) MountInfoText(root Path) string {
	return ns.text(root, func(b *strings.Builder, m *Mount, d *MountInfo) {
		fmt.Fprintf(b, "%d %d %d:%d %s %s %s%s", d.ID, d.Parent, unix.Major(m.SB.Dev), unix.Minor(m.SB.Dev),
			escapes.Replace(d.Root), escapes.Replace(d.Point), readOnlyWord(m.Flags()&MntReadOnly != 0), m.Options())
		if d.Shared != 0 {
			fmt.Fprintf(b, " shared:%d", d.Shared)
		}
		if d.Master != 0 {
			fmt.Fprintf(b, " master:%d", d.Master)
		}
		if d.Unbindable {
			b.WriteString(" unbindable")
		}
		fmt.Fprintf(b, " - %s %s %s%s%s\n", sourceEscapes.Replace(m.SB.Type.Name), sourceEscapes.Replace(m.Source),
			readOnlyWord(m.SB.ReadOnly()), m.SB.flagWords(), m.SB.options())
	})
}

// MountStatsText is /proc/PID/mountstats.
func (ns *MountNS) MountStatsText(root Path) string {
	return ns.text(root, func(b *strings.Builder, m *Mount, d *MountInfo) {
		fmt.Fprintf(b, "device %s mounted on %s with fstype %s\n", sourceEscapes.Replace(m.Source),
			escapes.Replace(d.Point), sourceEscapes.Replace(m.SB.Type.Name))
	})
}

func (ns *MountNS) text(root Path, line func(b *strings.Builder, m *Mount, d *MountInfo)) string {
	var b strings.Builder
	for _, m := range ns.Mounts() {
		if d, ok := m.Describe(root); ok {
			line(&b, m, &d)
		}
	}
	return b.String()
}

func readOnlyWord(on bool) string {
	if on {
		return "ro"
	}
	return "rw"
}

// options are the file system's own options, each after a comma.
func (sb *Superblock) options() string {
	if sb.Options == nil {
		return ""
	}
	if s := sb.Options(); s != "" {
		return "," + s
	}
	return ""
}

// flagWords are the options that hold for a superblock of any type, each after a comma.
func (sb *Superblock) flagWords() string {
	flags, s := sb.flags.Load(), ""
	if flags&unix.MS_SYNCHRONOUS != 0 {
		s += ",sync"
	}
	if flags&unix.MS_DIRSYNC != 0 {
		s += ",dirsync"
	}
	if flags&unix.MS_MANDLOCK != 0 {
		s += ",mand"
	}
	if flags&unix.MS_LAZYTIME != 0 {
		s += ",lazytime"
	}
	return s
}

// Describe is what mountinfo says of m to somebody whose root is root; false where
// the mount is out of reach from there.
func (m *Mount) Describe(root Path) (d MountInfo, ok bool) {
	mountMu.RLock()
	d.ID, d.Parent = m.ID, m.ID
	if m.parent != nil {
		d.Parent = m.parent.ID
	}
	if m.peers != nil {
		d.Shared = m.peers.id
	}
	if m.master != nil {
		d.Master = m.master.id
	}
	d.Unbindable = m.unbind
	mountMu.RUnlock()
	d.Root = Path{D: m.Root}.inFS()
	d.Point, ok = Path{m, m.Root}.From(root)
	return d, ok
}

// MountInfo is one mount as /proc/PID/mountinfo has it.
type MountInfo struct {
	ID, Parent     int
	Root           string // the directory of the file system that shows
	Point          string // where it shows
	Shared, Master int    // peer groups, 0 for none
	Unbindable     bool
}

// Options are the per-mount options as /proc/mounts prints them, without ro or rw.
func (m *Mount) Options() string {
	var b strings.Builder
	flags := m.Flags()
	for _, o := range [...]struct {
		flag uint32
		name string
	}{
		{MntNoSuid, ",nosuid"}, {MntNoDev, ",nodev"}, {MntNoExec, ",noexec"}, {MntNoAtime, ",noatime"},
		{MntNoDirAtime, ",nodiratime"}, {MntRelAtime, ",relatime"}, {MntNoSymFollow, ",nosymfollow"},
	} {
		if flags&o.flag != 0 {
			b.WriteString(o.name)
		}
	}
	return b.String()
}
