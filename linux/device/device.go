// Package device lists the devices that the kernel has: drivers add them, devtmpfs makes
// nodes of them and sysfs shows them. How a device is opened is package vfs's business
// (vfs.RegisterChar, vfs.RegisterBlock).
package device

import (
	"fmt"
	"slices"
	"sync"
)

// Device is one device. Its fields are set before Add and do not change.
type Device struct {
	// Name is the kernel's name: null, ttyS0, vda. A slash puts the node into a
	// directory of /dev.
	Name string
	// Class is the directory below /sys/class: mem, tty, block, net.
	Class string
	// Dev is the device number; 0 for a device without a node (network interfaces).
	Dev uint64
	// Mode is the permissions of the node.
	Mode uint32
	// Parent is what a partition is a part of; nil else.
	Parent *Device
	// Bus is where the device is attached, as a path below /sys/devices; "" for virtual ones.
	Bus string
	// Disk is there for block devices.
	Disk Disk
	// Attrs are further attributes in sysfs: the contents of the file, without the
	// newline.
	Attrs map[string]func() string
}

// Disk is what /proc and sysfs tell of a block device.
type Disk interface {
	Size() int64 // bytes
	ReadOnly() bool
	// Stats counts what was done.
	Stats() DiskStats
}

// DiskStats are counts of a block device: requests, sectors of 512 bytes and milliseconds.
type DiskStats struct {
	Reads, ReadSectors, ReadTime    uint64
	Writes, WriteSectors, WriteTime uint64
	Flushes, FlushTime              uint64
	InFlight                        uint64
	BusyTime                        uint64
}

// String is the counts as /proc/diskstats and sysfs's stat have them (iostats in Linux's
// documentation): 17 fields.
func (s DiskStats) String() string {
	return fmt.Sprintf("%d 0 %d %d %d 0 %d %d %d %d %d 0 0 0 0 %d %d", s.Reads, s.ReadSectors, s.ReadTime,
		s.Writes, s.WriteSectors, s.WriteTime, s.InFlight, s.BusyTime, s.ReadTime+s.WriteTime+s.FlushTime, s.Flushes, s.FlushTime)
}

// Block reports whether the node is a block device.
func (d *Device) Block() bool { return d.Class == "block" }

// devices is the list. mu is held while watchers are told, so that each learns of
// every device once and in order; they must not call this package.
var devices struct {
	mu       sync.Mutex
	list     []*Device
	watchers []func(d *Device, added bool)
}

// Add makes a device known.
func Add(d *Device) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	devices.list = append(devices.list, d)
	for _, w := range devices.watchers {
		w(d, true)
	}
}

// Remove takes a device that Add has added away.
func Remove(d *Device) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	devices.list = slices.DeleteFunc(devices.list, func(x *Device) bool { return x == d })
	for _, w := range devices.watchers {
		w(d, false)
	}
}

// List is the devices in the order in which they were added.
func List() []*Device {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	return slices.Clone(devices.list)
}

// Watch calls told for every device that there is, and from then on for each one that
// is added or removed.
func Watch(told func(d *Device, added bool)) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	devices.watchers = append(devices.watchers, told)
	for _, d := range devices.list {
		told(d, true)
	}
}
