package syscalls

import (
	"encoding/binary"
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/poll"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

var pollRows = []Row{
	{Name: "poll", Args: []Kind{PollFDs, Uint, Int}, Do: sysPoll, Contracts: []string{"events/poll_events", "events/poll_wakeup"}},
	{Name: "ppoll", Args: []Kind{PollFDs, Uint, Timespec, SigSet, Size}, Do: sysPpoll,
		Contracts: []string{"events/poll_wakeup", "events/epoll_pwait_masks"}},
	{Name: "select", Args: []Kind{Int, Ptr, Ptr, Ptr, Timeval}, Do: sysSelect, Contracts: []string{"events/select_sets", "abi/legacy_calls"}},
	{Name: "pselect6", Args: []Kind{Int, Ptr, Ptr, Ptr, Timespec, Ptr}, Do: sysPselect6,
		Contracts: []string{"events/select_sets", "events/epoll_pwait_masks"}},
}

// timeout is how long a call waits: until a deadline, for ever, or not at all.
type timeout struct {
	deadline time.Duration // on the clock of wait.Now
	block    bool
}

var forever = timeout{wait.Forever, true}

// after is a timeout that ends in d.
func after(d time.Duration) timeout {
	if d <= 0 {
		return timeout{}
	}
	now := wait.Now()
	if d > math.MaxInt64-now {
		return forever
	}
	return timeout{now + d, true}
}

// millis is the timeout of poll(2) and epoll_wait(2).
func millis(ms int) timeout {
	if ms < 0 {
		return forever
	}
	return after(time.Duration(ms) * time.Millisecond)
}

// left is what remains of the timeout.
func (to timeout) left() time.Duration {
	if !to.block {
		return 0
	}
	return max(0, to.deadline-wait.Now())
}

// duration makes a time of seconds and nanoseconds that a program gave: EINVAL for
// what is no time, and the longest there is for more than that.
func duration(sec, nsec int64) (time.Duration, error) {
	if sec < 0 || nsec < 0 || nsec >= 1e9 {
		return 0, unix.EINVAL
	}
	if sec > math.MaxInt64/int64(time.Second)-1 {
		return math.MaxInt64, nil
	}
	return time.Duration(sec*1e9 + nsec), nil
}

// getTimeout reads a timeout from a timespec, or a timeval if unit is a microsecond.
// The null pointer means for ever.
func getTimeout(t *task.Task, at user.Addr, unit time.Duration) (timeout, error) {
	if at == 0 {
		return forever, nil
	}
	var b [16]byte
	if err := t.CopyIn(b[:], at); err != nil {
		return timeout{}, err
	}
	sec := int64(binary.LittleEndian.Uint64(b[:]))
	frac := int64(binary.LittleEndian.Uint64(b[8:]))
	if unit == time.Microsecond { // select(2) takes more than a second of them
		sec += frac / 1e6
		frac = frac % 1e6 * 1e3
	}
	d, err := duration(sec, frac)
	if err != nil {
		return timeout{}, err
	}
	return after(d), nil
}

// putTimeout writes back what remains, as Linux does where it can: a read-only timeout
// is no error.
func putTimeout(t *task.Task, at user.Addr, unit time.Duration, to timeout) {
	if at == 0 || to == forever {
		return
	}
	left := to.left()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(left/time.Second))
	binary.LittleEndian.PutUint64(b[8:], uint64(left%time.Second/unit))
	t.CopyOut(at, b[:])
}

// setMask puts the signal mask of a p-call in place; the null pointer leaves it alone.
func setMask(t *task.Task, at user.Addr, size uint64) error {
	if at == 0 {
		return nil
	}
	if size != 8 {
		return unix.EINVAL
	}
	var b [8]byte
	if err := t.CopyIn(b[:], at); err != nil {
		return err
	}
	t.SetTemporaryMask(abi.SigSet(binary.LittleEndian.Uint64(b[:])))
	return nil
}

// interrupted turns the interruption of a call with a signal mask into err, which keeps
// the mask until the handler has run; any other end restores the mask.
func interrupted(t *task.Task, masked bool, got, err error) error {
	if got == abi.ERESTARTSYS {
		return err
	}
	if masked {
		t.RestoreMask()
	}
	return got
}

func sysPoll(t *task.Task, a *Args) (uint64, error) {
	return restartPoll(t, a.Addr(0), a.Uint(1), millis(a.Int(2)))
}

// restartPoll polls until an absolute time, so that an interrupted poll does not start its
// timeout anew.
func restartPoll(t *task.Task, at user.Addr, n uint32, to timeout) (uint64, error) {
	r, err := pollFDs(t, at, n, to)
	if err == abi.ERESTARTSYS {
		t.SetRestart(func(t *task.Task) (uint64, error) { return restartPoll(t, at, n, to) })
		return 0, abi.ERESTART_RESTARTBLOCK
	}
	return r, err
}

func sysPpoll(t *task.Task, a *Args) (uint64, error) {
	to, err := getTimeout(t, a.Addr(2), time.Nanosecond)
	if err != nil {
		return 0, err
	}
	if err := setMask(t, a.Addr(3), a.Size(4)); err != nil {
		return 0, err
	}
	n, err := pollFDs(t, a.Addr(0), a.Uint(1), to)
	err = interrupted(t, a.Addr(3) != 0, err, abi.ERESTARTNOHAND)
	putTimeout(t, a.Addr(2), time.Nanosecond, to)
	return n, err
}

