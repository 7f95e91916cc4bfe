package proc

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// Types and modes of entries.
const (
	reg0400 = unix.S_IFREG | 0o400
	reg0444 = unix.S_IFREG | 0o444
	reg0600 = unix.S_IFREG | 0o600
	reg0644 = unix.S_IFREG | 0o644
	reg0666 = unix.S_IFREG | 0o666
	dir0500 = unix.S_IFDIR | 0o500
	dir0511 = unix.S_IFDIR | 0o511
	link777 = unix.S_IFLNK | 0o777
)

// pidEntries are the files of a process and of a thread. It is filled at start-up, as the
// functions in it lead back to it.
var pidEntries []entry

func init() {
	pidEntries = []entry{
		{name: "task", mode: openDir, in: ofProcess, dir: newTaskDir},
		{name: "fd", mode: dir0500, in: ofBoth, dir: newFDDir},
		{name: "fdinfo", mode: openDir, in: ofBoth, dir: newFDInfoDir},
		{name: "ns", mode: dir0511, in: ofBoth, dir: newNSDir},
		{name: "net", mode: openDir, in: ofBoth, dir: newNetDir},
		{name: "environ", mode: reg0400, in: ofBoth, secret: true, show: showEnviron},
		{name: "auxv", mode: reg0400, in: ofBoth, secret: true, show: showAuxv},
		{name: "status", mode: reg0444, in: ofBoth, show: showStatus},
		{name: "personality", mode: reg0400, in: ofBoth, show: showPersonality},
		{name: "limits", mode: reg0444, in: ofBoth, show: showLimits},
		{name: "sched", mode: reg0644, in: ofBoth, show: showSched},
		{name: "comm", mode: reg0644, in: ofBoth, show: showComm, store: storeComm},
		{name: "cmdline", mode: reg0444, in: ofBoth, show: showCmdline},
		{name: "stat", mode: reg0444, in: ofBoth, show: showStat},
		{name: "statm", mode: reg0444, in: ofBoth, show: showStatm},
		{name: "maps", mode: reg0444, in: ofBoth, secret: true, show: showMaps},
		{name: "children", mode: reg0444, in: ofThread, show: showChildren},
		{name: "mem", mode: reg0600, in: ofBoth, open: newMem},
		{name: "cwd", mode: link777, in: ofBoth, jump: jumpCwd},
		{name: "root", mode: link777, in: ofBoth, jump: jumpRoot},
		{name: "exe", mode: link777, in: ofBoth, jump: jumpExe},
		{name: "mounts", mode: reg0444, in: ofBoth, show: showMounts, watch: watchMounts},
		{name: "mountinfo", mode: reg0444, in: ofBoth, show: showMountInfo, watch: watchMounts},
		{name: "mountstats", mode: reg0400, in: ofProcess, show: showMountStats, watch: watchMounts},
		{name: "smaps", mode: reg0444, in: ofBoth, secret: true, show: showSmaps},
		{name: "smaps_rollup", mode: reg0444, in: ofBoth, secret: true, show: showSmapsRollup},
		{name: "attr", mode: openDir, in: ofBoth, dir: newAttrDir},
		{name: "io", mode: reg0400, in: ofBoth, secret: true, show: showIO},
		{name: "wchan", mode: reg0444, in: ofBoth, show: showWchan},
		{name: "schedstat", mode: reg0444, in: ofBoth, show: showSchedstat},
		{name: "cgroup", mode: reg0444, in: ofBoth, show: showCgroup},
		{name: "cpuset", mode: reg0444, in: ofBoth, show: showCpuset},
		{name: "oom_score", mode: reg0444, in: ofBoth, show: showOOMScore},
		{name: "oom_adj", mode: reg0644, in: ofBoth, show: showOOMAdj, store: storeOOMAdj},
		{name: "oom_score_adj", mode: reg0644, in: ofBoth, show: showOOMScoreAdj, store: storeOOMScoreAdj},
		{name: "loginuid", mode: reg0644, in: ofBoth, show: showNoAudit},
		{name: "sessionid", mode: reg0444, in: ofBoth, show: showNoAudit},
		{name: "coredump_filter", mode: reg0644, in: ofProcess, show: showCoreFilter, store: storeCoreFilter},
		{name: "uid_map", mode: reg0644, in: ofBoth, open: newIDMap(cred.UserIDs)},
		{name: "gid_map", mode: reg0644, in: ofBoth, open: newIDMap(cred.GroupIDs)},
		{name: "projid_map", mode: reg0644, in: ofBoth, open: newIDMap(cred.ProjectIDs)},
		{name: "setgroups", mode: reg0644, in: ofBoth, open: newSetgroups},
		{name: "timerslack_ns", mode: reg0666, in: ofProcess, show: showTimerSlack, store: storeTimerSlack},
	}
}
