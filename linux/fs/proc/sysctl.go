package proc

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/chardev"
	"kevlar/linux/cred"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/inotify"
	"kevlar/linux/klog"
	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/linux/uts"
	"kevlar/linux/vfs"
)

// sysctl is a file below /proc/sys. A setting that is not honoured cannot be written
// (EACCES, to root too, as Linux answers for what is fixed), but for those that tune what
// does not exist here: they are kept.
type sysctl struct {
	path string
	mode uint32
	get  func(c *vfs.Context) string
	set  func(c *vfs.Context, value string) error // nil for what is fixed
}

// sysctlText is its inode: capabilities do not help against its permissions, only user 0
// and group 0 have rights beyond everybody's.
type sysctlText struct {
	pseudo.Text
	perUser bool // each user namespace has its own, which CAP_SYS_RESOURCE in it may change
}

// Permission implements vfs.InodeOps.
func (t *sysctlText) Permission(c *vfs.Context, i *vfs.Inode, want vfs.Access) (bool, error) {
	mode := i.Mode()
	switch {
	case t.perUser: // proc(5), /proc/sys/user
		if c.Cred.CapableHere(unix.CAP_SYS_RESOURCE) {
			mode >>= 6
		}
	case c.Cred.EUID == 0:
		mode >>= 6
	case c.Cred.EGID == 0:
		mode >>= 3
	}
	if want&^vfs.Access(mode&7) != 0 {
		return true, unix.EACCES
	}
	return true, nil
}

func (fs *FS) addSysctl(top *pseudo.Dir) {
	for _, s := range fs.sysctls() {
		d := top
		names := strings.Split(s.path, "/")
		for _, dir := range names[:len(names)-1] {
			d = d.AddDir(dir, 0o555)
		}
		t := &sysctlText{pseudo.Text{NoStore: unix.EPERM, ToEnd: true}, names[0] == "user"}
		if s.get != nil {
			t.Show = func(c *vfs.Context, w *bytes.Buffer) error {
				w.WriteString(s.get(c))
				w.WriteByte('\n')
				return nil
			}
		}
		if s.set != nil {
			t.Store = func(c *vfs.Context, data []byte) error { return s.set(c, strings.TrimRight(string(data), "\n")) }
		}
		d.Add(names[len(names)-1], pseudo.Node(fs.sb, t, unix.S_IFREG|s.mode))
	}
	for _, dir := range []string{"abi", "debug", "dev", "fs/binfmt_misc"} {
		d := top
		for _, name := range strings.Split(dir, "/") {
			d = d.AddDir(name, 0o555)
		}
		d.Inode().ToMountOn = dir == "fs/binfmt_misc"
	}
}

// fixed is a setting that cannot be changed.
func fixed(path string, value any) sysctl {
	s := fmt.Sprint(value)
	return sysctl{path, 0o444, func(*vfs.Context) string { return s }, nil}
}

// only is a setting that Linux lets root change, and that can have but one value here: what
// writes that value succeeds, another one is out of its range (EINVAL).
func only(path string, value any) sysctl {
	s := fixed(path, value)
	s.mode = 0o644
	s.set = func(c *vfs.Context, to string) error {
		if !slices.Equal(strings.Fields(to), strings.Fields(s.get(c))) {
			return unix.EINVAL
		}
		return nil
	}
	return s
}

// computed is a setting that changes by itself.
func computed(path string, get func(c *vfs.Context) string) sysctl {
	return sysctl{path, 0o444, get, nil}
}

// keptSetting is a setting that programs may change and that stands for nothing.
type keptSetting struct {
	path  string
	value int64 // at boot: what Linux 6.1 has
	now   *atomic.Int64
}

// keptSettings are all of them, for all instances.
var keptSettings = sync.OnceValue(func() []keptSetting {
	list := []keptSetting{
		{path: "kernel/hung_task_timeout_secs", value: 120},
		{path: "kernel/panic", value: 0},
		{path: "kernel/panic_on_oops", value: 0},
		{path: "kernel/print-fatal-signals", value: 0},
		{path: "kernel/sched_autogroup_enabled", value: 1},
		{path: "kernel/sched_child_runs_first", value: 0},
		{path: "vm/dirty_background_bytes", value: 0},
		{path: "vm/dirty_background_ratio", value: 10},
		{path: "vm/dirty_bytes", value: 0},
		{path: "vm/dirty_expire_centisecs", value: 3000},
		{path: "vm/dirty_ratio", value: 20},
		{path: "vm/dirty_writeback_centisecs", value: 500},
		{path: "vm/laptop_mode", value: 0},
		{path: "vm/min_free_kbytes", value: 8192},
		{path: "vm/oom_dump_tasks", value: 1},
		{path: "vm/oom_kill_allocating_task", value: 0},
		{path: "vm/overcommit_ratio", value: 50},
		{path: "vm/page-cluster", value: 3},
		{path: "vm/panic_on_oom", value: 0},
		{path: "vm/stat_interval", value: 1},
		{path: "vm/swappiness", value: 60},
		{path: "vm/vfs_cache_pressure", value: 100},
	}
	for i := range list {
		list[i].now = new(atomic.Int64)
		list[i].now.Store(list[i].value)
	}
	return list
})

