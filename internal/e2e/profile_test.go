package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pprof is what go tool pprof says of a profile.
func pprof(t *testing.T, profile string) string {
	t.Helper()
	out, err := exec.Command("go", "tool", "pprof", "-top", profile).CombinedOutput()
	if err != nil {
		t.Errorf("go tool pprof %s: %v\n%s", profile, err, out)
	}
	return string(out)
}

// TestProfile has the kernel's profiles written at the end of a run, and served while it lasts.
func TestProfile(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("only Kevlar has Go's profiles")
		}
		prefix := filepath.Join(t.TempDir(), "p")
		const work = `i=0; while [ $i -lt 200 ]; do /bin/busybox true; i=$((i+1)); done; exit 7`
		kevlar(t, nil, g.args("--pprof", prefix, "--", "sh", "-c", work)...).expect(t, 7, "", "cpu.prof")
		for name, want := range map[string]string{
			"cpu": "kevlar/linux/task.(*Task).run", "heap": "kevlar/linux/", "goroutine": "kevlar/linux/diag.(*Diagnosis).Finish",
		} {
			if out := pprof(t, prefix+"."+name+".prof"); !strings.Contains(out, want) {
				t.Errorf("profile %s has no %s:\n%s", name, want, out)
			}
		}
		r := startRun(t, g, "--pprof", "127.0.0.1:0", "--", "sh", "-c", "echo ready; while :; do :; done")
		line := r.errors.next(t, "go tool pprof ")
		_, url, _ := strings.Cut(line, "http://")
		base, _, _ := strings.Cut(url, "/debug")
		r.awaitReady(t)
		if out := pprof(t, "http://"+base+"/debug/pprof/profile?seconds=1"); !strings.Contains(out, "kevlar/machine/") {
			t.Errorf("the profile does not know of the machine:\n%s", out)
		}
		r.end(t)
	})
}

// TestGoroutines asks the command for the goroutines of its kernel.
func TestGoroutines(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("only Kevlar has goroutines")
		}
		r := startRun(t, g, "--", "sh", "-c", "echo ready; while :; do :; done")
		r.awaitReady(t)
		if err := r.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		r.errors.next(t, "tasks:")
		r.errors.next(t, " R sh ")
		r.errors.next(t, `labels:{"task": "1"}`)
		r.errors.next(t, "kevlar/linux/task.(*Task).run")
		r.end(t)
	})
}

// A running is a run of the command that goes on.
type running struct {
	cmd    *exec.Cmd
	out    io.Reader
	errors *lines
}

// lines are a stream's, and what has been read of it.
type lines struct {
	in   *bufio.Scanner
	seen bytes.Buffer
}

// startRun starts a run that its program says to be ready of.
func startRun(t *testing.T, g target, args ...string) *running {
	t.Helper()
	r := &running{cmd: exec.CommandContext(t.Context(), program, g.args(append([]string{"--timeout", patience.String()}, args...)...)...)}
	var err error
	if r.out, err = r.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	errors, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.errors = &lines{in: bufio.NewScanner(errors)}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill() })
	return r
}

func (r *running) awaitReady(t *testing.T) {
	t.Helper()
	line := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(r.out, line); err != nil || string(line) != "ready\n" {
		t.Fatalf("output %q, %v", line, err)
	}
}

// next reads until a line has the text.
func (l *lines) next(t *testing.T, text string) string {
	t.Helper()
	for l.in.Scan() {
		fmt.Fprintln(&l.seen, l.in.Text())
		if strings.Contains(l.in.Text(), text) {
			return l.in.Text()
		}
	}
	t.Fatalf("no line has %q:\n%s", text, &l.seen)
	return ""
}

// end ends the run as a user would who has seen enough.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.cmd.Process.Signal(syscall.SIGTERM)
	go io.Copy(io.Discard, r.out)
	for r.errors.in.Scan() {
	}
	r.cmd.Wait()
}
