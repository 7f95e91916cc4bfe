package nk

import (
	"math/bits"
	"sync/atomic"

	"kevlar/machine/mem"
	"kevlar/machine/mmio"
	"kevlar/machine/nk/fdt"
	"kevlar/machine/pgtable"
)

// Where a bare ELF is loaded, and what the machine is taken for when no device tree
// says better: QEMU's virt.
const (
	defaultRAM     = 0x4000_0000
	defaultImage   = defaultRAM + 2<<20
	defaultRAMSize = 1 << 30
	defaultUART    = 0x0900_0000
	defaultRTC     = 0x0901_0000
	defaultGICD    = 0x0800_0000
	defaultGICC    = 0x0801_0000
	defaultTimer   = 27
)

const bootTablePages = 5

// loaderInfo is what the entry code leaves: physical addresses of the device tree, or
// 0, and of the image, and the counter at entry.
type loaderInfo struct{ tree, image, ticks uint64 }

var (
	loader   loaderInfo
	platform fdt.Platform
)

// deviceTree is the loader's tree, in the boot code's table first, in the direct map
// later. It is empty where there is none.
func deviceTree(base uintptr) (t fdt.Tree) {
	if loader.tree == 0 {
		return t
	}
	p := base + uintptr(loader.tree)
	if base == 0 {
		p = treeBase + uintptr(loader.tree)&(2<<20-1)
	}
	n := fdt.Size(bytesAt(p, 8))
	if n == 0 || n > 2<<20 {
		return t
	}
	t, _ = fdt.Open(bytesAt(p, uintptr(n)))
	return t
}

// archInit reads the device tree and the CPU's registers, and fills boot.
func archInit() {
	detectFeatures()
	initClock()
	t := deviceTree(0)
	if t.Root() != fdt.None {
		t.Platform(&platform)
	} else {
		defaults()
	}
	bootCPUFirst()
	mapDirect()
	initUART()
	if loader.tree != 0 && platform.NMemory == 0 {
		panicBoot("the device tree names no memory")
	}
	if platform.GIC == 0 {
		panicBoot("the device tree names no interrupt controller that I know (GICv2, GICv3)")
	}
	if platform.Timer.ID == 0 {
		platform.Timer.ID = defaultTimer
	}

	boot.mapped = uint64(directEnd - directBase)
	for i := 0; i < platform.NMemory; i++ {
		r := platform.Memory[i%len(platform.Memory)]
		if r.Base < boot.mapped {
			addRAM(r.Base, min(r.Base+r.Size, boot.mapped))
		}
	}
	text, _, _, _, end := imageBounds()
	reserve(loader.image, loader.image+uint64(findTail(end)-text)+mem.PageSize)
	for i := 0; i < platform.NReserved; i++ {
		r := platform.Reserved[i%len(platform.Reserved)]
		reserve(r.Base, r.Base+r.Size)
	}
	if r := platform.Initrd; r.Size != 0 && r.Base+r.Size <= boot.mapped {
		boot.initrd = region{r.Base, r.Base + r.Size}
		reserve(r.Base, r.Base+r.Size)
	}
	if loader.tree != 0 {
		reserve(loader.tree, loader.tree+uint64(fdt.Size(bytesAt(directBase+uintptr(loader.tree), 8))))
	}

	cmdline := t.Bytes(platform.Cmdline)
	for i := 0; i < len(cmdline) && i < len(boot.cmdline); i++ {
		boot.cmdline[i] = cmdline[i]
		boot.ncmdline = i + 1
	}
	at, _ := findWord("kevlar.semihosting")
	semihosting = at > 0
	initRandom(t.Bytes(platform.Seed))
	if platform.RTC.Size != 0 {
		const dataRegister = 0
		boot.wallBase = uint64(load32(device(platform.RTC.Base)+dataRegister))*1_000_000_000 - uint64(now())
	}
	vdsoClock.wallBase = boot.wallBase
	boot.hwcap, boot.hwcap2 = hwcaps()
	gicInit()
	if idRegister(idMMFR0)>>4&15 == 2 {
		initASIDs(16)
	} else {
		initASIDs(8)
	}
}

// defaults describes the machine that a bare ELF boots on without a device tree.
func defaults() {
	platform.Memory[0] = fdt.Range{Base: defaultRAM, Size: defaultRAMSize}
	platform.NMemory = 1
	platform.NCPU = 1
	platform.Method, platform.PSCI = fdt.HVC, true
	platform.GIC = 2
	platform.Dist = fdt.Range{Base: defaultGICD, Size: 0x10000}
	platform.CPUIf = fdt.Range{Base: defaultGICC, Size: 0x10000}
	platform.UART.Range, platform.UARTIs = fdt.Range{Base: defaultUART, Size: 0x1000}, fdt.PL011
	platform.UART.IRQ.ID = 33
	platform.RTC.Range = fdt.Range{Base: defaultRTC, Size: 0x1000}
}

