package sysfs

import (
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/vfs"
)

func splitPath(p string) iter.Seq[string] { return strings.SplitSeq(p, "/") }

// sysName is a device's name as a directory: "!" stands for a slash.
func sysName(d *device.Device) string { return strings.ReplaceAll(d.Name, "/", "!") }

// placeOf is a device's directory, from the top.
func placeOf(d *device.Device) string {
	switch {
	case d.Parent != nil:
		return placeOf(d.Parent) + "/" + sysName(d)
	case d.Bus != "":
		return "devices/" + d.Bus + "/" + d.Class + "/" + sysName(d)
	}
	return "devices/virtual/" + d.Class + "/" + sysName(d)
}

// up leads from a directory at depth n below the top back to it.
func up(n int) string { return strings.Repeat("../", n) }

// add makes a device's directory, and the links to it.
func (t *tree) add(d *device.Device, place string) {
	dir := t.dir(place)
	depth := strings.Count(place, "/") + 1
	subsystem := "class/" + d.Class
	dir.AddLink("subsystem", up(depth)+subsystem)
	dir.Add("uevent", pseudo.Node(t.sb, t.newAttribute(func() string { return uevent(d) }, trigger), unix.S_IFREG|0o644))
	power := dir.AddDir("power", dirMode)
	t.attrs(power, "control", "auto", "runtime_status", "unsupported", "runtime_active_time", 0, "runtime_suspended_time", 0)
	if d.Dev != 0 {
		number := fmt.Sprintf("%d:%d", unix.Major(d.Dev), unix.Minor(d.Dev))
		t.attrs(dir, "dev", number)
		t.dir("dev/"+kind(d)).AddLink(number, "../../"+place)
	}
	if d.Block() {
		t.addDisk(d, dir)
		if d.Parent == nil {
			t.dir("block").AddLink(sysName(d), "../"+place)
		}
	}
	for _, name := range sortedNames(d.Attrs) {
		t.attr(dir, name, d.Attrs[name])
	}
	t.dir(subsystem).AddLink(sysName(d), "../../"+place)
}

// remove takes away what add has made.
func (t *tree) remove(d *device.Device, place string) {
	t.dir(path.Dir(place)).Remove(path.Base(place))
	t.dir("class/" + d.Class).Remove(sysName(d))
	if d.Dev != 0 {
		t.dir("dev/" + kind(d)).Remove(fmt.Sprintf("%d:%d", unix.Major(d.Dev), unix.Minor(d.Dev)))
	}
	if d.Block() && d.Parent == nil {
		t.dir("block").Remove(sysName(d))
	}
}

func kind(d *device.Device) string {
	if d.Block() {
		return "block"
	}
	return "char"
}

func sortedNames(m map[string]func() string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// uevent is what udev and mdev ask of a device: a variable per line.
func uevent(d *device.Device) string {
	var lines []string
	if d.Dev != 0 {
		lines = append(lines, fmt.Sprintf("MAJOR=%d", unix.Major(d.Dev)), fmt.Sprintf("MINOR=%d", unix.Minor(d.Dev)), "DEVNAME="+d.Name)
		if d.Mode != 0o600 && !d.Block() {
			lines = append(lines, fmt.Sprintf("DEVMODE=%#o", d.Mode))
		}
	}
	switch {
	case d.Block() && d.Parent == nil:
		lines = append(lines, "DEVTYPE=disk")
	case d.Block():
		lines = append(lines, "DEVTYPE=partition")
	case d.Class == "net":
		lines = append(lines, "INTERFACE="+d.Name)
		if index := d.Attrs["ifindex"]; index != nil {
			lines = append(lines, "IFINDEX="+index())
		}
	}
	return strings.Join(lines, "\n")
}

// actions are what may be written to uevent, to have the event sent again. Nobody
// listens: there is no netlink socket to hear it.
var actions = []string{"add", "remove", "change", "move", "online", "offline", "bind", "unbind"}

func trigger(_ *vfs.Context, value string) error {
	action, _, _ := strings.Cut(value, " ")
	if !slices.Contains(actions, action) {
		return unix.EINVAL
	}
	return nil
}

// addDisk adds what block devices have.
func (t *tree) addDisk(d *device.Device, dir *pseudo.Dir) {
	if d.Disk == nil {
		return
	}
	flag := func(on bool) string {
		if on {
			return "1"
		}
		return "0"
	}
	t.attr(dir, "size", func() string { return fmt.Sprint(d.Disk.Size() / 512) })
	t.attr(dir, "ro", func() string { return flag(d.Disk.ReadOnly()) })
	t.attr(dir, "stat", func() string { return statLine(d.Disk.Stats()) })
	t.attr(dir, "inflight", func() string { return fmt.Sprintf("%8d %8d", d.Disk.Stats().InFlight, 0) })
	t.attrs(dir, "alignment_offset", 0, "discard_alignment", 0)
	dir.AddDir("holders", dirMode)
	if d.Parent != nil {
		t.attrs(dir, "partition", unix.Minor(d.Dev)-unix.Minor(d.Parent.Dev))
		return
	}
	t.attrs(dir, "removable", 0, "hidden", 0, "capability", 0, "range", 16, "ext_range", 256)
	dir.AddDir("slaves", dirMode)
	queue := dir.AddDir("queue", dirMode)
	t.attrs(queue, "rotational", 1, "scheduler", "[none]", "logical_block_size", 512, "physical_block_size", 512, "hw_sector_size", 512,
		"minimum_io_size", 512, "optimal_io_size", 0, "discard_granularity", 0, "discard_max_bytes", 0, "discard_zeroes_data", 0,
		"read_ahead_kb", 128, "nr_requests", 128, "max_sectors_kb", 1280, "rq_affinity", 1, "add_random", 0, "zoned", "none", "dax", 0,
		"write_same_max_bytes", 0, "write_zeroes_max_bytes", 0, "write_cache", "write back", "fua", 0, "iostats", 1, "nomerges", 0)
}

// statLine is stat, with the fields of diskstats in columns.
func statLine(s device.DiskStats) string {
	var b strings.Builder
	for i, f := range strings.Fields(s.String()) {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%8s", f)
	}
	return b.String()
}
