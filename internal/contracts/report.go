package contracts

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"sort"
	"strings"
	"text/tabwriter"

	"kevlar/internal/arch"
)

// Counts are verdicts per kind.
type Counts struct {
	Pass    int `json:"pass"`
	Diverge int `json:"diverge"`
	Fail    int `json:"fail"`
	XFail   int `json:"xfail"`
	XPass   int `json:"xpass"`
}

func (c *Counts) add(v Verdict) {
	switch v {
	case Pass:
		c.Pass++
	case Diverge:
		c.Diverge++
	case Fail:
		c.Fail++
	case XFail:
		c.XFail++
	case XPass:
		c.XPass++
	}
}

// A Report is the outcome of a run.
type Report struct {
	Summary map[arch.Arch]*Counts `json:"summary"`
	Results []Result              `json:"results"`

	stale bool // the registry has entries for which there is no contract
}

func (r *Report) add(res Result) {
	if r.Summary == nil {
		r.Summary = map[arch.Arch]*Counts{}
	}
	if r.Summary[res.Arch] == nil {
		r.Summary[res.Arch] = &Counts{}
	}
	r.Summary[res.Arch].add(res.Verdict)
	r.Results = append(r.Results, res)
}

// Good reports whether every verdict is, and the registry as well.
func (r *Report) Good() bool {
	if r.stale {
		return false
	}
	for _, res := range r.Results {
		if !res.Verdict.Good() {
			return false
		}
	}
	return true
}

func (r *Report) sort() {
	sort.SliceStable(r.Results, func(i, j int) bool {
		a, b := r.Results[i], r.Results[j]
		if a.Arch != b.Arch {
			return a.Arch < b.Arch
		}
		return a.Name < b.Name
	})
}

// JSON writes the report as one JSON object.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Text writes a summary of one screen: a row per category, a column per architecture.
func (r *Report) Text(w io.Writer) error {
	var archs []arch.Arch
	for _, a := range arch.All {
		if r.Summary[a] != nil {
			archs = append(archs, a)
		}
	}
	rows := map[string]map[arch.Arch]*Counts{}
	var names []string
	for _, res := range r.Results {
		c := res.Category()
		if rows[c] == nil {
			rows[c] = map[arch.Arch]*Counts{}
			names = append(names, c)
		}
		if rows[c][res.Arch] == nil {
			rows[c][res.Arch] = &Counts{}
		}
		rows[c][res.Arch].add(res.Verdict)
	}
	sort.Strings(names)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "category")
	for _, a := range archs {
		fmt.Fprintf(t, "\t%s", a)
	}
	fmt.Fprintln(t)
	row := func(name string, counts map[arch.Arch]*Counts) {
		fmt.Fprint(t, name)
		for _, a := range archs {
			fmt.Fprintf(t, "\t%s", counts[a])
		}
		fmt.Fprintln(t)
	}
	for _, n := range names {
		row(n, rows[n])
	}
	row("all", r.Summary)
	return t.Flush()
}

