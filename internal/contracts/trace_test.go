package contracts

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	kernel "kevlar/linux/trace"
)

// record is a kernel's trace of an init (1) that forks and runs a contract (2), which forks in turn (3); 4 is none of its.
func record(t *testing.T, more func()) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	var now time.Duration
	kernel.Start(kernel.Config{
		Out: &out, Now: func() time.Duration { now++; return now }, CPU: func() int { return 0 }, CPUs: 1,
		Machine: kernel.Machine{Arch: "amd64", CPUs: 1},
		Calls: []kernel.Call{
			{Number: 59, Name: "execve", Args: []kernel.Kind{kernel.Path, kernel.Hex, kernel.Hex}},
			{Number: 57, Name: "fork"}, {Number: 39, Name: "getpid"},
			{Number: 3, Name: "close", Args: []kernel.Kind{kernel.FD}},
		},
	}, kernel.Syscall)
	call := func(task int, number uint16, result uint64, args ...uint64) {
		kernel.Emit(kernel.Enter, number, task, append(args, 0, 0, 0, 0)[:4]...)
		kernel.Emit(kernel.Exit, number, task, result, 0, 0)
	}
	exec := func(task int, path string) {
		kernel.EmitData(task, 0, 0, len(path), []byte(path))
		call(task, 59, 0)
	}
	born := func(parent, child int) {
		call(parent, 57, uint64(child))
		kernel.Emit(kernel.Born, 0, child, uint64(parent), uint64(child))
	}
	exec(1, "/init")
	born(1, 4)
	call(4, 39, 4)
	born(1, 2)
	call(2, 39, 2)
	exec(2, "/contracts/fd/a")
	call(2, 3, 0, 7)
	born(2, 3)
	call(3, 3, 0, 8)
	call(1, 3, 0, 9)
	if more != nil {
		more()
	}
	kernel.Stop()
	return &out
}

func TestReadTrace(t *testing.T) {
	got := readTrace(record(t, nil), "/contracts/fd/a")
	text := got.String()
	for _, want := range []string{`[pid     2] execve("/contracts/fd/a"`, "[pid     2] close(7)", "[pid     3] close(8)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the trace lacks %q:\n%s", want, text)
		}
	}
	for _, other := range []string{"[pid     1]", "[pid     4]", "getpid"} {
		if strings.Contains(text, other) {
			t.Errorf("%q is not the contract's:\n%s", other, text)
		}
	}
	if got.err != nil || got.steps == nil || len(got.steps.Threads) != 2 {
		t.Errorf("error %v, steps %+v", got.err, got.steps)
	}
}

// TestReadTraceCut reads what a machine that ended in the middle left.
func TestReadTraceCut(t *testing.T) {
	whole := record(t, nil).Bytes()
	for n := range whole {
		readTrace(bytes.NewReader(whole[:n]), "/contracts/fd/a") // must not hang or panic
	}
	if got := readTrace(strings.NewReader("nonsense"), "/contracts/fd/a"); got.err == nil {
		t.Error("nonsense is a trace")
	}
}

func TestDiffers(t *testing.T) {
	kevlar := readTrace(record(t, nil), "/contracts/fd/a")
	same := "10 execve(\"/contracts/fd/a\", 0x7ffd00000010, 0x7ffd00000020) = 0\n10 close(7) = 0\n10 fork() = 11\n11 close(8) = 0\n"
	if got := differs(readStrace(same), kevlar); !strings.HasPrefix(got, "the same ") {
		t.Errorf("the same: %s", got)
	}
	other := strings.Replace(same, "close(8) = 0", "close(8) = -1 EBADF (Bad file descriptor)", 1) + "11 +++ exit" // killed in the middle
	if got := differs(readStrace(other), kevlar); !strings.Contains(got, "-close(8)") || !strings.Contains(got, "EBADF") || !strings.Contains(got, "+close(8)") {
		t.Errorf("another result: %s", got)
	}
	for _, broken := range []*trace{nil, readStrace("no strace\n"), readStrace(""), readStrace(strings.Repeat("10 close(1) = 0\n", maxSteps+1))} {
		if got := differs(broken, kevlar); !strings.HasPrefix(got, "not compared: ") {
			t.Errorf("without a trace of Linux: %s", got)
		}
	}
}

func TestClipped(t *testing.T) {
	var c clipped
	var all strings.Builder
	for i := range 20000 {
		line := fmt.Sprintf("line %d\n", i)
		c.WriteString(line)
		all.WriteString(line)
		if i == 100 && c.String() != all.String() {
			t.Fatalf("what fits is not kept whole: %q", c.String())
		}
	}
	text := c.String()
	head, tail, ok := strings.Cut(text, "... ")
	if !ok || !strings.HasPrefix(all.String(), head) || !strings.HasSuffix(head, "\n") || len(head) < clipSize/2 {
		t.Errorf("the beginning: %q", text[:min(len(text), 200)])
	}
	var lost int
	fmt.Sscanf(tail, "%d bytes", &lost)
	_, tail, _ = strings.Cut(tail, "\n")
	if !strings.HasSuffix(all.String(), "\n"+tail) || len(tail) < clipSize/2 || len(head)+lost+len(tail) != all.Len() {
		t.Errorf("%d bytes and %d, %d left out, of %d", len(head), len(tail), lost, all.Len())
	}
}
