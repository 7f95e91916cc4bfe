package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/internal/arch"
)

// screenful is how many lines an explanation may take.
const screenful = 40

// TestDiffLinux runs a program that answers differently on the two kernels, since only one of them is Kevlar.
func TestDiffLinux(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("compares Kevlar with Linux")
		}
		args := g.args("--diff-linux", "--", "/bin/busybox", "readlink", "-f", "/proc/kevlar")
		args[0] = "trace"
		r := kevlar(t, nil, args...)
		if r.status != 1 {
			t.Errorf("status %d, want 1; errors %q", r.status, clip(r.stderr))
		}
		matchLines(t, r.stdout, []string{
			`^--- Linux$`, `^\+\+\+ Kevlar$`, `^@@ task 1: `,
			`^-.*"/proc/kevlar".* = -1 ENOENT \(No such file or directory\)$`, `^\+.*"/proc/kevlar".* = `,
		})
		if n := strings.Count(r.stdout, "\n"); n > screenful {
			t.Errorf("%d lines are more than a screen:\n%s", n, r.stdout)
		}
	})
}

// TestContractsExplained runs contracts that are red on purpose: one gets another answer than Linux's, one hangs.
func TestContractsExplained(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" || g.arch != arch.AMD64 && strings.Contains(*archFlag, string(arch.AMD64)) {
			t.Skip("compares Kevlar with Linux, on one architecture")
		}
		dir := t.TempDir()
		lib, err := filepath.Abs("../../contracts/lib")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(lib, filepath.Join(dir, "lib")); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"t/differs.c":      "#include \"contract.h\"\nint main(void) { CALL(\"look\", access(\"/proc/kevlar\", F_OK)); }\n",
			"t/differs.expect": "look: ENOENT\n[exit 0]\n",
			"t/hangs.c":        "// timeout: 1\n#include \"contract.h\"\nint main(void) { FACT(\"before\"); pause(); }\n",
			"t/hangs.expect":   "before\n[exit 0]\n",
		} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		page := filepath.Join(dir, "page.html")
		r := kevlar(t, nil, "contracts", "--arch", string(g.arch), "--dir", dir, "--html", page, "-j1")
		if r.status != 1 {
			t.Errorf("status %d, want 1; errors %q", r.status, clip(r.stderr))
		}
		matchLines(t, r.stdout, []string{
			`DIVERGE .* t/differs$`, `^\t-look: ENOENT$`, `^\t\+look: 0$`,
			`FAIL .* t/hangs$`, `^\t\+\[timeout 1\]$`,
			`^\t-.*access.*"/proc/kevlar".* = -1 ENOENT`, `^\t\+.*access.*"/proc/kevlar".* = 0$`,
			`tasks when its time was over`, `\bS hangs +last call (pause|ppoll)\(`,
			`the end of the trace`, `\] (pause|ppoll)\(.* = \?`,
		})
		if n := strings.Count(r.stdout, "\n"); n > 2*screenful {
			t.Errorf("%d lines are more than a screen for each:\n%s", n, r.stdout)
		}
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"where it leaves Linux", "goroutine 1 [", "execve(&#34;/contracts/t/differs&#34;"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("the page has no %q", want)
			}
		}
	})
}