// pollBuf is what one poll needs to decode its descriptors.
type pollBuf struct {
	fds   []poll.FD
	bytes []byte
}

var pollBufs = sync.Pool{New: func() any { return new(pollBuf) }}

// pollFDs is poll on n structures pollfd.
func pollFDs(t *task.Task, at user.Addr, n uint32, to timeout) (uint64, error) {
	const size = 8
	if uint64(n) > t.Limit(unix.RLIMIT_NOFILE) {
		return 0, unix.EINVAL
	}
	pb := pollBufs.Get().(*pollBuf)
	defer pollBufs.Put(pb)
	if len(pb.fds) < int(n) {
		pb.fds, pb.bytes = make([]poll.FD, n), make([]byte, int(n)*size)
	}
	buf, fds := pb.bytes[:int(n)*size], pb.fds[:n]
	if err := t.CopyIn(buf, at); err != nil {
		return 0, err
	}
	for i := range fds {
		b := buf[i*size:]
		fds[i].FD = int(int32(binary.LittleEndian.Uint32(b)))
		fds[i].Events = wait.Events(binary.LittleEndian.Uint16(b[4:]))
	}
	ready, err := poll.Wait(t.VFS(), fds, to.deadline, to.block)
	if err != nil {
		return 0, err
	}
	for i := range fds {
		binary.LittleEndian.PutUint16(buf[i*size+6:], uint16(fds[i].Revents))
	}
	if err := t.CopyOut(at, buf); err != nil {
		return 0, err
	}
	return uint64(ready), nil
}

func sysSelect(t *task.Task, a *Args) (uint64, error) {
	to, err := getTimeout(t, a.Addr(4), time.Microsecond)
	if err != nil {
		return 0, err
	}
	n, err := selectFDs(t, a, to)
	putTimeout(t, a.Addr(4), time.Microsecond, to)
	return n, interrupted(t, false, err, abi.ERESTARTNOHAND)
}

func sysPselect6(t *task.Task, a *Args) (uint64, error) {
	var set user.Addr
	var size uint64
	if a.Addr(5) != 0 {
		var b [16]byte
		if err := t.CopyIn(b[:], a.Addr(5)); err != nil {
			return 0, err
		}
		set = user.Addr(binary.LittleEndian.Uint64(b[:]))
		size = binary.LittleEndian.Uint64(b[8:])
	}
	to, err := getTimeout(t, a.Addr(4), time.Nanosecond)
	if err != nil {
		return 0, err
	}
	if err := setMask(t, set, size); err != nil {
		return 0, err
	}
	n, err := selectFDs(t, a, to)
	err = interrupted(t, set != 0, err, abi.ERESTARTNOHAND)
	putTimeout(t, a.Addr(4), time.Nanosecond, to)
	return n, err
}

// selectEvents are the events that make a descriptor ready in each of the three sets
// (select(2), "Correspondence between select() and poll() notifications").
var selectEvents = [3]wait.Events{
	wait.In | wait.RdNorm | wait.RdBand | wait.Hup | wait.Err,
	wait.Out | wait.WrNorm | wait.WrBand | wait.Err,
	wait.Pri,
}

// selectFDs is select on the three sets whose addresses are arguments 1 to 3.
func selectFDs(t *task.Task, a *Args, to timeout) (uint64, error) {
	n := a.Int(0)
	if n < 0 {
		return 0, unix.EINVAL
	}
	n = min(n, t.Files.Cap())
	size := (n + 63) / 64 * 8
	var sets [3][]byte
	for i := range sets {
		if a.Addr(i+1) == 0 {
			continue
		}
		sets[i] = make([]byte, size)
		if err := t.CopyIn(sets[i], a.Addr(i+1)); err != nil {
			return 0, err
		}
	}
	has := func(i, fd int) bool { return sets[i] != nil && sets[i][fd/8]>>(fd%8)&1 != 0 }
	var fds []poll.FD
	for fd := range n {
		var events wait.Events
		for i := range sets {
			if has(i, fd) {
				events |= selectEvents[i]
			}
		}
		if events != 0 {
			fds = append(fds, poll.FD{FD: fd, Events: events})
		}
	}
	if _, err := poll.Wait(t.VFS(), fds, to.deadline, to.block); err != nil {
		return 0, err
	}
	var out [3][]byte
	for i := range sets {
		out[i] = make([]byte, len(sets[i]))
	}
	count := 0
	for _, f := range fds {
		if f.Revents == unix.POLLNVAL {
			return 0, unix.EBADF
		}
		for i := range sets {
			if has(i, f.FD) && f.Revents&selectEvents[i] != 0 {
				out[i][f.FD/8] |= 1 << (f.FD % 8)
				count++
			}
		}
	}
	for i := range sets {
		if sets[i] != nil {
			if err := t.CopyOut(a.Addr(i+1), out[i]); err != nil {
				return 0, err
			}
		}
	}
	return uint64(count), nil
}
