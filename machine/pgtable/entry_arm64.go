package pgtable

import "kevlar/machine/mem"

// ARM64 stage 1 descriptors, 4 KiB granule: Arm ARM DDI 0487, section D8.3.
const (
	bitValid  = 1 << 0
	bitTable  = 1 << 1 // above level 0 (their level 3): a table; at level 0: a page
	attrShift = 2      // index into MAIR_EL1: 0 device-nGnRE, 1 normal write-back
	bitEL0    = 1 << 6 // AP[1]
	bitRO     = 1 << 7 // AP[2]
	shInner   = 3 << 8
	bitAF     = 1 << 10
	bitNG     = 1 << 11
	bitPXN    = 1 << 53
	bitUXN    = 1 << 54
	bitSoft   = 1 << 55 // ours: a mapped entry that faults on every access
	bitOwn    = 1 << 56 // ours: Own

	frameMask = 0x0000_ffff_ffff_f000
)

// Encode is the value of a page entry that maps f with p.
func Encode(f mem.Frame, p Prot) Value {
	v := Value(f.Addr())
	if p&Own != 0 {
		v |= bitOwn
	}
	if p&(Read|Write|Execute) == 0 {
		return v | bitSoft
	}
	v |= bitValid | bitTable | bitAF
	if p&Device != 0 {
		v |= bitPXN | bitUXN
	} else {
		v |= 1<<attrShift | shInner
	}
	if p&Write == 0 {
		v |= bitRO
	}
	if p&User != 0 {
		v |= bitEL0 | bitNG | bitPXN
		if p&Execute == 0 {
			v |= bitUXN
		}
	} else {
		v |= bitUXN
		if p&Execute == 0 {
			v |= bitPXN
		}
	}
	return v
}

// EncodeBlock is Encode for a block entry at level 1 or 2.
func EncodeBlock(f mem.Frame, p Prot) Value { return Encode(f, p) &^ bitTable }

func encodeTable(f mem.Frame, user bool) Value { return Value(f.Addr()) | bitValid | bitTable }

// Mapped: the entry holds a frame (or points to a table). Present: an access can
// succeed.
func (v Value) Mapped() bool     { return v&(bitValid|bitSoft) != 0 }
func (v Value) Present() bool    { return v&bitValid != 0 }
func (v Value) Writable() bool   { return v&(bitValid|bitRO) == bitValid }
func (v Value) Executable() bool { return v&(bitValid|bitUXN) == bitValid }
func (v Value) Own() bool        { return v&bitOwn != 0 }
func (v Value) IsUser() bool     { return v&bitEL0 != 0 }

// IsTable is for entries above level 0.
func (v Value) IsTable() bool    { return v&(bitValid|bitTable) == bitValid|bitTable }
func (v Value) Frame() mem.Frame { return mem.FrameOf(uint64(v) & frameMask) }

func publish()
