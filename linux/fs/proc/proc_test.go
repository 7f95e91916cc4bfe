package proc

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/machine/sim"
)

// run runs a program with /proc.
func run(t *testing.T, program func(u *sim.User)) {
	t.Helper()
	runMounted(t, "", program)
}

func runMounted(t *testing.T, options string, program func(u *sim.User)) {
	t.Helper()
	linuxtest.RunPrepared(t, func(k *task.Kernel, c *vfs.Context) {
		Register(k)
		if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte("/proc"), 0o555); err != nil {
			t.Fatal(err)
		}
		p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/proc"), 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := vfs.MountType(c, "proc", p, Type, vfs.MntNoSuid, options); err != nil {
			t.Fatal(err)
		}
	}, program)
}

// read is the contents of a file.
func read(u *sim.User, path string) string {
	fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	defer u.Must(unix.SYS_CLOSE, fd)
	return readFD(u, fd)
}

func readFD(u *sim.User, fd int64) string {
	var text []byte
	buf := make([]byte, 4096)
	for {
		n := u.Must(unix.SYS_READ, fd, buf, len(buf))
		if n == 0 {
			return string(text)
		}
		text = append(text, buf[:n]...)
	}
}

func write(u *sim.User, path, text string) (int64, unix.Errno) {
	fd := u.Syscall(unix.SYS_OPENAT, unix.AT_FDCWD, path, unix.O_WRONLY, 0)
	if fd < 0 {
		return 0, unix.Errno(-fd)
	}
	defer u.Must(unix.SYS_CLOSE, fd)
	n := u.Syscall(unix.SYS_WRITE, fd, text, len(text))
	if n < 0 {
		return 0, unix.Errno(-n)
	}
	return n, 0
}

func readlink(u *sim.User, path string) string {
	buf := make([]byte, 256)
	n := u.Must(unix.SYS_READLINKAT, unix.AT_FDCWD, path, buf, len(buf))
	return string(buf[:n])
}

func errno(u *sim.User, what string, want unix.Errno, nr int, args ...any) {
	if r := u.Syscall(nr, args...); r != -int64(want) {
		u.Errorf("%s: %d, want %v", what, r, want)
	}
}

// list is the names in a directory.
func list(u *sim.User, path string) (names []string) {
	fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	defer u.Must(unix.SYS_CLOSE, fd)
	buf := make([]byte, 200) // so that it takes several calls
	for {
		n := u.Must(unix.SYS_GETDENTS64, fd, buf, len(buf))
		if n == 0 {
			return names
		}
		for b := buf[:n]; len(b) > 0; {
			size := int(b[16]) | int(b[17])<<8
			name, _, _ := strings.Cut(string(b[19:size]), "\x00")
			names = append(names, name)
			b = b[size:]
		}
	}
}

// shape is a text with numbers and what differs between machines made alike.
func shape(line string) string {
	line = regexp.MustCompile(`[0-9a-f]{8,}`).ReplaceAllString(line, "N")
	return regexp.MustCompile(`-?[0-9]+`).ReplaceAllString(line, "N")
}

func keys(text string) (names []string) {
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// hostFile is a file of the host's procfs, where that is a Linux.
func hostFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + name)
	if err != nil {
		t.Skipf("the host has no /proc: %v", err)
	}
	return string(b)
}

