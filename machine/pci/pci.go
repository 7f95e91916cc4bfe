// Package pci finds the functions on a PCI bus through its configuration space, and
// sets up their memory windows and interrupts (PCI Local Bus 3.0, PCI Express Base
// 4.0). It drives no device itself.
package pci

import (
	"errors"
	"fmt"

	"kevlar/machine/mmio"
)

// Address is a function's place: bus, device (0..31), function (0..7).
type Address struct {
	Bus, Dev, Fn uint8
}

func (a Address) String() string { return fmt.Sprintf("%02x:%02x.%x", a.Bus, a.Dev, a.Fn) }

// Config accesses configuration space. Offsets are multiples of 4 below 4096; what
// lies outside the mechanism's reach reads as all ones.
type Config interface {
	Read32(a Address, off uint16) uint32
	Write32(a Address, off uint16, v uint32)
}

// ECAM is configuration space in memory, 1 MiB a bus (PCIe 7.2.2).
type ECAM struct {
	R     mmio.Region
	First uint8 // the bus at the start of R
}

func (e ECAM) at(a Address, off uint16) (uintptr, bool) {
	if a.Bus < e.First {
		return 0, false
	}
	o := uintptr(a.Bus-e.First)<<20 | uintptr(a.Dev)<<15 | uintptr(a.Fn)<<12 | uintptr(off)
	return o, int(o)+4 <= e.R.Size()
}

func (e ECAM) Read32(a Address, off uint16) uint32 {
	if o, ok := e.at(a, off); ok {
		return e.R.Read32(o)
	}
	return ^uint32(0)
}

func (e ECAM) Write32(a Address, off uint16, v uint32) {
	if o, ok := e.at(a, off); ok {
		e.R.Write32(o, v)
	}
}

// Offsets in configuration space.
const (
	cfgID       = 0x00
	cfgCommand  = 0x04
	cfgHeader   = 0x0c
	cfgBAR      = 0x10
	cfgBuses    = 0x18 // of a bridge
	cfgSubsys   = 0x2c
	cfgCaps     = 0x34
	cfgIRQ      = 0x3c
	cmdMemory   = 1 << 1
	cmdMaster   = 1 << 2
	cmdNoINTx   = 1 << 10
	statusCaps  = 1 << 20
	capMSIX     = 0x11
	msixEnable  = 1 << 31
	msixMaskAll = 1 << 30
)

// Function is one function of a device.
type Function struct {
	Address
	Vendor, Device uint16
	Class          uint32 // class, subclass, interface
	cfg            Config
}

// Scan returns the functions on bus and on the buses behind its bridges.
func Scan(cfg Config, bus uint8) []*Function {
	var all []*Function
	scan(cfg, bus, &all, 0)
	return all
}

func scan(cfg Config, bus uint8, all *[]*Function, depth int) {
	for dev := range uint8(32) {
		for fn := range uint8(8) {
			a := Address{bus, dev, fn}
			id := cfg.Read32(a, cfgID)
			if id == ^uint32(0) || id == 0 {
				if fn == 0 {
					break
				}
				continue
			}
			f := &Function{a, uint16(id), uint16(id >> 16), cfg.Read32(a, 8) >> 8, cfg}
			*all = append(*all, f)
			header := cfg.Read32(a, cfgHeader) >> 16
			if header&0x7f == 1 && depth < 8 { // a bridge
				if sub := uint8(cfg.Read32(a, cfgBuses) >> 8); sub > bus {
					scan(cfg, sub, all, depth+1)
				}
			}
			if fn == 0 && header&0x80 == 0 {
				break // not a multi-function device
			}
		}
	}
}

// Read32 and Write32 access the function's configuration space; Read8 and Read16
// take the bytes from the word around them.
func (f *Function) Read32(off uint16) uint32     { return f.cfg.Read32(f.Address, off) }
func (f *Function) Write32(off uint16, v uint32) { f.cfg.Write32(f.Address, off, v) }
func (f *Function) Read8(off uint16) uint8       { return uint8(f.Read32(off&^3) >> (8 * (off & 3))) }
func (f *Function) Read16(off uint16) uint16     { return uint16(f.Read32(off&^3) >> (8 * (off & 2))) }

// Enable lets the function answer memory accesses and access memory itself.
func (f *Function) Enable() {
	f.Write32(cfgCommand, f.Read32(cfgCommand)&0xffff|cmdMemory|cmdMaster)
}

