package vfs_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/vfs"
)

// aclOf encodes entries of tag, permissions and id.
func aclOf(entries ...[3]byte) []byte {
	b := []byte{2, 0, 0, 0}
	for _, e := range entries {
		b = append(b, e[0], 0, e[1], 0)
		if named := e[0] == 2 || e[0] == 8; named {
			b = append(b, e[2], 0, 0, 0)
		} else {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
		}
	}
	return b
}

func (v *tree) path(name string) vfs.Path {
	v.Helper()
	p, err := vfs.Lookup(v.Context, unix.AT_FDCWD, []byte(name), 0)
	v.ok(err)
	return p
}

func TestACL(t *testing.T) {
	const access, inherited = "system.posix_acl_access", "system.posix_acl_default"
	named := aclOf([3]byte{1, 6}, [3]byte{2, 7, 9}, [3]byte{4, 0}, [3]byte{16, 4}, [3]byte{32, 0}) // user 9: r-x of rwx
	v := newTree(t)
	v.touch("/f")
	f := v.path("/f")
	v.want(f.Setxattr(v.Context, access, named[:12], 0), unix.EINVAL)
	v.ok(f.Setxattr(v.Context, access, named, 0))
	if m := f.Inode().Mode() & 0o777; m != 0o640 {
		t.Errorf("mode %o", m)
	}
	v.ok(vfs.Mkdir(v.Context, unix.AT_FDCWD, []byte("/d"), 0o755))
	v.ok(v.path("/d").Setxattr(v.Context, inherited, named, 0))
	v.ok(vfs.Mkdir(v.Context, unix.AT_FDCWD, []byte("/d/e"), 0o777))
	e := v.path("/d/e")
	if m := e.Inode().Mode() & 0o777; m != 0o640 {
		t.Errorf("mode of a directory that inherits: %o", m)
	}
	for _, name := range []string{access, inherited} {
		value, err := e.Getxattr(v.Context, name)
		v.ok(err)
		if string(value) != string(named) {
			t.Errorf("%s: %v", name, value)
		}
	}
	v.Cred = &cred.Cred{UID: 9, EUID: 9, FSUID: 9, FSGID: 9}
	v.ok(f.PermitAt(v.Context, vfs.MayRead))
	v.want(f.PermitAt(v.Context, vfs.MayWrite), unix.EACCES) // not beyond the mask
	v.want(f.Setxattr(v.Context, access, named, 0), unix.EPERM)
	v.Cred = cred.Root()
	v.ok(f.Chmod(v.Context, 0o660))
	v.Cred = &cred.Cred{UID: 9, EUID: 9, FSUID: 9, FSGID: 9}
	v.ok(f.PermitAt(v.Context, vfs.MayWrite))
}
