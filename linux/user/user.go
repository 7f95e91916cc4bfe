// Package user names user memory: addresses in a program's address space, and the
// copies between it and the kernel. The kernel never dereferences a user address:
// linux/mm implements Memory by walking the address space, faulting pages in as the
// program would, and copying through the machine's direct map.
package user

import (
	"encoding/binary"

	"kevlar/machine/mem"
)

// Addr is an address in user memory. Zero is the null pointer.
type Addr uint64

// Memory is an address space as the kernel copies from and to it. An address that
// the program could not access itself gives EFAULT.
type Memory interface {
	// CopyIn fills dst from user memory. It returns how many bytes it copied
	// before the first one that it could not.
	CopyIn(dst []byte, from Addr) (int, error)
	// CopyOut writes src to user memory, likewise.
	CopyOut(to Addr, src []byte) (int, error)
}

// Iovec is one range of user memory.
type Iovec struct {
	Base Addr
	Len  int
}

// IO is the memory side of a read or write: ranges of user memory, or kernel
// memory when the kernel itself reads a file. Transfers advance through it. An IO
// lives on the stack or in its task: it must not be kept after the call.
type IO struct {
	mem    Memory
	vecs   []Iovec
	first  Iovec // the current range
	kernel []byte
	n      int     // bytes left in all ranges
	word   [8]byte // for Uint64 and PutUint64, so that they allocate nothing
}

// Buffer makes an IO of one range of user memory.
func Buffer(m Memory, base Addr, n int) IO {
	return IO{mem: m, first: Iovec{base, n}, n: n}
}

// Vector makes an IO of several ranges, in order. It keeps vecs.
func Vector(m Memory, vecs []Iovec) IO {
	io := IO{mem: m}
	for _, v := range vecs {
		io.n += v.Len
	}
	if len(vecs) > 0 {
		io.first, io.vecs = vecs[0], vecs[1:]
	}
	return io
}

// Kernel makes an IO of kernel memory.
func Kernel(p []byte) IO { return IO{kernel: p, n: len(p)} }

// Len is the number of bytes that are left.
func (io *IO) Len() int { return io.n }

// Limit shortens what is left to at most n bytes.
func (io *IO) Limit(n int) { io.n = min(io.n, n) }

// Write copies p into the memory (the program is reading a file): as much as
// fits. The error is EFAULT, with the number of bytes copied before it.
func (io *IO) Write(p []byte) (int, error) {
	return io.move(p, true)
}

// Read copies the memory into p (the program is writing a file).
func (io *IO) Read(p []byte) (int, error) {
	return io.move(p, false)
}

// Uint64 reads a number of eight bytes, and PutUint64 writes one, in the byte order of both
// architectures: what eventfd and timerfd files give and take.
func (io *IO) Uint64() (uint64, error) {
	_, err := io.move(io.word[:], false)
	return binary.LittleEndian.Uint64(io.word[:]), err
}

func (io *IO) PutUint64(v uint64) (int, error) {
	binary.LittleEndian.PutUint64(io.word[:], v)
	return io.move(io.word[:], true)
}

func (io *IO) move(p []byte, out bool) (total int, err error) {
	p = p[:min(len(p), io.n)]
	if io.mem == nil {
		if out {
			total = mem.Copy(io.kernel, p)
		} else {
			total = mem.Copy(p, io.kernel)
		}
		io.kernel = io.kernel[total:]
		io.n -= total
		return total, nil
	}
	for len(p) > 0 {
		for io.first.Len == 0 {
			io.first, io.vecs = io.vecs[0], io.vecs[1:]
		}
		k := min(len(p), io.first.Len)
		var n int
		if out {
			n, err = io.mem.CopyOut(io.first.Base, p[:k])
		} else {
			n, err = io.mem.CopyIn(p[:k], io.first.Base)
		}
		io.first.Base += Addr(n)
		io.first.Len -= n
		io.n -= n
		total += n
		p = p[n:]
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
