package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGDB attaches a debugger as the command says, stops in a system call, and looks around.
func TestGDB(t *testing.T) {
	if _, err := exec.LookPath("gdb-multiarch"); err != nil {
		t.Skip(err)
	}
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("it is Kevlar's goroutines that are looked at")
		}
		r := startRun(t, g, "--gdb", "--", "sh", "-c", "sh -c 'echo panic >/proc/kevlar/crash'; true")
		command := r.errors.next(t, "gdb-multiarch ")
		script := filepath.Join(t.TempDir(), "commands")
		// The kernel's code cannot be written to before the kernel is there: a breakpoint of the hardware's.
		if err := os.WriteFile(script, []byte(`set pagination off
hbreak kevlar/linux/diag.crashPanic
continue
backtrace
kevlar-tasks
kevlar-goroutines
kevlar-stack task 1
kill
`), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", command+" -batch -x "+script)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		matchLines(t, string(out), []string{
			`kevlar/linux/diag\.crashPanic \(\)`,
			`^#\d+ .* kevlar/linux/syscalls\.sysWrite `,
			`^ +1 +1  asleep +sh `,
			`^ +2 +2  awake +sh `,
			`^ +\d+ running +2 `,
			`^ +\d+ (chan receive|select) +1 +kevlar/linux/`,
			`^goroutine \d+:$`,
			`^  #\d+ +kevlar/linux/syscalls\.sysWait4 at `,
		})
		r.end(t)
	})
}
