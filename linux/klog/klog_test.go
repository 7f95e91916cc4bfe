package klog

import (
	"strings"
	"testing"
	"time"
)

func TestRecordsKeepTheirOrderAndTheOldestGo(t *testing.T) {
	_, _, start := Bounds()
	Log(Info, "first\n")
	r, ok := From(start)
	if !ok || r.Text != "first" || r.Seq != start || r.Priority != Info {
		t.Fatalf("%+v, %v", r, ok)
	}
	if _, ok := From(start + 1); ok {
		t.Error("a record that is not there yet")
	}
	Clear()
	for range 2 * capacity / 1000 {
		Log(Debug, strings.Repeat("x", 1000))
	}
	first, cleared, next := Bounds()
	if first <= start || cleared < first || next != start+1+2*capacity/1000 {
		t.Errorf("bounds %d, %d, %d; began at %d", first, cleared, next, start)
	}
	if r, _ := From(start); r.Seq != first {
		t.Errorf("the oldest record is %d, not %d", r.Seq, first)
	}
}

func TestConsoleShowsWhatIsBelowItsLevel(t *testing.T) {
	old := GetLevels()
	defer SetLevels(old)
	var lines []string
	SetConsole(func(s string) { lines = append(lines, s) })
	defer SetConsole(nil)
	SetLevels(Levels{4, 4, 1, 7})
	Log(Info, "hidden")
	Log(Error, "shown")
	if len(lines) != 1 || !strings.HasSuffix(lines[0], "] shown\n") {
		t.Errorf("%q", lines)
	}
}

func TestConsoleLines(t *testing.T) {
	r := Record{Time: 3*time.Second + 7*time.Microsecond, Text: "a\nb"}
	if got, want := r.String(), "[    3.000007] a\n[    3.000007] b\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
