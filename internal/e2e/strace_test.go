package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStrace has Debian's strace show the system calls of a shell and of what it starts: it is
// told the same as on Linux.
func TestStrace(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("Linux is what it is compared with")
		}
		root := withPackages(t, g, "strace")
		const traced = `trap 'echo caught' USR1; /bin/busybox echo one; kill -USR1 $$; (exit 3); exec cat /none`
		run := func(g target) [][]string {
			r := kevlar(t, nil, g.args("--rootfs", root, "-e", "S="+traced, "--", "sh", "-c",
				`strace -f -o /tmp/calls /bin/sh -c "$S"; echo $?; cat /tmp/calls`)...)
			rest, ok := strings.CutPrefix(r.stdout, "one\ncaught\n1\n")
			if !ok || r.status != 0 {
				t.Fatalf("status %d, output %q, errors %q", r.status, clip(r.stdout), clip(r.stderr))
			}
			return straceProcesses(rest)
		}
		if diff := cmp.Diff(run(target{"linux", g.arch}), run(g)); diff != "" {
			t.Errorf("not as on Linux (-):\n%s", diff)
		}
	})
}

var (
	straceResumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
	straceVaries  = regexp.MustCompile(`0x[0-9a-f]{6,}|si_[us]time=\d+( /\*.*?\*/)?|"(\\x[0-9a-f]{2}){8}"|nodename=".*?"|\b\d+\b`)
)

// straceProcesses is what strace -f -o says of each process, in the order in which they come:
// one line for a call, without numbers and what else is not the same in two systems.
func straceProcesses(text string) (processes [][]string) {
	numbers := make(map[string]int)
	begun := make(map[int]string)
	for line := range strings.Lines(text) {
		pid, line, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, ok := numbers[pid]
		if !ok {
			id = len(processes)
			numbers[pid] = id
			processes = append(processes, nil)
		}
		line = straceVaries.ReplaceAllString(strings.TrimSpace(line), "...")
		if head, ok := strings.CutSuffix(line, "<unfinished ...>"); ok {
			begun[id] = strings.TrimSpace(head)
			continue
		}
		if m := straceResumed.FindString(line); m != "" {
			line = begun[id] + strings.TrimSpace(line[len(m):])
		}
		processes[id] = append(processes[id], strings.Join(strings.Fields(line), " "))
	}
	return processes
}
