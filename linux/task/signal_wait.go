package task

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

// TimedWait is rt_sigtimedwait(2): it takes a pending signal in set, or waits for one
// until the deadline on wait.Now's clock. EAGAIN at the deadline, EINTR for another
// signal.
func (t *Task) TimedWait(set abi.SigSet, deadline time.Duration) (info abi.SigInfo, err error) {
	g := t.Group
	set &^= onlyKernel
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.dequeue(set, &info) != 0 {
		t.attention()
		return info, nil
	}
	// While it waits the task does not block these signals, so that senders wake it.
	// realBlocked keeps them from being dropped as ignored.
	t.realBlocked = t.blocked
	t.blocked &^= set
	t.attention()
	g.mu.Unlock()
	err = t.Waiter.Sleep(deadline)
	g.mu.Lock()
	mask := t.realBlocked
	t.realBlocked = 0
	t.setBlocked(mask)
	sig := t.dequeue(set, &info)
	t.attention()
	switch {
	case sig != 0:
		return info, nil
	case err == unix.ETIMEDOUT:
		return info, unix.EAGAIN
	}
	return info, unix.EINTR
}

// Suspend is rt_sigsuspend(2), and pause(2) with the mask as it is: it waits for a
// signal that runs a handler or ends the process. The result is an error always.
func (t *Task) Suspend() error {
	for {
		if err := t.Waiter.Sleep(wait.Forever); err != nil {
			return abi.ERESTARTNOHAND
		}
	}
}
