package proc

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/device"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/linux/tty"
	"kevlar/linux/uts"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
)

// addSystem adds the files about the machine.
func (fs *FS) addSystem(d *pseudo.Dir) {
	for _, f := range []struct {
		name string
		show func(w *bytes.Buffer)
	}{
		{"buddyinfo", showBuddyInfo},
		{"cgroups", showCgroups},
		{"cmdline", fs.showKernelCmdline},
		{"consoles", showConsoles},
		{"cpuinfo", fs.showCPUInfo},
		{"devices", showDevices},
		{"diskstats", showDiskStats},
		{"execdomains", showExecDomains},
		{"filesystems", showFilesystems},
		{"interrupts", fs.showInterrupts},
		{"loadavg", fs.showLoadAvg},
		{"locks", fs.showLocks},
		{"meminfo", showMemInfo},
		{"misc", showMisc},
		{"modules", func(*bytes.Buffer) {}},
		{"partitions", showPartitions},
		{"softirqs", fs.showSoftIRQs},
		{"stat", fs.showSystemStat},
		{"swaps", showSwaps},
		{"uptime", fs.showUptime},
		{"version", showVersion},
		{"vmstat", fs.showVMStat},
		{"zoneinfo", showZoneInfo},
	} {
		file(d, f.name, f.show)
	}
	d.AddText("kallsyms", 0o444, &pseudo.Text{Show: func(*vfs.Context, *bytes.Buffer) error { return nil }, NoStore: unix.EIO})
	d.Add("kmsg", pseudo.Node(fs.sb, kmsg{}, unix.S_IFREG|0o400))
	d.AddLink("mounts", "self/mounts")
	d.AddLink("net", "self/net")
	d.AddDir("bus", 0o555)
	d.AddDir("fs", 0o555)
	d.AddDir("driver", 0o555)
	t := d.AddDir("tty", 0o555)
	file(t, "drivers", showTTYDrivers)
	file(t, "ldiscs", func(w *bytes.Buffer) { w.WriteString("n_tty       0\n") })
	t.AddDir("driver", 0o555)
	t.AddDir("ldisc", 0o555)
	ipc := d.AddDir("sysvipc", 0o555)
	for name, show := range SysVIPC {
		file(ipc, name, show)
	}
	sys := d.AddDir("sys", 0o555)
	sys.Later(func() { fs.addSysctl(sys) })
	kevlar := d.AddDir("kevlar", 0o555)
	file(kevlar, "usage", showUsage)
	for _, f := range Kevlar {
		kevlar.AddText(f.Name, f.Mode, f.Text)
	}
}

// File is a text file with its name and permissions.
type File struct {
	Name string
	Mode uint32
	Text *pseudo.Text
}

// Kevlar are more files of /proc/kevlar, about the kernel itself: others add to it before the first mount.
var Kevlar []File

// showUsage is what the kernel itself uses: whoever suspects a leak compares two reads
// with the same programs running.
func showUsage(w *bytes.Buffer) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "frames %d\ngoroutines %d\nheap_bytes %d\nheap_objects %d\ngc_cycles %d\n",
		mem.Usage().InUse, runtime.NumGoroutine(), m.HeapAlloc, m.Mallocs-m.Frees, m.NumGC)
}

// SysVIPC are the files of /proc/sysvipc: package ipc sets them before the first mount.
var SysVIPC = map[string]func(w *bytes.Buffer){
	"msg": func(w *bytes.Buffer) {
		w.WriteString("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n")
	},
	"sem": func(w *bytes.Buffer) {
		w.WriteString("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")
	},
	"shm": func(w *bytes.Buffer) {
		w.WriteString("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n")
	},
}

func (fs *FS) showKernelCmdline(w *bytes.Buffer) {
	w.WriteString(strings.TrimRight(fs.k.Machine.Info().Cmdline, "\n\x00"))
	w.WriteByte('\n')
}

func (fs *FS) showCPUInfo(w *bytes.Buffer) {
	n := fs.k.Machine.NumCPU()
	for cpu := range n {
		abi.CPUInfo(w, fs.k.Machine.Info(), cpu, n)
	}
}

