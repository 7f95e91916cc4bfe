package nk

// The console at this level: the serial port, polled. It carries what the Go
// runtime writes to descriptors 1 and 2, and the nanokernel's own last words.

var consoleLock spinlock

// write prints n bytes at p.
func write(p uintptr, n uint64) {
	for i := uint64(0); i < n; {
		// Fetch some first: the memory may have to be paged in, and the lock is a leaf.
		var b [64]byte
		k := uint64(0)
		for ; k < 64 && i < n; k++ {
			b[k] = load8(p + uintptr(i))
			i++
		}
		consoleLock.lock()
		for j := uint64(0); j < k; j++ {
			putByte(b[j&63])
		}
		consoleLock.unlock()
	}
}

func putByte(b byte) {
	if b == '\n' {
		putc('\r')
	}
	putc(b)
}

// print prints s whole.
func print(s string) {
	consoleLock.lock()
	puts(s)
	consoleLock.unlock()
}

func puts(s string) {
	for i := 0; i < len(s); i++ {
		putByte(s[i])
	}
}

// putHex prints " name=0x..." on the console that the caller has locked.
func putHex(name string, v uint64) {
	putc(' ')
	puts(name)
	puts("=0x")
	started := false
	for shift := 60; shift >= 0; shift -= 4 {
		d := byte(v>>uint(shift)) & 15
		if d == 0 && !started && shift > 0 {
			continue
		}
		started = true
		if d < 10 {
			putc('0' + d)
		} else {
			putc('a' + d - 10)
		}
	}
}

// dying makes the second CPU, or the second failure on one, stop at once.
var dying uint32

// dumpThread prints what is known of t after something that cannot be.
func dumpThread(t *Thread, why string, what uint64) {
	startDying()
	puts("\nkernel: ")
	puts(why)
	putHex("what", what)
	putHex("tid", uint64(t.tid))
	putHex("cpu", uint64(thisCPU().id))
	t.dump()
	backtrace("calls", t.framePointer())
}

// dumpGo prints where the Go code was that the CPU's nanokernel has interrupted.
func dumpGo() {
	t := thisCPU().thread()
	putHex("tid", uint64(t.tid))
	putHex("pc", t.instruction())
	putHex("sp", uint64(t.sp()))
	backtrace("calls", t.framePointer())
}

// backtrace prints return addresses along the frame pointers: at each is the caller's
// frame pointer, and above it where the call returns.
func backtrace(name string, fp uintptr) {
	putc(' ')
	puts(name)
	putc(':')
	for range 40 {
		if !readable(fp) || !readable(fp+8) {
			break
		}
		putHex("", load64(fp+8))
		up := uintptr(load64(fp))
		if up <= fp {
			break
		}
		fp = up
	}
	puts("\n")
}

// panicBoot ends the machine before it is up.
func panicBoot(why string) {
	startDying()
	puts("kernel: ")
	puts(why)
	puts("\n")
	die()
}

// startDying takes the console for good, without waiting for whoever had it.
func startDying() {
	if dying != 0 {
		powerOff(statusPanic)
	}
	dying = 1
	for i := 0; consoleLock.held != 0 && i < 1_000_000; i++ {
		pause()
	}
}

// statusPanic is the machine's exit status after a failure of the kernel itself.
const statusPanic = 125

func die() { powerOff(statusPanic) }
