package contracts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/internal/arch"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/lib/init.c", "// not a contract\n")
	write(t, dir+"/fd/b.c", "// both\n// run: root,user\n// timeout: 3\n// tty\nint main;\n// arch: arm64\n")
	write(t, dir+"/fd/a.c", "// arch: aarch64\n// run: user\n")
	list, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%s user=%v tty=%v %ds only=%q", c.Name, c.User, c.TTY, c.Timeout, c.Only))
	}
	want := []string{
		`fd/a user=true tty=false 15s only="arm64"`,
		`fd/b user=false tty=true 3s only=""`,
		`fd/b.user user=true tty=true 3s only=""`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	write(t, dir+"/fd/d.c", "// libc: glibc\n// files: dash busybox\n")
	one, err := parse(dir+"/fd/d.c", "fd/d")
	if err != nil || len(one) != 1 || one[0].Libc != "glibc" || fmt.Sprint(one[0].Files) != "[glibc dash busybox]" || list[0].Libc != "musl" {
		t.Errorf("libc and files: %+v, error %v", one, err)
	}
	write(t, dir+"/fd/c.c", "// run: nobody\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown user: error %v", err)
	}
}

// TestRecord sees that there is one file where the architectures agree and one each where they differ.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	c := Contract{Name: "fd/a", stem: dir + "/a"}
	files := func() string {
		all, _ := filepath.Glob(dir + "/*")
		for i := range all {
			all[i] = filepath.Base(all[i])
		}
		return strings.Join(all, " ")
	}
	for _, step := range []struct {
		answers map[arch.Arch]string
		files   string
	}{
		{map[arch.Arch]string{arch.AMD64: "x", arch.ARM64: "x"}, "a.expect"},
		{map[arch.Arch]string{arch.ARM64: "y"}, "a.expect.amd64 a.expect.arm64"},
		{map[arch.Arch]string{arch.AMD64: "y"}, "a.expect"},
	} {
		if err := c.Record(step.answers); err != nil {
			t.Fatal(err)
		}
		if got := files(); got != step.files {
			t.Errorf("after %v: files %q, want %q", step.answers, got, step.files)
		}
	}
	if text, err := c.Expected(arch.ARM64); err != nil || text != "y" {
		t.Errorf("Expected: %q, %v", text, err)
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		answer   Answer
		expected string
		verdict  Verdict
		diff     string
	}{
		{Answer{Output: "a\n", End: "exit 0"}, "a\n[exit 0]\n", Pass, ""},
		{Answer{Output: "a", End: "exit 0"}, "a\n[exit 0]\n", Pass, ""},
		{Answer{Output: "a\nb\n", End: "exit 0"}, "a\nc\n[exit 0]\n", Diverge, "-c\n+b\n"},
		{Answer{Output: "a\n", End: "exit 1"}, "a\n[exit 0]\n", Diverge, "-[exit 0]\n+[exit 1]\n"},
		{Answer{Output: "a\n", End: "signal 11"}, "a\n[exit 0]\n", Fail, "-[exit 0]\n+[signal 11]\n"},
		{Answer{Output: "a\n", End: "timeout 15"}, "a\n[exit 0]\n", Fail, "-[exit 0]\n+[timeout 15]\n"},
		{Answer{Output: "a\n", End: "timeout 15", Log: "stuck\n"}, "a\n[exit 0]\n", Fail, "-[exit 0]\n+[timeout 15]\nthe end of the machine's log:\nstuck\n"},
		{Answer{Output: "a\n", Log: "panic\n"}, "a\n[exit 0]\n", Fail, "-[exit 0]\nthe machine ended\npanic\n"},
	} {
		v, d := judge(test.answer, test.expected)
		if v != test.verdict || d != test.diff {
			t.Errorf("judge(%+v, %q) = %s %q, want %s %q", test.answer, test.expected, v, d, test.verdict, test.diff)
		}
	}
}

func TestRegistry(t *testing.T) {
	path := t.TempDir() + "/registry"
	write(t, path, "# comment\n\nall fd/a not yet\narm64 fd/b only there\namd64 fd/gone stale\n")
	r, err := LoadRegistry(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		a    arch.Arch
		name string
		v    Verdict
		want Verdict
	}{
		{arch.AMD64, "fd/a", Diverge, XFail},
		{arch.AMD64, "fd/a", Fail, XFail},
		{arch.ARM64, "fd/a", Pass, XPass},
		{arch.ARM64, "fd/b", Diverge, XFail},
		{arch.AMD64, "fd/b", Diverge, Diverge},
		{arch.AMD64, "fd/c", Pass, Pass},
	} {
		if got, _ := r.apply(test.a, test.name, test.v); got != test.want {
			t.Errorf("%s %s %s: %s, want %s", test.a, test.name, test.v, got, test.want)
		}
	}
	all := []Contract{{Name: "fd/a"}, {Name: "fd/b", Only: arch.AMD64}}
	if got := fmt.Sprint(r.stale(arch.AMD64, all), r.stale(arch.ARM64, all)); got != "[fd/gone] [fd/b]" {
		t.Errorf("stale entries %s", got)
	}
	write(t, path, "all fd/a\n")
	if _, err := LoadRegistry(path); err == nil {
		t.Error("an entry without a reason is accepted")
	}
}

