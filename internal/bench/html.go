package bench

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"kevlar/internal/arch"
)

var page = template.Must(template.New("").Funcs(template.FuncMap{"number": number, "plot": plot, "class": class}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Kevlar and Linux: what things cost</title>
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:75em}
table{border-collapse:collapse}td,th{padding:.1em .8em;text-align:right}td:first-child,th:first-child{text-align:left}
tr:nth-child(even){background:#8881}.fast{color:#197a2f}.slow{color:#b00020}
.plots{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0}figcaption{max-width:24em}
svg{font:11px system-ui,sans-serif}.grid{stroke:#8883}.kevlar{stroke:#1668c4;fill:#1668c4}.linux{stroke:#c76a00;fill:#c76a00}
polyline{fill:none!important;stroke-width:2}text{fill:currentColor;stroke:none}
pre{white-space:pre-wrap}
</style>
<h1>Kevlar and Linux: what things cost</h1>
<p>The same programs on both kernels in the same machine. The ratio is Kevlar's cost over Linux's: below 1, Kevlar is faster.
The spread is the distance of the rounds' quartiles over their median, of the kernel that has the greater one.
<ul>{{range .Conditions}}<li>{{.}}{{end}}</ul>
{{range .Groups}}<h2>{{.Arch}}, {{.SMP}} CPU: geometric mean {{number .Geomean}}</h2>
<table><tr><th>row<th>Kevlar<th>Linux<th>unit<th>ratio<th>spread</tr>
{{range .Results}}<tr title="{{.What}}"><td>{{.Name}}<td>{{number .Kevlar}}<td>{{.LinuxText}}<td>{{.Unit}}<td class="{{class .Ratio}}">{{.RatioText}}<td>{{printf "%.0f%%" .Percent}}</tr>
{{end}}</table>
<div class="plots">{{range .Curves}}<figure>{{plot .}}<figcaption>{{.Name}}: {{.What}}</figcaption></figure>{{end}}</div>
{{end}}
{{with .Failures}}<h2>Without a figure</h2>
{{range .}}<p>{{.Name}}, {{.Arch}}, {{.SMP}} CPU, on {{.Kernel}}:<pre>{{.Reason}}</pre>{{end}}{{end}}</html>
`))

// What tells people what a result's row measures.
func (r Result) What() string { return r.row.What }

// Percent is the spread.
func (r Result) Percent() float64 { return 100 * r.Spread }

func class(ratio float64) string {
	switch {
	case ratio > slowRatio:
		return "slow"
	case ratio > 0 && ratio <= 1:
		return "fast"
	}
	return ""
}

// HTML writes one self-contained page: the rows of each kind of machine, and a plot for each curve.
func (r *Report) HTML(w io.Writer) error {
	return page.Execute(w, map[string]any{"Conditions": r.conditions, "Groups": r.groups(), "Failures": r.Failures})
}

// A curve is what a program's cost is at several points.
type curve struct {
	Arch   arch.Arch
	Name   string
	What   string
	Unit   Unit
	Points []Result
}

// Curves are those of the group's results that are points.
func (g *group) Curves() []*curve {
	var all []*curve
	for _, r := range g.Results {
		if r.row.Arg == 0 {
			continue
		}
		i := slices.IndexFunc(all, func(c *curve) bool { return c.Name == r.row.Program })
		if i < 0 {
			i = len(all)
			all = append(all, &curve{Arch: g.Arch, Name: r.row.Program, What: r.row.What, Unit: r.Unit})
		}
		all[i].Points = append(all[i].Points, r)
	}
	return slices.DeleteFunc(all, func(c *curve) bool { return len(c.Points) < 2 })
}

// A scale maps values to places, by their logarithms.
type scale struct{ low, high, from, to float64 }

// logScale has room for all values, of which the least is at from: whole powers of ten, unless exact.
func logScale(values []float64, from, to float64, exact bool) scale {
	low, high := math.Log10(slices.Min(values)), math.Log10(slices.Max(values))
	if !exact {
		low, high = math.Floor(low), math.Ceil(high)
	}
	if high == low {
		high++
	}
	return scale{low, high, from, to}
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// plot draws a curve of both kernels, both axes logarithmic.
func plot(c *curve) template.HTML {
	const width, height, left, right, top, bottom = 380, 230, 60, 16, 24, 30
	var xs, ys []float64
	for _, p := range c.Points {
		xs = append(xs, float64(p.row.Arg))
		for _, v := range []float64{p.Kevlar, p.Linux} {
			ys = append(ys, max(v, 1e-3))
		}
	}
	x, y := logScale(xs, left, width-right, true), logScale(ys, height-bottom, top, false)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, width, height, template.HTMLEscapeString(c.Name))
	for e := y.low; e <= y.high; e++ {
		at := y.at(math.Pow(10, e))
		fmt.Fprintf(&b, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, at, width-right, at, left-6, at+4, tick(math.Pow(10, e)))
	}
	for _, v := range xs {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, x.at(v), height-bottom+16, tick(v))
	}
	for i, k := range []Kernel{Kevlar, Linux} {
		var line, dots strings.Builder
		for _, p := range c.Points {
			v := p.Kevlar
			if k == Linux {
				v = p.Linux
			}
			px, py := x.at(float64(p.row.Arg)), y.at(max(v, 1e-3))
			fmt.Fprintf(&line, "%.1f,%.1f ", px, py)
			fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3"><title>%s, %d: %s %s</title></circle>`, px, py, k, p.row.Arg, number(v), c.Unit)
		}
		fmt.Fprintf(&b, `<g class="%s"><polyline points="%s"/>%s<circle cx="%d" cy="12" r="4"/><text x="%d" y="16">%s</text></g>`,
			k, strings.TrimSpace(line.String()), dots.String(), left+80*i, left+80*i+8, k)
	}
	fmt.Fprintf(&b, `<text x="%d" y="16" text-anchor="end">%s</text></svg>`, width-right, c.Unit)
	return template.HTML(b.String())
}

// tick writes a round number shortly.
func tick(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.size {
			return fmt.Sprintf("%g%s", v/u.size, u.name)
		}
	}
	return fmt.Sprintf("%g", v)
}
