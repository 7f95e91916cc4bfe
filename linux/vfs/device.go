package vfs

import (
	"cmp"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Device opens a device: the FileOps that it returns serves the File.
type Device func(c *Context, f *File) (FileOps, error)

// devices are the drivers by type and number. mu guards both maps.
var devices struct {
	mu    sync.RWMutex
	char  map[uint64]Device
	block map[uint64]Device
	// majors serve every minor of a major number that has no entry of its own.
	majors map[uint32]Device
	names  map[deviceMajor]struct{}
}

type deviceMajor struct {
	block bool
	Major
}

// Major is a line of /proc/devices: a major number and the name of a driver that has it.
type Major struct {
	Major uint32
	Name  string
}

// RegisterChar makes opens of character device major:minor go to open. name is the
// driver's in /proc/devices.
func RegisterChar(major, minor uint32, name string, open Device) {
	register(&devices.char, false, major, minor, name, open)
}

// RegisterBlock does it for block devices.
func RegisterBlock(major, minor uint32, name string, open Device) {
	register(&devices.block, true, major, minor, name, open)
}

func register(m *map[uint64]Device, block bool, major, minor uint32, name string, open Device) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	if *m == nil {
		*m = make(map[uint64]Device)
	}
	(*m)[unix.Mkdev(major, minor)] = open
	nameMajor(block, major, name)
}

func nameMajor(block bool, major uint32, name string) {
	if devices.names == nil {
		devices.names = make(map[deviceMajor]struct{})
	}
	devices.names[deviceMajor{block, Major{major, name}}] = struct{}{}
}

// RegisterCharMajor makes open serve every minor of a character major that is not
// registered by itself, such as the slaves of pseudo-terminals.
func RegisterCharMajor(major uint32, name string, open Device) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	if devices.majors == nil {
		devices.majors = make(map[uint32]Device)
	}
	devices.majors[major] = open
	nameMajor(false, major, name)
}

// Majors lists the registered drivers by major number, for /proc/devices.
func Majors(block bool) (list []Major) {
	devices.mu.RLock()
	defer devices.mu.RUnlock()
	for m := range devices.names {
		if m.block == block {
			list = append(list, m.Major)
		}
	}
	slices.SortFunc(list, func(a, b Major) int {
		return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// OpenSpecial opens what is no regular file or directory of the file system itself: a
// device, a FIFO or a socket (ENXIO). File systems' Open calls it.
func OpenSpecial(c *Context, i *Inode, f *File) (FileOps, error) {
	devices.mu.RLock()
	open := devices.char[i.Rdev]
	if i.Type() == unix.S_IFCHR && open == nil {
		open = devices.majors[unix.Major(i.Rdev)]
	}
	if i.Type() == unix.S_IFBLK {
		open = devices.block[i.Rdev]
	}
	devices.mu.RUnlock()
	switch i.Type() {
	case unix.S_IFIFO:
		return OpenFIFO(c, f)
	case unix.S_IFCHR, unix.S_IFBLK:
		if open != nil {
			return open(c, f)
		}
	}
	return nil, unix.ENXIO
}

// OpenFIFO opens a FIFO: package pipe sets it.
var OpenFIFO = func(c *Context, f *File) (FileOps, error) { return nil, unix.ENXIO }
