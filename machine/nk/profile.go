package nk

import "golang.org/x/sys/unix"

// The profiler: with the word kevlar.profile on the command line every CPU looks around
// each millisecond, and notes where Go code was. When the machine ends the places and
// how often each was seen go to the console, for `go tool addr2line` to name. Code with
// interrupts off is seen where it allows them again.

var profile struct {
	on    bool
	user  uint64 // ticks that hit user mode
	idle  uint64
	place [4096]struct{ pc, hits uint64 }
}

const profileTick = 1_000_000 // ns

func initProfile() {
	at, _ := findWord("kevlar.profile")
	profile.on = at > 0
}

// sample notes what the timer interrupt of this CPU hit. Under sched.lock.
func (c *CPU) sample(fromUser bool) {
	switch {
	case fromUser:
		profile.user++
	case c.isIdle():
		profile.idle++
	default:
		pc := c.thread().instruction()
		const n = uint64(len(profile.place))
		for i, k := pc*0x9e3779b97f4a7c15>>52, 0; k < 32; i, k = i+1, k+1 {
			p := &profile.place[i%n]
			if p.pc == pc || p.pc == 0 {
				p.pc = pc
				p.hits++
				return
			}
		}
	}
}

// reportProfile prints the profile, on the console that the caller has locked.
func reportProfile() {
	if !profile.on {
		return
	}
	profile.on = false
	puts("kernel: profile:")
	putHex("user", profile.user)
	putHex("idle", profile.idle)
	putHex("timers", stats.ticks)
	putHex("switches", stats.switches)
	putHex("faults", stats.faults)
	putHex("irqs", stats.irqs)
	putHex("sleeps", stats.syscalls[unix.SYS_NANOSLEEP])
	putHex("futexes", stats.syscalls[unix.SYS_FUTEX])
	puts("\n")
	for i := range profile.place {
		if p := &profile.place[i]; p.hits != 0 {
			puts("sample")
			putHex("pc", p.pc)
			putHex("hits", p.hits)
			puts("\n")
		}
	}
}
