package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/internal/arch"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]event{
		"@kb begin tasks/10\r\n":                       {kind: "begin", name: "tasks/10"},
		"@kb end getpid ok 101.5 103.25\r\n":           {kind: "ok", name: "getpid", least: 101.5, median: 103.25},
		"@kb end stat fail no such file (status 0)\n":  {kind: "fail", name: "stat", reason: "no such file (status 0)"},
		"@kb boot 123456 20480 30000\n":                {kind: "boot", counter: 123456, memory: 20480, unavailable: 30000},
		"[    1.5] a driver's words@kb begin getpid\n": {kind: "begin", name: "getpid"},
		"@kb end trip tail 5 9 12 40 -1\n":             {kind: "tail", name: "trip", tail: [5]float64{5, 9, 12, 40, -1}},
		"@kb done\n":                                   {kind: "done"},
	} {
		if got, ok := parse(line); !ok || got != want {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "\n", "@kb end getpid ok 1", "@kb end getpid ok 1\n", "@kb end trip tail 5 9\n", "@kb \n", "[    0.0] Linux\n"} {
		if got, ok := parse(line); ok {
			t.Errorf("%q is no report, but read as %+v", line, got)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	text := `// BENCH(comment, NS, "not at the beginning")
BENCH(one, NS, "first")
{
}

CURVE(two, KIB, "second", 10, 2000)
{
}

CPUS(three, NS_KIB, "third")

TAIL(four, NS, "fourth")
`
	if err := os.WriteFile(filepath.Join(dir, "a.c"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	rows, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := append(slices.Clone(bootRows), Row{Program: "one", Unit: NS, What: "first"}, Row{Program: "two", Arg: 10, Unit: KiB, What: "second"}, Row{Program: "two", Arg: 2000, Unit: KiB, What: "second"},
		Row{"three", 1, NSPerKiB, "third", true, ""}, Row{"three", 2, NSPerKiB, "third", true, ""}, Row{"three", 4, NSPerKiB, "third", true, ""})
	for _, p := range []string{"p50", "p99", "p99.9", "max", "gc_pause"} {
		want = append(want, Row{Program: "four", Unit: NS, What: "fourth", Part: p})
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory without benchmarks loads")
	}
}

// TestDeclared sees that what the programs declare, in whatever way it is written, is what the command finds.
func TestDeclared(t *testing.T) {
	rows, err := Load("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	names := map[string]bool{}
	for _, r := range rows {
		found[r.Program] = true
		if names[r.Name()] {
			t.Errorf("two rows are called %s", r.Name())
		}
		names[r.Name()] = true
	}
	files, err := sources("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*(?:BENCH|CURVE|CPUS|TAIL)\s*\(\s*(\w+)`).FindAllSubmatch(text, -1) {
			if !found[string(m[1])] {
				t.Errorf("%s: %s is written so that the command does not find it", f, m[1])
			}
		}
	}
}

// TestComplete sees that everything is there by which kernels are usually compared, and each curve from end to end.
func TestComplete(t *testing.T) {
	rows, err := Load("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, r := range rows {
		have[r.Name()] = true
	}
	want := strings.Fields(`boot_to_init whole_run memory_idle memory_per_task
		getpid gettid clock_gettime read_null write_null read_zero pread writev lseek fcntl_getfl dup_close open_close stat fstat
		statx access readlink getcwd uname getpriority sched_yield sigaction sigprocmask signal_delivery getrlimit prlimit64
		setsockopt flock fcntl_lock file_create_delete eventfd epoll_wait pipe pipe_pingpong socketpair unix_latency
		unix_bandwidth tcp_latency tcp_bandwidth futex_wake pthread_create_join mmap_munmap mmap_fault mprotect brk fork_exit
		fork_exec exec_true shell_noop pipe_grep sed_pipeline sort_uniq tar_extract find_tree gzip dd
		context_switch/2 context_switch/16 context_switch/64 tasks/10 tasks/10000 epoll_descriptors/10 epoll_descriptors/10000
		directory_entries/10 directory_entries/100000 mappings/1 mappings/60000
		round_trip/p99.9 round_trip_loaded/p99.9 round_trip_loaded/gc_pause`)
	for _, p := range []string{"calls", "faults", "pipes", "opens", "futexes"} {
		want = append(want, "parallel_"+p+"/1", "parallel_"+p+"/2", "parallel_"+p+"/4")
	}
	for _, name := range want {
		if !have[name] {
			t.Errorf("there is no row %s", name)
		}
	}
}

// A fakeKernel has a cost for each row, and rows that fail.
type fakeKernel struct {
	cost   map[string]float64
	broken map[string]string
	asked  [][]string
}

func (f *fakeKernel) measure(ctx context.Context, rows []Row, running func(Row), figure func(Row, float64), failed func(Row, string)) error {
	var names []string
	for _, r := range rows {
		names = append(names, r.Name())
		running(r)
		if why := f.broken[r.Name()]; why != "" {
			failed(r, why)
		} else {
			figure(r, f.cost[r.Name()]*float64(1+len(f.asked)))
		}
	}
	f.asked = append(f.asked, names)
	return nil
}

var testRows = []Row{{Program: "quick", Unit: NS}, {Program: "hangs", Unit: NS}, {Program: "grows", Arg: 10, Unit: NS, What: "it <grows>"}, {Program: "grows", Arg: 1000, Unit: NS, What: "it <grows>"}}

func testReport(t *testing.T, out io.Writer) (*Report, *fakeKernel) {
	t.Helper()
	kevlar := &fakeKernel{cost: map[string]float64{"quick": 50, "grows/10": 20, "grows/1000": 300}, broken: map[string]string{"hangs": "nothing was heard\nPC=0"}}
	linux := &fakeKernel{cost: map[string]float64{"quick": 100, "hangs": 7, "grows/10": 20, "grows/1000": 100}}
	s := &series{arch: arch.AMD64, cpus: 4, rows: testRows, rounds: 3, guests: map[Kernel]measurer{Kevlar: kevlar, Linux: linux}, show: newTable(out, false)}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	r.condition(arch.AMD64, 4, "6.1", &Options{Rounds: 3})
	r.add(s)
	return r, kevlar
}

func TestSeries(t *testing.T) {
	var out bytes.Buffer
	r, kevlar := testReport(t, &out)
	var got []string
	for _, res := range r.Results {
		got = append(got, res.Name)
	}
	if d := cmp.Diff([]string{"quick", "grows/10", "grows/1000"}, got); d != "" {
		t.Error(d)
	}
	if q := r.Results[0]; q.Kevlar != 100 || q.Linux != 200 || q.Ratio != 0.5 || q.Spread != 0.5 {
		t.Errorf("rounds of 50, 100, 150 and of 100, 200, 300: %+v", q)
	}
	if len(r.Failures) != 1 || r.Failures[0].Name != "hangs" || r.Failures[0].Kernel != Kevlar {
		t.Errorf("failures: %+v", r.Failures)
	}
	if d := cmp.Diff([]string{"quick", "grows/10", "grows/1000"}, kevlar.asked[1]); d != "" {
		t.Errorf("the second round, after a row failed: %s", d)
	}
	for _, want := range []string{"hangs", "failed on kevlar: nothing was heard", "quick", " 0.50 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
}

// TestTail: the parts of a distribution are rows, made by one run; that which only Kevlar has stands alone.
func TestTail(t *testing.T) {
	rows := []Row{{Program: "before", Unit: NS}}
	for _, p := range parts {
		rows = append(rows, Row{Program: "trip", Unit: NS, Part: p})
	}
	runs := byRun(rows)
	if want := "sample 20\nlimit 60\nrun before 0\nrun trip 0\n"; list(limits{sample: 20, row: 60}, runs) != want {
		t.Errorf("the list of %d rows: %q, want %q", len(rows), list(limits{sample: 20, row: 60}, runs), want)
	}
	answer := func(last float64) *fakeKernel {
		e := event{kind: "tail", tail: [5]float64{10, 20, 30, 40, last}}
		cost := map[string]float64{"before": 1}
		for _, r := range runs[1] {
			cost[r.Name()] = e.value(r)
		}
		return &fakeKernel{cost: cost}
	}
	var out bytes.Buffer
	s := &series{arch: arch.AMD64, cpus: 1, rows: rows, rounds: 1, guests: map[Kernel]measurer{Kevlar: answer(25), Linux: answer(-1)}, show: newTable(&out, false)}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	r.add(s)
	last := r.Results[len(r.Results)-1]
	if len(r.Results) != 6 || last.Name != "trip/gc_pause" || last.Kevlar != 25 || last.Linux != 0 || last.Ratio != 0 {
		t.Errorf("results %+v: want all rows, and the pause without Linux's", r.Results)
	}
	if g := r.groups()[0].Geomean(); !near(g, 1) {
		t.Errorf("the mean of equal rows and one that has nothing to compare is %v", g)
	}
	if !regexp.MustCompile(`(?m)^trip/gc_pause +25.0 +- ns +- `).MatchString(out.String()) {
		t.Errorf("the table:\n%s", &out)
	}
	if err := r.JSON(io.Discard); err != nil {
		t.Error(err)
	}
}

func TestJSON(t *testing.T) {
	r, _ := testReport(t, io.Discard)
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct{ Results []map[string]any }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"arch": "amd64", "name": "grows/1000", "smp": 4.0, "unit": "ns", "kevlar": 600.0, "linux": 200.0, "ratio": 3.0, "spread": 0.5}
	if d := cmp.Diff(want, got.Results[2]); d != "" {
		t.Error(d)
	}
	b.Reset()
	if err := (&Report{}).JSON(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"results": []`) {
		t.Errorf("a report of nothing: %s", &b)
	}
}

func TestText(t *testing.T) {
	r, _ := testReport(t, io.Discard)
	var b bytes.Buffer
	r.Text(&b)
	want := `amd64, 4 CPU: geometric mean 1.14 of 3 rows
    3.00  grows/1000
1 without a figure:
    amd64, 4 CPU, on kevlar: hangs: nothing was heard
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestHTML(t *testing.T) {
	r, _ := testReport(t, io.Discard)
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"amd64, 4 CPU: geometric mean 1.14", `class="fast">0.50`, `class="slow">3.00`, "it &lt;grows&gt;", "PC=0", "Debian&#39;s 6.1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(text, "http://") || strings.Contains(text, "https://") {
		t.Error("the page asks for something from elsewhere")
	}
	svg := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1)
	if len(svg) != 1 {
		t.Fatalf("%d plots, want one of the curve", len(svg))
	}
	d := xml.NewDecoder(strings.NewReader(svg[0]))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, svg[0])
		}
	}
	lines := regexp.MustCompile(`<polyline points="([^"]*)"`).FindAllStringSubmatch(svg[0], -1)
	if len(lines) != 2 || len(strings.Fields(lines[0][1])) != 2 {
		t.Errorf("lines %q: want one of two points for each kernel", lines)
	}
}

func TestPlotScale(t *testing.T) {
	s := logScale([]float64{30, 400}, 0, 100, false)
	for v, want := range map[float64]float64{10: 0, 100: 50, 1000: 100} {
		if got := s.at(v); !near(got, want) {
			t.Errorf("%v is at %v, want %v", v, got, want)
		}
	}
	one := logScale([]float64{10, 10}, 0, 100, true)
	if got := one.at(10); got != 0 {
		t.Errorf("a scale of one value has it at %v", got)
	}
}

func TestMatching(t *testing.T) {
	rows := append(slices.Clone(bootRows), Row{Program: "p", Arg: 1, CPUs: true}, Row{Program: "p", Arg: 4, CPUs: true}, Row{Program: "q"})
	names := func(o Options, cpus int) []string {
		var n []string
		for _, r := range o.matching(rows, cpus) {
			n = append(n, r.Name())
		}
		return n
	}
	if d := cmp.Diff([]string{bootToInit, wholeRun, memoryIdle, memoryTaken, "p/1", "q"}, names(Options{}, 1)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{bootToInit, memoryIdle, memoryTaken, "p/1", "q"}, names(Options{ICount: true}, 1)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"p/1", "p/4"}, names(Options{Match: regexp.MustCompile("^p/")}, 4)); d != "" {
		t.Error(d)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []Command{
		{SMP: []int{4}, ICount: true, Arch: arch.All},
		{SMP: []int{0}, Arch: arch.All},
		{SMP: []int{1}, Rounds: -1, Arch: arch.All},
		{SMP: []int{1}, Match: "(", Arch: arch.All},
		{SMP: []int{1}, KernelImage: "k", Arch: arch.All},
	} {
		if _, err := c.options(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	o, err := (&Command{SMP: []int{1}, Arch: arch.All, Dir: "d"}).options()
	if err != nil || o.Rounds != 5 {
		t.Errorf("the usual: %+v, %v; want 5 rounds", o, err)
	}
}
