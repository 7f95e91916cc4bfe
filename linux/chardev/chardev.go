// Package chardev is the character devices without hardware: null, zero, full, random,
// urandom and kmsg (null(4), full(4), random(4), kmsg in Linux's devices ABI). Memory
// itself (mem, port) is not to be had.
package chardev

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine"
	"kevlar/machine/mem"
)

// major is that of all devices here (devices.txt).
const major = 1

// Register makes the devices known. m is where random numbers come from.
func Register(m machine.Machine) {
	for _, d := range []struct {
		minor uint32
		name  string
		mode  uint32
		open  vfs.Device
	}{
		{3, "null", 0o666, same(null{})},
		{5, "zero", 0o666, same(zero{})},
		{7, "full", 0o666, same(full{})},
		{8, "random", 0o666, same(random{m: m})},
		{9, "urandom", 0o666, same(random{m: m, urandom: true})},
		{11, "kmsg", 0o644, openKmsg},
	} {
		vfs.RegisterChar(major, d.minor, "mem", d.open)
		device.Add(&device.Device{Name: d.name, Class: "mem", Dev: unix.Mkdev(major, d.minor), Mode: d.mode})
	}
}

// same is the open of a device whose open files have no state.
func same(ops vfs.FileOps) vfs.Device {
	return func(*vfs.Context, *vfs.File) (vfs.FileOps, error) { return ops, nil }
}

// rewound are files whose position is always 0, whatever lseek is asked for.
type rewound struct{ vfs.DefaultOps }

// Seekable implements vfs.FileOps.
func (rewound) Seekable() bool { return true }

// Seek implements vfs.FileOps.
func (rewound) Seek(*vfs.File, int64, int, int64) (int64, error) { return 0, nil }

// null takes everything and has nothing.
type null struct{ rewound }

// Read implements vfs.FileOps.
func (null) Read(*vfs.Context, *vfs.File, *user.IO, int64) (int, error) { return 0, nil }

// Write implements vfs.FileOps. It does not look at the memory.
func (null) Write(_ *vfs.Context, _ *vfs.File, src *user.IO, _ int64) (int, error) {
	return src.Len(), nil
}

// zero takes everything and has zeroes without end.
type zero struct{ null }

var zeroes [mem.PageSize]byte

// Read implements vfs.FileOps. A signal ends a long one early.
func (zero) Read(c *vfs.Context, _ *vfs.File, dst *user.IO, _ int64) (int, error) {
	return fill(c, dst, func() []byte { return zeroes[:] })
}

// MapsZeroes implements vfs.ZeroMapper.
func (zero) MapsZeroes() {}

// full reads as zero does, and never has room.
type full struct{ rewound }

// Read implements vfs.FileOps.
func (full) Read(c *vfs.Context, f *vfs.File, dst *user.IO, off int64) (int, error) {
	return zero{}.Read(c, f, dst, off)
}

// Write implements vfs.FileOps.
func (full) Write(*vfs.Context, *vfs.File, *user.IO, int64) (int, error) { return 0, unix.ENOSPC }

// fill fills dst with the pieces that next returns, a page at most between two looks
// for signals.
func fill(c *vfs.Context, dst *user.IO, next func() []byte) (done int, err error) {
	for dst.Len() > 0 {
		n, err := dst.Write(next())
		done += n
		switch {
		case err != nil && done == 0:
			return 0, err
		case err != nil, c.Waiter.Interrupted():
			return done, nil
		}
	}
	return done, nil
}
