package pgtable

import "kevlar/machine/mem"

// x86-64 page-table entries: Intel SDM volume 3, section 4.5 (tables 4-15 to 4-20).
const (
	bitPresent  = 1 << 0
	bitWrite    = 1 << 1
	bitUser     = 1 << 2
	bitPWT      = 1 << 3
	bitPCD      = 1 << 4
	bitAccessed = 1 << 5
	bitDirty    = 1 << 6
	bitBlock    = 1 << 7
	bitGlobal   = 1 << 8
	bitSoft     = 1 << 9  // ours: a mapped entry that faults on every access
	bitOwn      = 1 << 10 // ours: Own
	bitNX       = 1 << 63

	frameMask = 0x000f_ffff_ffff_f000
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
	v |= bitPresent | bitAccessed
	if p&Write != 0 {
		v |= bitWrite | bitDirty
	}
	if p&User != 0 {
		v |= bitUser
	}
	if p&Execute == 0 {
		v |= bitNX
	}
	if p&Device != 0 {
		v |= bitPCD | bitPWT
	}
	return v
}

// EncodeBlock is Encode for a block entry at level 1 or 2.
func EncodeBlock(f mem.Frame, p Prot) Value { return Encode(f, p) | bitBlock }

func encodeTable(f mem.Frame, user bool) Value {
	v := Value(f.Addr()) | bitPresent | bitWrite
	if user {
		v |= bitUser
	}
	return v
}

// Mapped: the entry holds a frame (or points to a table). Present: an access can
// succeed.
func (v Value) Mapped() bool     { return v&(bitPresent|bitSoft) != 0 }
func (v Value) Present() bool    { return v&bitPresent != 0 }
func (v Value) Writable() bool   { return v&(bitPresent|bitWrite) == bitPresent|bitWrite }
func (v Value) Executable() bool { return v&(bitPresent|bitNX) == bitPresent }
func (v Value) Own() bool        { return v&bitOwn != 0 }
func (v Value) IsUser() bool     { return v&bitUser != 0 }

// IsTable is for entries above level 0.
func (v Value) IsTable() bool    { return v&(bitPresent|bitBlock) == bitPresent }
func (v Value) Frame() mem.Frame { return mem.FrameOf(uint64(v) & frameMask) }

// publish orders an entry's store before the hardware's walks: x86 needs nothing.
func publish() {}
