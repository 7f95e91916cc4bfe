package trace

import (
	"testing"
)

func TestLast(t *testing.T) {
	if got := Last(10); got != nil {
		t.Errorf("without a tracer: %v", got)
	}
	record(t, Config{CPUs: 1}, Faults, func() {
		for i := range uint64(3 * ringSize) {
			for active.Load().rings[0].tail.Load()-active.Load().rings[0].head.Load() >= ringSize {
				active.Load().wake()
			}
			Emit(Faulted, 0, 7, i)
		}
		got := Last(5)
		if len(got) != 5 {
			t.Fatalf("%d records, want 5", len(got))
		}
		for i, r := range got {
			if r.Code != Faulted || r.Task != 7 || r.Words[0] != uint64(3*ringSize-5+i) {
				t.Errorf("record %d is %v of task %d with %d", i, r.Code, r.Task, r.Words[0])
			}
		}
	})
	if s := Code(200).String(); s != "code 200" {
		t.Errorf("an unknown code is %q", s)
	}
	for c := Enter; c < Codes; c++ {
		if codeNames[c] == "" {
			t.Errorf("code %d has no name", c)
		}
	}
}
