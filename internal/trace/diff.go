package trace

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Difference is what Compare found.
type Difference struct {
	Same  bool
	Steps int // of Linux that were compared
	Hunks int // places where tasks differ

	hunks []*hunk  // in the order in which they were on Linux
	shown *hunk    // one of them
	lone  []string // tasks that only one side has
}

// hunk is one place where a task's sequences differ: from[a:b] of Linux are to[c:d] of Kevlar.
type hunk struct {
	path       string
	from, to   []Step
	a, b, c, d int
}

// edge is how many steps alike between two differences make them two.
const edge = 2

// Compare aligns what Linux and Kevlar did, task by task, and finds the difference that came first on Linux. One that is only
// about when children end counts less.
func Compare(linux, kevlar *Steps) *Difference {
	d := new(Difference)
	others := map[string]*Thread{}
	for _, t := range kevlar.Threads {
		others[t.Path] = t
	}
	for i, t := range linux.Threads {
		from := compared(t.Steps, i == 0)
		d.Steps += len(from)
		other := others[t.Path]
		if other == nil {
			d.lone = append(d.lone, fmt.Sprintf("task %s is only on Linux", t.Path))
			continue
		}
		delete(others, t.Path)
		to := compared(other.Steps, i == 0)
		for _, h := range align(from, to) {
			h.path = t.Path
			d.hunks = append(d.hunks, h)
		}
	}
	slices.SortStableFunc(d.hunks, func(a, b *hunk) int { return a.order() - b.order() })
	if d.Hunks = len(d.hunks); d.Hunks > 0 {
		d.shown = d.hunks[0]
		d.Focus(func(s *Step) bool { return !timing(s) })
	}
	for _, t := range kevlar.Threads {
		if others[t.Path] == t {
			d.lone = append(d.lone, fmt.Sprintf("task %s is only on Kevlar", t.Path))
		}
	}
	d.Same = d.Hunks == 0 && len(d.lone) == 0
	return d
}

// order is when a difference was on Linux: what it did in Kevlar's place, or the step before.
func (h *hunk) order() int {
	switch {
	case h.a < h.b:
		return h.from[h.a].order
	case h.a > 0:
		return h.from[h.a-1].order
	}
	return 0
}

// Focus makes Write show the first difference that has a step that matters, where there is one.
func (d *Difference) Focus(matters func(s *Step) bool) {
	for _, h := range d.hunks {
		for _, steps := range [][]Step{h.from[h.a:h.b], h.to[h.c:h.d]} {
			for i := range steps {
				if matters(&steps[i]) {
					d.shown = h
					return
				}
			}
		}
	}
}

// timing reports whether a step is about when children end.
func timing(s *Step) bool {
	return s.Name == "wait4" || s.Name == "waitid" || strings.HasPrefix(s.Text, "--- SIGCHLD ")
}

const (
	around    = 4  // steps around a difference
	most      = 10 // steps of one side of a difference that are shown: with all around it, it is less than a screen
	lineWidth = 160
)

