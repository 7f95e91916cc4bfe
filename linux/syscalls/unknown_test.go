package syscalls_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/linuxtest"
	"kevlar/linux/syscalls"
	"kevlar/machine/sim"
)

// Calls that there are not are counted, whatever their numbers.
func TestUnknown(t *testing.T) {
	before := syscalls.Unknown()
	linuxtest.Run(t, func(u *sim.User) {
		for range 2 {
			if v := u.Syscall(999); v != -int64(unix.ENOSYS) {
				t.Errorf("call 999: %d", v)
			}
		}
	})
	const name = "512 and above"
	if got := syscalls.Unknown()[name] - before[name]; got != 2 {
		t.Errorf("%d calls were counted, want 2", got)
	}
}
