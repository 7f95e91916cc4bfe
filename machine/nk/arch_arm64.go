package nk

import (
	"kevlar/machine"
	"kevlar/machine/mem"
)

// What an architecture supplies. This file is a stand-in until the ARM64 half is
// there: it makes the package compile and panics nowhere, because nothing calls it.

// Layout of the address space. heapBase to heapEnd is a part of one top-level entry,
// which also has room for the nanokernel's stacks above heapEnd.
const (
	directBase = uintptr(0x8000_0000_0000)
	heapBase   = 0x8080_0000_0000
	heapEnd    = 0x80f0_0000_0000
	redZone    = 0

	epollEventSize  = 16
	epollDataOffset = 8
)

// Context is a saved M.
type Context struct{ x [31]uint64 }

func (x *Context) sysno() uint64       { return x.x[8] }
func (x *Context) arg(i int) uint64    { return x.x[i] }
func (x *Context) setResult(v uint64)  { x.x[0] = v }
func (x *Context) sp() uintptr         { return 0 }
func (x *Context) setStack(sp uintptr) {}
func (x *Context) setTLS(v uint64)     {}
func (x *Context) cloneTLS() uint64    { return x.x[3] }
func (x *Context) start(pc, sp uintptr) {
	// A new context at pc, interrupts enabled.
}

// pushSignal builds the rt_sigframe below sp and makes the Thread enter the handler.
func (t *Thread) pushSignal(sp uintptr, sig int, code int32, addr uint64) {}

// sigreturn restores what pushSignal saved, t.sigmask included.
func (t *Thread) sigreturn() {}

// dump prints the registers on the console, which the caller has locked.
func (t *Thread) dump() {}

// archCPU is the part of CPU that assembly knows.
type archCPU struct{ cur, uregs uintptr }

func thisCPU() *CPU                                { return &cpus[0] }
func (c *CPU) archPrepare()                        {} // stacks, tables
func (c *CPU) startIdle(t *Thread)                 {} // a context that halts in a loop with interrupts enabled
func (c *CPU) load()                               {} // runs on c itself
func archInit()                                    {} // fills boot, sets up console and clock
func mapMachine()                                  {} // mm.table with image W^X, direct map, heap's top-level entry
func startCPUs()                                   {} // for each: newCPU, init, start it; it calls startCPU
func rt0() uintptr                                 { return 0 }
func vdsoImage() uintptr                           { return 0 }
func now() int64                                   { return 0 } // ns since boot
func armTimer(deadline int64)                      {}           // 0: off
func sendIPI(c *CPU, kind int)                     {}
func serveRequests()                               {} // other CPUs' requests, while waiting for a lock
func pause()                                       {}
func putc(b byte)                                  {}
func powerOff(status int)                          {}
func reboot()                                      {}
func halt()                                        {}
func random64() uint64                             { return 0 }
func flushKernel(from, to uintptr)                 {} // all CPUs, with mm.lock held
func flushUser(root, from, to uint64)              {} // the private call, if flushSpace needs one
func copyKernelHalf(root mem.Frame)                {}
func flushSpace(s *machine.Space, from, to uint64) {}
func forgetSpace(s *machine.Space)                 {}
func routeIRQ(n int, level bool) uint64            { return 0 }
func unmaskIRQ(n int)                              {}

// ipiKick makes a CPU look at the ready queue and at its Thread's signals.
const ipiKick = 0

// serveInterrupt serves the interrupt that ended user mode (callInterrupt).
func (c *CPU) serveInterrupt(what uint64, fromUser bool) {}

// archSyscall serves the calls that only this architecture has.
func (c *CPU) archSyscall(t *Thread, nr uint64) uint64 { return unknownSyscall(nr) }

// call makes a private system call.
func call(nr, a, b, c uint64) uint64 { return 0 }

// Enter runs user code.
func Enter(r *machine.Regs, s *machine.Space) machine.Trap { return machine.Trap{} }
func (c *CPU) quickArch(t *Thread, nr uint64) bool         { return false } // private calls of this architecture

// SyncCode makes what was written to f visible to instruction fetches.
func SyncCode(f mem.Frame) {}

// SaveFP brings what a CPU holds of r's floating-point state into r.
func SaveFP(r *machine.Regs) {}