// bootCPUFirst makes the CPU that runs it the first of the tree's.
func bootCPUFirst() {
	self := idRegister(idMPIDR) & 0xff_00ff_ffff
	for i := 0; i < platform.NCPU; i++ {
		if platform.CPUs[i%maxCPUs] == self {
			platform.CPUs[i%maxCPUs] = platform.CPUs[0]
		}
	}
	platform.CPUs[0] = self
	platform.NCPU = max(platform.NCPU, 1)
}

// The direct map, in the boot code's table and all later ones: RAM with the largest
// blocks that fit, never executable, the image's constant part read-only; and the
// registers of the devices that the nanokernel knows.

const directPages = 48

// directTables are its page tables, aligned to pages at run time.
var (
	directTables [(directPages + 1) * mem.PageSize]byte
	directUsed   uintptr
	directRoot   uintptr // virtual address of its level 2 table in pgtable's counting
)

func newDirectTable() uintptr {
	if directUsed == directPages {
		panicBoot("the memory map has too many pieces")
	}
	p := (addressOfByte(&directTables[0])+pageMask)&^pageMask + directUsed*mem.PageSize
	directUsed++
	return p
}

// physOfImage is the physical address of something in the image.
func physOfImage(va uintptr) uint64 { return loader.image + uint64(va-imageBase) }

// imageOfPhys is the other way round.
func imageOfPhys(pa uint64) uintptr { return imageBase + uintptr(pa-loader.image) }

// mapPiece maps [pa, end), page-aligned, in the direct map.
func mapPiece(pa, end uint64, prot pgtable.Prot) {
	for pa < end && pa < uint64(directEnd-directBase) {
		table, shift := directRoot, uint(30)
		for {
			e := table + uintptr(pa>>shift&511)*8
			size := uint64(1) << shift
			f := mem.FrameOf(pa)
			if shift == 12 {
				store64(e, uint64(pgtable.Encode(f, prot)))
			} else if v := load64(e); v&3 != 3 && pa&(size-1) == 0 && end-pa >= size {
				store64(e, uint64(pgtable.EncodeBlock(f, prot)))
			} else {
				if v == 0 {
					v = physOfImage(newDirectTable()) | 3
					store64(e, v)
				}
				table, shift = imageOfPhys(v&0x0000_ffff_ffff_f000), shift-9
				continue
			}
			pa += size
			break
		}
	}
}

func mapDirect() {
	directRoot = newDirectTable()
	bootRoot := (addressOfByte(bootTable()) + pageMask) &^ pageMask
	store64(bootRoot+256*8, physOfImage(directRoot)|3)

	text, _, _, erodata, _ := imageBounds()
	constEnd := loader.image + uint64(erodata-text+mem.PageSize)&^pageMask
	const rw = pgtable.Read | pgtable.Write
	for i := 0; i < platform.NMemory; i++ {
		r := platform.Memory[i%len(platform.Memory)]
		start, end := (r.Base+pageMask)&^pageMask, (r.Base+r.Size)&^pageMask
		if start <= loader.image && constEnd <= end {
			mapPiece(start, loader.image, rw)
			mapPiece(loader.image, constEnd, pgtable.Read)
			start = constEnd
		}
		mapPiece(start, end, rw)
	}
	mapDevice(platform.UART.Range)
	mapDevice(platform.RTC.Range)
	mapDevice(platform.Dist)
	mapDevice(platform.CPUIf)
	for i := 0; i < platform.NRedist; i++ {
		mapDevice(platform.Redist[i%len(platform.Redist)])
	}
	mapDevice(platform.PCI.Config)
	mapDevice(platform.PCI.Window)
	for i := 0; i < platform.NVirtIO; i++ {
		mapDevice(platform.VirtIO[i%len(platform.VirtIO)].Range)
	}
	storeBarrier()
}

func mapDevice(r fdt.Range) {
	if r.Size != 0 {
		mapPiece(r.Base&^pageMask, (r.Base+r.Size+pageMask)&^pageMask, pgtable.Read|pgtable.Write|pgtable.Device)
	}
}

// device is where the registers at pa are in the direct map.
func device(pa uint64) uintptr { return directBase + uintptr(pa) }

// mapMachine makes the kernel's page table: direct map, heap, and the image with no
// part both writable and executable.
func mapMachine() {
	mm.table.Root = allocFrame()
	top := virt(mm.table.Root)
	store64(top+256*8, physOfImage(directRoot)|3)
	makePage(heapBase)
	text, etext, rodata, erodata, end := imageBounds()
	part := func(from, to uintptr, prot pgtable.Prot) {
		from, to = from&^pageMask, (to+pageMask)&^pageMask
		mapKernel(from, physOfImage(from), uint64(to-from), prot)
	}
	part(imageBase, text, pgtable.Read)
	part(text, etext, pgtable.Read|pgtable.Execute)
	part(rodata, erodata, pgtable.Read)
	part((erodata+pageMask)&^pageMask, findTail(end), pgtable.Read|pgtable.Write)
	kernelTTBR = mm.table.Root.Addr()
	storeBarrier()
}

