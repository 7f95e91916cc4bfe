package vfs_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/vfs"
)

func TestXattr(t *testing.T) {
	v := newTree(t)
	v.touch("/f")
	p, err := vfs.Lookup(v.Context, unix.AT_FDCWD, []byte("/f"), 0)
	v.ok(err)
	set := func(name, value string, flags int) error { return p.Setxattr(v.Context, name, []byte(value), flags) }
	v.want(set("trusted.a", "1", unix.XATTR_REPLACE), unix.ENODATA)
	v.ok(set("trusted.a", "1", unix.XATTR_CREATE))
	v.want(set("trusted.a", "2", unix.XATTR_CREATE), unix.EEXIST)
	v.ok(set("trusted.a", "2", 0))
	v.ok(set("security.b", "", 0))
	v.want(set("security.capability", "nonsense", 0), unix.EINVAL)
	v.want(set("user.c", "1", 0), unix.EOPNOTSUPP) // tmpfs of Linux 6.1
	v.want(set("nonsense", "1", 0), unix.EOPNOTSUPP)
	v.want(set("trusted.", "1", 0), unix.EINVAL)
	value, err := p.Getxattr(v.Context, "trusted.a")
	v.ok(err)
	if string(value) != "2" {
		t.Errorf("value %q", value)
	}
	names, err := p.Listxattr(v.Context)
	v.ok(err)
	if !slices.Equal(names, []string{"security.b", "trusted.a"}) {
		t.Errorf("names %q", names)
	}

	caps := string([]byte{0, 0, 0, 2}) + string(make([]byte, 16))
	v.ok(set("security.capability", caps, 0))
	v.ok(p.Chown(v.Context, 0, 0))
	_, err = p.Getxattr(v.Context, "security.capability")
	v.want(err, unix.ENODATA)

	v.Cred = &cred.Cred{UID: 1, EUID: 1, FSUID: 1}
	v.want(set("trusted.a", "3", 0), unix.EPERM)
	v.want(set("security.b", "3", 0), unix.EPERM)
	_, err = p.Getxattr(v.Context, "trusted.a")
	v.want(err, unix.ENODATA)
	names, err = p.Listxattr(v.Context)
	v.ok(err)
	if !slices.Equal(names, []string{"security.b"}) {
		t.Errorf("an ordinary user sees %q", names)
	}
	v.Cred = cred.Root()
	v.ok(p.Removexattr(v.Context, "trusted.a"))
	v.want(p.Removexattr(v.Context, "trusted.a"), unix.ENODATA)
}