func (c *Counts) String() string {
	if c == nil {
		return "-"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{{c.Pass, "pass"}, {c.Diverge, "diverge"}, {c.Fail, "fail"}, {c.XFail, "xfail"}, {c.XPass, "xpass"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.name))
		}
	}
	return strings.Join(parts, ", ")
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as JUnit's XML: a suite per architecture; what the registry excuses counts as skipped.
func (r *Report) JUnit(w io.Writer) error {
	suites := struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*junitSuite
	}{}
	by := map[arch.Arch]*junitSuite{}
	for _, res := range r.Results {
		s := by[res.Arch]
		if s == nil {
			s = &junitSuite{Name: "contracts " + string(res.Arch)}
			by[res.Arch] = s
			suites.Suites = append(suites.Suites, s)
		}
		c := junitCase{Class: string(res.Arch) + "." + res.Category(), Name: res.Name, Time: fmt.Sprintf("%.3f", res.Seconds)}
		s.Tests++
		switch {
		case res.Verdict == XFail:
			s.Skipped++
			c.Skipped = &junitMessage{Message: res.Reason, Text: res.Diff}
		case !res.Verdict.Good():
			s.Failures++
			c.Failure = &junitMessage{Message: string(res.Verdict), Text: res.Diff}
		}
		var out strings.Builder
		for _, part := range res.parts() {
			fmt.Fprintf(&out, "%s:\n%s\n", part.Title, part.Text)
		}
		c.Out = out.String()
		s.Cases = append(s.Cases, c)
	}
	io.WriteString(w, xml.Header)
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	return e.Encode(suites)
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Contracts</title>
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:70em}
table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:left;vertical-align:top}
tr:nth-child(even){background:#8881}pre{margin:.3em 0;white-space:pre-wrap}
.PASS{color:#197a2f}.DIVERGE{color:#b35900}.FAIL,.XPASS{color:#b00020}.XFAIL{color:#666}
</style>
<h1>Contracts</h1>
<table><tr><th>architecture<th>outcome</tr>
{{range $a, $c := .Summary}}<tr><td>{{$a}}<td>{{$c}}</tr>{{end}}</table>
{{range .Categories}}<h2>{{.Name}}</h2>
<table><tr><th>contract{{range $.Archs}}<th>{{.}}{{end}}</tr>
{{range .Rows}}<tr><td>{{.Name}}{{range .Cells}}<td>{{with .}}{{if .Opens}}<details><summary class="{{.Verdict}}" title="{{printf "%.3f s" .Seconds}}">{{.Verdict}}</summary>{{.Reason}}{{with .Diff}}<pre>{{.}}</pre>{{end}}
{{range .Parts}}<details{{if .Open}} open{{end}}><summary>{{.Title}}</summary><pre>{{.Text}}</pre></details>{{end}}</details>{{else}}<span class="{{.Verdict}}" title="{{printf "%.3f s" .Seconds}}">{{.Verdict}}</span>{{end}}{{end}}{{end}}</tr>
{{end}}</table>
{{end}}</html>
`))

// part is something that explains a result.
type part struct {
	Title, Text string
	Open        bool // shown at once
}

func (r *Result) parts() (list []part) {
	for _, p := range []part{
		{"where it leaves Linux (- Linux, + Kevlar)", r.Difference, true},
		{"what tasks and kernel did when its time was over", r.Stuck, false},
		{"trace", r.Trace, false},
	} {
		if p.Text != "" {
			list = append(list, p)
		}
	}
	return list
}

// cell is a result in the page.
type cell struct {
	*Result
	Parts []part
}

// Opens reports whether there is something behind the cell.
func (c *cell) Opens() bool { return c.Diff != "" || len(c.Parts) > 0 }

// HTML writes one self-contained page: contracts by architecture, with the difference and what explains it behind each cell.
func (r *Report) HTML(w io.Writer) error {
	type row struct {
		Name  string
		Cells []*cell
	}
	type category struct {
		Name string
		Rows []*row
	}
	var archs []arch.Arch
	column := map[arch.Arch]int{}
	for _, a := range arch.All {
		if r.Summary[a] != nil {
			column[a] = len(archs)
			archs = append(archs, a)
		}
	}
	rows := map[string]*row{}
	var names []string
	for i := range r.Results {
		res := &r.Results[i]
		if rows[res.Name] == nil {
			rows[res.Name] = &row{Name: res.Name, Cells: make([]*cell, len(archs))}
			names = append(names, res.Name)
		}
		at := &rows[res.Name].Cells[column[res.Arch]]
		if *at == nil || !res.Verdict.Good() || (*at).Verdict.Good() && res.Verdict != Pass { // of several the one that matters
			*at = &cell{res, res.parts()}
		}
	}
	sort.Strings(names)
	var cats []*category
	for _, n := range names {
		name := strings.SplitN(n, "/", 2)[0]
		if len(cats) == 0 || cats[len(cats)-1].Name != name {
			cats = append(cats, &category{Name: name})
		}
		c := cats[len(cats)-1]
		c.Rows = append(c.Rows, rows[n])
	}
	return page.Execute(w, map[string]any{"Summary": r.Summary, "Categories": cats, "Archs": archs})
}