func showVersion(w *bytes.Buffer) {
	fmt.Fprintf(w, "%s version %s (kevlar@localhost) (%s) %s\n", uts.System, uts.Release, runtime.Version(), uts.Version)
}

func showFilesystems(w *bytes.Buffer) {
	for _, t := range vfs.FSTypes() {
		if t.NoDevice {
			w.WriteString("nodev")
		}
		fmt.Fprintf(w, "\t%s\n", t.Name)
	}
}

func showDevices(w *bytes.Buffer) {
	for _, kind := range []struct {
		title string
		block bool
	}{{"Character devices:\n", false}, {"\nBlock devices:\n", true}} {
		w.WriteString(kind.title)
		for _, m := range vfs.Majors(kind.block) {
			fmt.Fprintf(w, "%3d %s\n", m.Major, m.Name)
		}
	}
}

// meminfo is the machine's memory in pages. As on Linux, what is free includes what the kernel keeps for itself; what is
// available does not.
type meminfo struct {
	total, free, kept, cached, dirty, shared, anonymous int
}

func readMemInfo() (m meminfo) {
	u := mem.Usage()
	m.total, m.free, m.kept = u.Total+u.Reserved, u.Free+u.Spare, u.Spare
	files, dirty := mm.CachedPages()
	m.shared, m.dirty = mm.SharedPages(), dirty
	m.cached = files + m.shared
	m.anonymous = max(u.InUse-m.cached, 0)
	return m
}

// available is what programs may take without trouble: what is free, and clean pages of
// files but for those that keep the system going.
func (m *meminfo) available() int {
	files := m.cached - m.shared - m.dirty
	return min(m.free-m.kept+files-files/8, m.total)
}

// showMemInfo is meminfo, with the lines of Linux 6.1. Frames that are neither free nor a
// cache's are counted as anonymous, page tables among them.
func showMemInfo(w *bytes.Buffer) {
	m := readMemInfo()
	files := m.cached - m.shared
	line := func(name string, pages int) { fmt.Fprintf(w, "%-16s%8d kB\n", name+":", pages*pageKB) }
	line("MemTotal", m.total)
	line("MemFree", m.free)
	line("MemAvailable", m.available())
	line("Buffers", 0)
	line("Cached", m.cached)
	line("SwapCached", 0)
	line("Active", m.anonymous+m.shared)
	line("Inactive", files)
	line("Active(anon)", m.anonymous+m.shared)
	line("Inactive(anon)", 0)
	line("Active(file)", 0)
	line("Inactive(file)", files)
	line("Unevictable", 0)
	line("Mlocked", 0)
	line("SwapTotal", 0)
	line("SwapFree", 0)
	line("Dirty", m.dirty)
	line("Writeback", 0)
	line("AnonPages", m.anonymous)
	line("Mapped", 0)
	line("Shmem", m.shared)
	line("KReclaimable", 0)
	line("Slab", 0)
	line("SReclaimable", 0)
	line("SUnreclaim", 0)
	line("KernelStack", 0)
	line("PageTables", 0)
	line("NFS_Unstable", 0)
	line("Bounce", 0)
	line("WritebackTmp", 0)
	line("CommitLimit", m.total/2)
	line("Committed_AS", m.anonymous+m.shared)
	fmt.Fprintf(w, "VmallocTotal:   34359738367 kB\n")
	line("VmallocUsed", 0)
	line("VmallocChunk", 0)
	line("Percpu", 0)
	for _, name := range []string{"HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp"} {
		fmt.Fprintf(w, "%-16s%8d\n", name+":", 0)
	}
	line("Hugepagesize", 2048/pageKB)
	line("Hugetlb", 0)
}

// showLocks is locks: those of files that somebody has open.
func (fs *FS) showLocks(w *bytes.Buffer) {
	seen := map[*vfs.Inode]bool{}
	n := 0
	for _, t := range fs.k.All() {
		files := t.SeenFiles()
		if files == nil {
			continue
		}
		files.Each(0, func(_ int, f *vfs.File) bool {
			i := f.Inode()
			if seen[i] {
				return true
			}
			seen[i] = true
			for _, l := range i.Locks() {
				n++
				fmt.Fprintf(w, "%d: %s\n", n, l.String(i))
			}
			return true
		})
	}
}

