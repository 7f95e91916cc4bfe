// Package bench measures Kevlar against Linux: the same static programs on both kernels, in the same machine, boots
// interleaved, ratios of medians. The programs are those of the directory bench; the command line of `kevlar bench` and
// the reports are here. It shares the making of programs with package contracts (internal/cc).
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Unit is what a figure counts. Less is better in all of them.
type Unit string

const (
	NS           Unit = "ns"           // of an operation
	NSPerKiB     Unit = "ns/KiB"       // of what is transferred
	MS           Unit = "ms"           // of a boot
	KiB          Unit = "KiB"          // of memory
	Instructions Unit = "instructions" // of an operation, where they are counted instead of time
	PerKiB       Unit = "instructions/KiB"
)

var units = map[string]Unit{"NS": NS, "NS_KIB": NSPerKiB, "KIB": KiB}

// counted is the unit where instructions are counted instead of time.
func (u Unit) counted() Unit {
	switch u {
	case NS, MS:
		return Instructions
	case NSPerKiB:
		return PerKiB
	}
	return u
}

// A Row is one thing that is measured: a program, or a point on its curve.
type Row struct {
	Program string
	Arg     int // the point, 0 where there is no curve
	Unit    Unit
	What    string // one line for people
	CPUs    bool   // the point is a number of CPUs
	Part    string // of a distribution, one of parts; "" where there is none
}

// parts are what is told of a distribution, each a row: quantiles, the greatest, and the longest time for which the kernel
// stopped the world meanwhile.
var parts = []string{"p50", "p99", "p99.9", "max", pause}

// pause is the part that is Kevlar's only: the garbage collector's longest pause. Linux has none.
const pause = "gc_pause"

// ours tells whether the row has a figure on Kevlar only.
func (r Row) ours() bool { return r.Part == pause }

// Name is how reports and --run call the row.
func (r Row) Name() string {
	if r.Part != "" {
		return r.run() + "/" + r.Part
	}
	return r.run()
}

// run is what the first process calls the run of a program that gives the row its figure.
func (r Row) run() string {
	if r.Arg == 0 {
		return r.Program
	}
	return fmt.Sprintf("%s/%d", r.Program, r.Arg)
}

// Rows of the machine as a whole: no program measures them, the first process reports what it finds.
const (
	bootToInit  = "boot_to_init"
	wholeRun    = "whole_run"
	memoryIdle  = "memory_idle"
	memoryTaken = "memory_unavailable"
)

var bootRows = []Row{
	{Program: bootToInit, Unit: MS, What: "from the start of the machine to the first process"},
	{Program: wholeRun, Unit: MS, What: "from the start of the machine to its end, with a first process that ends it at once"},
	{Program: memoryIdle, Unit: KiB, What: "what the first process finds used of the machine's memory: all but MemFree"},
	{Program: memoryTaken, Unit: KiB, What: "what programs cannot have of the machine's memory: all but MemAvailable"},
}

// booted tells whether a row is of the machine as a whole.
func (r Row) booted() bool {
	return slices.ContainsFunc(bootRows, func(b Row) bool { return b.Program == r.Program })
}

var declaration = regexp.MustCompile(`(?m)^(BENCH|CURVE|CPUS|TAIL)\((\w+), (\w+), "([^"]*)"((?:, \d+)*)\)$`)

// Load lists what the sources in a directory declare, in their order, the machine's rows first.
func Load(dir string) ([]Row, error) {
	files, err := sources(dir)
	if err != nil {
		return nil, err
	}
	rows := slices.Clone(bootRows)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for _, m := range declaration.FindAllStringSubmatch(string(text), -1) {
			unit, ok := units[m[3]]
			if !ok {
				return nil, fmt.Errorf("%s: %s: unknown unit %s", f, m[2], m[3])
			}
			row := Row{Program: m[2], Unit: unit, What: m[4], CPUs: m[1] == "CPUS"}
			if m[1] == "TAIL" {
				for _, row.Part = range parts {
					rows = append(rows, row)
				}
				continue
			}
			points := []string{"0"}
			switch m[1] {
			case "CURVE":
				points = strings.Split(m[5], ", ")[1:]
			case "CPUS":
				points = []string{"1", "2", "4"}
			}
			for _, p := range points {
				if row.Arg, err = strconv.Atoi(p); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", f, m[2], err)
				}
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == len(bootRows) {
		return nil, fmt.Errorf("no benchmarks in %s", dir)
	}
	return rows, nil
}

// sources lists the C files of a directory.
func sources(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.c"))
	slices.Sort(files)
	return files, err
}
