package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench measures one row on both kernels, in instructions: the figures are no matter of the host's load.
func TestBench(t *testing.T) {
	if *soakFlag || !strings.Contains(*archFlag, "amd64") || !strings.Contains(*kernelFlag, "kevlar") {
		t.Skip("one short test on amd64")
	}
	dir := t.TempDir()
	jsonFile, page := filepath.Join(dir, "b.json"), filepath.Join(dir, "b.html")
	r := kevlar(t, nil, "bench", "--arch", "amd64", "--icount", "--rounds", "1", "--run", "^(getpid|memory_idle)$",
		"--kernel-image", filepath.Join(kernels, "kevlar-amd64.elf"), "--json", jsonFile, "--html", page)
	if r.status != 0 {
		t.Fatalf("status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	text, err := os.ReadFile(jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		Arch, Name, Unit     string
		SMP                  int
		Kevlar, Linux, Ratio float64
	}
	var report struct{ Results []result }
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 2 {
		t.Fatalf("%d results, want 2: %s", len(report.Results), text)
	}
	memory, getpid := report.Results[0], report.Results[1]
	if memory.Name != "memory_idle" || memory.Unit != "KiB" || memory.Kevlar < 1<<10 || memory.Linux < 1<<10 {
		t.Errorf("memory at idle: %+v", memory)
	}
	if getpid.Name != "getpid" || getpid.Unit != "instructions" || getpid.SMP != 1 || getpid.Arch != "amd64" {
		t.Errorf("getpid: %+v", getpid)
	}
	// A system call takes more than the instruction that makes it, and no program's worth of them.
	for _, v := range []float64{getpid.Kevlar, getpid.Linux} {
		if v < 20 || v > 20000 {
			t.Errorf("getpid: %v instructions", v)
		}
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "getpid") {
		t.Errorf("the page: %v, %.200q", err, html)
	}
}
