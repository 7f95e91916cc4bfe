package nk

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// The interrupt controller: GICv2 (Arm IHI 0048) or GICv3 (IHI 0069). Lines are
// INTIDs: 0 to 15 are interrupts between CPUs, up to 31 a CPU's own, then devices.

// Distributor registers.
const (
	gicdCtlr      = 0x0
	gicdTyper     = 0x4
	gicdIgroup    = 0x80
	gicdIsenabler = 0x100
	gicdIcenabler = 0x180
	gicdIpriority = 0x400
	gicdItargets  = 0x800
	gicdIcfg      = 0xc00
	gicdSgir      = 0xf00
	gicdIrouter   = 0x6000

	// GICv2's CPU interface.
	giccCtlr = 0x0
	giccPmr  = 0x4
	giccIar  = 0xc
	giccEoir = 0x10

	// GICv3's redistributor; its second page has the registers of lines 0 to 31.
	gicrTyper   = 0x8
	gicrWaker   = 0x14
	gicrSGIPage = 0x10000

	priority   = 0xa0a0a0a0
	spurious   = 1020
	firstSPI   = 32
	waitRounds = 1_000_000
)

var (
	gicd, gicc uintptr
	gicLines   uint32
)

// gicInit sets the distributor up: all devices' lines off, routed to the boot CPU.
func gicInit() {
	gicd, gicc = device(platform.Dist.Base), device(platform.CPUIf.Base)
	gicLines = min((load32(gicd+gicdTyper)&31+1)*32, 1020)
	store32(gicd+gicdCtlr, 0)
	v3 := platform.GIC == 3
	if v3 {
		waitDistributor()
	}
	for n := uintptr(firstSPI); n < uintptr(gicLines); n += 32 {
		store32(gicd+gicdIcenabler+n/8, ^uint32(0))
		if v3 {
			store32(gicd+gicdIgroup+n/8, ^uint32(0))
		}
	}
	for n := uintptr(firstSPI); n < uintptr(gicLines); n += 4 {
		store32(gicd+gicdIpriority+n, priority)
	}
	if v3 {
		const enableGroup1, affinityRouting = 1 << 1, 1 << 4
		store32(gicd+gicdCtlr, affinityRouting)
		waitDistributor()
		store32(gicd+gicdCtlr, affinityRouting|enableGroup1)
	} else {
		store32(gicd+gicdCtlr, 1)
	}
}

// waitDistributor waits until its register writes have taken effect.
func waitDistributor() {
	for i := 0; load32(gicd+gicdCtlr)>>31 != 0 && i < waitRounds; i++ {
		pause()
	}
}

// gicInitCPU sets up what belongs to the CPU that runs it.
func gicInitCPU(c *CPU) {
	own := uint32(1)<<(platform.Timer.ID&31) | 1<<ipiNumber
	if platform.GIC == 2 {
		store32(gicd+gicdIcenabler, 0xffff0000&^own)
		store32(gicd+gicdIsenabler, own)
		for n := uintptr(0); n < 32; n += 4 {
			store32(gicd+gicdIpriority+n, priority)
		}
		if c.gicTarget = load32(gicd+gicdItargets) & 0xff; c.gicTarget == 0 {
			c.gicTarget = 1 << (c.id & 7)
		}
		store32(gicc+giccPmr, 0xf0)
		store32(gicc+giccCtlr, 1)
		return
	}
	r := findRedistributor(c.mpidr)
	if r == 0 {
		panicBoot("a CPU has no GIC redistributor")
	}
	const processorSleep, childrenAsleep = 2, 4
	store32(r+gicrWaker, load32(r+gicrWaker)&^processorSleep)
	for i := 0; load32(r+gicrWaker)&childrenAsleep != 0 && i < waitRounds; i++ {
		pause()
	}
	r += gicrSGIPage
	store32(r+gicdIgroup, ^uint32(0))
	for n := uintptr(0); n < 32; n += 4 {
		store32(r+gicdIpriority+n, priority)
	}
	store32(r+gicdIcenabler, ^own)
	store32(r+gicdIsenabler, own)
	gicEnableInterface()
}

