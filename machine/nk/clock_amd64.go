package nk

import "math/bits"

// Time: now() is (TSC - bootTSC) * tscMult >> 32 in nanoseconds.
var (
	tscMult      uint64
	timerPerMs   uint64 // local APIC timer counts
	vdsoWallBase uint64
)

func now() int64 { return nanoseconds(rdtsc() - bootTSC) }

// nanoseconds converts a number of TSC ticks.
func nanoseconds(ticks uint64) int64 {
	hi, lo := bits.Mul64(ticks, tscMult)
	return int64(hi<<32 | lo>>32)
}

// PIT channel 0 counts down at 1193182 Hz (8254 datasheet). Channel 2, which other
// kernels use, needs port 0x61, and microvm has none.
const pitHz = 1193182

func startPIT() {
	outb(0x43, 0x34) // channel 0, low then high byte, rate generator
	outb(0x40, 0xff)
	outb(0x40, 0xff)
}

func readPIT() uint32 {
	outb(0x43, 0)
	lo := uint32(inb(0x40))
	return lo | uint32(inb(0x40))<<8
}

// reading is what the three clocks showed at one moment.
type reading struct {
	tsc        uint64
	pit, timer uint32
}

// readClocks takes of a few tries the quickest, since the host may stop us anywhere between.
func readClocks() (r reading) {
	best := ^uint64(0)
	for range 6 {
		t0 := rdtsc()
		p := readPIT()
		t1 := rdtsc()
		l := apicRead(apicTimerNow)
		if d := t1 - t0; d < best {
			best, r = d, reading{t0 + d/2, p, l}
		}
	}
	return r
}

// firstReading is from the beginning of the boot.
var firstReading reading

// startClocks makes the PIT and the local APIC's timer count.
func startClocks() {
	outb(0x21, 0xff) // both PICs masked
	outb(0xa1, 0xff)
	startPIT()
	apicWrite(apicLVTTimer, lvtMasked|vecTimer)
	apicWrite(apicTimerInit, 0xffffffff)
	firstReading = readClocks()
}

// since waits until at least min counts of the PIT have passed since r, and returns the TSC's
// frequency and the local APIC's counts in a millisecond by what passed.
func since(r *reading, min uint32) (hz, perMs uint64) {
	for (r.pit-readPIT())&0xffff < min {
	}
	now := readClocks()
	d := uint64((r.pit - now.pit) & 0xffff)
	if d == 0 {
		d = 1
	}
	return (now.tsc - r.tsc) * pitHz / d, uint64(r.timer-now.timer) * pitHz / d / 1000
}

// calibrate measures the TSC and the local APIC's timer over what the boot has taken since
// startClocks. The CPU may name the TSC's frequency: CPUID leaf 0x15, or leaf 0x40000010 of a
// hypervisor.
func calibrate() {
	const ms = pitHz / 1000
	hz, per := since(&firstReading, 2*ms)
	// The PIT comes around in 55 ms. Where the host has stopped us for that long, the truth is
	// far from what we have, and a short look shows it. Then the median of three tries is it.
	r := readClocks()
	if about, _ := since(&r, ms/4); about > hz+hz/8 || hz > about+about/8 {
		var hzs, pers [3]uint64
		for k := range hzs {
			r = readClocks()
			h, p := since(&r, 2*ms)
			insert(&hzs, k, h)
			insert(&pers, k, p)
		}
		hz, per = hzs[1], pers[1]
	}
	apicWrite(apicTimerInit, 0)
	apicWrite(apicLVTTimer, vecTimer)
	boot.clockHz = hz
	if f := statedHz(); f != 0 {
		boot.clockHz = f
	}
	timerPerMs = max(per, 1)
	hi, lo := bits.Mul64(1_000_000_000, 1<<32)
	tscMult, _ = bits.Div64(hi, lo, max(boot.clockHz, 1_000_000))
}

func insert(a *[3]uint64, k int, v uint64) {
	for k > 0 && a[(k-1)%3] > v {
		a[k%3] = a[(k-1)%3]
		k--
	}
	a[k%3] = v
}

func statedHz() uint64 {
	top, _, _, _ := cpuid(0, 0)
	if top >= 0x15 {
		if den, num, crystal, _ := cpuid(0x15, 0); den != 0 && num != 0 && crystal != 0 {
			return uint64(crystal) * uint64(num) / uint64(den)
		}
	}
	if _, _, c, _ := cpuid(1, 0); c>>31&1 != 0 {
		if top, _, _, _ := cpuid(0x40000000, 0); top >= 0x40000010 && top < 0x40010000 {
			khz, _, _, _ := cpuid(0x40000010, 0)
			return uint64(khz) * 1000
		}
	}
	return 0
}

func cmos(r byte) uint64 {
	outb(0x70, r|0x80)
	return uint64(inb(0x71))
}

// rtc reads the real-time clock (MC146818) as seconds since 1970. It reads until
// two readings agree, so that no update falls in between.
func rtc() uint64 {
	var was, v [6]uint64
	for range 10_000 {
		if cmos(0x0a)&0x80 != 0 {
			continue
		}
		for i, r := range [6]byte{0, 2, 4, 7, 8, 9} {
			v[i] = cmos(r)
		}
		if v == was {
			break
		}
		was = v
	}
	mode := cmos(0x0b)
	pm := mode&2 == 0 && v[2]&0x80 != 0
	v[2] &= 0x7f
	if mode&4 == 0 { // BCD
		for i := range v {
			v[i] = v[i]>>4*10 + v[i]&15
		}
	}
	if mode&2 == 0 { // 12 hours
		v[2] %= 12
		if pm {
			v[2] += 12
		}
	}
	s, m, h, d, mo, y := v[0], v[1], v[2], v[3], v[4], 2000+v[5]
	if mo <= 2 {
		y--
		mo += 12
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*(mo-3)+2)/5 + d - 1 - 719468
	return days*86400 + h*3600 + m*60 + s
}
