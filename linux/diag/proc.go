package diag

import (
	"bytes"
	"fmt"
	"math"
	"runtime/metrics"
	"runtime/pprof"
	"sort"

	"kevlar/linux/fs/proc"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/vfs"
)

// Register adds the files below /proc/kevlar. It is called before the first mount.
func (d *Diagnosis) Register() {
	proc.Kevlar = append(proc.Kevlar,
		proc.File{Name: "crash", Mode: 0o600, Text: d.crashFile()},
		proc.File{Name: "goroutine", Mode: 0o400, Text: profileFile("goroutine", 2)},
		proc.File{Name: "heap", Mode: 0o400, Text: profileFile("heap", 0)},
		proc.File{Name: "metrics", Mode: 0o444, Text: &pseudo.Text{Show: showMetrics}},
		proc.File{Name: "pauses", Mode: 0o444, Text: &pseudo.Text{Show: showPauses}},
	)
}

// profileFile shows one of the Go runtime's profiles; detail is pprof's "debug": 0 is the
// format that go tool pprof reads.
func profileFile(name string, detail int) *pseudo.Text {
	return &pseudo.Text{Show: func(_ *vfs.Context, w *bytes.Buffer) error { return pprof.Lookup(name).WriteTo(w, detail) }}
}

// showMetrics lists the Go runtime's metrics, by the names of package runtime/metrics. Of
// a distribution the middle, the 99th percentile and the count are shown.
func showMetrics(_ *vfs.Context, w *bytes.Buffer) error {
	all := metrics.All()
	s := make([]metrics.Sample, len(all))
	for i := range all {
		s[i].Name = all[i].Name
	}
	metrics.Read(s)
	for _, m := range s {
		switch m.Value.Kind() {
		case metrics.KindUint64:
			fmt.Fprintf(w, "%s %d\n", m.Name, m.Value.Uint64())
		case metrics.KindFloat64:
			fmt.Fprintf(w, "%s %g\n", m.Name, m.Value.Float64())
		case metrics.KindFloat64Histogram:
			h := m.Value.Float64Histogram()
			mid, n := percentile(h, 0.5)
			high, _ := percentile(h, 0.99)
			fmt.Fprintf(w, "%s p50=%g p99=%g count=%d\n", m.Name, mid, high, n)
		}
	}
	return nil
}

// showPauses lists how often the world was stopped for the garbage collector, a line for each length that was seen: its upper
// bound in nanoseconds, and the count since boot. Two readings tell of the pauses in between.
func showPauses(_ *vfs.Context, w *bytes.Buffer) error {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		if n == 0 {
			continue
		}
		bound := h.Buckets[i+1]
		if math.IsInf(bound, 1) {
			bound = h.Buckets[i]
		}
		fmt.Fprintf(w, "%.0f %d\n", bound*1e9, n)
	}
	return nil
}

// percentile is the upper bound of the bucket where the share q of all values has been
// seen, and how many values there are.
func percentile(h *metrics.Float64Histogram, q float64) (bound float64, n uint64) {
	below := make([]uint64, len(h.Counts))
	for i, c := range h.Counts {
		n += c
		below[i] = n
	}
	if n == 0 {
		return 0, 0
	}
	want := uint64(q * float64(n))
	i := sort.Search(len(below)-1, func(i int) bool { return below[i] > want })
	bound = h.Buckets[i+1]
	if i == len(below)-1 && bound > h.Buckets[i] && i > 0 { // the last may end at infinity
		bound = h.Buckets[i]
	}
	return bound, n
}
