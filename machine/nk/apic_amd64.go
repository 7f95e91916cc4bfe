package nk

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Local and I/O APICs: SDM volume 3, chapter 10; 82093AA datasheet.

const (
	apicEOI       = 0xb0
	apicSpurious  = 0xf0
	apicICRLow    = 0x300
	apicICRHigh   = 0x310
	apicLVTTimer  = 0x320
	apicLVTLint0  = 0x350
	apicTimerInit = 0x380
	apicTimerNow  = 0x390
	apicTimerDiv  = 0x3e0

	apicEnable  = 1 << 8
	lvtMasked   = 1 << 16
	icrInit     = 5<<8 | 1<<14
	icrStartup  = 6<<8 | 1<<14
	icrFixed    = 1 << 14
	icrPending  = 1 << 12
	ioapicLevel = 1 << 15
	ioapicMask  = 1 << 16
	ioapicLow   = 1 << 13
)

var lapic uintptr // of every CPU, in the direct map

func apicRead(reg uintptr) uint32     { return load32(lapic + reg) }
func apicWrite(reg uintptr, v uint32) { store32(lapic+reg, v) }
func endOfInterrupt()                 { apicWrite(apicEOI, 0) }

// loadAPIC enables this CPU's local APIC and its timer.
func loadAPIC() {
	lapic = directBase + uintptr(rdmsr(msrAPICBase)&0xffffff000)
	apicWrite(apicSpurious, apicEnable|vecSpurious)
	apicWrite(apicLVTLint0, lvtMasked)
	apicWrite(apicTimerDiv, 0xb) // by 1
	apicWrite(apicLVTTimer, vecTimer)
}

const (
	ipiKick    = vecKick
	ipiRequest = vecRequest
)

func sendIPI(c *CPU, kind int) { sendICR(c.apicID, uint32(kind)|icrFixed) }

func sendICR(id, low uint32) {
	for apicRead(apicICRLow)&icrPending != 0 {
		pause()
	}
	apicWrite(apicICRHigh, id<<24)
	apicWrite(apicICRLow, low)
}

// armTimer makes the timer go off at deadline; 0 stops it.
func armTimer(deadline int64) {
	if deadline == 0 {
		apicWrite(apicTimerInit, 0)
		return
	}
	d := min(max(deadline-now(), 1000), 1_000_000_000)
	apicWrite(apicTimerInit, uint32(max(uint64(d)*timerPerMs/1_000_000, 1)))
}

// ioapic is one I/O APIC: lines base to base+n-1.
type ioapic struct {
	addr    uintptr
	base, n uint32
}

const maxIOAPIC = 8

var (
	ioapics  [maxIOAPIC]ioapic
	nioapic  int
	levelIRQ IRQs // lines routed as level-triggered; sched.lock
	// override holds, for ISA interrupt i, 1 + the line that it is wired to, and
	// flags from the MADT.
	overrides     [16]uint32
	overrideFlags [16]uint32
)

func addIOAPIC(pa uint64, base uint32) {
	if nioapic == maxIOAPIC {
		return
	}
	a := directBase + uintptr(pa)
	store32(a, 1) // version and size
	v := load32(a + 0x10)
	if v == 0xffffffff || v == 0 {
		return
	}
	n := v>>16&0xff + 1
	ioapics[nioapic] = ioapic{a, base, n}
	nioapic++
	for i := uint32(0); i < n; i++ {
		ioapicWrite(a, 0x10+2*i, ioapicMask)
	}
}

func ioapicWrite(a uintptr, reg, v uint32) { store32(a, reg); store32(a+0x10, v) }
func ioapicRead(a uintptr, reg uint32) uint32 {
	store32(a, reg)
	return load32(a + 0x10)
}

// findLine returns the I/O APIC of line n and its input there.
func findLine(n uint32) (a uintptr, pin uint32) {
	for i := 0; i < nioapic; i++ {
		if io := &ioapics[i%maxIOAPIC]; n >= io.base && n < io.base+io.n {
			return io.addr, n - io.base
		}
	}
	return 0, 0
}

// routeIRQ sends line n to CPU 0, active high.
func routeIRQ(n int, level bool) uint64 {
	line := uint32(n)
	if n < 16 && overrides[n] != 0 {
		line = overrides[n] - 1
	}
	a, pin := findLine(line)
	if a == 0 || n > lastLine {
		return errno(int(unix.EINVAL))
	}
	low := uint32(vecDevice + n)
	if n < 16 && overrideFlags[n]&3 == 3 {
		low |= ioapicLow
	}
	levelIRQ[n/64&15] &^= 1 << uint(n&63)
	if level {
		low |= ioapicLevel
		levelIRQ[n/64&15] |= 1 << uint(n&63)
	}
	ioapicWrite(a, 0x10+2*pin+1, cpus[0].apicID<<24)
	ioapicWrite(a, 0x10+2*pin, low)
	return 0
}

func maskLevel(n int) {
	if levelIRQ[n/64&15]>>uint(n&63)&1 != 0 {
		setMask(n, ioapicMask)
	}
}

func unmaskIRQ(n int) {
	if n >= 0 && n <= lastLine {
		setMask(n, 0)
	}
}

func setMask(n int, m uint32) {
	line := uint32(n)
	if n < 16 && overrides[n] != 0 {
		line = overrides[n] - 1
	}
	if a, pin := findLine(line); a != 0 {
		ioapicWrite(a, 0x10+2*pin, ioapicRead(a, 0x10+2*pin)&^ioapicMask|m)
	}
}

// Requests to other CPUs that must be served whatever they do: flush the TLB, give
// back floating-point state. A sender counts up requests and waits until served has
// caught up; the target serves in the interrupt or while it waits for a lock.

func serveRequests() {
	c := thisCPU()
	n := atomic.LoadUint32(&c.requests)
	if n == atomic.LoadUint32(&c.served) {
		return
	}
	if c.uregs == 0 {
		// Nothing here needs user memory: leave the space, which may be about to go.
		atomic.StoreUint64(&c.cr3, mm.table.Root.Addr())
		writeCR3(mm.table.Root.Addr())
	} else {
		writeCR3(readCR3())
	}
	if atomic.LoadUint32(&c.fpWanted) != 0 {
		c.giveFP()
	}
	atomic.StoreUint32(&c.served, n)
}

func request(o *CPU) uint32 {
	n := atomic.AddUint32(&o.requests, 1)
	sendIPI(o, ipiRequest)
	return n
}

func await(o *CPU, n uint32) {
	var w watch
	for int32(atomic.LoadUint32(&o.served)-n) < 0 {
		serveRequests()
		pause()
		w.check("a CPU does not answer")
	}
}

// requestAll makes all other CPUs serve requests and waits for them.
func requestAll() {
	c := thisCPU()
	var want [maxCPUs]uint32
	for i := 0; i < ncpu; i++ {
		if o := &cpus[i]; o != c && o.online != 0 {
			want[i] = request(o)
		}
	}
	for i := 0; i < ncpu; i++ {
		if o := &cpus[i]; o != c && o.online != 0 {
			await(o, want[i])
		}
	}
}

// flushKernel makes every CPU forget kernel translations. No entry is global.
func flushKernel(from, to uintptr) {
	writeCR3(readCR3())
	requestAll()
}
