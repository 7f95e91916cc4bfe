package syscalls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var openat2Rows = []Row{
	{Name: "openat2", Args: []Kind{DirFD, Path, OpenHow, Size}, Do: sysOpenat2, Contracts: []string{"filesystem/openat2_checks", "filesystem/openat2_resolve"}},
}

// openHowSize is the size of struct open_how's first version.
const openHowSize = 24

const resolveCached = 0x20 // RESOLVE_CACHED

// resolveFlags are openat2's restrictions and what the path walk calls them. A walk with
// RESOLVE_CACHED needs nothing but memory for file systems that are in it, so for these
// it is any walk.
var resolveFlags = [...]struct {
	flag uint64
	look vfs.LookupFlags
}{
	{unix.RESOLVE_NO_XDEV, vfs.NoXDev},
	{unix.RESOLVE_NO_MAGICLINKS, vfs.NoMagic},
	{unix.RESOLVE_NO_SYMLINKS, vfs.NoSymlinks | vfs.NoMagic},
	{unix.RESOLVE_BENEATH, vfs.Beneath},
	{unix.RESOLVE_IN_ROOT, vfs.InRoot},
	{resolveCached, 0},
}

func sysOpenat2(t *task.Task, a *Args) (uint64, error) {
	size := a.Size(3)
	switch {
	case size < openHowSize:
		return 0, unix.EINVAL
	case size > pathMax: // a page
		return 0, unix.E2BIG
	}
	how := make([]byte, size)
	if err := t.CopyIn(how, a.Addr(2)); err != nil {
		return 0, err
	}
	for _, b := range how[openHowSize:] {
		if b != 0 {
			return 0, unix.E2BIG // a field that is not known here
		}
	}
	flags, mode, resolve := binary.LittleEndian.Uint64(how), binary.LittleEndian.Uint64(how[8:]), binary.LittleEndian.Uint64(how[16:])
	creates := flags&unix.O_CREAT != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE
	switch {
	case flags&^vfs.ValidOpenFlags != 0,
		flags&unix.O_PATH != 0 && flags&^vfs.PathOpenFlags != 0,
		mode&^0o7777 != 0, mode != 0 && !creates,
		resolve&unix.RESOLVE_BENEATH != 0 && resolve&unix.RESOLVE_IN_ROOT != 0:
		return 0, unix.EINVAL
	case resolve&resolveCached != 0 && (creates || flags&unix.O_TRUNC != 0):
		return 0, unix.EAGAIN
	}
	var look vfs.LookupFlags
	for _, r := range resolveFlags {
		if resolve&r.flag != 0 {
			look |= r.look
			resolve &^= r.flag
		}
	}
	if resolve != 0 {
		return 0, unix.EINVAL
	}
	return openFile(t, a.Int(0), a.Addr(1), uint32(flags), uint32(mode), look)
}
