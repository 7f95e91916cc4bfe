package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/futex"
	"kevlar/linux/task"
	"kevlar/linux/user"
)

var futexRows = []Row{
	{Name: "futex", Args: []Kind{Ptr, FutexOp, Uint, FutexArg, Ptr, Uint}, Do: sysFutex, Support: Partial,
		Note:      "locks with priority inheritance lend no priority",
		Contracts: []string{"threading/futex_wait_wake", "threading/futex_requeue", "threading/futex_bitset_pi"}},
	{Name: "futex_waitv", Args: []Kind{Ptr, Uint, Hex, Timespec, ClockID}, Do: sysFutexWaitv, Contracts: []string{"threading/futex_waitv_many"}},
	{Name: "set_robust_list", Args: []Kind{Ptr, Size}, Do: sysSetRobustList, Contracts: []string{"threading/robust_processes", "threading/robust_list"}},
	{Name: "get_robust_list", Args: []Kind{PID, Ptr, Ptr}, Do: sysGetRobustList, Contracts: []string{"threading/robust_processes", "threading/robust_list"}},
}

// The operations of futex(2) and the flags that come with them.
const (
	futexWait          = 0
	futexWake          = 1
	futexRequeue       = 3
	futexCmpRequeue    = 4
	futexWakeOp        = 5
	futexLockPI        = 6
	futexUnlockPI      = 7
	futexTrylockPI     = 8
	futexWaitBitset    = 9
	futexWakeBitset    = 10
	futexWaitRequeuePI = 11
	futexCmpRequeuePI  = 12
	futexLockPI2       = 13

	futexPrivate  = 128
	futexRealtime = 256
)

func sysFutex(t *task.Task, a *Args) (uint64, error) {
	op := a.Uint(1)
	cmd := op &^ (futexPrivate | futexRealtime)
	shared := op&futexPrivate == 0
	val, val2, val3 := a.Uint(2), a.Uint(3), a.Uint(5)

	var d futex.Deadline
	switch cmd {
	case futexWait, futexLockPI, futexLockPI2, futexWaitBitset, futexWaitRequeuePI:
		if a.Addr(3) == 0 {
			break
		}
		at, err := getTimespec(t, a.Addr(3))
		if err != nil {
			return 0, err
		}
		switch {
		case cmd == futexWait:
			d = futex.In(at)
		case cmd == futexLockPI || op&futexRealtime != 0:
			d = futex.Deadline{Clock: clock.Realtime, At: max(at, 1)}
		default:
			d = futex.Deadline{Clock: clock.Monotonic, At: max(at, 1)}
		}
	}
	if op&futexRealtime != 0 && cmd != futexWaitBitset && cmd != futexWaitRequeuePI && cmd != futexLockPI2 {
		return 0, unix.ENOSYS
	}
	switch cmd {
	case futexWait:
		return waitWord(t, a.Addr(0), shared, val, futex.AnyBit, d)
	case futexWaitBitset:
		return waitWord(t, a.Addr(0), shared, val, val3, d)
	case futexWakeBitset, futexRequeue, futexCmpRequeue, futexCmpRequeuePI:
		switch {
		case cmd == futexWakeBitset:
			if val3 == 0 {
				return 0, unix.EINVAL
			}
		case int32(val) < 0 || int32(val2) < 0, cmd == futexCmpRequeuePI && val != 1:
			return 0, unix.EINVAL
		}
	case futexWake, futexWakeOp, futexLockPI, futexLockPI2, futexTrylockPI, futexUnlockPI, futexWaitRequeuePI:
	default:
		return 0, unix.ENOSYS
	}

	word, err := futex.At(t.Mem, a.Addr(0), shared)
	if err != nil {
		return 0, err
	}
	var second futex.Word
	switch cmd {
	case futexRequeue, futexCmpRequeue, futexWakeOp, futexWaitRequeuePI, futexCmpRequeuePI:
		if second, err = futex.At(t.Mem, a.Addr(4), shared); err != nil {
			return 0, err
		}
	}
	n := 0
	switch cmd {
	case futexWake:
		n, err = futex.Wake(word.Key, atLeastOne(val), futex.AnyBit)
	case futexWakeBitset:
		n, err = futex.Wake(word.Key, atLeastOne(val), val3)
	case futexRequeue:
		n, err = futex.Requeue(word, second, int(val), int(val2), nil)
	case futexCmpRequeue:
		n, err = futex.Requeue(word, second, int(val), int(val2), &val3)
	case futexWakeOp:
		n, err = futex.WakeOp(word, second, atLeastOne(val), atLeastOne(val2), futex.Op(val3))
	default:
		th := t.Futexes()
		switch cmd {
		case futexLockPI, futexLockPI2:
			err = th.Lock(word, d, false)
		case futexTrylockPI:
			err = th.Lock(word, d, true)
		case futexUnlockPI:
			err = th.Unlock(word)
		case futexWaitRequeuePI:
			err = th.WaitRequeue(word, second, val, d)
		case futexCmpRequeuePI:
			n, err = th.RequeueLock(word, second, int(val2), val3)
		}
	}
	return uint64(n), err
}

