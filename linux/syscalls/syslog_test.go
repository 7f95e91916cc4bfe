package syscalls_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/klog"
	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

func TestSyslog(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		klog.Log(klog.Info, "older")
		u.Must(unix.SYS_SYSLOG, 5, nil, 0) // clear
		klog.Log(klog.Info, "newer")
		buf := make([]byte, 4096)
		n := u.Must(unix.SYS_SYSLOG, 3, buf, len(buf)) // read all
		if s := string(buf[:n]); !strings.HasPrefix(s, "<6>[") || !strings.HasSuffix(s, "] newer\n") || strings.Contains(s, "older") {
			u.Errorf("read all: %q", s)
		}
		unread := u.Must(unix.SYS_SYSLOG, 9, nil, 0)
		taken := u.Must(unix.SYS_SYSLOG, 2, buf, len(buf))
		if taken != unread || !strings.Contains(string(buf[:taken]), "older") {
			u.Errorf("unread %d, read %d: %q", unread, taken, buf[:taken])
		}
		if n := u.Must(unix.SYS_SYSLOG, 9, nil, 0); n != 0 {
			u.Errorf("%d bytes are left", n)
		}
		u.Expect(unix.EINVAL, unix.SYS_SYSLOG, 3, nil, 10)
		u.Expect(unix.EINVAL, unix.SYS_SYSLOG, 11, nil, 0)
		u.Must(unix.SYS_SETRESUID, 1000, 1000, 1000)
		u.Expect(unix.EPERM, unix.SYS_SYSLOG, 10, nil, 0)
	})
}
