package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// forks makes a shell start a program N times, one after the other, and wait for each.
func forks(n int) string {
	return fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/busybox true || exit 1; i=$((i+1)); done; echo $i", n)
}

// TestForks starts and waits for a thousand programs on one processor and on four.
func TestForks(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		for _, smp := range []string{"1", "4"} {
			kevlar(t, nil, g.args("--smp", smp, "--", "sh", "-c", forks(1000))...).expect(t, 0, "1000\n", "")
		}
	})
}

// onSoak runs a long test on each target: only when asked.
func onSoak(t *testing.T, test func(t *testing.T, g target)) {
	if !*soakFlag {
		t.Skip("long: asked for with -soak")
	}
	eachTarget(t, test)
}

// usage prints what of the kernel's own is in use.
const usage = "cat /proc/kevlar/usage; "

// TestStress forks, switches and fills memory on four processors, twenty times in a row, without a hang, a panic, or a
// frame or goroutine that does not come back.
func TestStress(t *testing.T) {
	const rounds, seconds = 20, 20
	stress := func(seconds int) string {
		return fmt.Sprintf("stress-ng --quiet --temp-path /tmp --fork 4 --switch 4 --vm 2 --vm-bytes 32M --timeout %ds || exit 1; ", seconds)
	}
	onSoak(t, func(t *testing.T, g target) {
		script := stress(3) + usage + fmt.Sprintf("i=0; while [ $i -lt %d ]; do ", rounds) + stress(seconds) + usage + "i=$((i+1)); done"
		r := kevlarWithin(t, rounds*seconds*3*time.Second, nil, nil,
			g.args("--smp", "4", "--memory", "1G", "--rootfs", withPackages(t, g, "stress-ng"), "--", "sh", "-c", script)...)
		noLeak(t, r, rounds+1)
	})
}

// TestManyForks goes on for long enough that what leaks is noticed.
func TestManyForks(t *testing.T) {
	onSoak(t, func(t *testing.T, g target) {
		r := kevlarWithin(t, 5*patience, nil, nil, g.args("--smp", "4", "--", "sh", "-c", forks(500)+"; "+usage+forks(5000)+"; "+usage)...)
		noLeak(t, r, 2)
	})
}

// noLeak compares the first and the last of n counts that a run printed.
func noLeak(t *testing.T, r result, n int) {
	t.Helper()
	frames, goroutines := counts(t, r.stdout, "frames"), counts(t, r.stdout, "goroutines")
	if r.status != 0 || len(frames) != n || len(goroutines) != n {
		t.Fatalf("status %d, output %q, errors %q", r.status, clip(r.stdout), clip(r.stderr))
	}
	// A page cache or a stack that one run kept and another does not is no leak; one of each per process would be thousands.
	const slack = 64
	if d := frames[n-1] - frames[0]; d > slack {
		t.Errorf("%d frames did not come back: %d", d, frames)
	}
	if d := goroutines[n-1] - goroutines[0]; d > 4 {
		t.Errorf("%d goroutines did not come back: %d", d, goroutines)
	}
	t.Logf("frames %d, goroutines %d", frames, goroutines)
}

// counts reads all values of a field of /proc/kevlar/usage.
func counts(t *testing.T, text, field string) (values []int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^`+field+` ([0-9]+)$`).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, n)
	}
	return values
}

// TestBootTime compares whole runs, from the command's start to its end, with Linux's in the same machine.
func TestBootTime(t *testing.T) {
	onSoak(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("the reference")
		}
		median := map[string]time.Duration{}
		times := map[string][]time.Duration{}
		linux := target{"linux", g.arch}
		for range 5 { // in turn, so that what else the host does meets both
			for _, k := range []target{g, linux} {
				start := time.Now()
				kevlar(t, nil, k.args("--", "true")...).expect(t, 0, "", "")
				times[k.kernel] = append(times[k.kernel], time.Since(start))
			}
		}
		for k, d := range times {
			slices.Sort(d)
			median[k] = d[len(d)/2]
		}
		ratio := median["kevlar"].Seconds() / median["linux"].Seconds()
		t.Logf("a run of true: Kevlar %v, Linux %v, ratio %.2f", median["kevlar"], median["linux"], ratio)
		if ratio > 0.2 {
			t.Errorf("a run on Kevlar takes %.2f of one on Linux: want at most a fifth; %v", ratio, strings.TrimSpace(fmt.Sprint(times)))
		}
	})
}