// findRedistributor looks for the one whose affinity is the CPU's.
func findRedistributor(mpidr uint64) uintptr {
	aff := uint32(mpidr>>8&0xff00_0000 | mpidr&0xff_ffff)
	for i := 0; i < platform.NRedist; i++ {
		r := platform.Redist[i%len(platform.Redist)]
		for off := uint64(0); off+0x20000 <= r.Size; {
			p := device(r.Base + off)
			typer := load32(p + gicrTyper)
			if load32(p+gicrTyper+4) == aff {
				return p
			}
			const last, virtualLPIs = 1 << 4, 1 << 1
			switch {
			case typer&last != 0:
				off = r.Size
			case platform.Stride != 0:
				off += platform.Stride
			case typer&virtualLPIs != 0:
				off += 0x40000
			default:
				off += 0x20000
			}
		}
	}
	return 0
}

// acknowledge takes the pending interrupt of highest priority; complete ends it.
func acknowledge() uint32 {
	if platform.GIC == 2 {
		return load32(gicc + giccIar)
	}
	return gicAcknowledge()
}

func complete(iar uint32) {
	if platform.GIC == 2 {
		store32(gicc+giccEoir, iar)
		return
	}
	gicComplete(iar)
}

// serveIRQs takes and completes every pending interrupt.
func (c *CPU) serveIRQs(fromUser bool) {
	for {
		iar := acknowledge()
		n := iar & 0x3ff
		switch {
		case n >= spurious:
			return
		case n == platform.Timer.ID:
			setTimer(0, 2)
			c.onTimer(fromUser)
		case n >= firstSPI:
			if lineIsLevel(n) {
				maskIRQ(int(n))
			}
			c.onDevice(int(n), fromUser)
		default:
			serveRequests()
		}
		complete(iar)
	}
}

// sendIPI makes another CPU look: at what, its requests say.
func sendIPI(c *CPU, kind int) {
	atomic.OrUint32(&c.requests, 1<<uint(kind))
	fullBarrier()
	if platform.GIC == 2 {
		store32(gicd+gicdSgir, c.gicTarget<<16|ipiNumber)
		return
	}
	m := c.mpidr
	gicSend(m>>32&0xff<<48 | m>>16&0xff<<32 | m>>8&0xff<<16 |
		m>>4&0xf<<44 | // range selector: affinity 0 beyond 15
		1<<(m&15) | ipiNumber<<24)
}

// levels has a bit for each line that is level-triggered.
var levels IRQs

func lineIsLevel(n uint32) bool { return levels[n/64%uint32(len(levels))]>>(n%64)&1 != 0 }

// routeIRQ enables a device's line, on the boot CPU.
func routeIRQ(n int, level bool) uint64 {
	if n < firstSPI || n >= int(gicLines) {
		return errno(int(unix.EINVAL))
	}
	maskIRQ(n)
	bit, w := uint64(1)<<uint(n%64), &levels[n/64%len(levels)]
	cfg := load32(gicd + gicdIcfg + uintptr(n/16)*4)
	edge := uint32(2) << uint(n%16*2)
	if level {
		*w |= bit
		cfg &^= edge
	} else {
		*w &^= bit
		cfg |= edge
	}
	store32(gicd+gicdIcfg+uintptr(n/16)*4, cfg)
	if platform.GIC == 2 {
		store8(gicd+gicdItargets+uintptr(n), byte(cpus[0].gicTarget))
	} else {
		store64(gicd+gicdIrouter+uintptr(n)*8, cpus[0].mpidr)
	}
	unmaskIRQ(n)
	return 0
}

func maskIRQ(n int) { store32(gicd+gicdIcenabler+uintptr(n/32)*4, 1<<uint(n%32)) }

// unmaskIRQ lets the line fire again. It also stands for the call of that name.
func unmaskIRQ(n int) {
	if n >= firstSPI && n < int(gicLines) {
		store32(gicd+gicdIsenabler+uintptr(n/32)*4, 1<<uint(n%32))
	}
}
