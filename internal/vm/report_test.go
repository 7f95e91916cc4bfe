package vm

import (
	"testing"

	"kevlar/internal/vm/proto"
)

func TestReportFinder(t *testing.T) {
	log := "[    1.0] noise\r\n" + proto.ReportBegin + proto.PanicReport + " ========\r\npanic: x\r\n\r\ntask: sh\r\n" +
		proto.ReportEnd + " ========\r\nmore noise\r\n" + proto.ReportBegin + proto.WatchdogReport + " ========\nstuck\n" + proto.ReportEnd + "\n" +
		proto.ReportBegin + "cut off\nnever seen\n"
	want := []Report{{proto.PanicReport, "panic: x\n\ntask: sh\n"}, {proto.WatchdogReport, "stuck\n"}}
	for step := 1; step < len(log); step += 7 { // however the bytes come
		var got []Report
		f := &reportFinder{found: func(r Report) { got = append(got, r) }}
		for i := 0; i < len(log); i += step {
			f.Write([]byte(log[i:min(i+step, len(log))]))
		}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Fatalf("in pieces of %d bytes: %q, want %q", step, got, want)
		}
	}
}

func TestLastWords(t *testing.T) {
	for log, want := range map[string]string{
		"[    0.1] hello\nfatal error: sync: unlock of unlocked mutex\n\ngoroutine 1\n": "fatal error: sync: unlock of unlocked mutex\n\ngoroutine 1\n",
		"x\npanic: runtime error\n[signal SIGSEGV]\n":                                   "panic: runtime error\n[signal SIGSEGV]\n",
		"\nkernel: exception in kernel code what=0xd tid=0x1\n":                         "kernel: exception in kernel code what=0xd tid=0x1\n",
		"[    2.0] Kernel panic - not syncing\n":                                        "[    2.0] Kernel panic - not syncing\n",
		"kernel: profile: user=0x1\nkernel: virtio: no such queue\n":                    "",
		"a program says panic: at the disco\n":                                          "",
	} {
		if got := lastWords(log); got != want {
			t.Errorf("last words of %q are %q, want %q", log, got, want)
		}
	}
}