// IRQPin is the interrupt pin that the function uses: 1 to 4 for INTA to INTD, 0
// for none. IRQLine is what the firmware wrote about it.
func (f *Function) IRQPin() int  { return int(f.Read8(cfgIRQ + 1)) }
func (f *Function) IRQLine() int { return int(f.Read8(cfgIRQ)) }

// Capabilities calls do with the ID and offset of each capability until it returns
// false. A list that loops ends.
func (f *Function) Capabilities(do func(id uint8, off uint16) bool) {
	if f.Read32(cfgCommand)&statusCaps == 0 {
		return
	}
	off := uint16(f.Read8(cfgCaps)) &^ 3
	for n := 0; off >= 0x40 && n < 48; n++ {
		w := f.Read16(off)
		if !do(uint8(w), off) {
			return
		}
		off = w >> 8 &^ 3
	}
}

// BAR is a memory window of a function.
type BAR struct {
	Addr, Size uint64
	Wide       bool // 64 bits: it takes the next register as well
}

// BAR reads window i (0..5). ok is false where there is none, or an I/O port window.
func (f *Function) BAR(i int) (b BAR, ok bool) {
	off := uint16(cfgBAR + 4*i)
	lo := f.Read32(off)
	if lo&1 != 0 {
		return b, false
	}
	b.Wide = lo&6 == 4
	// Size by writing ones (PCI 3.0, 6.2.5.1); decoding is off meanwhile.
	cmd := f.Read32(cfgCommand) & 0xffff
	f.Write32(cfgCommand, cmd&^cmdMemory)
	f.Write32(off, ^uint32(0))
	mask := uint64(f.Read32(off)&^15) | 0xffff_ffff<<32
	f.Write32(off, lo)
	b.Addr = uint64(lo &^ 15)
	if b.Wide {
		hi := f.Read32(off + 4)
		f.Write32(off+4, ^uint32(0))
		mask = mask&0xffff_ffff | uint64(f.Read32(off+4))<<32
		f.Write32(off+4, hi)
		b.Addr |= uint64(hi) << 32
	}
	f.Write32(cfgCommand, cmd)
	if mask == 0 || !b.Wide && uint32(mask) == 0 {
		return b, false
	}
	b.Size = -mask
	return b, true
}

// Window is bus address space for BARs, where no firmware has placed them.
type Window struct{ Next, End uint64 }

var errWindow = errors.New("no room in the PCI memory window")

// Place gives every memory window of f that has no address one from w.
func (f *Function) Place(w *Window) error {
	for i := 0; i < 6; i++ {
		b, ok := f.BAR(i)
		if ok && b.Addr == 0 {
			a := (w.Next + b.Size - 1) &^ (b.Size - 1)
			if a < w.Next || a+b.Size > w.End {
				return fmt.Errorf("pci %v: %w", f.Address, errWindow)
			}
			w.Next = a + b.Size
			f.Write32(uint16(cfgBAR+4*i), uint32(a))
			if b.Wide {
				f.Write32(uint16(cfgBAR+4*i+4), uint32(a>>32))
			}
		}
		if b.Wide {
			i++
		}
	}
	return nil
}

// EnableMSIX points entry 0 of the MSI-X table at the message (addr, data), and
// turns MSI-X on with all other entries as they are, masked (PCI 3.0, 6.8.2). mapBAR
// maps a part of a window. It reports false where the function has no MSI-X.
func (f *Function) EnableMSIX(addr uint64, data uint32, mapBAR func(pa, n uint64) mmio.Region) bool {
	done := false
	f.Capabilities(func(id uint8, off uint16) bool {
		if id != capMSIX {
			return true
		}
		table := f.Read32(off + 4)
		b, ok := f.BAR(int(table & 7))
		if !ok {
			return false
		}
		r := mapBAR(b.Addr+uint64(table&^7), 16)
		f.Write32(off, f.Read32(off)|msixEnable|msixMaskAll)
		r.Write32(0, uint32(addr))
		r.Write32(4, uint32(addr>>32))
		r.Write32(8, data)
		r.Write32(12, 0) // unmasked
		f.Write32(off, f.Read32(off)&^msixMaskAll)
		f.Write32(cfgCommand, f.Read32(cfgCommand)&0xffff|cmdNoINTx)
		done = true
		return false
	})
	return done
}
