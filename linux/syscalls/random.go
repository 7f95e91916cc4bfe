package syscalls

import (
	"math"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
)

var randomRows = []Row{
	{Name: "getrandom", Args: []Kind{OutBuf, Size, RandomFlags}, Do: sysGetrandom, Contracts: []string{"security/getrandom_flags", "filesystem/device_nodes"}},
}

// grndInsecure is GRND_INSECURE. Random numbers are good from the start here, so that no
// flag makes a difference.
const grndInsecure = 4

var randomBuffers = sync.Pool{New: func() any { return new([256]byte) }}

func sysGetrandom(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(2)
	const both = unix.GRND_RANDOM | grndInsecure
	if flags&^(unix.GRND_NONBLOCK|both) != 0 || flags&both == both {
		return 0, unix.EINVAL
	}
	buf := randomBuffers.Get().(*[256]byte)
	defer randomBuffers.Put(buf)
	defer clear(buf[:])
	want := min(a.Size(1), math.MaxInt32)
	for done := uint64(0); done < want; {
		p := buf[:min(want-done, uint64(len(buf)))]
		t.Kernel.Machine.Random(p)
		n, err := t.Memory().CopyOut(a.Addr(0)+user.Addr(done), p)
		done += uint64(n)
		switch {
		case err != nil && done == 0:
			return 0, err
		case err != nil:
			return done, nil
		case done%pageSize == 0:
			if t.Waiter.Interrupted() {
				return done, nil
			}
			runtime.Gosched()
		}
	}
	return want, nil
}
