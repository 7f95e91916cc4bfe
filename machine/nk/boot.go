package nk

import (
	"kevlar/machine/mem"
)

// region is a range of physical memory.
type region struct{ start, end uint64 }

const maxRegions = 64

// boot is what the architecture found out about the machine before Go runs.
// archInit fills it; it does not change afterwards.
var boot struct {
	regions  [maxRegions]region // usable memory: page-aligned, ascending, without image, initrd and tables
	nregions int
	minFrame mem.Frame // the first usable frame and the end of the last
	maxFrame mem.Frame
	memory   uint64 // bytes of RAM the machine has
	mapped   uint64 // the boot code's direct map ends here

	cmdline  [4096]byte
	ncmdline int
	initrd   region

	wallBase uint64 // nanoseconds since 1970 when now() was 0
	clockHz  uint64
	random   [16]byte // AT_RANDOM
	hwcap    uint64
	hwcap2   uint64
}

// addRAM adds usable memory, in any order, inside page boundaries.
func addRAM(start, end uint64) {
	if end <= start {
		return
	}
	boot.memory += end - start
	start = max((start+mem.PageSize-1)&^(mem.PageSize-1), mem.PageSize) // frame 0 means "none"
	end &^= mem.PageSize - 1
	if end <= start {
		return
	}
	if boot.nregions == maxRegions {
		return // what does not fit is not used
	}
	i := boot.nregions
	for ; i > 0 && boot.regions[i-1].start > start; i-- {
		boot.regions[i] = boot.regions[i-1]
	}
	boot.regions[i] = region{start, end}
	boot.nregions++
}

// reserve removes [start, end) from the usable memory.
func reserve(start, end uint64) {
	start &^= mem.PageSize - 1
	end = (end + mem.PageSize - 1) &^ (mem.PageSize - 1)
	for i := 0; i < boot.nregions; i++ {
		r := boot.regions[i]
		if end <= r.start || r.end <= start || start == end {
			continue
		}
		switch {
		case start <= r.start && end >= r.end: // whole
			for j := i; j+1 < boot.nregions; j++ {
				boot.regions[j] = boot.regions[j+1]
			}
			boot.nregions--
			i--
		case start <= r.start:
			boot.regions[i].start = end
		case end >= r.end:
			boot.regions[i].end = start
		default: // in the middle
			boot.regions[i].end = start
			if boot.nregions < maxRegions {
				for j := boot.nregions; j > i+1; j-- {
					boot.regions[j] = boot.regions[j-1]
				}
				boot.regions[i+1] = region{end, r.end}
				boot.nregions++
			}
		}
	}
}

// start brings the nanokernel up. The architecture's entry code calls it on the
// boot CPU, on a temporary stack with a fake g and a temporary page table; when it
// returns, the entry code resumes the CPU's current Thread: the Go runtime.
func start() {
	archInit()
	if boot.nregions == 0 {
		panicBoot("the boot loader names no memory")
	}
	boot.minFrame = mem.FrameOf(boot.regions[0].start)
	boot.maxFrame = mem.FrameOf(boot.regions[boot.nregions-1].end)
	initThreads()
	initFrames()
	mapMachine()
	c := &cpus[0]
	c.init(0)
	c.load()
	c.online = 1
	var block [8]uint64
	for i := range boot.random {
		boot.random[i] = randomByte(&block, uint64(i))
	}
	startCPUs()
	sealFrames()
	initProfile()
	t := newThread()
	t.state = stateRunning
	lo, hi := newStack(firstStack)
	t.start(rt0(), initialStack(lo, hi))
	c.setThread(t)
	c.arm()
}

// startCPU is start for every other CPU: it goes idle until there is work.
func startCPU(c *CPU) {
	c.load()
	c.begin()
	c.online = 1
	sched.idle |= 1 << c.id
	c.end()
}

// init fills the CPU's block; load, which runs on the CPU itself, sets it up.
func (c *CPU) init(id int) {
	c.id = uint32(id)
	c.archPrepare()
	c.idle.state = stateRunning
	c.startIdle(&c.idle)
	c.setThread(&c.idle)
}

// firstStack is the size of the stack that the runtime starts on. It takes the
// 64 KiB below the stack pointer for its g0.
const firstStack = 128 << 10

// Auxiliary vector (getauxval(3)).
const (
	atNull        = 0
	atPagesz      = 6
	atHwcap       = 16
	atRandom      = 25
	atHwcap2      = 26
	atSysinfoEhdr = 33
)

