package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kevlar/internal/arch"
)

var (
	archFlag   = flag.String("arch", "arm64,amd64", "architectures to test")
	kernelFlag = flag.String("kernel", "kevlar", "kernels to test: kevlar, linux")
	soakFlag   = flag.Bool("soak", false, "run the long tests, and only these")
)

// program is the path of the kevlar command, kernels a directory of kernels.
var program, kernels string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("skipping: boots virtual machines")
		return
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "kevlar-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "kevlar")
		if out, err := exec.Command("go", "build", "-o", program, "kevlar/cmd/kevlar").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		// The kernels are built once: what a run does on its own is TestRun's.
		kernels = filepath.Join(dir, "kernels")
		if out, err := exec.Command(program, "build", "-o", kernels).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "kevlar build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// A target is a kernel on an architecture.
type target struct {
	kernel string
	arch   arch.Arch
}

// args are the arguments of a run on the target.
func (g target) args(more ...string) []string {
	args := []string{"run", "--kernel", g.kernel, "--arch", string(g.arch)}
	if g.kernel == "kevlar" {
		file := map[arch.Arch]string{arch.AMD64: "kevlar-amd64.elf", arch.ARM64: "kevlar-arm64.Image"}[g.arch]
		args = append(args, "--image", filepath.Join(kernels, file))
	}
	return append(args, more...)
}

// onTargets runs a test on each target that the flags name.
func onTargets(t *testing.T, test func(t *testing.T, g target)) {
	if *soakFlag {
		t.Skip("one of the short tests")
	}
	eachTarget(t, test)
}

func eachTarget(t *testing.T, test func(t *testing.T, g target)) {
	for _, kernel := range strings.Split(*kernelFlag, ",") {
		for _, name := range strings.Split(*archFlag, ",") {
			a, err := arch.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(kernel+"/"+string(a), func(t *testing.T) { test(t, target{kernel, a}) })
		}
	}
}

// A result is what a run of the command came to.
type result struct {
	status         int
	stdout, stderr string
}

// patience is how long a run may take before it counts as hung: a busy host emulates slowly.
const patience = 2 * time.Minute

// kevlar runs the command with an input and waits for its end.
func kevlar(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	return kevlarEnv(t, stdin, nil, args...)
}

func kevlarEnv(t *testing.T, stdin io.Reader, env []string, args ...string) result {
	t.Helper()
	return kevlarWithin(t, patience, stdin, env, args...)
}

func kevlarWithin(t *testing.T, patience time.Duration, stdin io.Reader, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("kevlar %q: %v\n%s", args, err, &stderr)
	}
	if ctx.Err() != nil {
		t.Fatalf("kevlar %q: hung for %v\noutput: %q\nerrors: %s", args, patience, clip(stdout.String()), clip(stderr.String()))
	}
	t.Logf("kevlar %s: status %d, %v", strings.Join(args, " "), cmd.ProcessState.ExitCode(), time.Since(start).Round(time.Millisecond))
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// expect compares a result; the errors must have the text.
func (r result) expect(t *testing.T, status int, stdout, stderr string) {
	t.Helper()
	if r.status != status || r.stdout != stdout || !strings.Contains(r.stderr, stderr) {
		t.Errorf("status %d, want %d\noutput %q\n  want %q\nerrors %q\n  want %q", r.status, status, clip(r.stdout), stdout, clip(r.stderr), stderr)
	}
}

// clip shortens what a test shows.
func clip(s string) string {
	const most = 4000
	if len(s) > most {
		return s[:most/2] + " ... " + s[len(s)-most/2:]
	}
	return s
}
