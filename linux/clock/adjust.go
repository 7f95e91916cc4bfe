package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Adjustment is what adjtimex(2) keeps besides the time itself, in its units. Nothing
// disciplines the clock here: these values are kept and shown.
type Adjustment struct {
	Offset, Frequency         int64
	MaxError, EstimatedError  int64
	Status                    int32
	Constant, Tolerance, Tick int64
	Precision                 int64
}

// unsynchronized is STA_UNSYNC.
const unsynchronized = 0x40

// notKnown is the error of a clock that nobody has set right, in microseconds
// (NTP_PHASE_LIMIT).
const notKnown = 16_000_000

var adjustment = struct {
	sync.Mutex // guards the values; leaf
	Adjustment
}{Adjustment: Adjustment{
	MaxError: notKnown, EstimatedError: notKnown, Status: unsynchronized,
	Constant: 2, Tolerance: 500 << 16, Tick: 10_000, Precision: 1,
}}

// Adjust calls change with what there is, and keeps what it leaves there.
func Adjust(change func(a *Adjustment)) {
	adjustment.Lock()
	defer adjustment.Unlock()
	change(&adjustment.Adjustment)
}

// tai is by how many seconds TAI is ahead of the wall clock.
var tai atomic.Int64

// TAIOffset is by how much TAI is ahead of the wall clock: 0 until somebody sets it.
func TAIOffset() time.Duration { return time.Duration(tai.Load()) * time.Second }

// SetTAIOffset sets that, in seconds.
func SetTAIOffset(seconds int32) { tai.Store(int64(seconds)) }