// initialStack lays out a Linux process's first stack (argc, argv, environment,
// auxiliary vector) below hi and returns the stack pointer.
func initialStack(lo, hi uintptr) uintptr {
	text := stackText{p: hi - 2048, end: hi}
	name := text.add("kernel")
	var env [8]uintptr
	n := 0
	// The automatic settings of Go follow a container's limits; ours are known.
	env[n] = text.begin("GOMAXPROCS=")
	text.number(uint64(ncpu))
	text.finish()
	n++
	env[n] = text.begin("GOMEMLIMIT=")
	text.number(heapShare(frames.total*mem.PageSize) / 8 * 7)
	text.finish()
	n++
	env[n] = text.add("GOTRACEBACK=system")
	n++
	// The heap's memory is set aside, and its limit holds: little is gained by collecting while little is in use. What
	// lives is a few MiB, which Go's own default of 100 percent would trace for each 4 MiB that pass.
	if _, size := findWord("kevlar.gogc"); size == 0 {
		env[n] = text.add("GOGC=400")
		n++
	}
	// More settings of the runtime are words of the command line.
	if at, size := findWord("kevlar.gogc"); size > 0 {
		env[n&7] = text.begin("GOGC=")
		text.word(at, size)
		text.finish()
		n++
	}
	env[n&7] = text.begin("GODEBUG=" + godebug)
	if at, size := findWord("kevlar.godebug"); size > 0 {
		text.begin(",")
		text.word(at, size)
	}
	text.finish()
	n++
	random := text.p
	for i := range boot.random {
		text.byte(boot.random[i])
	}

	words := uintptr(1 + 2 + n + 1 + 2*6)
	sp := (hi - 2048 - words*8) &^ 15
	v := vector(sp)
	v.push(1)
	v.push(uint64(name))
	v.push(0)
	for i := 0; i < n; i++ {
		v.push(uint64(env[i&7]))
	}
	v.push(0)
	v.push(atPagesz)
	v.push(mem.PageSize)
	v.push(atRandom)
	v.push(uint64(random))
	v.push(atSysinfoEhdr)
	v.push(uint64(vdsoImage()))
	v.push(atHwcap)
	v.push(boot.hwcap)
	v.push(atHwcap2)
	v.push(boot.hwcap2)
	v.push(atNull)
	v.push(0)
	return sp
}

// godebug: tracebacks name the task that a goroutine is; nobody samples allocations before
// somebody asks for profiles (linux/diag); and what the architecture wants.
const godebug = "tracebacklabels=1,memprofilerate=0" + archGodebug

// vector is where the next word goes.
type vector uintptr

func (v *vector) push(w uint64) {
	store64(uintptr(*v), w)
	*v += 8
}

// stackText writes strings.
type stackText struct{ p, end uintptr }

func (s *stackText) byte(b byte) {
	if s.p < s.end {
		store8(s.p, b)
		s.p++
	}
}

func (s *stackText) begin(t string) uintptr {
	at := s.p
	for i := 0; i < len(t); i++ {
		s.byte(t[i])
	}
	return at
}

// word adds size bytes of the command line, from at.
func (s *stackText) word(at, size int) {
	for i := 0; i < size && i < 200; i++ {
		s.byte(boot.cmdline[(at+i)%len(boot.cmdline)])
	}
}

func (s *stackText) finish() { s.byte(0) }

func (s *stackText) add(t string) uintptr {
	at := s.begin(t)
	s.finish()
	return at
}

func (s *stackText) number(v uint64) {
	div := uint64(1)
	for v/div >= 10 {
		div *= 10
	}
	for ; div > 0; div /= 10 {
		s.byte('0' + byte(v/div%10))
	}
}

// setCmdline copies the boot loader's command line, a C string.
func setCmdline(p uintptr) {
	n := 0
	for n < len(boot.cmdline) {
		b := load8(p + uintptr(n))
		if b == 0 {
			break
		}
		boot.cmdline[n] = b
		n++
	}
	boot.ncmdline = n
}

// findWord finds the value of the word key=value on the command line: where it
// starts and its length. A word key alone has length 0 and at > 0.
func findWord(key string) (at, size int) {
	start := true
	for i := 0; i < boot.ncmdline; i++ {
		b := boot.cmdline[i&4095]
		if start && hasAt(i, key) {
			j := i + len(key)
			if j == boot.ncmdline || boot.cmdline[j&4095] == ' ' {
				return j, 0
			}
			if boot.cmdline[j&4095] == '=' {
				k := j + 1
				for k < boot.ncmdline && boot.cmdline[k&4095] != ' ' {
					k++
				}
				return j + 1, k - j - 1
			}
		}
		start = b == ' '
	}
	return 0, 0
}

func hasAt(i int, s string) bool {
	if i+len(s) > boot.ncmdline {
		return false
	}
	for j := 0; j < len(s); j++ {
		if boot.cmdline[(i+j)&4095] != s[j] {
			return false
		}
	}
	return true
}
