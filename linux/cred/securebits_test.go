package cred

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestSecureBitsStayLocked(t *testing.T) {
	c := Root()
	steps := []struct {
		bits uint64
		want error
	}{
		{1 << 12, unix.EPERM},
		{KeepCaps | KeepCaps<<1, nil},
		{KeepCaps << 1, unix.EPERM},            // the bit is locked
		{KeepCaps, unix.EPERM},                 // so is the lock
		{KeepCaps | KeepCaps<<1 | NoRoot, nil}, // others are not
	}
	for _, s := range steps {
		if err := c.SetSecureBits(s.bits); err != s.want && !(err == nil && s.want == nil) {
			t.Errorf("%#x: %v, want %v", s.bits, err, s.want)
		}
	}
	if err := c.SetKeepCaps(0); err != unix.EPERM {
		t.Errorf("SetKeepCaps of a locked bit: %v", err)
	}
	c.Effective = 0
	if err := c.SetSecureBits(uint64(c.SecureBits)); err != unix.EPERM {
		t.Errorf("without CAP_SETPCAP: %v", err)
	}
}

func TestAmbient(t *testing.T) {
	c := Root()
	if err := c.RaiseAmbient(unix.CAP_KILL); err != unix.EPERM {
		t.Errorf("not inheritable: %v", err)
	}
	c.Inheritable = 1 << unix.CAP_KILL
	if err := c.RaiseAmbient(unix.CAP_KILL); err != nil || !c.Ambient.Has(unix.CAP_KILL) {
		t.Errorf("%v, %#x", err, c.Ambient)
	}
	if err := c.SetCaps(c.Effective, c.Permitted, 0); err != nil || c.Ambient != 0 {
		t.Errorf("ambient capabilities %#x survive capset: %v", c.Ambient, err)
	}
}