// Write prints one difference, the first if nothing else is more to the point, in the manner of diff -u, and how many there are.
func (d *Difference) Write(out io.Writer) error {
	var w strings.Builder
	if d.Same {
		fmt.Fprintf(&w, "the same on Linux and on Kevlar: %d calls and signals\n", d.Steps)
	}
	if h := d.shown; h != nil {
		start, other := max(h.a-around, 0), max(h.c-around, 0)
		end := min(h.b+around, len(h.from))
		fmt.Fprintf(&w, "--- Linux\n+++ Kevlar\n@@ task %s: -%d +%d @@\n", h.path, start+1, other+1)
		lines(&w, " ", h.from[start:h.a])
		lines(&w, "-", h.from[h.a:h.b])
		lines(&w, "+", h.to[h.c:h.d])
		lines(&w, " ", h.from[h.b:end])
		if before := slices.Index(d.hunks, h); d.Hunks == 2 {
			fmt.Fprintf(&w, "1 more difference%s\n", [...]string{"", ", before this"}[before])
		} else if d.Hunks > 2 {
			fmt.Fprintf(&w, "%d more differences, %d of them before this\n", d.Hunks-1, before)
		}
	}
	const some = 4
	for i, l := range d.lone {
		if i == some {
			fmt.Fprintf(&w, "%d more tasks\n", len(d.lone)-some)
			break
		}
		fmt.Fprintln(&w, l)
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func lines(w *strings.Builder, mark string, steps []Step) {
	for i := range steps {
		if i == most {
			fmt.Fprintf(w, "%s... %d more\n", mark, len(steps)-most)
			return
		}
		line := steps[i].String()
		if len(line) > lineWidth { // the result is what matters
			tail := " = " + steps[i].Result
			line = line[:max(lineWidth-len(tail)-3, 40)] + "..." + tail
		}
		fmt.Fprintf(w, "%s%s\n", mark, line)
	}
}

// noise are calls that depend on who is faster, or that libraries repeat as they like.
var noise = map[string]bool{"futex": true, "sched_yield": true, "restart_syscall": true}

// compared are the steps that are compared.
func compared(steps []Step, first bool) []Step {
	if first && len(steps) > 0 && steps[0].Name == "execve" {
		steps = steps[1:] // strace's own: Kevlar starts the program itself
	}
	var out []Step
	for _, s := range steps {
		if !noise[s.Name] {
			out = append(out, s)
		}
	}
	// Directories have an order of their own, in which programs look at what they found: lookups in a row are compared in
	// the order of their paths.
	for i := 0; i < len(out); i++ {
		row := i
		for row < len(out) && lookups[out[row].Name] && out[row].path() != "" {
			row++
		}
		if row > i {
			slices.SortStableFunc(out[i:row], func(a, b Step) int { return strings.Compare(a.path(), b.path()) })
			i = row
		}
	}
	return out
}

// lookups change nothing.
var lookups = map[string]bool{"stat": true, "lstat": true, "newfstatat": true, "statx": true, "readlink": true, "readlinkat": true,
	"access": true, "faccessat": true, "faccessat2": true, "getxattr": true, "lgetxattr": true, "listxattr": true, "llistxattr": true}

// path is the first string among the arguments.
func (s *Step) path() string {
	for _, a := range s.Args {
		if strings.HasPrefix(a, `"`) {
			return a
		}
	}
	return ""
}

// align finds a shortest script of edits (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986) and returns its
// edits in groups.
func align(from, to []Step) []*hunk {
	a, b := make([]normal, len(from)), make([]normal, len(to))
	for i := range from {
		a[i] = normalize(&from[i])
	}
	for i := range to {
		b[i] = normalize(&to[i])
	}
	n, m := len(a), len(b)
	const limit = 2000 // edits; beyond, all that follows is one difference
	v := map[int]int{1: 0}
	var history []map[int]int
	var x, y, edits int
search:
	for edits = 0; edits <= min(n+m, limit); edits++ {
		next := make(map[int]int, edits+1)
		best := 0
		for k := -edits; k <= edits; k += 2 {
			if k == -edits || k != edits && v[k-1] < v[k+1] {
				x = v[k+1]
			} else {
				x = v[k-1] + 1
			}
			for y = x - k; x < n && y < m && alike(&a[x], &b[y]); {
				x, y = x+1, y+1
			}
			next[k] = x
			if x >= n && y >= m {
				history = append(history, next)
				break search
			}
			best = max(best, x)
		}
		history = append(history, next)
		v = next
	}
	if edits > min(n+m, limit) { // hopeless: what they have in common at the beginning is what there is to say
		i := 0
		for i < n && i < m && alike(&a[i], &b[i]) {
			i++
		}
		return []*hunk{{from: from, to: to, a: i, b: n, c: i, d: m}}
	}

	// Back along the path; edits that are close are one.
	var hunks []*hunk
	x, y = n, m
	for e := edits; e > 0; e-- {
		v := history[e-1]
		k := x - y
		down := k == -e || k != e && at(v, k-1) < at(v, k+1)
		px := at(v, k-1)
		if down {
			px = at(v, k+1)
		}
		py := px - (k - 1)
		if down {
			py = px - (k + 1)
		}
		ex, ey := px, py // where the edit ends
		if down {
			ey++
		} else {
			ex++
		}
		if last := len(hunks) - 1; last >= 0 && hunks[last].a-ex < edge && hunks[last].c-ey < edge {
			hunks[last].a, hunks[last].c = px, py
		} else {
			hunks = append(hunks, &hunk{from: from, to: to, a: px, b: ex, c: py, d: ey})
		}
		x, y = px, py
	}
	slices.Reverse(hunks)
	return hunks
}

// at is v[k], where what is absent is as far back as can be.
func at(v map[int]int, k int) int {
	if x, ok := v[k]; ok {
		return x
	}
	return -1
}

// normal is a step without what may differ between two runs.
type normal struct {
	name   string
	args   []string
	result string
}

// address stands for a pointer whose memory is not shown; anything for what is not compared.
const (
	address  = "ADDR"
	anything = "*"
)

// alike reports whether two steps mean the same. Where one side shows an address and the other what is there, they do.
func alike(a, b *normal) bool {
	if a.name != b.name || a.result != b.result && a.result != anything && b.result != anything || len(a.args) != len(b.args) {
		return false
	}
	for i := range a.args {
		x, y := a.args[i], b.args[i]
		if x == y || x == anything || y == anything || x == address && y != "NULL" || y == address && x != "NULL" {
			continue
		}
		return false
	}
	return true
}

// free says what of a call may differ: arguments by number, counted from 0, or the result. A positive number of a process
// is one of pids.
var free = map[string]struct {
	any, pids []int
	result    string // anything: not compared; pid: only whether it is positive; more: only whether there is some
}{
	"brk":             {any: []int{0}},
	"clock_gettime":   {any: []int{1}},
	"clone":           {result: "pid"},
	"clone3":          {any: []int{0}, result: "pid"},
	"fork":            {result: "pid"},
	"getdents64":      {any: []int{1}, result: "more"}, // directories have inode numbers, and an order of their own
	"getpgid":         {pids: []int{0}, result: "pid"},
	"getpgrp":         {result: "pid"},
	"getpid":          {result: "pid"},
	"getppid":         {result: anything}, // 0 where the first program is PID 1
	"getrandom":       {any: []int{0}},
	"getrusage":       {any: []int{1}},
	"getsid":          {pids: []int{0}, result: "pid"},
	"gettid":          {result: "pid"},
	"gettimeofday":    {any: []int{0}},
	"kill":            {pids: []int{0}},
	"nanosleep":       {any: []int{1}},
	"clock_nanosleep": {any: []int{3}},
	"set_tid_address": {result: "pid"},
	"setpgid":         {pids: []int{0, 1}},
	"setsid":          {result: "pid"},
	"sysinfo":         {any: []int{0}},
	"tgkill":          {pids: []int{0, 1}},
	"time":            {any: []int{0}, result: anything},
	"times":           {any: []int{0}, result: anything},
	"tkill":           {pids: []int{0}},
	"uname":           {any: []int{0}},
	"vfork":           {result: "pid"},
	"wait4":           {pids: []int{0}, any: []int{3}, result: "pid"},
}

// variable are parts of text that two runs do not share.
var variable = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`0x[0-9a-f]{5,}`), address},
	{regexp.MustCompile(`, si_[us]time=\d+`), ""},
	{regexp.MustCompile(`/proc/\d+`), "/proc/PID"},
	{regexp.MustCompile(`\bdata=(\{[^}]*\}|0x[0-9a-f]+|\d+)`), "data=" + anything},
	{regexp.MustCompile(`makedev\([^)]*\)`), "DEV"},
	{regexp.MustCompile(`\b(si_pid|parent_tid|st_ino|st_dev|st_nlink|st_blocks|st_blksize|stx_ino|stx_nlink|stx_blocks|stx_blksize|tv_sec|tv_nsec|tv_usec|d_ino|d_off)=[^,}]*`), "$1=" + anything},
	{regexp.MustCompile(`\b(st[x]?_[amcb]time\w*)=(\{[^}]*\}|[^,}]*)`), "$1=" + anything},
	{regexp.MustCompile(`(S_IFDIR\S*, \w*st_size)=\d+`), "$1=" + anything},
	{regexp.MustCompile(`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d\b`), "DATE"},
	{regexp.MustCompile(`\b\d\d:\d\d(:\d\d)?\b`), "TIME"},
}

