package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPanic breaks the kernel in each way that /proc/kevlar/crash knows: the run ends, with a status of its own, and
// its report says what happened.
func TestPanic(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("it is Kevlar that has /proc/kevlar")
		}
		for _, test := range []struct {
			word   string
			script string // what else the program does
			stdout string
			stderr string
			report []string // expressions of lines in the report; nil where the kernel cannot know
		}{
			// The task dies, and the others go on: the panic shows in the status nevertheless.
			{"panic", "echo went on: $?", "went on: 137\n", "panic report: panic: assignment to entry in nil map", []string{
				`^panic: assignment to entry in nil map$`,
				`^task: +sh, process \d+, thread \d+, user 0, group 0$`,
				`^call: +write\(0x1, 0x[0-9a-f]+, 0x6, .*\), number \d+$`,
				`^kevlar/linux/diag\.crashPanic\(`,
				`^kevlar/linux/syscalls\.sysWrite\(`,
				`(?i)^ ?(rip|pc) [0-9a-f]{16} .*sp [0-9a-f]{16}`,
				`^kernel: Linux .*, go1\.\d+.*, build .+$`,
				`^memory: \d+ MiB; of \d+ frames for programs \d+ are used`,
				`^panics: 1$`,
			}},
			{"driver", "", "", "panic report: panic: runtime error: invalid memory address", []string{
				`^\[signal SIGSEGV: `, `^kevlar/linux/diag\.crashNil\(`, `^goroutine 1 .*\[`,
			}},
			{"throw", "", "", "panic report: fatal error: sync: unlock of unlocked mutex", []string{
				`^kevlar/linux/diag\.init\.func`, `^goroutine \d+ .*labels:\{"task": "\d+"\}`, `^kevlar/linux/syscalls\.sysWrite\(`,
			}},
			{"memory", "", "", "panic report: kernel: the Go heap found no free memory", []string{
				`^0x[0-9a-f]+ kevlar/linux/diag\.crashMemory$`, `^0x[0-9a-f]+ kevlar/linux/fs/pseudo\.\(\*open\)\.Write$`, `pseudo\.go:\d+$`,
			}},
			{"exit", "", "", "the machine ended without an exit status", nil},
		} {
			t.Run(test.word, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "report.txt")
				script := "sh -c 'echo " + test.word + " >/proc/kevlar/crash'\n" + test.script
				kevlar(t, nil, g.args("--memory", "96M", "--panic-report", file, "--", "sh", "-c", script)...).
					expect(t, 125, test.stdout, test.stderr)
				text, err := os.ReadFile(file)
				if test.report == nil && os.IsNotExist(err) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				matchLines(t, string(text), test.report)
			})
		}
	})
}

// TestWatchdog has tasks that are stuck in the kernel reported, and a CPU that nothing gets away from its task.
func TestWatchdog(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("it is Kevlar that has /proc/kevlar")
		}
		const limit = "--append=kevlar.watchdog=3"
		for _, test := range []struct {
			word    string
			args    []string
			status  int
			stderr  string
			reports int
			report  []string
		}{
			{"hang", []string{limit}, 3, "sh[2] runs in the kernel", 1, []string{
				`^call: +write\(0x1,`, `^goroutine \d+ \[run.*labels:\{"task": "2"\}`, `^kevlar/linux/diag\.crashHang\(`, `^kernel: Linux `,
			}},
			{"lock", []string{limit, "--smp=2"}, 3, "sh[2] waits in the kernel", 1, []string{
				`^goroutine \d+ \[sync\.Mutex\.Lock.*labels:\{"task": "2"\}`, `^kevlar/linux/diag\.crashLock\(`,
			}},
			// After a panic the lock may be one that the dead task had: nothing good comes any more.
			{"lock", []string{limit, "-e", "FIRST=panic"}, 125, "sh[3] waits in the kernel", 2, []string{
				`^panic: assignment to entry in nil map$`, `^kevlar/linux/diag\.crashLock\(`,
			}},
			// Without preemption by signals nothing else ever runs.
			{"hang", []string{limit, "--append=kevlar.godebug=asyncpreemptoff=1"}, 125, "a CPU works, and the Go scheduler does not", 1, []string{
				`^0x[0-9a-f]+ kevlar/linux/diag\.crashHang$`, `^0x[0-9a-f]+ kevlar/linux/syscalls\.sysWrite$`,
			}},
		} {
			file := filepath.Join(t.TempDir(), "report.txt")
			script := `[ -z "$FIRST" ] || sh -c 'echo $FIRST >/proc/kevlar/crash'; ` +
				"sh -c 'echo " + test.word + " >/proc/kevlar/crash' & until dmesg | grep -q watchdog:; do sleep 0.1; done; exit 3"
			r := kevlar(t, nil, g.args(append(test.args, "--panic-report", file, "--", "sh", "-c", script)...)...)
			r.expect(t, test.status, "", test.stderr)
			if n := strings.Count(r.stderr, "report: "); n != test.reports {
				t.Errorf("%d reports, want %d: %s", n, test.reports, r.stderr)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			matchLines(t, string(text), test.report)
		}
	})
}

// matchLines looks for a line that matches each of the expressions.
func matchLines(t *testing.T, text string, expressions []string) {
	t.Helper()
	for _, want := range expressions {
		if !regexp.MustCompile("(?m)" + want).MatchString(text) {
			t.Errorf("no line matches %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
