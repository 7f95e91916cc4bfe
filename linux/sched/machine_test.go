package sched_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/machine"
	"kevlar/machine/sim"
)

// clockwork is a machine's timer: it interrupts the programs that have been shown to it.
type clockwork struct {
	machine machine.Machine
	mu      sync.Mutex // guards regs
	regs    map[*machine.Regs]bool
}

func (c *clockwork) add(r *machine.Regs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.regs[r] = true
}

func (c *clockwork) remove(r *machine.Regs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.regs, r)
}

func (c *clockwork) run(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Microsecond):
		}
		c.mu.Lock()
		for r := range c.regs {
			c.machine.Kick(r)
		}
		c.mu.Unlock()
	}
}

// with runs a program on a machine of two CPUs with a timer.
func with(t *testing.T, program func(u *sim.User, c *clockwork)) {
	c := &clockwork{regs: make(map[*machine.Regs]bool)}
	stop := make(chan struct{})
	var done sync.WaitGroup
	linuxtest.RunPrepared(t, func(k *task.Kernel, _ *vfs.Context) {
		if c.machine == nil {
			c.machine = k.Machine
			done.Go(func() { c.run(stop) })
		}
		c.machine = k.Machine
	}, func(u *sim.User) { program(u, c) })
	close(stop)
	done.Wait()
}

// want is what a spinner asks of the scheduler.
type want struct{ policy, priority, nice int }

func (w want) ask(u *sim.User) {
	u.Must(unix.SYS_SCHED_SETSCHEDULER, 0, w.policy, &[1]int32{int32(w.priority)})
	u.Must(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, w.nice)
}

// everything is one of each kind that there is.
var everything = []want{
	{task.SchedOther, 0, 0}, {task.SchedOther, 0, 0}, {task.SchedOther, 0, 19}, {task.SchedOther, 0, -10}, {task.SchedBatch, 0, 3},
	{task.SchedIdle, 0, 0}, {task.SchedFIFO, 1, 0}, {task.SchedRR, 2, 0}, {task.SchedRR, 2, 0},
}

func nap(u *sim.User, d time.Duration) {
	u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, int64(d)}, nil)
}

// TestKillHeld has more spinners than CPUs, pinned to one of them, and kills them all: the
// signal reaches those that are held back, and the machine goes on.
func TestKillHeld(t *testing.T) {
	with(t, func(u *sim.User, c *clockwork) {
		for range 3 {
			var ready atomic.Int32
			var pids []int64
			for _, w := range everything {
				pids = append(pids, u.Fork(func(u *sim.User) {
					u.Must(unix.SYS_SCHED_SETAFFINITY, 0, 8, &[1]uint64{1})
					c.add(u.Regs())
					ready.Add(1)
					w.ask(u) // which the lesser ones do not return from before the others end
					for {
						u.Spin()
					}
				}))
			}
			for int(ready.Load()) < len(pids) {
				nap(u, time.Millisecond)
			}
			nap(u, 20*time.Millisecond)
			for _, pid := range pids {
				u.Must(unix.SYS_KILL, pid, unix.SIGKILL)
				var status int32
				u.Must(unix.SYS_WAIT4, pid, &status, 0, nil)
				if status != int32(unix.SIGKILL) {
					u.Errorf("status %#x", status)
				}
			}
		}
	})
}

// TestMachineRace has programs of every kind spin, sleep, yield, wake each other and change
// what others have asked for. All come to their end.
func TestMachineRace(t *testing.T) {
	const rounds = 150
	with(t, func(u *sim.User, c *clockwork) {
		pipes := [2]int32{}
		u.Must(unix.SYS_PIPE2, &pipes, unix.O_NONBLOCK)
		in, out := int64(pipes[0]), int64(pipes[1])
		var pids []int64
		for i, w := range everything {
			pids = append(pids, u.Fork(func(u *sim.User) {
				r := rand.New(rand.NewPCG(uint64(i), 1))
				w.ask(u)
				c.add(u.Regs())
				defer c.remove(u.Regs())
				for range rounds {
					switch r.IntN(8) {
					default:
						u.Spin()
					case 0:
						nap(u, time.Duration(r.IntN(int(time.Millisecond))))
					case 1:
						u.Yield()
					case 2:
						u.Syscall(unix.SYS_WRITE, out, "x", 1)
					case 3:
						poll := [1]unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}}
						u.Syscall(unix.SYS_PPOLL, &poll, 1, &[2]int64{0, int64(time.Millisecond)}, nil, 8)
						u.Syscall(unix.SYS_READ, in, make([]byte, 1), 1)
					case 4:
						u.Syscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, r.IntN(40)-20)
					case 5:
						u.Syscall(unix.SYS_SCHED_SETAFFINITY, 0, 8, &[1]uint64{1 + r.Uint64N(3)})
					}
				}
				u.Exit(i)
			}))
		}
		for i, pid := range pids {
			var status int32
			u.Must(unix.SYS_WAIT4, pid, &status, 0, nil)
			if status != int32(i)<<8 {
				u.Errorf("program %d: status %#x", i, status)
			}
		}
	})
}
