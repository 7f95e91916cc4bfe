package bench

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

func TestStatistics(t *testing.T) {
	for _, c := range []struct {
		values         []float64
		median, spread float64
	}{
		{[]float64{3}, 3, 0},
		{[]float64{4, 2}, 3, 0},
		{[]float64{9, 1, 5}, 5, 4.0 / 5},
		{[]float64{1, 2, 3, 4, 5}, 3, 2.0 / 3},
		{[]float64{10, 10, 10, 10, 1000}, 10, 0}, // one disturbed round is no spread
		{[]float64{0, 0, 0}, 0, 0},
	} {
		if got := median(c.values); !near(got, c.median) {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.median)
		}
		if got := spread(c.values); !near(got, c.spread) {
			t.Errorf("spread of %v: %v, want %v", c.values, got, c.spread)
		}
	}
}

func TestGeomean(t *testing.T) {
	if got := geomean([]float64{0.5, 2, 4}); !near(got, math.Cbrt(4)) {
		t.Errorf("geometric mean %v, want %v", got, math.Cbrt(4))
	}
	// A row that costs nothing on one of the kernels has no place in it.
	if got := geomean([]float64{0, 3, math.Inf(1)}); !near(got, 3) {
		t.Errorf("geometric mean %v, want 3", got)
	}
	if got := geomean(nil); !math.IsNaN(got) {
		t.Errorf("geometric mean of nothing: %v", got)
	}
}

func TestMedianIsOrdinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 20).Draw(t, "values")
		below, above := 0, 0
		m := median(v)
		for _, x := range v {
			if x < m && !near(x, m) {
				below++
			}
			if x > m && !near(x, m) {
				above++
			}
		}
		if below > len(v)/2 || above > len(v)/2 {
			t.Fatalf("median %v of %v: %d below, %d above", m, v, below, above)
		}
	})
}