// kept is such a setting.
func kept(k *keptSetting) sysctl {
	v := k.now
	return sysctl{k.path, 0o644, func(*vfs.Context) string { return strconv.FormatInt(v.Load(), 10) },
		func(_ *vfs.Context, value string) error {
			n, err := parseInt([]byte(value), 32)
			if err != nil || n < 0 {
				return unix.EINVAL
			}
			v.Store(n)
			return nil
		}}
}

// number is a setting that is a variable of the package which honours it.
func number[T int32 | int64, V interface {
	Load() T
	Store(T)
}](path string, mode uint32, v V, low, high int64) sysctl {
	return sysctl{path, mode, func(*vfs.Context) string { return strconv.FormatInt(int64(v.Load()), 10) },
		func(_ *vfs.Context, value string) error {
			n, err := parseInt([]byte(value), 32)
			if err != nil || n < low || n > high {
				return unix.EINVAL
			}
			v.Store(T(n))
			return nil
		}}
}

// namesOf is the UTS namespace of who reads or writes.
func namesOf(c *vfs.Context) *uts.Namespace {
	if t := task.Of(c); t != nil {
		return t.UTS()
	}
	return uts.New()
}

func (fs *FS) sysctls() []sysctl {
	list := []sysctl{
		fixed("kernel/arch", uts.Machine),
		fixed("kernel/cap_last_cap", cred.LastCap),
		only("kernel/core_pattern", "core"),
		only("kernel/core_pipe_limit", 0),
		only("kernel/core_uses_pid", 0),
		only("kernel/dmesg_restrict", 1),
		{"kernel/domainname", 0o644, func(c *vfs.Context) string { return namesOf(c).Domain() },
			func(c *vfs.Context, s string) error { namesOf(c).SetDomain(s); return nil }},
		{"kernel/hostname", 0o644, func(c *vfs.Context) string { return namesOf(c).Node() },
			func(c *vfs.Context, s string) error { namesOf(c).SetNode(s); return nil }},
		only("kernel/kptr_restrict", 0),
		only("kernel/msgmax", 8192),
		only("kernel/msgmnb", 16384),
		only("kernel/msgmni", 32000),
		fixed("kernel/ngroups_max", 65536),
		computed("kernel/ns_last_pid", func(*vfs.Context) string { return strconv.Itoa(int(fs.pids().Last())) }),
		fixed("kernel/osrelease", uts.Release),
		fixed("kernel/ostype", uts.System),
		only("kernel/overflowgid", 65534),
		only("kernel/overflowuid", 65534),
		{"kernel/pid_max", 0o644, func(*vfs.Context) string { return strconv.Itoa(int(fs.pids().MaxID())) }, fs.setMaxID},
		{"kernel/printk", 0o644, func(*vfs.Context) string {
			l := klog.GetLevels()
			return fmt.Sprintf("%d\t%d\t%d\t%d", l.Console, l.Message, l.Minimum, l.Default)
		}, setLevels},
		only("kernel/pty/max", 4096),
		only("kernel/pty/reserve", 1024),
		computed("kernel/random/boot_id", func(*vfs.Context) string { return fs.bootID() }),
		fixed("kernel/random/entropy_avail", chardev.PoolBits),
		fixed("kernel/random/poolsize", chardev.PoolBits),
		only("kernel/random/urandom_min_reseed_secs", 60),
		computed("kernel/random/uuid", func(*vfs.Context) string { return fs.uuid() }),
		only("kernel/random/write_wakeup_threshold", chardev.PoolBits),
		only("kernel/randomize_va_space", 2),
		only("kernel/sched_rr_timeslice_ms", 100),
		only("kernel/sched_rt_period_us", 1000000),
		only("kernel/sched_rt_runtime_us", 950000),
		only("kernel/sem", "32000\t1024000000\t500\t32000"),
		only("kernel/shm_rmid_forced", 0),
		only("kernel/shmall", uint64(math.MaxUint64-1<<24)),
		only("kernel/shmmax", uint64(math.MaxUint64-1<<24)),
		only("kernel/shmmni", 4096),
		only("kernel/sysctl_writes_strict", 1),
		only("kernel/tainted", 0),
		only("kernel/threads-max", fs.k.MaxThreads()),
		only("kernel/unprivileged_bpf_disabled", 2),
		number("kernel/unprivileged_userns_clone", 0o644, &cred.UnprivilegedUserNS, math.MinInt32, math.MaxInt32),
		fixed("kernel/version", uts.Version),

		only("vm/admin_reserve_kbytes", 0),
		{"vm/drop_caches", 0o200, nil, dropCaches},
		only("vm/legacy_va_layout", 0),
		only("vm/max_map_count", mm.MaxMaps),
		only("vm/mmap_min_addr", mm.MinAddr),
		only("vm/nr_hugepages", 0),
		only("vm/overcommit_kbytes", 0),
		only("vm/overcommit_memory", 0),
		only("vm/unprivileged_userfaultfd", 0),

		only("fs/aio-max-nr", 65536),
		fixed("fs/aio-nr", 0),
		fixed("fs/dentry-state", "0\t0\t45\t0\t0\t0"),
		only("fs/epoll/max_user_watches", math.MaxInt32),
		only("fs/file-max", math.MaxInt64),
		computed("fs/file-nr", func(*vfs.Context) string { return fmt.Sprintf("%d\t0\t%d", vfs.OpenFiles(), math.MaxInt64) }),
		fixed("fs/inode-nr", "0\t0"),
		fixed("fs/inode-state", "0\t0\t0\t0\t0\t0\t0"),
		number("fs/inotify/max_queued_events", 0o644, &inotify.MaxQueued, 0, math.MaxInt32),
		number("fs/inotify/max_user_instances", 0o644, &inotify.MaxInstances, 0, math.MaxInt32),
		number("fs/inotify/max_user_watches", 0o644, &inotify.MaxWatches, 0, math.MaxInt32),
		only("fs/lease-break-time", 45),
		only("fs/leases-enable", 0),
		only("fs/mount-max", 100000),
		only("fs/mqueue/msg_default", 10),
		only("fs/mqueue/msg_max", 10),
		only("fs/mqueue/msgsize_default", 8192),
		only("fs/mqueue/msgsize_max", 8192),
		only("fs/mqueue/queues_max", 256),
		only("fs/nr_open", vfs.MaxFiles),
		only("fs/overflowgid", 65534),
		only("fs/overflowuid", 65534),
		only("fs/pipe-max-size", 1048576),
		only("fs/pipe-user-pages-hard", 0),
		only("fs/pipe-user-pages-soft", 0),
		number("fs/protected_fifos", 0o644, &vfs.ProtectedFIFOs, 0, 2),
		number("fs/protected_hardlinks", 0o600, &vfs.ProtectedHardlinks, 0, 1),
		number("fs/protected_regular", 0o644, &vfs.ProtectedRegular, 0, 2),
		number("fs/protected_symlinks", 0o600, &vfs.ProtectedSymlinks, 0, 1),
		only("fs/suid_dumpable", 0),

		only("net/core/netdev_max_backlog", 1000),
		only("net/core/optmem_max", 20480),
		only("net/core/rmem_default", 212992),
		only("net/core/rmem_max", 212992),
		only("net/core/somaxconn", 4096),
		only("net/core/wmem_default", 212992),
		only("net/core/wmem_max", 212992),
		only("net/ipv4/ip_forward", 0),
		only("net/ipv4/ip_local_port_range", "32768\t60999"),
		only("net/unix/max_dgram_qlen", 10),
	}
	for name, kind := range map[string]cred.Namespaces{
		"user": cred.UserNamespaces, "pid": cred.PIDNamespaces, "uts": cred.UTSNamespaces, "ipc": cred.IPCNamespaces, "mnt": cred.MountNamespaces,
	} {
		list = append(list, namespaceLimit("user/max_"+name+"_namespaces", kind))
	}
	for _, k := range keptSettings() {
		list = append(list, kept(&k))
	}
	return list
}

