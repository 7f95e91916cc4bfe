package nk

import (
	"sync/atomic"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Virtual memory. The image is linked at imageBase + its physical address. heapBase
// to heapEnd and the nanokernel's stacks above share one top-level entry.
const (
	directBase = uintptr(0xffff_8000_0000_0000)
	heapBase   = uintptr(0xffff_c000_0000_0000)
	heapEnd    = heapBase + 511<<30
	imageBase  = uintptr(0xffff_ffff_8000_0000)
)

// archCPU is what assembly knows of a CPU; GS points to it in ring 0.
type archCPU struct {
	self    uintptr
	cur     uintptr // *Thread
	uregs   uintptr // *userRegs while in user mode
	scratch uintptr

	nkStack, nkFS, nkG uintptr // the nanokernel's stack, and FS base and g there
	excFS, excG        uintptr // the same for the exception stack

	goSP, goBP uintptr // Go's while in user mode
	goFS       uintptr // FS base of the Thread that runs

	cr3     uint64  // loaded root
	fpOwner uintptr // *userRegs whose x87 and AVX state the FPU holds
	fpID    uint32  // 1 + id, as userRegs.fpcpu has it
	inside  uint32  // the nanokernel runs

	// What enterUser must see to first, one word for it. Others set stale.
	stale  uint32 // load CR3
	ticked uint32 // a tick has found the kernel at work

	apicID   uint32
	requests uint32 // flushes asked for; see serveRequests
	served   uint32
	fpWanted uint32 // give back fpOwner's state

	nkTLS, excTLS [8]uint64
	nkGMem        [128]uint64
	excGMem       [128]uint64
	gdt           [9]uint64
	tss           [26]uint32
	gdtr          [10]byte
}

// places are addresses that only assembly can name.
type places struct {
	vectors, syscallEntry, idleLoop, apStart, vdsoClock, rt0 uintptr
	text, etext, erodata, end, bootStack, bootExc            uintptr
}

var place places

// Set by boot_amd64.s.
var (
	bootTSC   uint64
	startInfo uint64
	bootRoot  uint64 // the boot code's page table
)

// Assembly.
func PVHEntry()
func symbols(p *places)
func outb(port uint16, v byte)
func outw(port uint16, v uint16)
func outl(port uint16, v uint32)
func inb(port uint16) byte
func inl(port uint16) uint32
func rdtsc() uint64
func wrmsr(msr uint32, v uint64)
func rdmsr(msr uint32) uint64
func cpuid(leaf, sub uint32) (a, b, c, d uint32)
func rdrand() (v uint64, ok bool)
func readCR3() uint64
func writeCR3(v uint64)
func setCR4(bits uint64)
func loadTables(gdtr, idtr *[10]byte, tr uint16)
func tripleFault(idtr *[10]byte)
func halt()
func pause()
func thisCPU() *CPU
func call(nr, a, b, c uint64) uint64

func rt0() uintptr { return place.rt0 }

// The vDSO's function, as x86-64 names it.
const vdsoName = "__vdso_clock_gettime"

func vdsoFunction() uintptr { return place.vdsoClock }

var (
	idt  [512]uint64
	idtr [10]byte
)

// Selectors and the layout of descriptors: SDM volume 3, sections 3.4 and 8.2 (TSS).
const (
	codeSelector = 0x08
	tssSelector  = 0x30

	istException = 1
	istNK        = 2
	istFatal     = 3
)

func pseudoDescriptor(p *[10]byte, limit uint16, base uintptr) {
	p[0], p[1] = byte(limit), byte(limit>>8)
	for i := 0; i < 8; i++ {
		p[2+i] = byte(base >> (8 * i))
	}
}

func gate(v int, ist, dpl uint64) {
	a := uint64(place.vectors) + uint64(v)*16
	idt[2*v&511] = a&0xffff | codeSelector<<16 | ist<<32 | (0x8e|dpl<<5)<<40 | (a>>16&0xffff)<<48
	idt[(2*v+1)&511] = a >> 32
}

func initIDT() {
	for v := 0; v < 256; v++ {
		switch {
		case v == 2 || v == 8 || v == 18:
			gate(v, istFatal, 0)
		case v == 3 || v == 4: // INT3 and INTO are for everybody
			gate(v, istException, 3)
		case v < 32:
			gate(v, istException, 0)
		default:
			gate(v, istNK, 0)
		}
	}
	pseudoDescriptor(&idtr, 4095, addressOfIDT())
}

// earlyTraps makes an exception during boot visible, on static stacks.
func earlyTraps() {
	initIDT()
	c := &cpus[0]
	c.descriptors((place.bootStack+32768)&^63, (place.bootExc+8192)&^63, (place.bootExc+8192)&^63)
	c.excG, c.excFS = fakeG(&c.excGMem, &c.excTLS, place.bootExc)
	loadTables(&c.gdtr, &idtr, tssSelector)
}

// Sizes of the stacks of a CPU.
const (
	nkStackSize    = 16 << 10
	excStackSize   = 16 << 10
	fatalStackSize = 8 << 10
)

// archPrepare makes the CPU's stacks and descriptor tables.
func (c *CPU) archPrepare() {
	c.self = addressOfCPU(c)
	c.fpID = c.id + 1
	c.inside = 1
	nkLo, nkHi := newStack(nkStackSize)
	excLo, excHi := newStack(excStackSize)
	_, fatalHi := newStack(fatalStackSize)
	c.nkStack = nkHi
	c.nkG, c.nkFS = fakeG(&c.nkGMem, &c.nkTLS, nkLo)
	c.excG, c.excFS = fakeG(&c.excGMem, &c.excTLS, excLo)
	c.cr3 = mm.table.Root.Addr()
	c.descriptors(nkHi, excHi, fatalHi)
}

func (c *CPU) descriptors(nk, exc, fatal uintptr) {
	c.gdt[1] = 0x00af9b000000ffff // 64-bit code
	c.gdt[2] = 0x00cf93000000ffff // data
	c.gdt[3] = 0x00cffb000000ffff // user 32-bit code: SYSRET's base, unused
	c.gdt[4] = 0x00cff3000000ffff // user data
	c.gdt[5] = 0x00affb000000ffff // user code
	t := addressOfTSS(c)
	c.gdt[6] = 103 | (t&0xffffff)<<16 | 0x89<<40 | (t>>24&0xff)<<56
	c.gdt[7] = t >> 32
	// Data of byte granularity for everybody, whose limit the vDSO's getcpu reads.
	c.gdt[8] = 0x0040f10000000000 | uint64(c.id)
	c.setIST(istException, exc)
	c.setIST(istNK, nk)
	c.setIST(istFatal, fatal)
	c.tss[25] = 104 << 16 // no I/O bitmap
	pseudoDescriptor(&c.gdtr, 71, addressOfGDT(c))
}

func (c *CPU) setIST(i int, top uintptr) {
	c.tss[(7+2*i)%26], c.tss[(8+2*i)%26] = uint32(top), uint32(top>>32)
}

// fakeG makes a g of which only the stack bounds are set (stack.lo and hi, then the
// guards), and a thread-local block whose slot at -8 points to it.
func fakeG(g *[128]uint64, tls *[8]uint64, lo uintptr) (gAddr, fs uintptr) {
	const guard = 1024
	g[0] = uint64(lo)
	g[2], g[3] = uint64(lo+guard), uint64(lo+guard)
	gAddr = addressOfWords(&g[0])
	tls[0] = uint64(gAddr)
	return gAddr, addressOfWords(&tls[1])
}

func (c *CPU) startIdle(t *Thread) { t.start(place.idleLoop, c.idleStack()) }

// idleStack: the idle loop needs none, but it must be valid.
func (c *CPU) idleStack() uintptr { return c.nkStack - 4096 }

// MSRs and control register bits: SDM volume 4, table 2-2; volume 3, section 2.5.
const (
	msrAPICBase = 0x1b
	msrSTAR     = 0xc0000081
	msrLSTAR    = 0xc0000082
	msrFMASK    = 0xc0000084

	cr4SMEP = 1 << 20
	cr4SMAP = 1 << 21
)

// load sets up the processor that it runs on.
func (c *CPU) load() {
	c.archTSSAvailable()
	loadTables(&c.gdtr, &idtr, tssSelector)
	wrmsr(msrSTAR, 0x0018<<48|codeSelector<<32)
	wrmsr(msrLSTAR, uint64(place.syscallEntry))
	wrmsr(msrFMASK, 0x47700) // AC, NT, IOPL, DF, IF, TF
	setCR4(cr4SMEP | cr4SMAP)
	enableXSAVE(xcr0)
	loadAPIC()
}

// archTSSAvailable clears the busy bit that an earlier LTR has set.
func (c *CPU) archTSSAvailable() { c.gdt[6] &^= 2 << 40 }

// mapMachine builds the kernel's page table: the direct map, not executable; the
// image with text R-X, read-only data R--, data RW-; the heap's top-level entry.
func mapMachine() {
	mm.table.Root = allocFrame()
	top := virt(mm.table.Root)
	const nx = 1 << 63
	store64(top+256*8, load64(directBase+uintptr(bootRoot)+256*8)|nx)
	for pa := boot.mapped; pa < uint64(boot.maxFrame)*mem.PageSize; pa += bigAlign {
		mapBlock(uint64(directBase)+pa, mem.FrameOf(pa))
	}
	part := func(from, to uintptr, p pgtable.Prot) {
		from, to = from&^pageMask, (to+pageMask)&^pageMask
		mapKernel(from, uint64(from-imageBase), uint64(to-from), p)
	}
	part(place.erodata, findTail(place.end), pgtable.Read|pgtable.Write)
	part(place.etext, place.erodata, pgtable.Read)
	part(place.text, place.etext, pgtable.Read|pgtable.Execute)
	makePage(uint64(heapBase))
	writeCR3(mm.table.Root.Addr())
}

// mapBlock maps 2 MiB of the direct map.
func mapBlock(va uint64, f mem.Frame) {
	for {
		e, level := mm.table.Slot(va)
		if level == 1 {
			e.SetValue(pgtable.EncodeBlock(f, pgtable.Read|pgtable.Write))
			return
		}
		e.SetTable(allocFrame(), false)
	}
}

func copyKernelHalf(root mem.Frame) {
	copyWords(virt(root)+mem.PageSize/2, virt(mm.table.Root)+mem.PageSize/2, mem.PageSize/2)
}

// checkFeatures ends the boot where the CPU lacks something: better than dying
// silently later. (FSGSBASE is checked by the entry code.)
func checkFeatures() {
	_, _, c1, d1 := cpuid(1, 0)
	_, b7, _, _ := cpuid(7, 0)
	_, _, _, d81 := cpuid(0x80000001, 0)
	switch {
	case d1>>24&1 == 0:
		panicBoot("the CPU lacks FXSR, which this kernel needs")
	case c1>>26&1 == 0:
		panicBoot("the CPU lacks XSAVE, which this kernel needs")
	case b7>>7&1 == 0:
		panicBoot("the CPU lacks SMEP, which this kernel needs")
	case b7>>20&1 == 0:
		panicBoot("the CPU lacks SMAP, which this kernel needs")
	case d81>>20&1 == 0:
		panicBoot("the CPU lacks NX, which this kernel needs")
	}
	if _, _, _, d := cpuid(0x80000007, 0); d>>8&1 != 0 {
		tscInvariant = true
	}
	haveRDRAND = c1>>30&1 != 0
	xcr0 = 3
	if c1>>28&1 != 0 {
		xcr0 = 7
	}
	enableXSAVE(xcr0)
}

var (
	haveRDRAND   bool
	tscInvariant bool
	xcr0         uint32 // x87, SSE and, where there is, AVX
)

// jitter is the state of random64 where the CPU has no RDRAND.
var jitter uint64

// randomBlock fills b with random numbers.
func randomBlock(b *[8]uint64) {
	for i := range b {
		b[i] = random64()
	}
}

// random64 is a random number: from the CPU, mixed with the clock's jitter.
func random64() uint64 {
	s := atomic.AddUint64(&jitter, rdtsc()*0x9e3779b97f4a7c15|1)
	s ^= s >> 30
	s *= 0xbf58476d1ce4e5b9
	s ^= s >> 27
	s *= 0x94d049bb133111eb
	s ^= s >> 31
	if haveRDRAND {
		if v, ok := rdrand(); ok {
			s ^= v
		}
	}
	return s
}
