package vm

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kevlar/internal/arch"
)

func TestQuoteWord(t *testing.T) {
	for in, want := range map[string]string{
		"init=/bin/sh": "init=/bin/sh", "": `""`, "echo hi": `"echo hi"`, `a"b\c`: `"a\"b\\c"`,
	} {
		if got := quoteWord(in); got != want {
			t.Errorf("quoteWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{"64M": 64 << 20, "1g": 1 << 30, "1GiB": 1 << 30, "256": 256 << 20, "67108864": 64 << 20, "2048K": 2 << 20} {
		if got, err := ParseSize(in); got != want || err != nil {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "M", "-1M", "1T", "1Mx", "99999999999G"} {
		if n, err := ParseSize(in); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", in, n)
		}
	}
}

func TestKevlarCommandLine(t *testing.T) {
	c := Config{Arch: arch.ARM64, Command: []string{"/bin/sh", "-c", "exit 3"}, Dir: "/tmp", Env: []string{"A=b c"}, Hostname: "h"}
	want := `console=ttyAMA0 panic=-1 quiet kevlar.cwd=/tmp kevlar.hostname=h "A=b c" init=/bin/sh -- -c "exit 3"`
	if got := c.kevlarCommandLine(false); got != want {
		t.Errorf("command line\n%s\nwant\n%s", got, want)
	}
}

func TestTail(t *testing.T) {
	var b tail
	for range 5 {
		b.Write(bytes.Repeat([]byte("x"), tailSize))
	}
	b.Write([]byte("end\r\n"))
	if s := b.String(); len(s) > 2*tailSize || !strings.HasSuffix(s, "xend\n") {
		t.Errorf("tail keeps %d bytes", len(s))
	}
}

// TestLinux runs programs on Debian's kernel, as the reference for everything that
// Kevlar does.
func TestLinux(t *testing.T) {
	if testing.Short() {
		t.Skip("boots virtual machines")
	}
	for _, a := range arch.All {
		t.Run(string(a), func(t *testing.T) {
			if _, err := exec.LookPath(a.QEMU()); err != nil {
				t.Skip(err)
			}
			run := func(stdin string, c Config) (Result, string, string) {
				t.Helper()
				var stdout, stderr bytes.Buffer
				c.Arch, c.Kernel, c.Stdin, c.Stdout, c.Stderr = a, Linux, strings.NewReader(stdin), &stdout, &stderr
				c.Progress = t.Output()
				if c.Timeout == 0 {
					c.Timeout = time.Minute
				}
				r, err := Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if s := r.Explain(); s != "" && c.Timeout >= time.Minute {
					t.Error(s, r.Log)
				}
				t.Logf("%v: status %d in %v", c.Command, r.Status, r.Elapsed)
				return r, stdout.String(), stderr.String()
			}

			r, out, errs := run("", Config{Command: []string{"/bin/busybox", "sh", "-c", "uname -sm; echo $((6*7)) | cat; (exit 3); echo $?; echo err >&2; exit 42"}})
			if want := "Linux " + a.Machine() + "\n42\n3\n"; r.Status != 42 || out != want || errs != "err\n" {
				t.Errorf("status %d, output %q, errors %q; want 42, %q, err", r.Status, out, errs, want)
			}

			input := strings.Repeat("a line of input\n", 10000)
			r, out, _ = run(input, Config{Command: []string{"cat"}, CPUs: 2})
			if r.Status != 0 || out != input {
				t.Errorf("cat: status %d, %d of %d bytes", r.Status, len(out), len(input))
			}

			r, out, _ = run("", Config{
				Command: []string{"sh", "-c", "id -u; pwd; echo $A; hostname; kill -9 $$"},
				User:    "user", Dir: "/tmp", Env: []string{"A=b c"}, Hostname: "guest",
			})
			if want := "1000\n/tmp\nb c\nguest\n"; r.Status != 128+9 || out != want {
				t.Errorf("status %d, output %q; want 137, %q", r.Status, out, want)
			}

			if r, _, errs = run("", Config{Command: []string{"/no/such/program"}}); r.Status != 127 || !strings.Contains(errs, "/no/such/program") {
				t.Errorf("absent program: status %d, errors %q", r.Status, errs)
			}
			if r, _, errs = run("", Config{Command: []string{"/etc/passwd"}}); r.Status != 126 || !strings.Contains(errs, "/etc/passwd") {
				t.Errorf("not a program: status %d, errors %q", r.Status, errs)
			}
			if r, _, _ = run("", Config{Command: []string{"sleep", "1000"}, Timeout: 5 * time.Second}); r.Status != 124 || r.Outcome != TimedOut {
				t.Errorf("timeout: status %d, outcome %d", r.Status, r.Outcome)
			}
		})
	}
}