// startCPUs turns the other CPUs on, one after another.
func startCPUs() {
	cleanImage() // they read their first instructions and tables past the caches
	for i := 1; i < platform.NCPU && ncpu < maxCPUs; i++ {
		c := &cpus[ncpu]
		platform.CPUs[ncpu] = platform.CPUs[i%maxCPUs]
		c.init(ncpu)
		if platform.CPUOn == 0 ||
			firmware(uint64(platform.CPUOn), c.mpidr, physOfImage(secondaryEntry()), uint64(ncpu)) != 0 {
			print("kernel: a CPU did not start\n")
			continue
		}
		for t := now() + 1_000_000_000; atomic.LoadUint32(&c.online) == 0; {
			if now() > t {
				panicBoot("a CPU was turned on and does not answer")
			}
			pause()
		}
		ncpu++
	}
}

// PSCI functions (Arm DEN0022).
const (
	psciSystemOff   = 0x8400_0008
	psciSystemReset = 0x8400_0009
)

// firmware makes a PSCI call.
func firmware(fn, a, b, c uint64) uint64 {
	switch platform.Method {
	case fdt.HVC:
		return hvc(fn, a, b, c)
	case fdt.SMC:
		return smc(fn, a, b, c)
	}
	return ^uint64(0)
}

// semihosting: the host takes our exit status by ARM semihosting. Where it does not,
// the instruction is undefined: hence the command-line word kevlar.semihosting.
var semihosting bool

func powerOff(status int) {
	if semihosting {
		semihostingExit(uint64(status))
	}
	if platform.PSCI {
		firmware(psciSystemOff, 0, 0, 0)
	}
	halt()
}

func reboot() {
	if platform.PSCI {
		firmware(psciSystemReset, 0, 0, 0)
	}
	halt()
}

func halt() {
	for {
		wfi()
	}
}

// The serial port, for the nanokernel's own output; drivers have it later.

var uart uintptr

func initUART() {
	if platform.UARTIs == fdt.NoUART {
		return
	}
	uart = device(platform.UART.Base)
	if platform.UARTIs == fdt.PL011 {
		const control, enableTxRx = 0x30, 1 | 1<<8 | 1<<9
		store32(uart+control, enableTxRx)
	}
}

// putc waits for room in the transmitter, and not for ever.
func putc(b byte) {
	const pl011Flags, pl011Full = 0x18, 1 << 5
	const ns16550Status, ns16550Empty = 5, 1 << 5
	switch platform.UARTIs {
	case fdt.PL011:
		for i := 0; load32(uart+pl011Flags)&pl011Full != 0 && i < 1_000_000; i++ {
		}
		store32(uart, uint32(b))
	case fdt.NS16550:
		for i := 0; load8(uart+ns16550Status)&ns16550Empty == 0 && i < 1_000_000; i++ {
		}
		store8(uart, b)
	}
}

// The clock: now is (CNTVCT - ticks at entry) * mult >> 32.

// clockState is what the vDSO reads.
type clockState struct{ start, mult, wallBase uint64 }

var (
	vdsoClock  clockState
	ticksPerNs uint64 // << 32
)

func initClock() {
	hz := counterHz()
	if hz == 0 {
		hz = 62_500_000 // firmware forgot to say: QEMU's
	}
	boot.clockHz = hz
	vdsoClock.start = loader.ticks
	vdsoClock.mult = 1_000_000_000 << 32 / hz
	ticksPerNs = hz << 32 / 1_000_000_000
}

func now() int64 { return nanoseconds(counter() - vdsoClock.start) }

// nanoseconds converts a number of ticks of the counter.
func nanoseconds(ticks uint64) int64 {
	hi, lo := bits.Mul64(ticks, vdsoClock.mult)
	return int64(hi<<32 | lo>>32)
}

// armTimer makes the CPU's virtual timer interrupt at the time deadline; 0 is never.
func armTimer(deadline int64) {
	if deadline == 0 {
		setTimer(0, 2)
		return
	}
	hi, lo := bits.Mul64(uint64(deadline), ticksPerNs)
	setTimer(vdsoClock.start+(hi<<32|lo>>32)+1, 1)
}

// For machine/metal: what only ARM64 has.

// Platform is the device tree's digest. It does not change.
func Platform() *fdt.Platform { return &platform }

// DeviceTree is the loader's device tree; it has no nodes where there is none.
func DeviceTree() fdt.Tree { return deviceTree(directBase) }

// DeviceMemory gives access to n bytes of device registers at physical address pa,
// which Platform names.
func DeviceMemory(pa, n uint64) (mmio.Region, error) {
	return mmio.At(device(pa), uintptr(n)), nil
}
