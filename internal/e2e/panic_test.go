package e2e

import (
	"os"
	"path/filepath"
	"regexp"
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
				`^0x[0-9a-f]+ kevlar/linux/fs/pseudo\.\(\*open\)\.Write$`, `pseudo\.go:\d+$`,
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
				for _, want := range test.report {
					if !regexp.MustCompile("(?m)" + want).Match(text) {
						t.Errorf("no line of the report matches %s", want)
					}
				}
				if t.Failed() {
					t.Log(string(text))
				}
			})
		}
	})
}
