package nk

import (
	"math/bits"
	"sync/atomic"
)

// What the CPU can do, from its ID registers (Arm ARM D19.2).

// Numbers for idRegister, in the order of its table.
const (
	idPFR0 = iota
	idPFR1
	idISAR0
	idISAR1
	idMMFR0
	idMMFR1
	idMIDR
	idMPIDR
)

// cpuHas are features that the nanokernel itself uses.
var cpuHas struct{ pan, rng bool }

func detectFeatures() {
	cpuHas.pan = idRegister(idMMFR1)>>20&15 != 0
	cpuHas.rng = idRegister(idISAR0)>>60 != 0
}

// feature is a bit of AT_HWCAP: a 4-bit signed field of an ID register has at least a
// value. Its name is /proc/cpuinfo's (Linux Documentation/arch/arm64/elf_hwcaps.rst).
type feature struct {
	name  string
	reg   uint8
	shift uint8
	min   int8
	bit   uint8
}

// features are those of Linux that need nothing from the kernel but to be announced.
// Missing on purpose: SVE, SME (their state is not saved), pointer authentication,
// BTI and MTE (nobody manages keys, guarded pages and tags).
var features = [...]feature{
	{"fp", idPFR0, 16, 0, 0},
	{"asimd", idPFR0, 20, 0, 1},
	{"aes", idISAR0, 4, 1, 3},
	{"pmull", idISAR0, 4, 2, 4},
	{"sha1", idISAR0, 8, 1, 5},
	{"sha2", idISAR0, 12, 1, 6},
	{"crc32", idISAR0, 16, 1, 7},
	{"atomics", idISAR0, 20, 2, 8},
	{"fphp", idPFR0, 16, 1, 9},
	{"asimdhp", idPFR0, 20, 1, 10},
	{"cpuid", idPFR0, 0, 0, 11},
	{"asimdrdm", idISAR0, 28, 1, 12},
	{"jscvt", idISAR1, 12, 1, 13},
	{"fcma", idISAR1, 16, 1, 14},
	{"lrcpc", idISAR1, 20, 1, 15},
	{"dcpop", idISAR1, 0, 1, 16},
	{"sha3", idISAR0, 32, 1, 17},
	{"sm3", idISAR0, 36, 1, 18},
	{"sm4", idISAR0, 40, 1, 19},
	{"asimddp", idISAR0, 44, 1, 20},
	{"sha512", idISAR0, 12, 2, 21},
	{"asimdfhm", idISAR0, 48, 1, 23},
	{"dit", idPFR0, 48, 1, 24},
	{"ilrcpc", idISAR1, 20, 2, 26},
	{"flagm", idISAR0, 52, 1, 27},
	{"sb", idISAR1, 36, 1, 29},
	{"dcpodp", idISAR1, 0, 2, 32 + 0},
	{"flagm2", idISAR0, 52, 2, 32 + 7},
	{"frint", idISAR1, 32, 1, 32 + 8},
	{"i8mm", idISAR1, 52, 1, 32 + 13},
	{"bf16", idISAR1, 44, 1, 32 + 14},
	{"dgh", idISAR1, 48, 1, 32 + 15},
	{"rng", idISAR0, 60, 1, 32 + 16},
}

func (f *feature) has() bool {
	v := int64(idRegister(int(f.reg))<<(60-f.shift)) >> 60
	return v >= int64(f.min)
}

// hwcaps are AT_HWCAP and AT_HWCAP2.
func hwcaps() (cap1, cap2 uint64) {
	for i := range features {
		f := &features[i]
		if !f.has() {
			continue
		}
		if f.bit < 32 {
			cap1 |= 1 << f.bit
		} else {
			cap2 |= 1 << (f.bit - 32)
		}
	}
	return cap1, cap2
}

// CPUFeatures are the names of what HWCap announces, as /proc/cpuinfo has them.
func CPUFeatures() []string {
	var names []string
	for i := range features {
		if features[i].has() {
			names = append(names, features[i].name)
		}
	}
	return names
}

// MIDR is the CPU's MIDR_EL1.
func MIDR() uint64 { return idRegister(idMIDR) }

// userIDRegister is what a program reads from the ID register with CRm and op2: the
// fields behind the features announced, and zero (or none) for all else.
func userIDRegister(crm, op2 uint32) uint64 {
	reg := -1
	switch crm<<4 | op2 {
	case 0x00:
		return idRegister(idMIDR)
	case 0x05:
		return 1 << 31 // MPIDR_EL1
	case 0x40:
		reg = idPFR0
	case 0x60:
		reg = idISAR0
	case 0x61:
		reg = idISAR1
	}
	v := uint64(0)
	if reg == idPFR0 {
		v = 0x11 | 0xff<<16 // EL0 and EL1 are AArch64; FP and SIMD say so below
	}
	for i := range features {
		if f := &features[i]; int(f.reg) == reg && f.bit != 11 {
			mask := uint64(15) << f.shift
			v = v&^mask | idRegister(reg)&mask
		}
	}
	return v
}

// Random numbers: the CPU's own where it has them; else the ChaCha20 block function
// (RFC 8439) of a counter under a key from the loader's seed, so that callers need
// no lock.

var randomKey [8]uint32

func initRandom(seed []byte) {
	for i, b := range seed {
		randomKey[i/4%8] ^= uint32(b) << (i % 4 * 8)
	}
	// What there is besides: little, but it differs from boot to boot.
	for i := range randomKey {
		randomKey[i] ^= uint32(counter()) * 0x9e3779b9
	}
}

func random64() uint64 {
	if v, ok := hardwareRandom64(); ok {
		return v
	}
	var b [8]uint64
	chacha(&b)
	return b[0]
}

// randomBlock fills b with random numbers.
func randomBlock(b *[8]uint64) {
	for i := range b {
		var ok bool
		if b[i], ok = hardwareRandom64(); !ok {
			chacha(b)
			return
		}
	}
}

func hardwareRandom64() (v uint64, ok bool) {
	if cpuHas.rng {
		for range 10 {
			if v, ok := hardwareRandom(); ok {
				return v, true
			}
		}
	}
	return 0, false
}

// chacha fills b with the block function of the next count.
func chacha(b *[8]uint64) {
	n := atomic.AddUint64(&randomCount, 1)
	s := [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}
	for i := range randomKey {
		s[4+i] = randomKey[i]
	}
	s[12], s[13] = uint32(n), uint32(n>>32)
	c := counter()
	s[14], s[15] = uint32(c), uint32(c>>32)
	x := s
	for range 10 {
		for i := range 4 {
			quarter(&x, i, 4+i, 8+i, 12+i)
		}
		for i := range 4 {
			quarter(&x, i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4)
		}
	}
	for i := range b {
		b[i] = uint64(x[2*i]+s[2*i])<<32 | uint64(x[2*i+1]+s[2*i+1])
	}
}

var randomCount uint64

func quarter(x *[16]uint32, a, b, c, d int) {
	a, b, c, d = a&15, b&15, c&15, d&15
	x[a] += x[b]
	x[d] = bits.RotateLeft32(x[d]^x[a], 16)
	x[c] += x[d]
	x[b] = bits.RotateLeft32(x[b]^x[c], 12)
	x[a] += x[b]
	x[d] = bits.RotateLeft32(x[d]^x[a], 8)
	x[c] += x[d]
	x[b] = bits.RotateLeft32(x[b]^x[c], 7)
}