// atLeastOne is how many waiters a wake wakes: Linux looks at the number only after the
// first.
func atLeastOne(n uint32) int { return max(int(int32(n)), 1) }

// waitWord is FUTEX_WAIT. A wait with a deadline goes on to it after a signal without a
// handler, another starts over.
func waitWord(t *task.Task, a user.Addr, shared bool, val, bits uint32, d futex.Deadline) (uint64, error) {
	if bits == 0 {
		return 0, unix.EINVAL
	}
	word, err := futex.At(t.Mem, a, shared)
	if err != nil {
		return 0, err
	}
	th := t.Futexes()
	err = th.Waiter.Wait(t.Waiter, word, val, bits, d)
	if err == abi.ERESTARTSYS && d.At != 0 {
		t.SetRestart(func(t *task.Task) (uint64, error) { return waitWord(t, a, shared, val, bits, d) })
		err = abi.ERESTART_RESTARTBLOCK
	}
	return 0, err
}

func sysFutexWaitv(t *task.Task, a *Args) (uint64, error) {
	const (
		maxWords = 128
		size     = 24 // of struct futex_waitv: val, uaddr, flags, reserved
		word32   = 2  // FUTEX_32
	)
	n := a.Uint(1)
	if a.Uint(2) != 0 || n == 0 || n > maxWords || a.Addr(0) == 0 {
		return 0, unix.EINVAL
	}
	var d futex.Deadline
	if p := a.Addr(3); p != 0 {
		id := clock.ID(a.Int(4))
		if id != clock.Realtime && id != clock.Monotonic {
			return 0, unix.EINVAL
		}
		at, err := getTimespec(t, p)
		if err != nil {
			return 0, err
		}
		d = futex.Deadline{Clock: id, At: max(at, 1)}
	}
	b := make([]byte, size*n)
	got, _ := t.Mem.CopyIn(b, a.Addr(0))
	words := make([]futex.Wanted, n)
	shared := make([]bool, n)
	for i := range words {
		if got < size*(i+1) {
			return 0, unix.EFAULT
		}
		e := b[size*i:]
		flags := le.Uint32(e[16:])
		if flags&^(word32|futexPrivate) != 0 || le.Uint32(e[20:]) != 0 || flags&word32 == 0 {
			return 0, unix.EINVAL
		}
		words[i].Value, words[i].Addr, shared[i] = uint32(le.Uint64(e)), user.Addr(le.Uint64(e[8:])), flags&futexPrivate == 0
	}
	for i := range words {
		word, err := futex.At(t.Mem, words[i].Addr, shared[i])
		if err != nil {
			return 0, err
		}
		words[i].Word = word
	}
	th := t.Futexes()
	i, err := th.Waiter.WaitMany(t.Waiter, words, d)
	return uint64(i), err
}

func sysSetRobustList(t *task.Task, a *Args) (uint64, error) {
	if a.Size(1) != futex.HeadSize {
		return 0, unix.EINVAL
	}
	t.SetRobust(a.Addr(0))
	return 0, nil
}

func sysGetRobustList(t *task.Task, a *Args) (uint64, error) {
	o := t
	if id := a.Int(0); id != 0 {
		if o = t.PIDNamespace().Task(task.ID(id)); o == nil {
			return 0, unix.ESRCH
		}
	}
	if err := t.MayAccess(o, true); err != nil {
		return 0, err
	}
	if err := t.CopyOut(a.Addr(2), le.AppendUint64(nil, futex.HeadSize)); err != nil {
		return 0, err
	}
	return 0, t.CopyOut(a.Addr(1), le.AppendUint64(nil, uint64(o.Robust())))
}
