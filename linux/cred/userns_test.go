package cred

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is an identity in a user namespace of its own, made by from.
func inside(t *testing.T, from *Cred) *Cred {
	t.Helper()
	c := from.Copy()
	if err := c.NewUserNS(); err != nil {
		t.Fatal(err)
	}
	return c
}

// mapIDs sets a map in the name of by.
func mapIDs(c, by *Cred, kind IDKind, ranges ...Range) error {
	return c.User.SetMap(kind, by, by, func() ([]Range, error) { return ranges, nil })
}

func TestMaps(t *testing.T) {
	root := Root()
	outer := inside(t, root)
	if id := outer.User.ShowUID(0); id != Overflow {
		t.Errorf("without a map, 0 is %d", id)
	}
	for name, bad := range map[string][]Range{
		"none":      {},
		"empty":     {{0, 0, 0}},
		"overflow":  {{2, 0, None - 1}},
		"-1":        {{None, 0, 1}},
		"overlap":   {{0, 0, 10}, {9, 20, 1}},
		"overlap 2": {{0, 0, 10}, {20, 9, 1}},
	} {
		if err := mapIDs(outer, root, UserIDs, bad...); err != unix.EINVAL {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := mapIDs(outer, root, UserIDs, Range{0, 1000, 10}, Range{100, 5000, 1}); err != nil {
		t.Fatal(err)
	}
	if err := mapIDs(outer, root, UserIDs, Range{0, 1000, 10}); err != unix.EPERM {
		t.Errorf("a second map: %v", err)
	}
	mapIDs(outer, root, GroupIDs, Range{0, 0, 1})
	for local, global := range map[uint32]uint32{0: 1000, 9: 1009, 10: None, 100: 5000, 101: None, None: None} {
		if got := outer.User.UID(local); got != global {
			t.Errorf("%d is %d, want %d", local, got, global)
		}
		if global != None && outer.User.Local(UserIDs, global) != local {
			t.Errorf("%d is not %d inside", global, local)
		}
	}
	// A namespace below: its map is in terms of the one around it.
	outer.EUID = 1000
	inner := inside(t, outer)
	if err := mapIDs(inner, outer, UserIDs, Range{0, 8, 3}); err != unix.EPERM {
		t.Errorf("beyond the outer range: %v", err)
	}
	if err := mapIDs(inner, outer, UserIDs, Range{0, 8, 2}); err != nil || inner.User.UID(1) != 1009 {
		t.Errorf("%v: 1 is %d", err, inner.User.UID(1))
	}
}

func TestCapabilitiesAreRelative(t *testing.T) {
	root, owner, other := Root(), user(1000, 1000, 1000), user(1001, 1001, 1001)
	c := inside(t, owner)
	deeper := inside(t, &Cred{UID: 1000, EUID: 1000, User: mapped(t, c, root)})
	for _, x := range []struct {
		name string
		who  *Cred
		in   *UserNS
		want bool
	}{
		{"root in its own", root, nil, true},
		{"root below", root, deeper.User, true},
		{"inside", c, c.User, true},
		{"inside, above", c, nil, false},
		{"the owner", owner, c.User, true},
		{"the owner, deeper", owner, deeper.User, true},
		{"somebody else", other, c.User, false},
		{"deeper, above", deeper, c.User, false},
	} {
		if got := x.who.CapableIn(x.in, unix.CAP_SYS_ADMIN); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if c.Capable(unix.CAP_SYS_ADMIN) {
		t.Error("a capability in a namespace counts for the machine")
	}
	if c.Gains(owner) || !c.Gains(other) {
		t.Error("who makes a namespace gains nothing; whoever else enters it does")
	}
}

// mapped maps user 1000 and group 0 of c's namespace to themselves.
func mapped(t *testing.T, c, root *Cred) *UserNS {
	t.Helper()
	if err := mapIDs(c, root, UserIDs, Range{1000, 1000, 1}); err != nil {
		t.Fatal(err)
	}
	if err := mapIDs(c, root, GroupIDs, Range{0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	return c.User
}

func TestLimits(t *testing.T) {
	root := Root()
	c := inside(t, root)
	mapped(t, c, root)
	c.EUID = 1000
	c.User.SetLimit(UserNamespaces, 1)
	kept := inside(t, c)
	if err := c.Copy().NewUserNS(); err != unix.ENOSPC {
		t.Errorf("one too many: %v", err)
	}
	runtime.KeepAlive(kept)
}

// One of many writers sets the map; readers see all of it or nothing.
func TestMapIsSetOnce(t *testing.T) {
	root := Root()
	c := inside(t, root)
	var won, lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range uint32(8) {
		wg.Go(func() {
			err := mapIDs(c, root, UserIDs, Range{0, i * 1000, 10}, Range{10, i*1000 + 500, 10})
			a, b := c.User.UID(0), c.User.UID(10)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				lost++
			}
			if b != a+500 {
				t.Errorf("ranges of two maps: %d, %d", a, b)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 7 {
		t.Errorf("%d won, %d lost", won, lost)
	}
}

func TestExecWithFileCaps(t *testing.T) {
	const kill, chown = 1 << unix.CAP_KILL, 1 << unix.CAP_CHOWN
	file := func(f *FileCaps) ExecFile { return ExecFile{UID: Keep, GID: Keep, Caps: f} }
	u := user(1000, 1000, 1000)
	u.Ambient = 0
	n, secure, err := u.Exec(file(&FileCaps{Permitted: kill, Effective: true}))
	if err != nil || !secure || n.Permitted != kill || n.Effective != kill {
		t.Errorf("%v %v: %#x, %#x", err, secure, n.Permitted, n.Effective)
	}
	u.Bounding = chown
	if _, _, err := u.Exec(file(&FileCaps{Permitted: kill | chown, Effective: true})); err != unix.EPERM {
		t.Errorf("beyond the bounding set: %v", err)
	}
	u.NoNewPrivs, u.Bounding = true, AllCaps
	if n, secure, err := u.Exec(file(&FileCaps{Permitted: kill})); err != nil || secure || n.Permitted != 0 {
		t.Errorf("no_new_privs: %v %v, %#x", err, secure, n.Permitted)
	}
}