func TestReadRecords(t *testing.T) {
	stream := "begin 0\nout 0 4\na\nb\nend 0 exit 3 1500000\nbegin 1\nout 1 6\nend 9\n"
	var log strings.Builder
	begin := func(i int) { fmt.Fprintf(&log, "begin %d;", i) }
	late := func(i int) { fmt.Fprintf(&log, "late %d;", i) }
	end := func(i int, a Answer) { fmt.Fprintf(&log, "end %d %q %q;", i, a.Output, a.End) }
	if err := readRecords(strings.NewReader(stream+"late 1\nend 1 signal 9 10\ndone\n"), begin, late, end); err != nil {
		t.Errorf("error %v", err)
	}
	want := `begin 0;end 0 "a\nb\n" "exit 3";begin 1;late 1;end 1 "end 9\n" "signal 9";`
	if log.String() != want {
		t.Errorf("records %s\nwant    %s", log.String(), want)
	}
	log.Reset()
	if err := readRecords(strings.NewReader(stream), begin, late, end); err != io.EOF {
		t.Errorf("a stream cut off: error %v", err)
	}
	want = `begin 0;end 0 "a\nb\n" "exit 3";begin 1;end 1 "end 9\n" "";`
	if log.String() != want {
		t.Errorf("records %s\nwant    %s", log.String(), want)
	}
}

// fake is a machine that dies when it comes to a contract of the name "dies", after it printed something.
type fake struct{ boots atomic.Int32 }

func (f *fake) boot(ctx context.Context, jobs []job, begin func(int), end func(int, Answer)) (string, error) {
	f.boots.Add(1)
	var b bytes.Buffer
	for i, j := range jobs {
		fmt.Fprintf(&b, "begin %d\nout %d 2\nx\n", i, i)
		if j.Name == "c/dies" {
			return "the log", readRecords(&b, begin, nil, end)
		}
		fmt.Fprintf(&b, "end %d exit 0 1000\n", i)
	}
	b.WriteString("done\n")
	return "", readRecords(&b, begin, nil, end)
}

func TestSession(t *testing.T) {
	jobs := []job{{Contract: Contract{Name: "c/a"}}, {Contract: Contract{Name: "c/dies"}}, {Contract: Contract{Name: "c/dies"}},
		{Contract: Contract{Name: "c/b"}}}
	for _, test := range []struct{ workers, perBoot, boots int }{{1, 0, 3}, {1, 1, 4}, {3, 1, 4}, {2, 0, 3}} {
		got := make([]string, len(jobs))
		m := &fake{}
		s := session{machine: m, jobs: jobs, begin: func(int) {},
			end: func(i int, a Answer) { got[i] += fmt.Sprintf("%q %q %q", a.Output, a.End, a.Log) }}
		if err := s.run(t.Context(), test.workers, test.perBoot); err != nil {
			t.Fatal(err)
		}
		want := []string{`"x\n" "exit 0" ""`, `"x\n" "" "the log"`, `"x\n" "" "the log"`, `"x\n" "exit 0" ""`}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%+v: %s", test, d)
		}
		if n := int(m.boots.Load()); n != test.boots {
			t.Errorf("%+v: %d boots, want %d", test, n, test.boots)
		}
	}
}

// dead is a machine that comes to a contract only in some of its boots.
type dead struct {
	boots atomic.Int32
	alive int32 // the boot that does, none if 0
}

func (d *dead) boot(_ context.Context, jobs []job, begin func(int), end func(int, Answer)) (string, error) {
	if d.boots.Add(1) == d.alive {
		begin(0)
		end(0, Answer{End: "exit 0"})
	}
	return "no init", nil
}

func TestSessionDead(t *testing.T) {
	for _, test := range []struct{ alive, boots, ended int }{{0, maxDead, maxDead - 1}, {2, 5, 4}} {
		m := &dead{alive: int32(test.alive)}
		ended := 0
		s := session{machine: m, jobs: make([]job, 10), begin: func(int) {}, end: func(int, Answer) { ended++ }}
		err := s.run(t.Context(), 1, 1)
		if err == nil || !strings.Contains(err.Error(), "no init") {
			t.Errorf("a machine that runs nothing: error %v", err)
		}
		if n := int(m.boots.Load()); n != test.boots || ended != test.ended {
			t.Errorf("%d boots and %d ends, want %d and %d", n, ended, test.boots, test.ended)
		}
	}
}