// remark is what is said of a value beside it, or of a call that a kill ended.
var remark = regexp.MustCompile(`/\*.*?\*/|<unfinished \.\.\.>$`)

func generic(text string) string {
	text = strings.TrimSpace(remark.ReplaceAllString(text, ""))
	if strings.HasPrefix(text, "0x") { // 0x20 on one side is 32 on the other
		if v, err := strconv.ParseUint(text, 0, 16); err == nil {
			return strconv.FormatUint(v, 10)
		}
	}
	for _, v := range variable {
		text = v.re.ReplaceAllString(text, v.with)
	}
	return text
}

func normalize(s *Step) normal {
	switch s.Name {
	case "":
		return normal{name: generic(s.Text)}
	case "rt_sigreturn": // what it returns to is a register of what was interrupted
		return normal{name: s.Name}
	}
	n := normal{name: s.Name, result: s.Result}
	for _, a := range s.Args {
		n.args = append(n.args, generic(a))
	}
	// Of errors the name counts, of numbers the value.
	n.result, _, _ = strings.Cut(n.result, " (")
	n.result = generic(n.result)
	if strings.HasPrefix(n.result, "? ERESTART") { // strace does not always see that a kill interrupted a call
		n.result = "?"
	}
	f, ok := free[s.Name]
	if !ok {
		return n
	}
	for _, i := range f.any {
		if i < len(n.args) {
			n.args[i] = anything
		}
	}
	for _, i := range f.pids {
		if i < len(n.args) && positive(n.args[i]) {
			n.args[i] = "PID"
		}
	}
	switch {
	case f.result == anything && !strings.HasPrefix(n.result, "-"):
		n.result = anything
	case f.result != "" && positive(n.result):
		n.result = f.result
	}
	return n
}

// positive reports whether text is a number above zero.
func positive(text string) bool {
	return text != "" && text[0] >= '1' && text[0] <= '9' && strings.Trim(text, "0123456789") == ""
}
