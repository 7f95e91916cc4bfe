package cred

import (
	"testing"

	"golang.org/x/sys/unix"
)

type uids struct{ r, e, s, fs uint32 }

func (c *Cred) uids() uids { return uids{c.UID, c.EUID, c.SUID, c.FSUID} }

func user(r, e, s uint32) *Cred { return &Cred{UID: r, EUID: e, SUID: s, FSUID: e, Bounding: AllCaps} }

func check(t *testing.T, what string, err, wantErr error, got, want uids) {
	t.Helper()
	if err != wantErr || got != want {
		t.Errorf("%s: %v, %+v; want %v, %+v", what, err, got, wantErr, want)
	}
}

func TestSetuid(t *testing.T) {
	c := Root()
	check(t, "root", c.Setuid(1000), nil, c.uids(), uids{1000, 1000, 1000, 1000})
	if c.Permitted|c.Effective != 0 {
		t.Errorf("capabilities are left: %#x, %#x", c.Permitted, c.Effective)
	}
	check(t, "back", c.Setuid(0), unix.EPERM, c.uids(), uids{1000, 1000, 1000, 1000})
	check(t, "-1", c.Setuid(Keep), unix.EINVAL, c.uids(), uids{1000, 1000, 1000, 1000})
	c = user(1000, 0, 0) // a set-uid program without CAP_SETUID
	check(t, "real", c.Setuid(1000), nil, c.uids(), uids{1000, 1000, 0, 1000})
	check(t, "saved", c.Setuid(0), nil, c.uids(), uids{1000, 0, 0, 0})
}

// A set-uid root program that parts with its rights for a while gets them back.
func TestEffectiveCapsFollowTheEffectiveID(t *testing.T) {
	c := Root()
	check(t, "drop", c.Setresuid(Keep, 1000, Keep), nil, c.uids(), uids{0, 1000, 0, 1000})
	if c.Effective != 0 || c.Permitted != AllCaps {
		t.Errorf("dropped: effective %#x, permitted %#x", c.Effective, c.Permitted)
	}
	check(t, "regain", c.Setresuid(Keep, 0, Keep), nil, c.uids(), uids{0, 0, 0, 0})
	if c.Effective != AllCaps {
		t.Errorf("regained: effective %#x", c.Effective)
	}
}

func TestKeepCaps(t *testing.T) {
	c := Root()
	c.SecureBits = KeepCaps
	c.Setuid(1000)
	if c.Permitted != AllCaps || c.Effective != 0 {
		t.Errorf("permitted %#x, effective %#x", c.Permitted, c.Effective)
	}
}

func TestSetreuid(t *testing.T) {
	c := user(1, 2, 3)
	check(t, "swap", c.Setreuid(2, 1), nil, c.uids(), uids{2, 1, 1, 1})
	c = user(1, 2, 3)
	check(t, "effective from saved", c.Setreuid(Keep, 3), nil, c.uids(), uids{1, 3, 3, 3})
	c = user(1, 2, 3)
	check(t, "real to saved", c.Setreuid(3, Keep), unix.EPERM, c.uids(), uids{1, 2, 3, 2})
	c = user(1, 2, 3)
	check(t, "effective to real", c.Setreuid(Keep, 1), nil, c.uids(), uids{1, 1, 3, 1})
}

func TestSetfsuid(t *testing.T) {
	c := Root()
	if old := c.Setfsuid(5); old != 0 || c.FSUID != 5 || c.Effective != AllCaps&^fileCaps {
		t.Errorf("old %d, now %d, effective %#x", old, c.FSUID, c.Effective)
	}
	if old := c.Setfsuid(0); old != 5 || c.Effective != AllCaps {
		t.Errorf("old %d, effective %#x", old, c.Effective)
	}
	u := user(1, 2, 3)
	if old := u.Setfsuid(9); old != 2 || u.FSUID != 2 {
		t.Errorf("not allowed: old %d, now %d", old, u.FSUID)
	}
}

func TestSetCaps(t *testing.T) {
	c := Root()
	if err := c.SetCaps(1, 3, 0); err != nil || c.Effective != 1 || c.Permitted != 3 {
		t.Errorf("%v: %#x, %#x", err, c.Effective, c.Permitted)
	}
	if err := c.SetCaps(1, 7, 0); err != unix.EPERM {
		t.Errorf("raised permitted: %v", err)
	}
	if err := c.SetCaps(4, 3, 0); err != unix.EPERM {
		t.Errorf("effective beyond permitted: %v", err)
	}
}
