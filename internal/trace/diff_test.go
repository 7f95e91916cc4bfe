package trace

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/trace"
)

func readStrace(t *testing.T, text string) *Steps {
	t.Helper()
	s, err := ReadStrace(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compare(t *testing.T, linux, kevlar string) (*Difference, string) {
	t.Helper()
	d := Compare(readStrace(t, linux), readStrace(t, kevlar))
	var w strings.Builder
	if err := d.Write(&w); err != nil {
		t.Fatal(err)
	}
	return d, w.String()
}

// What strace writes of tasks that interrupt each other becomes whole calls of each.
func TestReadStrace(t *testing.T) {
	s := readStrace(t, `87 execve("/bin/sh", ["sh", "-c", "a, b)"], 0x7ffd84c5acb0 /* 2 vars */) = 0
87 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
88 read(0,  <unfinished ...>
87 <... clone resumed>, child_tidptr=0x2dd1b690) = 88
87 wait4(-1,  <unfinished ...>
88 <... read resumed>"x\"), ", 3)  = 3
88 openat(AT_FDCWD, "/none", O_RDONLY) = -1 ENOENT (No such file or directory)
88 pause( <unfinished ...>
88 +++ killed by SIGKILL +++
87 <... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 88
87 --- SIGCHLD {si_signo=SIGCHLD, si_pid=88} ---
87 exit_group(0)                     = ?
87 +++ exited with 0 +++
`)
	want := map[string][]string{
		"1": {
			`execve("/bin/sh", ["sh", "-c", "a, b)"], 0x7ffd84c5acb0 /* 2 vars */) = 0`,
			`clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x2dd1b690) = 88`,
			`wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 88`,
			`--- SIGCHLD {si_signo=SIGCHLD, si_pid=88} ---`,
			`exit_group(0) = ?`,
			`+++ exited with 0 +++`,
		},
		"1.1": {
			`read(0, "x\"), ", 3) = 3`,
			`openat(AT_FDCWD, "/none", O_RDONLY) = -1 ENOENT (No such file or directory)`,
			`pause() = <does not return>`,
			`+++ killed by SIGKILL +++`,
		},
	}
	for _, task := range s.Threads {
		var got []string
		for i := range task.Steps {
			got = append(got, strings.Join(strings.Fields(task.Steps[i].String()), " "))
		}
		if !slices.Equal(got, want[task.Path]) {
			t.Errorf("task %s: got\n%s\nwant\n%s", task.Path, strings.Join(got, "\n"), strings.Join(want[task.Path], "\n"))
		}
	}
	if len(s.Threads) != len(want) {
		t.Errorf("%d tasks, want %d", len(s.Threads), len(want))
	}
	for _, bad := range []string{"strace: odd\n", "1 <... read resumed>) = 0\n", "1 what is this\n"} {
		if _, err := ReadStrace(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// Our own events become the same steps as strace's text.
func TestRecorder(t *testing.T) {
	var r Recorder
	each(t, stream(trace.Syscall, func() {
		e := trace.EmitWait
		e(trace.Born, 0, 1, 0, 1)
		e(trace.Enter, unix.SYS_GETPID, 1)
		e(trace.Exit, unix.SYS_GETPID, 1, 1, 0, 2000)
		e(trace.Enter, unix.SYS_WRITE, 1, 1, 0, 0)
		e(trace.Exit, unix.SYS_WRITE, 1, 0, uint64(unix.EPIPE), 6000)
		e(trace.Enter, unix.SYS_EXIT_GROUP, 1, 3)
		e(trace.Died, 0, 1, 3<<8)
	}), func(e *Event) { r.Add(e) })
	kevlar := r.Steps()
	linux := readStrace(t, `9 getpid() = 9
9 write(1, NULL, 0) = -1 EPIPE (Broken pipe)
9 exit_group(3) = ?
9 +++ exited with 3 +++
`)
	if d := Compare(linux, kevlar); !d.Same || d.Steps != 4 {
		var w strings.Builder
		d.Write(&w)
		t.Errorf("of %d steps:\n%s", d.Steps, &w)
	}
}

// Two runs differ in much that no program minds.
func TestSame(t *testing.T) {
	d, text := compare(t, `87 execve("/bin/ls", ["ls"], 0x7ffd84c5acb0 /* 2 vars */) = 0
87 brk(NULL) = 0x2dd1b000
87 set_tid_address(0x2dd1b690) = 87
87 rseq(0x2dd1bce0, 0x20, 0, 0x53053053) = 0
87 openat(AT_FDCWD, "/proc/87/stat", O_RDONLY) = 3
87 newfstatat(3, "", {st_mode=S_IFDIR|0755, st_size=320, ...}, AT_EMPTY_PATH) = 0
87 getdents64(3, 0x20aff7f0 /* 16 entries */, 32768) = 392
87 newfstatat(AT_FDCWD, "/b", {st_mode=S_IFREG|0644, st_size=7, ...}, 0) = 0
87 newfstatat(AT_FDCWD, "/a", {st_mode=S_IFREG|0644, st_size=9, ...}, 0) = 0
87 getdents64(3, 0x20aff7f0 /* 0 entries */, 32768) = 0
87 futex(0x2dd1b690, FUTEX_WAKE_PRIVATE, 1) = 0
87 kill(87, SIGUSR1) = 0
87 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=87, si_uid=0} ---
87 rt_sigreturn({mask=[]}) = 0
87 ioctl(1, TIOCGWINSZ, 0x7ffdeadbeef0) = 0
87 write(1, "Nov 24 17:02 a\n", 15) = 15
`, `[pid     1] brk(NULL)                   = 0x13c5000
[pid     1] set_tid_address(0x13c5690)  = 1
[pid     1] rseq(0x13c5ce0, 32, 0, 0x53053053) = 0
[pid     1] openat(AT_FDCWD, "/proc/1/stat", O_RDONLY) = 3
[pid     1] newfstatat(3, "", {st_mode=S_IFDIR|0755, st_size=0, ...}, AT_EMPTY_PATH) = 0
[pid     1] getdents64(3, 0x20aff7f0 /* 15 entries */, 32768) = 380
[pid     1] newfstatat(AT_FDCWD, "/a", {st_mode=S_IFREG|0644, st_size=9, ...}, 0) = 0
[pid     1] newfstatat(AT_FDCWD, "/b", {st_mode=S_IFREG|0644, st_size=7, ...}, 0) = 0
[pid     1] getdents64(3, 0x20aff7f0 /* 0 entries */, 32768) = 0
[pid     1] kill(1, SIGUSR1)            = 0
[pid     1] --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---
[pid     1] rt_sigreturn()              = -1 EINTR (Interrupted system call)
[pid     1] ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0
[pid     1] write(1, "Nov 25 03:59 a\n", 15) = 15
`)
	if !d.Same || text != "the same on Linux and on Kevlar: 14 calls and signals\n" {
		t.Errorf("got\n%s", text)
	}
}

// What programs do mind is found.
func TestDifferent(t *testing.T) {
	for _, c := range [][2]string{
		{`read(0, "a", 1) = 1`, `read(0, "b", 1) = 1`},
		{`read(0, "a", 1) = 1`, `read(0, "", 1) = 0`},
		{`close(3) = 0`, `close(3) = -1 EBADF (Bad file descriptor)`},
		{`lseek(0, 0, SEEK_SET) = -1 ESPIPE (Illegal seek)`, `lseek(0, 0, SEEK_SET) = -1 EINVAL (Invalid argument)`},
		{`getdents64(3, 0x20aff7f0, 32768) = 392`, `getdents64(3, 0x20aff7f0, 32768) = 0`},
		{`fork() = 88`, `fork() = -1 EAGAIN (Resource temporarily unavailable)`},
		{`wait4(-1, NULL, 0, NULL) = 88`, `wait4(-1, NULL, WNOHANG, NULL) = 0`},
		{`mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f5631daf000`, `mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = -1 ENODEV (No such device)`},
		{`newfstatat(AT_FDCWD, "/a", {st_mode=S_IFREG|0644, st_size=9, ...}, 0) = 0`, `newfstatat(AT_FDCWD, "/a", {st_mode=S_IFREG|0600, st_size=9, ...}, 0) = 0`},
		{`--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---`, `--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER} ---`},
		{`+++ exited with 0 +++`, `+++ exited with 1 +++`},
	} {
		if d, _ := compare(t, "87 "+c[0]+"\n", "1 "+c[1]+"\n"); d.Same || d.Hunks != 1 {
			t.Errorf("%s and %s: %d differences", c[0], c[1], d.Hunks)
		}
	}
}

// A kernel that was broken on purpose (lseek on a pipe answers EINVAL) is explained on one screen, though much follows
// from it.
func TestBroken(t *testing.T) {
	before := `brk(NULL) = 0x2dd1b000
getuid() = 0
dup2(0, 3) = 3
rt_sigaction(SIGUSR1, {sa_handler=0x4165d0, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x416390}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0
lseek(0, 1, SEEK_CUR) = -1 `
	good := strings.Repeat(`read(0, "x", 1) = 1
write(1, "x", 1) = 1
`, 100)
	linux := before + "ESPIPE (Illegal seek)\n" + good + "exit_group(0) = ?\n+++ exited with 0 +++\n"
	kevlar := before + `EINVAL (Invalid argument)
write(2, "dd: standard input: Invalid argument\n", 37) = 37
exit_group(1) = ?
+++ exited with 1 +++
`
	with := func(text string, pid string) string {
		return pid + " " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+pid+" ") + "\n"
	}
	d, text := compare(t, with(linux, "87"), with(kevlar, "1"))
	if d.Same {
		t.Fatal("found nothing")
	}
	if n := strings.Count(text, "\n"); n > 40 {
		t.Errorf("%d lines are more than a screen:\n%s", n, text)
	}
	for _, want := range []string{"@@ task 1: -1 +1 @@\n", "\n dup2(0, 3)                              = 3\n",
		"\n-lseek(0, 1, SEEK_CUR)                   = -1 ESPIPE (Illegal seek)\n", "\n+lseek(0, 1, SEEK_CUR)                   = -1 EINVAL (Invalid argument)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A call more does not make all that follows different; the difference that was first in time is shown, of whatever task.
func TestAlign(t *testing.T) {
	d, text := compare(t, `9 fork() = 10
10 getuid() = 0
10 close(3) = 0
9 getpid() = 9
9 close(4) = 0
9 close(5) = 0
9 wait4(-1, NULL, 0, NULL) = 10
9 close(6) = 0
9 fork() = 12
12 close(7) = 0
`, `1 fork() = 2
1 getpid() = 1
1 close(4) = 0
1 close(5) = 0
1 close(99) = -1 EBADF (Bad file descriptor)
1 wait4(-1, NULL, 0, NULL) = 2
1 close(6) = 0
2 getuid() = 7
2 close(3) = 0
1 fork() = -1 ENOMEM (Cannot allocate memory)
`)
	want := `--- Linux
+++ Kevlar
@@ task 1.1: -1 +1 @@
-getuid()                                = 0
+getuid()                                = 7
 close(3)                                = 0
2 more differences, 0 of them before this
task 1.2 is only on Linux
`
	if text != want || d.Hunks != 3 {
		t.Errorf("%d differences, got\n%swant\n%s", d.Hunks, text, want)
	}
}

// TestCompareFocus sees that what is only about when children end is not shown first, and that another difference can be asked for.
func TestCompareFocus(t *testing.T) {
	linux, kevlar := "9 wait4(-1, NULL, 0, NULL) = 10\n", "9 wait4(-1, NULL, 0, NULL) = -1 ECHILD (No child processes)\n"
	same := "9 close(3) = 0\n9 close(4) = 0\n9 close(5) = 0\n"
	linux += same + "9 getuid() = 0\n" + same + "9 write(1, \"a\", 1) = 1\n"
	kevlar += same + "9 getuid() = 7\n" + same + "9 write(1, \"b\", 1) = 1\n"
	d, text := compare(t, linux, kevlar)
	if !strings.Contains(text, "+getuid() ") || strings.Contains(text, "ECHILD") || !strings.Contains(text, "2 more differences, 1 of them before this\n") {
		t.Errorf("the end of children is shown:\n%s", text)
	}
	for _, test := range []struct{ name, want string }{{"write", "+write(1, \"b\", 1)"}, {"open", "+write(1"}} {
		d.Focus(func(s *Step) bool { return s.Name == test.name })
		var b strings.Builder
		d.Write(&b)
		if !strings.Contains(b.String(), test.want) {
			t.Errorf("focus on %s:\n%s", test.name, b.String())
		}
	}
}
