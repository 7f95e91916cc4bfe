package clock

import (
	"testing"
	"time"
)

func TestTimerFiresOnceAndIsDisarmed(t *testing.T) {
	fired := make(chan int64, 1)
	tm := NewTimer(func(missed int64) { fired <- missed })
	tm.Set(Monotonic, Monotonic.Read()+time.Millisecond, 0)
	<-fired
	if left, interval := tm.Get(); left != 0 || interval != 0 {
		t.Errorf("after its expiry: left %v, interval %v", left, interval)
	}
}

func TestTimerRepeats(t *testing.T) {
	fired := make(chan int64, 100)
	tm := NewTimer(func(missed int64) { fired <- missed })
	start := Monotonic.Read()
	tm.Set(Monotonic, start+time.Millisecond, 2*time.Millisecond)
	var n int64
	for n < 4 {
		n += 1 + <-fired
	}
	if d := Monotonic.Read() - start; d < 7*time.Millisecond {
		t.Errorf("%d expiries in %v", n, d)
	}
	if left, interval := tm.Set(Monotonic, 0, 0); left <= 0 || interval != 2*time.Millisecond {
		t.Errorf("while it repeats: left %v, interval %v", left, interval)
	}
}

// A timer on the wall clock fires when the clock jumps over its time, and one on the
// monotonic clock does not.
func TestSettingTheClockMovesWallTimers(t *testing.T) {
	Init(time.Unix(1000, 0), func(time.Duration) {})
	wall, mono := make(chan int64, 1), make(chan int64, 1)
	w := NewTimer(func(n int64) { wall <- n })
	m := NewTimer(func(n int64) { mono <- n })
	w.Set(Realtime, Realtime.Read()+time.Hour, 0)
	m.Set(Monotonic, Monotonic.Read()+time.Hour, 0)
	changes := Changes()
	Set(Realtime.Read() + 2*time.Hour)
	<-wall
	if Changes() != changes+1 {
		t.Errorf("changes %d, want %d", Changes(), changes+1)
	}
	if left, _ := m.Get(); left < 59*time.Minute {
		t.Errorf("monotonic timer has %v left", left)
	}
	m.Stop()
}

func TestStoppedTimerStaysQuiet(t *testing.T) {
	fired := make(chan int64, 1)
	tm := NewTimer(func(n int64) { fired <- n })
	for range 1000 {
		tm.Set(Monotonic, Monotonic.Read(), 0)
		tm.Stop()
		select {
		case <-fired: // it was under way
		default:
		}
	}
}
