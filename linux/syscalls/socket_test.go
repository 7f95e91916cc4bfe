package syscalls

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/net/socket"
)

func TestFamilies(t *testing.T) {
	if _, err := socket.Lookup(unix.AF_UNIX); err != nil {
		t.Errorf("AF_UNIX: %v", err)
	}
	if _, err := socket.Lookup(unix.AF_APPLETALK); err != unix.EAFNOSUPPORT {
		t.Errorf("AF_APPLETALK: %v", err)
	}
}