// TestFilter sees records among a kernel's messages, and one that a message spoiled.
func TestFilter(t *testing.T) {
	line := func(record string) string {
		return fmt.Sprintf("@kc:%08x %s\r\n", crc32.ChecksumIEEE([]byte(record)), record)
	}
	console := "booting\r\n\r\n" + line("begin 0") + "[1.0] noise " + line("out 0 4 610a620a") + "@kc:0 no\r\n" +
		strings.Replace(line("out 0 1 63"), "out", "o[2.0] noise\r\nut", 1) + line("end 0 exit 3 10") + line("done")
	var noise, log strings.Builder
	err := readRecords(&filter{in: bufio.NewReader(strings.NewReader(console)), noise: &noise},
		func(i int) { fmt.Fprintf(&log, "begin %d;", i) }, nil,
		func(i int, a Answer) { fmt.Fprintf(&log, "end %d %q %q;", i, a.Output, a.End) })
	if want := `begin 0;end 0 "a\nb\n" "exit 3";`; err != nil || log.String() != want {
		t.Errorf("records %s, %v; want %s", log.String(), err, want)
	}
	if !strings.Contains(noise.String(), "booting") || !strings.Contains(noise.String(), "ut 0 1 63") {
		t.Errorf("noise %q", noise.String())
	}
}

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		live, verbose bool
		want          string
	}{
		{false, false, "arm64    2/2  DIVERGE   0.000 s  c/b\n\t-x\n"},
		{false, true, "arm64    1/2  PASS      0.500 s  c/a\narm64    2/2  DIVERGE   0.000 s  c/b\n\t-x\n"},
		{true, false, "\r\x1b[Karm64    0/2    c/a\r\x1b[Karm64    1/2  1 pass  \r\x1b[Karm64    2/2  DIVERGE   0.000 s  c/b\n\t-x\n" +
			"\r\x1b[Karm64    2/2  1 pass, 1 diverge  \r\x1b[K"},
	} {
		var b strings.Builder
		p := newProgress(&b, test.live, test.verbose, arch.ARM64, 2)
		p.begin(0, "c/a")
		p.end(0, Result{Name: "c/a", Verdict: Pass, Seconds: 0.5})
		p.end(1, Result{Name: "c/b", Verdict: Diverge, Diff: "-x\n"})
		p.finish()
		if d := cmp.Diff(test.want, b.String()); d != "" {
			t.Errorf("live %v, verbose %v: %s", test.live, test.verbose, d)
		}
	}
}

func TestReports(t *testing.T) {
	var r Report
	r.add(Result{Arch: arch.ARM64, Name: "fd/a", Verdict: Pass, Seconds: 0.5})
	r.add(Result{Arch: arch.AMD64, Name: "fd/a", Verdict: Diverge, Diff: "-<x>\n+y\n",
		Difference: "-open(<b>)\n", Trace: "open(</pre>)\n", Stuck: "task 7\n"})
	r.add(Result{Arch: arch.AMD64, Name: "vm/b", Verdict: XFail, Reason: "later", Diff: "-p\n"})
	if r.Good() {
		t.Error("a divergence is good")
	}
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Summary map[string]map[string]int
		Results []map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Summary["amd64"]["diverge"] != 1 || back.Summary["arm64"]["pass"] != 1 || back.Results[1]["difference"] == nil || len(back.Results) != 3 {
		t.Errorf("JSON: %s", b.String())
	}
	b.Reset()
	if err := r.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Out string `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if len(suites.Suites) != 2 || suites.Suites[1].Failures != 1 || suites.Suites[1].Skipped != 1 {
		t.Errorf("JUnit: %s", b.String())
	}
	if out := suites.Suites[1].Cases[0].Out; !strings.Contains(out, "-open(<b>)") || !strings.Contains(out, "open(</pre>)") || !strings.Contains(out, "task 7") {
		t.Errorf("system-out %q", out)
	}
	b.Reset()
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-open(&lt;b&gt;)", "open(&lt;/pre&gt;)", "task 7"} {
		if n := strings.Count(b.String(), want); n != 1 {
			t.Errorf("the page has %q %d times", want, n)
		}
	}
	if !strings.Contains(b.String(), "-&lt;x&gt;") || regexp.MustCompile(`(src|href)=`).MatchString(b.String()) {
		t.Errorf("the page lacks the difference, or is not self-contained: %s", b.String())
	}
	b.Reset()
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "1 diverge, 1 xfail") {
		t.Errorf("summary: %s", b.String())
	}
}

// TestSuite sees that every contract of the repository can be loaded, has a recorded answer, and that none of the answers
// is that of a preparation that failed or of a wait that gave up.
func TestSuite(t *testing.T) {
	all, err := Load("../../contracts")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no contracts")
	}
	bad := regexp.MustCompile(`preparation failed|never came to pass|never opened|never said|, not within|\[timeout|\[signal`)
	for _, c := range all {
		for _, a := range arch.All {
			if !c.On(a) {
				continue
			}
			text, err := c.Expected(a)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
			} else if m := bad.FindString(text); m != "" {
				t.Errorf("%s on %s: the recorded answer says %q", c.Name, a, m)
			}
		}
	}
}
