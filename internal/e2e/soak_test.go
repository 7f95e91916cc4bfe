package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/internal/debian"
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

// stressNG is a root file system with BusyBox, Debian's stress-ng and its libraries.
func stressNG(t *testing.T, g target) string {
	t.Helper()
	root := tree(t, g.arch, nil)
	c, err := debian.Open(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	packages, err := c.Closure(t.Context(), g.arch, "stress-ng")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if out, err := exec.Command("cp", "-a", p.Root+"/.", root).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", p.Name, err, out)
		}
	}
	// What programs do not need would only have to be unpacked.
	for _, d := range []string{"usr/share", "var"} {
		if err := os.RemoveAll(filepath.Join(root, d)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestStress forks, switches and fills memory on four processors, twenty times in one boot and in as many boots, without a
// hang, a panic or memory that does not come back.
func TestStress(t *testing.T) {
	const stress = "stress-ng --quiet --temp-path /tmp --fork 4 --switch 4 --vm 2 --vm-bytes 32M --timeout %s"
	onSoak(t, func(t *testing.T, g target) {
		root := stressNG(t, g)
		args := func(script string) []string {
			return g.args("--smp", "4", "--memory", "1G", "--rootfs", root, "--", "sh", "-c", script)
		}
		for i := range 20 {
			r := kevlar(t, nil, args(fmt.Sprintf(stress, "20s")+" && echo done")...)
			if r.expect(t, 0, "done\n", ""); t.Failed() {
				t.Fatalf("run %d", i)
			}
		}
		free := "/bin/busybox grep -E 'MemFree|MemAvailable|Slab|KernelStack|PageTables' /proc/meminfo"
		once := fmt.Sprintf(stress, "3s")
		r := kevlar(t, nil, args(once+"; "+free+"; for i in 1 2 3 4 5 6 7 8; do "+once+"; done; "+free)...)
		kib := meminfo(t, r.stdout, "MemFree")
		if len(kib) != 2 {
			t.Fatalf("status %d, output %q, errors %q", r.status, r.stdout, r.stderr)
		}
		// What caches and the heap of the kernel keep settles with the first run.
		const slack = 16 << 10
		if kib[0]-kib[1] > slack {
			t.Errorf("free memory went from %d KiB to %d KiB\n%s", kib[0], kib[1], r.stdout)
		}
		t.Logf("free memory: %d KiB, then %d KiB", kib[0], kib[1])
	})
}

// meminfo reads all values of a field.
func meminfo(t *testing.T, text, field string) (kib []int) {
	t.Helper()
	for _, m := range regexp.MustCompile(field+`: +([0-9]+) kB`).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		kib = append(kib, n)
	}
	return kib
}

// TestManyForks goes on for long enough that what leaks is noticed.
func TestManyForks(t *testing.T) {
	onSoak(t, func(t *testing.T, g target) {
		const free = "grep MemFree /proc/meminfo; "
		r := kevlar(t, nil, g.args("--smp", "4", "--", "sh", "-c", forks(500)+"; "+free+forks(5000)+"; "+free)...)
		kib := meminfo(t, r.stdout, "MemFree")
		if r.status != 0 || len(kib) != 2 {
			t.Fatalf("status %d, output %q, errors %q", r.status, r.stdout, r.stderr)
		}
		const slack = 4 << 10
		if kib[0]-kib[1] > slack {
			t.Errorf("free memory went from %d KiB to %d KiB in 5000 forks", kib[0], kib[1])
		}
	})
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
		if ratio > 0.25 {
			t.Errorf("a run on Kevlar takes %.2f of one on Linux: want at most a quarter; %v", ratio, strings.TrimSpace(fmt.Sprint(times)))
		}
	})
}