func showSwaps(w *bytes.Buffer) {
	w.WriteString("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
}

// cpuTimes are what all CPUs together have done since boot.
func (s *system) cpuTimes() (t task.Totals, idle time.Duration) {
	t = s.k.Totals()
	idle = time.Duration(s.k.Machine.NumCPU())*wait.Now() - t.User - t.System
	return t, max(idle, 0)
}

func (fs *FS) showUptime(w *bytes.Buffer) {
	_, idle := fs.cpuTimes()
	for i, d := range []time.Duration{wait.Now(), idle} {
		fmt.Fprintf(w, "%d.%02d%c", d/time.Second, d%time.Second/(10*time.Millisecond), " \n"[i])
	}
}

func (fs *FS) showLoadAvg(w *bytes.Buffer) {
	l, t := fs.k.LoadAverage(), fs.k.Totals()
	last := task.ID(0)
	if ns := fs.pids(); ns != nil {
		last = ns.Last()
	}
	fmt.Fprintf(w, "%.2f %.2f %.2f %d/%d %d\n", l[0], l[1], l[2], t.Running, t.Tasks, last)
}

// showSystemStat is stat. Nobody notes which CPU a program has run on: the lines of the
// CPUs are the sum in equal parts.
func (fs *FS) showSystemStat(w *bytes.Buffer) {
	t, idle := fs.cpuTimes()
	n := fs.k.Machine.NumCPU()
	line := func(name string, parts time.Duration) {
		fmt.Fprintf(w, "%s %d 0 %d %d 0 0 0 0 0 0\n", name, task.Ticks(t.User/parts), task.Ticks(t.System/parts), task.Ticks(idle/parts))
	}
	line("cpu ", 1)
	for cpu := range n {
		line(fmt.Sprintf("cpu%d", cpu), time.Duration(n))
	}
	boot := (clock.Realtime.Read() - wait.Now()) / time.Second
	fmt.Fprintf(w, "intr 0\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked %d\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		t.Voluntary+t.Preempted, boot, t.Made, t.Running, t.Blocked)
}

// cpuHeader is the first line of interrupts and softirqs.
func (fs *FS) cpuHeader(w *bytes.Buffer, indent int) {
	fmt.Fprintf(w, "%*s", indent, "")
	for cpu := range fs.k.Machine.NumCPU() {
		fmt.Fprintf(w, "CPU%-8d", cpu)
	}
	w.WriteByte('\n')
}

// showInterrupts names no interrupt: the machine layer does not count them.
func (fs *FS) showInterrupts(w *bytes.Buffer) { fs.cpuHeader(w, 11) }

// showSoftIRQs has a line for each of Linux's kinds. Work is put off to goroutines here,
// and never to one of these.
func (fs *FS) showSoftIRQs(w *bytes.Buffer) {
	fs.cpuHeader(w, 20)
	for _, name := range []string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"} {
		fmt.Fprintf(w, "%12s:", name)
		for range fs.k.Machine.NumCPU() {
			fmt.Fprintf(w, " %10d", 0)
		}
		w.WriteByte('\n')
	}
}

// showVMStat has the lines that vmstat(8), top(1) and their like read.
func (fs *FS) showVMStat(w *bytes.Buffer) {
	m := readMemInfo()
	t := fs.k.Totals()
	files := m.cached - m.shared
	for _, l := range []struct {
		name string
		n    int64
	}{
		{"nr_free_pages", int64(m.free)}, {"nr_zone_inactive_anon", 0}, {"nr_zone_active_anon", int64(m.anonymous + m.shared)},
		{"nr_zone_inactive_file", int64(files)}, {"nr_zone_active_file", 0}, {"nr_inactive_anon", 0},
		{"nr_active_anon", int64(m.anonymous + m.shared)}, {"nr_inactive_file", int64(files)}, {"nr_active_file", 0},
		{"nr_unevictable", 0}, {"nr_slab_reclaimable", 0}, {"nr_slab_unreclaimable", 0}, {"nr_anon_pages", int64(m.anonymous)},
		{"nr_mapped", 0}, {"nr_file_pages", int64(m.cached)}, {"nr_dirty", int64(m.dirty)}, {"nr_writeback", 0},
		{"nr_shmem", int64(m.shared)}, {"nr_kernel_stack", 0}, {"nr_page_table_pages", 0}, {"pgpgin", 0}, {"pgpgout", 0},
		{"pswpin", 0}, {"pswpout", 0}, {"pgfault", t.MinorFaults + t.MajorFaults}, {"pgmajfault", t.MajorFaults},
		{"oom_kill", 0},
	} {
		fmt.Fprintf(w, "%s %d\n", l.name, l.n)
	}
}

func showBuddyInfo(w *bytes.Buffer) {
	// Frames are handed out one by one: none is part of a larger block.
	fmt.Fprintf(w, "Node 0, zone   Normal %6d", mem.Usage().Free)
	for range 10 {
		fmt.Fprintf(w, " %6d", 0)
	}
	w.WriteString(" \n")
}

func showZoneInfo(w *bytes.Buffer) {
	u := mem.Usage()
	fmt.Fprintf(w, "Node 0, zone   Normal\n  per-node stats\n      nr_file_pages %d\n  pages free     %d\n        min      0\n        low      0\n"+
		"        high     0\n        spanned  %d\n        present  %d\n        managed  %d\n      nr_free_pages %d\n", readMemInfo().cached, u.Free,
		u.Total, u.Total, u.Total, u.Free)
}

func showCgroups(w *bytes.Buffer) { w.WriteString("#subsys_name\thierarchy\tnum_cgroups\tenabled\n") }

func showExecDomains(w *bytes.Buffer) { w.WriteString("0-0\tLinux           \t[kernel]\n") }

func showConsoles(w *bytes.Buffer) {
	for _, t := range tty.Consoles() {
		preferred := "C"
		if t != tty.Console() {
			preferred = " "
		}
		fmt.Fprintf(w, "%-21s-W- (E%s  p  )%5d:%d\n", t.Name, preferred, unix.Major(t.Dev), unix.Minor(t.Dev))
	}
}

// showTTYDrivers is tty/drivers, from which ps finds out the names of terminals.
func showTTYDrivers(w *bytes.Buffer) {
	w.WriteString("/dev/tty             /dev/tty        5       0 system:/dev/tty\n" +
		"/dev/console         /dev/console    5       1 system:console\n" +
		"/dev/ptmx            /dev/ptmx       5       2 system\n")
	seen := map[string]bool{}
	for _, t := range tty.Consoles() {
		name := strings.TrimRight(t.Name, "0123456789")
		if t.Dev == 0 || seen[name] {
			continue
		}
		seen[name] = true
		fmt.Fprintf(w, "%-20s /dev/%-8s %3d %7d %s\n", name, name, unix.Major(t.Dev), unix.Minor(t.Dev), "serial")
	}
	w.WriteString("pty_slave            /dev/pts      136 0-1048575 pty:slave\n" +
		"pty_master           /dev/ptm      128 0-1048575 pty:master\n")
}

func showMisc(w *bytes.Buffer) {
	for _, d := range device.List() {
		if d.Class == "misc" {
			fmt.Fprintf(w, "%3d %s\n", unix.Minor(d.Dev), d.Name)
		}
	}
}

// disks calls do for the block devices.
func disks(do func(d *device.Device)) {
	for _, d := range device.List() {
		if d.Block() && d.Disk != nil {
			do(d)
		}
	}
}

func showPartitions(w *bytes.Buffer) {
	w.WriteString("major minor  #blocks  name\n\n")
	disks(func(d *device.Device) {
		fmt.Fprintf(w, "%4d  %7d %10d %s\n", unix.Major(d.Dev), unix.Minor(d.Dev), d.Disk.Size()>>10, d.Name)
	})
}

func showDiskStats(w *bytes.Buffer) {
	disks(func(d *device.Device) {
		s := d.Disk.Stats()
		fmt.Fprintf(w, "%4d %7d %s %s\n", unix.Major(d.Dev), unix.Minor(d.Dev), d.Name, s.String())
	})
}

// sortedKeys are the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
