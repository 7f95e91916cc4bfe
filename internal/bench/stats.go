package bench

import (
	"math"
	"slices"
)

// median is the middle of values; the mean of the two middle ones of an even number; 0 of none.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// spread is how far values lie apart: the distance of the quartiles over the median. It is 0 where there are too few to tell.
func spread(values []float64) float64 {
	m := median(values)
	if len(values) < 3 || m == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (quantile(v, 0.75) - quantile(v, 0.25)) / math.Abs(m)
}

// quantile interpolates in sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// geomean is the geometric mean of those values that have a logarithm, NaN where there are none.
func geomean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			sum += math.Log(v)
			n++
		}
	}
	return math.Exp(sum / float64(n))
}
