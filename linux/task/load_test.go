package task

import (
	"fmt"
	"testing"
)

func TestLoadAverage(t *testing.T) {
	var k Kernel
	for range 12 { // a minute
		k.load.count(2)
	}
	got := k.LoadAverage()
	if want := [3]float64{1.26, 0.36, 0.13}; fmt.Sprintf("%.2f", got) != fmt.Sprintf("%.2f", want) {
		t.Errorf("%.2f, want %.2f", got, want)
	}
}