// namespaceLimit is how many namespaces of a kind the reader's user namespace allows each
// user.
func namespaceLimit(path string, kind cred.Namespaces) sysctl {
	return sysctl{path, 0o644,
		func(c *vfs.Context) string { return strconv.FormatInt(c.Cred.User.Limit(kind), 10) },
		func(c *vfs.Context, value string) error {
			n, err := parseInt([]byte(value), 64)
			if err != nil || n < 0 || n > math.MaxInt32 {
				return unix.EINVAL
			}
			c.Cred.User.SetLimit(kind, n)
			return nil
		}}
}

func (fs *FS) setMaxID(_ *vfs.Context, value string) error {
	n, err := parseInt([]byte(value), 32)
	if err != nil {
		return err
	}
	return fs.pids().SetMaxID(task.ID(n))
}

// setLevels is printk: up to four numbers; those that are not given stay.
func setLevels(_ *vfs.Context, value string) error {
	l := klog.GetLevels()
	to := []*int{&l.Console, &l.Message, &l.Minimum, &l.Default}
	for i, word := range strings.Fields(value) {
		n, err := strconv.Atoi(word)
		if err != nil || i == len(to) {
			return unix.EINVAL
		}
		*to[i] = n
	}
	klog.SetLevels(l)
	return nil
}

// dropCaches frees clean pages of files (1), and what the kernel caches of names (2), of
// which there is nothing that the garbage collector does not free.
func dropCaches(_ *vfs.Context, value string) error {
	n, err := parseInt([]byte(value), 32)
	if err != nil || n < 1 || n > 4 {
		return unix.EINVAL
	}
	if n&1 != 0 {
		mm.Reclaim(math.MaxInt)
	}
	return nil
}

// uuid is a random UUID (RFC 4122, version 4).
func (s *system) uuid() string {
	var b [16]byte
	s.k.Machine.Random(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// bootID is the UUID of this boot.
func (s *system) bootID() string {
	s.boot.Do(func() { s.id = s.uuid() })
	return s.id
}
