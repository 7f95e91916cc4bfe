package nk

import "sync/atomic"

// trampoline takes a CPU from real mode to 64-bit mode on the boot code's tables; it
// lies at physical 0x8000.
var trampoline = [...]byte{
	0xfa,                   // cli
	0x31, 0xc0, 0x8e, 0xd8, // xor ax, ax; mov ds, ax
	0x66, 0xb8, 0xa0, 0x06, 0x00, 0x00, // mov eax, CR4: PAE, PGE, OSFXSR, OSXMMEXCPT
	0x0f, 0x22, 0xe0, // mov cr4, eax
	0x66, 0xb8, 0, 0, 0, 0, // mov eax, CR3          (at 16)
	0x0f, 0x22, 0xd8, // mov cr3, eax
	0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0, // mov ecx, EFER
	0x0f, 0x32, // rdmsr
	0x66, 0x0d, 0x01, 0x09, 0x00, 0x00, // or eax, SCE|LME|NXE
	0x0f, 0x30, // wrmsr
	0x66, 0x0f, 0x01, 0x16, 0xf0, 0x80, // lgdt [0x80f0]
	0x66, 0xb8, 0x33, 0x00, 0x01, 0x80, // mov eax, PG|WP|NE|ET|MP|PE
	0x0f, 0x22, 0xc0, // mov cr0, eax
	0x66, 0xea, 0x40, 0x80, 0, 0, 8, 0, // jmp 8:0x8040
}

// Read by apStart.
var (
	apBlock uintptr
	apRoot  uint64
)

// startCPUs starts the others one after another (SDM volume 3, section 8.4.4), after the
// clock: that takes the longer, the less has happened before.
func startCPUs() {
	calibrate()
	boot.wallBase = rtc()*1_000_000_000 - uint64(now())
	vdsoWallBase = boot.wallBase
	if nAPIC == 0 {
		return
	}
	const page = 0x8000
	tp := direct(page)
	for i := range trampoline {
		store8(tp+uintptr(i), trampoline[i])
	}
	store32(tp+16, uint32(bootRoot))
	store64(tp+0x40, 0xb848) // mov rax, imm64; jmp rax
	store64(tp+0x42, uint64(place.apStart))
	store64(tp+0x4a, 0xe0ff)
	store32(tp+0xf0, 23|0x8100<<16)
	store32(tp+0xf4, 0)
	for i := uintptr(0); i < 3; i++ {
		store64(tp+0x100+8*i, cpus[0].gdt[i])
	}
	apRoot = mm.table.Root.Addr()
	for i := 0; i < nAPIC; i++ {
		id := ncpu
		c := &cpus[id%maxCPUs]
		c.apicID = apicIDs[i%maxCPUs]
		c.init(id)
		apBlock = c.self
		sendICR(c.apicID, icrInit)
		delay(1_000_000)
		for try := 0; try < 2 && atomic.LoadUint32(&c.online) == 0; try++ {
			sendICR(c.apicID, icrStartup|page>>12)
			for t := now() + 100_000_000; atomic.LoadUint32(&c.online) == 0 && now() < t; {
				pause()
			}
		}
		if atomic.LoadUint32(&c.online) == 0 {
			print("kernel: a CPU did not start\n")
			continue // its block and stacks serve the next one
		}
		ncpu++
	}
}

func delay(ns int64) {
	for t := now() + ns; now() < t; {
		pause()
	}
}
