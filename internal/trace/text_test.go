package trace

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/linux/syscalls"
	"kevlar/linux/trace"
	"kevlar/machine/sim"
)

// record runs a program on the machine in memory and returns its trace.
func record(t *testing.T, classes trace.Class, program func(u *sim.User)) []byte {
	t.Helper()
	var out bytes.Buffer
	start := time.Now()
	trace.Start(trace.Config{
		Out: &out, Now: func() time.Duration { return time.Since(start) }, CPU: func() int { return 0 }, CPUs: 1,
		Machine: trace.Machine{Arch: "x86_64", Release: "test", CPUs: 1}, Calls: syscalls.TraceTable(), Missing: syscalls.TraceMissing,
	}, classes)
	linuxtest.Run(t, program)
	trace.Stop()
	return out.Bytes()
}

// each calls f for all events of a trace.
func each(t *testing.T, stream []byte, f func(e *Event)) *Source {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSource(r)
	for {
		e, err := s.Next()
		if err == io.EOF {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		f(&e)
	}
}

func printed(t *testing.T, stream []byte, set func(p *Text), want func(e *Event) bool) string {
	t.Helper()
	var out strings.Builder
	p := NewText(&out)
	set(p)
	each(t, stream, func(e *Event) {
		if want(e) {
			p.Print(e)
		}
	})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func all(*Event) bool { return true }

// What programs do reads as strace writes it. Lines are regular expressions.
func TestText(t *testing.T) {
	stream := record(t, trace.Syscall|trace.Signals, func(u *sim.User) {
		fd := u.Must(unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp/a \"file\"\n", unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o640)
		u.Must(unix.SYS_WRITE, fd, strings.Repeat("0123456789", 5)+"\x01", 51)
		u.Must(unix.SYS_LSEEK, fd, 0, 0)
		u.Must(unix.SYS_READ, fd, make([]byte, 10), 10)
		u.Syscall(unix.SYS_OPENAT, unix.AT_FDCWD, "/none", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		u.Syscall(unix.SYS_CLOSE, 77)
		u.Syscall(unix.SYS_READ, fd, 16, 10) // an address where nothing is
		u.Must(unix.SYS_FCNTL, fd, unix.F_GETFD, 0)
		u.Must(unix.SYS_UMASK, 0o22)
		u.Syscall(999, 1, 2, 3)
		var set [8]byte
		set[0] = 1 << 1 // SIGINT
		u.Must(unix.SYS_RT_SIGPROCMASK, 0, set[:], 0, 8)
		u.Must(unix.SYS_MMAP, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, -1, 0)
		u.Must(unix.SYS_PIPE2, make([]byte, 8), unix.O_CLOEXEC)
		u.Must(unix.SYS_CLOSE, fd)
	})
	got := printed(t, stream, func(*Text) {}, all)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	for _, want := range []string{
		`openat\(AT_FDCWD, "/tmp/a \\"file\\"\\n", O_RDWR\|O_CREAT\|O_CLOEXEC, 0640\) = 0`,
		`write\(0, "01234567890123456789012345678901"\.\.\., 51\) = 51`,
		`lseek\(0, 0, SEEK_SET\) += 0`,
		`read\(0, "0123456789", 10\) += 10`,
		`openat\(AT_FDCWD, "/none", O_RDONLY\|O_DIRECTORY\) = -1 ENOENT \(No such file or directory\)`,
		`close\(77\) += -1 EBADF \(Bad file descriptor\)`,
		`read\(0, 0x10, 10\) += -1 EFAULT \(Bad address\)`,
		`fcntl\(0, F_GETFD\) += 0x1 \(flags FD_CLOEXEC\)`,
		`umask\(022\) += 0[0-7]*`,
		`syscall_0x3e7\(0x1, 0x2, 0x3, 0, 0, 0\) += -1 ENOSYS \(Function not implemented\)`,
		`rt_sigprocmask\(SIG_BLOCK, \[INT\], NULL, 8\) = 0`,
		`mmap\(NULL, 8192, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\) = 0x[0-9a-f]+`,
		`pipe2\(\[1, 2\], O_CLOEXEC\) += 0`,
		`close\(0\) += 0`,
		`exit_group\(0\) += \?`,
		`\+\+\+ exited with 0 \+\+\+`,
	} {
		re := regexp.MustCompile("^" + want + "$")
		found := false
		for i, l := range lines {
			if re.MatchString(l) {
				lines, found = lines[i+1:], true // in this order
				break
			}
		}
		if !found {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
}

// stream is a trace of what emit emits.
func stream(classes trace.Class, emit func()) []byte {
	var out bytes.Buffer
	now := time.Duration(0)
	trace.Start(trace.Config{
		Out: &out, Now: func() time.Duration { now += time.Microsecond; return now }, CPU: func() int { return 0 }, CPUs: 1,
		Machine: trace.Machine{Arch: "aarch64", CPUs: 1}, Calls: syscalls.TraceTable(),
	}, classes)
	emit()
	trace.Stop()
	return out.Bytes()
}

// Calls that others interrupt are ended where they end; without -f there is only the
// first process.
func TestUnfinished(t *testing.T) {
	got := stream(trace.Syscall, func() {
		e := trace.EmitWait
		e(trace.Born, 0, 1, 0, 1)
		e(trace.Enter, unix.SYS_GETPID, 1)
		e(trace.Born, 0, 2, 1, 2)
		e(trace.Exit, unix.SYS_GETPID, 1, 1, 0, 2000)
		e(trace.Enter, unix.SYS_READ, 2, 0, 0x1000, 3)
		e(trace.Enter, unix.SYS_WRITE, 1, 1, 0, 0)
		trace.EmitData(2, 1, trace.Returned, 3, []byte("abc"))
		e(trace.Exit, unix.SYS_READ, 2, 3, 0, 5000)
		e(trace.Exit, unix.SYS_WRITE, 1, 0, uint64(unix.EPIPE), 6000)
		e(trace.Died, 1, 2, 9)
		e(trace.Enter, unix.SYS_EXIT_GROUP, 1, 3)
	})
	follow := printed(t, got, func(p *Text) { p.Follow, p.Times = true, true }, all)
	want := `[pid     1] getpid()                                = 1 <0.000002>
[pid     2] read(0,  <unfinished ...>
[pid     1] write(1, NULL, 0 <unfinished ...>
[pid     2] <... read resumed>"abc", 3)             = 3 <0.000005>
[pid     1] <... write resumed>)                    = -1 EPIPE (Broken pipe) <0.000006>
[pid     2] +++ killed by SIGKILL +++
[pid     1] exit_group(3 <unfinished ...>
`
	if follow != want {
		t.Errorf("got\n%swant\n%s", follow, want)
	}
	first := printed(t, got, func(*Text) {}, all)
	want = `getpid()                                = 1
write(1, NULL, 0)                       = -1 EPIPE (Broken pipe)
exit_group(3 <unfinished ...>
`
	if first != want {
		t.Errorf("got\n%swant\n%s", first, want)
	}
}

// Filters choose calls, groups, errors and tasks.
func TestFilter(t *testing.T) {
	s := stream(trace.Syscall, func() {
		for i, e := range []unix.Errno{0, unix.ENOENT, unix.EACCES} {
			trace.EmitWait(trace.Named, 0, 1+i, uint64('a'+i))
			trace.EmitWait(trace.Enter, unix.SYS_OPENAT, 1+i, 0, 0, 0, 0)
			trace.EmitWait(trace.Exit, unix.SYS_OPENAT, 1+i, 0, uint64(e), 0)
			trace.EmitWait(trace.Enter, unix.SYS_CLOSE, 1+i, 0)
			trace.EmitWait(trace.Exit, unix.SYS_CLOSE, 1+i, 0, uint64(e), 0)
		}
	})
	for expr, want := range map[string]int{"openat": 3, "trace=openat,close": 6, "!openat": 3, "%file": 3, "%desc": 6, "%memory": 0, "error=ENOENT": 2, "error=ENOENT,EACCES": 4,
		"status=failed": 4, "status=successful": 2, "task=2": 2, "task=a,c": 4} {
		f := new(Filter)
		if err := f.Add(expr); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		n := 0
		each(t, s, func(e *Event) {
			if e.Code == trace.Exit && f.Wants(e) {
				n++
			}
		})
		if n != want {
			t.Errorf("%s: %d calls, want %d", expr, n, want)
		}
	}
	for class, want := range map[trace.Class]int{0: 15, trace.Syscall: 15, trace.Sched: 3} { // three are named, of no class
		n := 0
		each(t, s, func(e *Event) {
			if (&Filter{Classes: class}).Wants(e) {
				n++
			}
		})
		if n != want {
			t.Errorf("classes %v: %d events, want %d", class, n, want)
		}
	}
	for _, expr := range []string{"%nothing", "error=EWHAT", "status=odd", "frob=1"} {
		if err := new(Filter).Add(expr); err == nil {
			t.Errorf("%s is accepted", expr)
		}
	}
}

// A summary counts; JSON lines have what happened.
func TestSummaryAndJSON(t *testing.T) {
	s := stream(trace.Syscall|trace.Faults, func() {
		for i := range 3 {
			trace.EmitWait(trace.Enter, unix.SYS_CLOSE, 1, uint64(i))
			trace.EmitWait(trace.Exit, unix.SYS_CLOSE, 1, 0, uint64(i&1)*uint64(unix.EBADF), 2000)
		}
		trace.EmitWait(trace.Faulted, 0, 1, 0x1000, 1, 0, 3000)
	})
	var sum Summary
	var text, lines strings.Builder
	j := NewJSON(&lines)
	each(t, s, func(e *Event) {
		sum.Add(e)
		if err := j.Print(e); err != nil {
			t.Fatal(err)
		}
	})
	if err := sum.Write(&text); err != nil {
		t.Fatal(err)
	}
	if want := "100.00    0.000006           2           2         3         1 close\n"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, &text)
	}
	want := []string{`"event":"call","call":"close","args":["0"],"raw":[0],"result":0,"took":2000`, `"args":["1"],"raw":[1],"error":"EBADF","took":2000`,
		`"args":["2"]`, `"event":"fault","raw":[4096,1,0,3000],"text":"fault: write 0x1000, 3µs"`}
	got := strings.Split(strings.TrimSpace(lines.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines:\n%s", len(got), &lines)
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("line %s\n  has no %s", got[i], w)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a\x00": `"a\0"`, "\x001": `"\0001"`, "\x1b[m": `"\33[m"`, "ä": `"\303\244"`, "\"\\\n": `"\"\\\n"`} {
		if got := quote([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