func TestSelf(t *testing.T) {
	run(t, func(u *sim.User) {
		pid := u.Must(unix.SYS_GETPID)
		if got := readlink(u, "/proc/self"); got != strconv.Itoa(int(pid)) {
			u.Errorf("self: %s", got)
		}
		if got, want := readlink(u, "/proc/thread-self"), fmt.Sprintf("%d/task/%d", pid, pid); got != want {
			u.Errorf("thread-self: %s", got)
		}
		for name, want := range map[string]string{"exe": "/init", "cwd": "/", "root": "/", "ns/uts": "uts:[4026531838]", "ns/pid": "pid:[4026531836]"} {
			if got := readlink(u, "/proc/self/"+name); got != want {
				u.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := read(u, "/proc/self/cmdline"); got != "/init\x00" {
			u.Errorf("cmdline: %q", got)
		}
		if n, errno := write(u, "/proc/self/comm", "another\n"); n != 8 || errno != 0 {
			u.Errorf("writing comm: %d, %v", n, errno)
		}
		if got := read(u, "/proc/self/comm"); got != "another\n\n" && got != "another\n" {
			u.Errorf("comm: %q", got)
		}
		errno(u, "no such process", unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/4000000/stat", unix.O_RDONLY, 0)
		errno(u, "write to stat", unix.EINVAL, unix.SYS_WRITE, u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/self/stat", unix.O_WRONLY, 0), "x", 1)
		errno(u, "write to version", unix.EIO, unix.SYS_WRITE, u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/version", unix.O_WRONLY, 0), "x", 1)
	})
}

func TestStat(t *testing.T) {
	run(t, func(u *sim.User) {
		line := read(u, "/proc/self/stat")
		if !regexp.MustCompile(`^1 \(init\) R 0 1 1 0 -1 \d+ `).MatchString(line) || strings.Count(line, " ") != 51 || !strings.HasSuffix(line, "\n") {
			u.Errorf("stat: %q", line)
		}
		f := strings.Fields(line)
		if vsize, _ := strconv.Atoi(f[22]); vsize == 0 {
			u.Errorf("no memory: %s", line)
		}
		if m := strings.Fields(read(u, "/proc/self/statm")); len(m) != 7 || m[0] == "0" || m[1] == "0" {
			u.Errorf("statm: %v", m)
		}
	})
}

func TestStatusHasTheFieldsOfLinux(t *testing.T) {
	// Those that kernels after 6.1 have added.
	newer := []string{"Kthread", "untag_mask", "x86_Thread_features", "x86_Thread_features_locked"}
	want := slices.DeleteFunc(keys(hostFile(t, "self/status")), func(k string) bool { return slices.Contains(newer, k) })
	run(t, func(u *sim.User) {
		text := read(u, "/proc/self/status")
		if got := keys(text); !slices.Equal(got, want) {
			u.Errorf("fields %q\nwant %q", got, want)
		}
		for _, line := range []string{"Name:\tinit\n", "State:\tR (running)\n", "Pid:\t1\n", "Threads:\t1\n", "CapEff:\t000001ffffffffff\n", "Uid:\t0\t0\t0\t0\n"} {
			if !strings.Contains(text, line) {
				u.Errorf("no %q in\n%s", line, text)
			}
		}
	})
}

// TestShapes compares the form of whole files with the host's.
func TestShapes(t *testing.T) {
	for _, name := range []string{"self/limits", "self/uid_map", "self/setgroups", "self/statm", "self/personality",
		"self/schedstat", "self/coredump_filter", "self/loginuid", "self/oom_adj", "uptime", "loadavg", "swaps", "self/timerslack_ns",
		"sys/kernel/printk", "sys/kernel/pid_max", "sys/fs/file-nr", "sys/kernel/sem", "sys/kernel/cap_last_cap"} {
		want := shape(hostFile(t, name))
		run(t, func(u *sim.User) {
			got := shape(read(u, "/proc/"+name))
			if name == "self/limits" {
				cut := func(s string) string { return regexp.MustCompile(`(N|unlimited) +`).ReplaceAllString(s, "V ") }
				got, want = cut(got), cut(want)
			}
			if got != want {
				u.Errorf("%s: %q, want %q", name, got, want)
			}
		})
	}
}

func TestMaps(t *testing.T) {
	line := regexp.MustCompile(`^[0-9a-f]{8,}-[0-9a-f]{8,} [r-][w-][x-][ps] [0-9a-f]{8,} [0-9a-f]{2}:[0-9a-f]{2} \d+ (| +\S.*)$`)
	for l := range strings.Lines(hostFile(t, "self/maps")) {
		if !line.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Fatalf("the host has %q", l)
		}
	}
	run(t, func(u *sim.User) {
		addr := u.Must(unix.SYS_MMAP, 0, 3*4096, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
		text := read(u, "/proc/self/maps")
		for l := range strings.Lines(text) {
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				u.Errorf("line %q", l)
			}
		}
		if want := fmt.Sprintf("%08x-%08x r--p 00000000 00:00 0 \n", addr, addr+3*4096); !strings.Contains(text, want) {
			u.Errorf("no %q in\n%s", want, text)
		}
		if !strings.Contains(text, "[stack]\n") || !strings.Contains(text, " /init\n") {
			u.Errorf("names: %s", text)
		}
		if got, want := strings.Count(read(u, "/proc/self/smaps"), "VmFlags:"), strings.Count(text, "\n"); got != want {
			u.Errorf("smaps has %d mappings, maps %d", got, want)
		}
		if s := read(u, "/proc/self/smaps_rollup"); !strings.Contains(s, "[rollup]\nRss:") {
			u.Errorf("smaps_rollup: %s", s)
		}
	})
}

func TestSmapsHasTheFieldsOfLinux(t *testing.T) {
	first := func(text string) (names []string) {
		lines := strings.SplitAfter(text, "\n")
		for _, l := range lines[1:] {
			name, _, _ := strings.Cut(l, ":")
			names = append(names, name)
			if name == "VmFlags" {
				break
			}
		}
		return slices.DeleteFunc(names, func(n string) bool { return n == "KSM" || n == "ProtectionKey" })
	}
	want := first(hostFile(t, "self/smaps"))
	run(t, func(u *sim.User) {
		if got := first(read(u, "/proc/self/smaps")); !slices.Equal(got, want) {
			u.Errorf("fields %q\nwant %q", got, want)
		}
	})
}

func TestDescriptors(t *testing.T) {
	run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp/file", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
		u.Must(unix.SYS_WRITE, fd, "contents", 8)
		path := fmt.Sprintf("/proc/self/fd/%d", fd)
		if got := readlink(u, path); got != "/tmp/file" {
			u.Errorf("link: %q", got)
		}
		info := read(u, fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		if !strings.HasPrefix(info, "pos:\t8\nflags:\t02") || !strings.Contains(info, "\nmnt_id:\t") || !strings.Contains(info, "\nino:\t") {
			u.Errorf("fdinfo: %q", info)
		}
		u.Must(unix.SYS_UNLINKAT, unix.AT_FDCWD, "/tmp/file", 0)
		if got := readlink(u, path); got != "/tmp/file (deleted)" {
			u.Errorf("link of a removed file: %q", got)
		}
		if got := read(u, path); got != "contents" {
			u.Errorf("the removed file, opened again: %q", got)
		}
		var p [2]int32
		u.Must(unix.SYS_PIPE2, &p, 0)
		if got := readlink(u, fmt.Sprintf("/proc/self/fd/%d", p[0])); !regexp.MustCompile(`^pipe:\[\d+\]$`).MatchString(got) {
			u.Errorf("a pipe: %q", got)
		}
		u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", p[1]), unix.O_WRONLY, 0)
		names := list(u, "/proc/self/fd")
		for _, want := range []string{".", "..", "0", "1", "2"} {
			if !slices.Contains(names, want) {
				u.Errorf("descriptors %q", names)
			}
		}
		errno(u, "a closed descriptor", unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/self/fd/99", unix.O_RDONLY, 0)
	})
}

func TestMoreOfDescriptors(t *testing.T) {
	run(t, func(u *sim.User) {
		e := u.Must(unix.SYS_EVENTFD2, 7, 0)
		if got := read(u, fmt.Sprintf("/proc/self/fdinfo/%d", e)); !strings.HasSuffix(got, "\neventfd-count:                7\n") {
			u.Errorf("eventfd: %q", got)
		}
		ep := u.Must(unix.SYS_EPOLL_CREATE1, 0)
		u.Must(unix.SYS_EPOLL_CTL, ep, unix.EPOLL_CTL_ADD, e, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 0x1234})
		if got := read(u, fmt.Sprintf("/proc/self/fdinfo/%d", ep)); !strings.Contains(got, fmt.Sprintf("\ntfd: %8d events:       19 data:             1234  pos:0 ino:", e)) {
			u.Errorf("epoll: %q", got)
		}
		file := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp/locked", unix.O_RDWR|unix.O_CREAT, 0o600)
		u.Must(unix.SYS_FLOCK, file, unix.LOCK_EX)
		line := regexp.MustCompile(`(?m)^1: FLOCK  ADVISORY  WRITE 1 [0-9a-f]{2}:[0-9a-f]{2}:\d+ 0 EOF$`)
		if got := read(u, "/proc/locks"); !line.MatchString(got) {
			u.Errorf("locks: %q", got)
		}
		if got := read(u, fmt.Sprintf("/proc/self/fdinfo/%d", file)); !strings.Contains(got, "\nlock:\t1: FLOCK  ADVISORY  WRITE 1 ") {
			u.Errorf("a locked file: %q", got)
		}
	})
}

func TestNothingCanBeMade(t *testing.T) {
	run(t, func(u *sim.User) {
		for _, dir := range []string{"/proc/", "/proc/self/", "/proc/self/fd/", "/proc/sys/kernel/"} {
			errno(u, "create in "+dir, unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, dir+"new", unix.O_CREAT|unix.O_RDWR, 0o600)
			errno(u, "mkdir in "+dir, unix.ENOENT, unix.SYS_MKDIRAT, unix.AT_FDCWD, dir+"new", 0o700)
		}
		errno(u, "unlink", unix.EPERM, unix.SYS_UNLINKAT, unix.AT_FDCWD, "/proc/version", 0)
		errno(u, "rmdir", unix.EPERM, unix.SYS_UNLINKAT, unix.AT_FDCWD, "/proc/self/task", unix.AT_REMOVEDIR)
	})
}

func TestIO(t *testing.T) {
	run(t, func(u *sim.User) {
		count := func() (n [4]int) {
			fmt.Sscanf(read(u, "/proc/self/io"), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: 0\n", &n[0], &n[1], &n[2], &n[3])
			return n
		}
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp/io", unix.O_RDWR|unix.O_CREAT, 0o600)
		before := count()
		between := count() // what counting itself reads
		u.Must(unix.SYS_WRITE, fd, "12345", 5)
		u.Must(unix.SYS_PREAD64, fd, make([]byte, 3), 3, 0)
		after := count()
		if got, want := after[0]-between[0], between[0]-before[0]+3; got < want-8 || got > want+8 { // numbers grow longer
			u.Errorf("%d bytes were read, not about %d", got, want)
		}
		if got := [3]int{after[1] - between[1], after[2] - between[2] - (between[2] - before[2]), after[3] - between[3]}; got != [3]int{5, 1, 1} {
			u.Errorf("bytes written, reads, writes: %v", got)
		}
	})
}

func TestDirectories(t *testing.T) {
	run(t, func(u *sim.User) {
		for dir, want := range map[string][]string{
			"/proc":               {"1", "self", "meminfo", "sys", "mounts"},
			"/proc/self":          {"stat", "task", "fd", "exe", "oom_adj"},
			"/proc/self/task":     {"1"},
			"/proc/self/task/1":   {"stat", "children"},
			"/proc/self/ns":       {"mnt", "uts"},
			"/proc/self/attr":     {"current"},
			"/proc/net":           {"dev", "unix", "tcp"},
			"/proc/sys":           {"kernel", "vm", "fs", "net"},
			"/proc/sys/kernel":    {"hostname", "random"},
			"/proc/self/fdinfo":   {"0"},
			"/proc/sysvipc":       {"shm"},
			"/proc/tty":           {"drivers"},
			"/proc/sys/net/core/": {"somaxconn"},
		} {
			names := list(u, dir)
			for _, n := range append(want, ".", "..") {
				if !slices.Contains(names, n) {
					u.Errorf("%s lacks %s: %q", dir, n, names)
				}
			}
			sorted := slices.Clone(names)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != len(names) {
				u.Errorf("%s has a name twice: %q", dir, names)
			}
		}
	})
}

// Every file can be read, or refuses with an error that Linux has there.
func TestEveryFileReads(t *testing.T) {
	run(t, func(u *sim.User) {
		var visit func(dir string)
		visit = func(dir string) {
			for _, name := range list(u, dir) {
				path := dir + "/" + name
				if strings.HasSuffix(dir, "/fd") || strings.HasSuffix(dir, "/fdinfo") {
					continue // they are those of the walk itself
				}
				var st unix.Stat_t
				u.Must(unix.SYS_NEWFSTATAT, unix.AT_FDCWD, path, &st, unix.AT_SYMLINK_NOFOLLOW)
				switch {
				case name == "." || name == ".." || name == "kmsg" || path == "/proc/1" || name == "mem":
				case st.Mode&unix.S_IFMT == unix.S_IFDIR:
					visit(path)
				case st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o444 != 0 && !strings.Contains(path, "/attr/"):
					read(u, path)
				}
			}
		}
		visit("/proc")
		visit("/proc/self")
	})
}

func TestZombieAndEnd(t *testing.T) {
	run(t, func(u *sim.User) {
		var p [2]int32
		u.Must(unix.SYS_PIPE2, &p, 0)
		pid := u.Fork(func(u *sim.User) {
			var b [1]byte
			u.Must(unix.SYS_CLOSE, p[1])
			u.Must(unix.SYS_READ, p[0], &b, 1)
			u.Exit(3)
		})
		stat := fmt.Sprintf("/proc/%d/stat", pid)
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, stat, unix.O_RDONLY, 0)
		for !strings.Contains(read(u, stat), ") S ") {
			u.Must(unix.SYS_SCHED_YIELD)
		}
		if got := readlink(u, fmt.Sprintf("/proc/%d/exe", pid)); got != "/init" {
			u.Errorf("exe of a child: %q", got)
		}
		u.Must(unix.SYS_CLOSE, p[1])
		info := make([]byte, 128)
		u.Must(unix.SYS_WAITID, unix.P_PID, pid, info, unix.WEXITED|unix.WNOWAIT, 0)
		line := read(u, stat)
		if !strings.Contains(line, ") Z 1 ") || !strings.HasSuffix(line, " 768\n") {
			u.Errorf("zombie: %q", line)
		}
		if s := read(u, fmt.Sprintf("/proc/%d/status", pid)); !strings.Contains(s, "State:\tZ (zombie)\n") || strings.Contains(s, "VmRSS") {
			u.Errorf("zombie: %s", s)
		}
		if s := read(u, fmt.Sprintf("/proc/%d/cmdline", pid)) + read(u, fmt.Sprintf("/proc/%d/maps", pid)); s != "" {
			u.Errorf("memory of a zombie: %q", s)
		}
		errno(u, "exe of a zombie", unix.ENOENT, unix.SYS_READLINKAT, unix.AT_FDCWD, fmt.Sprintf("/proc/%d/exe", pid), info, len(info))
		u.Must(unix.SYS_WAIT4, pid, 0, 0, 0)
		errno(u, "stat after the wait", unix.ESRCH, unix.SYS_READ, fd, info, len(info))
		errno(u, "open after the wait", unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, stat, unix.O_RDONLY, 0)
	})
}

func TestReadsAreOfOneMoment(t *testing.T) {
	run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/self/comm", unix.O_RDONLY, 0)
		b := make([]byte, 2)
		u.Must(unix.SYS_READ, fd, b, 2)
		write(u, "/proc/self/comm", "other")
		if rest := readFD(u, fd); string(b)+rest != "init\n" {
			u.Errorf("read %q and %q", b, rest)
		}
		u.Must(unix.SYS_LSEEK, fd, 0, unix.SEEK_SET)
		if got := readFD(u, fd); got != "other\n" {
			u.Errorf("from the start: %q", got)
		}
		errno(u, "seek to the end", unix.EINVAL, unix.SYS_LSEEK, fd, 0, unix.SEEK_END)
	})
}

// become makes the process an ordinary user's.
func become(u *sim.User, uid int) {
	u.Must(unix.SYS_SETRESGID, uid, uid, uid)
	u.Must(unix.SYS_SETRESUID, uid, uid, uid)
}

func TestSecretsOfOthers(t *testing.T) {
	run(t, func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			become(u, 1000)
			read(u, "/proc/1/stat")
			read(u, "/proc/1/status")
			read(u, "/proc/1/cmdline")
			buf := make([]byte, 64)
			for _, name := range []string{"environ", "auxv", "maps", "smaps", "mem"} {
				errno(u, name, unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/1/"+name, unix.O_RDONLY, 0)
			}
			errno(u, "fd", unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/1/fd", unix.O_RDONLY|unix.O_DIRECTORY, 0)
			for _, name := range []string{"exe", "cwd", "root", "ns/mnt"} {
				errno(u, name, unix.EACCES, unix.SYS_READLINKAT, unix.AT_FDCWD, "/proc/1/"+name, buf, len(buf))
			}
			errno(u, "oom_score_adj of another", unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/1/oom_score_adj", unix.O_WRONLY, 0)
			errno(u, "hostname", unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/sys/kernel/hostname", unix.O_WRONLY, 0)
			u.Exit(0)
		})
		u.Must(unix.SYS_WAIT4, pid, 0, 0, 0)
		errno(u, "what is fixed, to root", unix.EACCES, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/sys/kernel/ostype", unix.O_WRONLY, 0)
	})
}

func TestHidePID(t *testing.T) {
	runMounted(t, "hidepid=2", func(u *sim.User) {
		pid := u.Fork(func(u *sim.User) {
			become(u, 1000)
			if slices.Contains(list(u, "/proc"), "1") {
				u.Errorf("process 1 shows")
			}
			errno(u, "a hidden process", unix.ENOENT, unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/1/stat", unix.O_RDONLY, 0)
			read(u, "/proc/self/stat")
			u.Exit(0)
		})
		u.Must(unix.SYS_WAIT4, pid, 0, 0, 0)
		if !strings.Contains(read(u, "/proc/mounts"), "proc /proc proc rw,nosuid,relatime,hidepid=invisible 0 0\n") {
			u.Errorf("mounts:\n%s", read(u, "/proc/mounts"))
		}
	})
}

func TestSettings(t *testing.T) {
	run(t, func(u *sim.User) {
		if n, err := write(u, "/proc/sys/kernel/hostname", "box\n"); n != 4 || err != 0 {
			u.Errorf("hostname: %d, %v", n, err)
		}
		if got := read(u, "/proc/sys/kernel/hostname"); got != "box\n" {
			u.Errorf("hostname: %q", got)
		}
		if _, err := write(u, "/proc/sys/kernel/pid_max", "100"); err != unix.EINVAL {
			u.Errorf("pid_max: %v", err)
		}
		if _, err := write(u, "/proc/self/oom_score_adj", "500"); err != 0 || read(u, "/proc/self/oom_score_adj") != "500\n" ||
			read(u, "/proc/self/oom_adj") != "8\n" {
			u.Errorf("oom_score_adj: %v, %s, %s", err, read(u, "/proc/self/oom_score_adj"), read(u, "/proc/self/oom_adj"))
		}
		if _, err := write(u, "/proc/self/oom_score_adj", "1001"); err != unix.EINVAL {
			u.Errorf("oom_score_adj: %v", err)
		}
		if read(u, "/proc/sys/kernel/random/boot_id") != read(u, "/proc/sys/kernel/random/boot_id") {
			u.Errorf("boot_id changes")
		}
		if id := read(u, "/proc/sys/kernel/random/uuid"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$`).MatchString(id) {
			u.Errorf("uuid: %q", id)
		}
		if read(u, "/proc/sys/kernel/random/uuid") == read(u, "/proc/sys/kernel/random/uuid") {
			u.Errorf("uuid does not change")
		}
	})
}

func TestMountsAnnounceChanges(t *testing.T) {
	run(t, func(u *sim.User) {
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/self/mounts", unix.O_RDONLY, 0)
		p := unix.PollFd{Fd: int32(fd), Events: unix.POLLPRI}
		var now unix.Timespec
		if n := u.Must(unix.SYS_PPOLL, &p, 1, &now, 0, 8); n != 0 {
			u.Errorf("an event before any change: %#x", p.Revents)
		}
		u.Must(unix.SYS_MOUNT, "again", "/tmp", "proc", 0, 0)
		if n := u.Must(unix.SYS_PPOLL, &p, 1, &now, 0, 8); n != 1 || p.Revents&(unix.POLLERR|unix.POLLPRI) != unix.POLLERR|unix.POLLPRI {
			u.Errorf("no event after a mount: %d, %#x", n, p.Revents)
		}
		if n := u.Must(unix.SYS_PPOLL, &p, 1, &now, 0, 8); n != 0 {
			u.Errorf("the event comes twice")
		}
		u.Must(unix.SYS_UMOUNT2, "/tmp", 0)
	})
}

func TestMem(t *testing.T) {
	run(t, func(u *sim.User) {
		addr := u.Must(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/proc/self/mem", unix.O_RDWR, 0)
		u.Must(unix.SYS_PWRITE64, fd, "hello", 5, addr+10)
		b := make([]byte, 5)
		if u.Must(unix.SYS_PREAD64, fd, b, 5, addr+10); string(b) != "hello" {
			u.Errorf("read %q", b)
		}
		errno(u, "where nothing is", unix.EIO, unix.SYS_PREAD64, fd, b, 5, 0)
		u.Must(unix.SYS_MPROTECT, addr, 4096, unix.PROT_READ)
		u.Must(unix.SYS_PWRITE64, fd, "HELLO", 5, addr+10)
		u.Load(uint64(addr)+10, b)
		if string(b) != "HELLO" {
			u.Errorf("read-only memory that was written: %q", b)
		}
		u.Must(unix.SYS_MPROTECT, addr, 4096, unix.PROT_NONE)
		if u.Must(unix.SYS_PREAD64, fd, b, 5, addr+10); string(b) != "HELLO" {
			u.Errorf("memory without rights: %q", b)
		}
		if n := u.Must(unix.SYS_PREAD64, fd, make([]byte, 100), 100, addr+4096-7); n != 7 {
			u.Errorf("up to a hole: %d", n)
		}
		u.Must(unix.SYS_CLOSE, fd)
	})
}
