package syscalls

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/task"
	"kevlar/linux/user"
)

const adjtimeNote = "what is set but the time itself is only kept: nothing disciplines the clock"

// Modes of adjtimex(2).
const (
	adjOffset    = 0x0001
	adjFrequency = 0x0002
	adjMaxError  = 0x0004
	adjEstError  = 0x0008
	adjStatus    = 0x0010
	adjConstant  = 0x0020
	adjTAI       = 0x0080
	adjSetOffset = 0x0100
	adjMicro     = 0x1000
	adjNano      = 0x2000
	adjTick      = 0x4000
	adjOnce      = 0x8001 // ADJ_OFFSET_SINGLESHOT: adjtime(3)
	adjOnceRead  = 0xa001
)

// Bits of a clock's status, and what adjtimex returns for one that is not synchronized.
const (
	staUnsync = 0x40
	staNano   = 0x2000
	staSet    = 0x00ff // what programs may set
	timeError = 5
)

// timexSize is the size of struct timex.
const timexSize = 208

func sysAdjtimex(t *task.Task, a *Args) (uint64, error) {
	var b [timexSize]byte
	if err := t.CopyIn(b[:], a.Addr(0)); err != nil {
		return 0, err
	}
	return adjtime(t, a.Addr(0), &b)
}

func sysClockAdjtime(t *task.Task, a *Args) (uint64, error) {
	var b [timexSize]byte
	if err := t.CopyIn(b[:], a.Addr(1)); err != nil {
		return 0, err
	}
	id := clock.ID(a.Int(0))
	if id != clock.Realtime {
		if _, err := read(t, id); err != nil {
			return 0, err
		}
		return 0, unix.EOPNOTSUPP
	}
	return adjtime(t, a.Addr(1), &b)
}

func adjtime(t *task.Task, at user.Addr, b *[timexSize]byte) (uint64, error) {
	modes := le.Uint32(b[0:])
	word := func(off int) int64 { return int64(le.Uint64(b[off:])) }
	step, err := checkAdjtime(t, modes, word)
	if err != nil {
		return 0, err
	}
	if step != 0 {
		clock.Set(clock.Realtime.Read() + step)
	}
	if modes&adjTAI != 0 && modes != adjOnceRead && word(48) >= 0 {
		clock.SetTAIOffset(int32(word(48)))
	}
	var now clock.Adjustment
	clock.Adjust(func(c *clock.Adjustment) {
		if modes != adjOnce && modes != adjOnceRead {
			setAdjustment(c, modes, word)
		}
		now = *c
	})
	le.PutUint64(b[8:], uint64(now.Offset))
	le.PutUint64(b[16:], uint64(now.Frequency))
	le.PutUint64(b[24:], uint64(now.MaxError))
	le.PutUint64(b[32:], uint64(now.EstimatedError))
	le.PutUint32(b[40:], uint32(now.Status))
	le.PutUint64(b[48:], uint64(now.Constant))
	le.PutUint64(b[56:], uint64(now.Precision))
	le.PutUint64(b[64:], uint64(now.Tolerance))
	d := clock.Realtime.Read()
	putTimeval(b[72:], d)
	if now.Status&staNano != 0 {
		le.PutUint64(b[80:], uint64(d%time.Second))
	}
	le.PutUint64(b[88:], uint64(now.Tick))
	clear(b[96:160]) // of a pulse-per-second signal, which there is none of
	le.PutUint32(b[160:], uint32(clock.TAIOffset()/time.Second))
	if err := t.CopyOut(at, b[:]); err != nil {
		return 0, err
	}
	if now.Status&staUnsync != 0 {
		return timeError, nil
	}
	return 0, nil
}

// checkAdjtime checks what is asked for, and returns by how much the clock is to be
// moved.
func checkAdjtime(t *task.Task, modes uint32, word func(off int) int64) (step time.Duration, err error) {
	may := t.Capable(unix.CAP_SYS_TIME)
	if modes&0x8000 != 0 {
		switch {
		case modes&adjOffset == 0:
			return 0, unix.EINVAL
		case modes != adjOnceRead && !may:
			return 0, unix.EPERM
		}
		return 0, nil
	}
	if modes != 0 && !may {
		return 0, unix.EPERM
	}
	if tick := word(88); modes&adjTick != 0 && (tick < 9000 || tick > 11000) {
		return 0, unix.EINVAL
	}
	if modes&adjSetOffset == 0 {
		return 0, nil
	}
	part := time.Duration(word(80))
	limit := time.Second
	if modes&adjNano == 0 {
		part *= time.Microsecond
	}
	if word(80) < 0 || part >= limit {
		return 0, unix.EINVAL
	}
	return time.Duration(word(72))*time.Second + part, nil
}

func setAdjustment(c *clock.Adjustment, modes uint32, word func(off int) int64) {
	if modes&adjStatus != 0 {
		c.Status = c.Status&^staSet | int32(word(40))&staSet
	}
	if modes&adjNano != 0 {
		c.Status |= staNano
	}
	if modes&adjMicro != 0 {
		c.Status &^= staNano
	}
	for _, f := range []struct {
		mode uint32
		to   *int64
		off  int
	}{
		{adjFrequency, &c.Frequency, 16}, {adjMaxError, &c.MaxError, 24}, {adjEstError, &c.EstimatedError, 32},
		{adjConstant, &c.Constant, 48}, {adjTick, &c.Tick, 88},
	} {
		if modes&f.mode != 0 {
			*f.to = word(f.off)
		}
	}
	c.Frequency = min(max(c.Frequency, -c.Tolerance), c.Tolerance)
}
