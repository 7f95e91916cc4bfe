// Package mm owns address spaces: VMAs, mmap and its relatives, page faults,
// copy-on-write, copies from and to user memory (it implements user.Memory), and the
// page cache. It knows frames and page tables, no files: what can be mapped is an
// Object.
package mm

import "kevlar/machine/mem"

// Object is something that can be mapped: a file's page cache, a shared anonymous
// segment, a device.
type Object interface {
	// Page returns the frame that holds page index (a file offset divided by the page
	// size) with a reference for the caller, reading it in first where necessary.
	// write says that the frame will be written through a shared mapping. Past the
	// end of the object it returns unix.ENXIO (the program gets SIGBUS); other errors
	// are I/O errors (SIGBUS) and ENOMEM.
	Page(index uint64, write bool) (mem.Frame, error)

	// Attach and Detach tell the object that VMA v maps it, so that truncation can
	// unmap what it cuts off (VMA.Zap) . The VMA's references to the object are counted by these.
	Attach(v *VMA)
	Detach(v *VMA)
}

// VMA is a range of an address space with one protection and one backing.
type VMA struct{}

// Space is an address space: what tasks that share memory have in common.
type Space struct{}
