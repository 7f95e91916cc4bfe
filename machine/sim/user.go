package sim

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"

	"golang.org/x/sys/unix"

	"kevlar/machine"
	"kevlar/machine/mem"
)

// User is a program's view of the machine it runs on: registers, memory and the
// system call instruction. It belongs to its coroutine.
type User struct {
	f *frame

	// Scratch memory: what is left of the last chunk that mmap gave.
	next, end uint64
}

// Errorf and Fatalf report to the test. Fatalf also ends the process, with status 1.
func (u *User) Errorf(format string, args ...any) {
	u.f.th.m.tb.Helper()
	u.f.th.m.tb.Errorf(format, args...)
}

func (u *User) Fatalf(format string, args ...any) {
	u.f.th.m.tb.Helper()
	u.f.th.m.tb.Errorf(format, args...)
	u.Exit(1)
}

// Logf writes to the test's log.
func (u *User) Logf(format string, args ...any) {
	u.f.th.m.tb.Helper()
	u.f.th.m.tb.Logf(format, args...)
}

// Regs are the program's registers. The program counter is the simulation's.
func (u *User) Regs() *machine.Regs { return u.f.th.regs }

// Syscall traps with system call nr and returns its result, a negative errno for an
// error. Arguments may be
//
//   - integers and booleans of any type,
//   - a string: its address in scratch memory, NUL-terminated,
//   - a []byte or a pointer to a value without Go pointers (unix.Stat_t, [2]int32):
//     the address of a copy in scratch memory, copied back after the call,
//   - nil: a null pointer.
func (u *User) Syscall(nr int, args ...any) int64 {
	u.f.checkKick()
	mark, end := u.next, u.end
	var a [6]uint64
	var back [6][]byte
	for i, arg := range args {
		a[i], back[i] = u.argument(arg)
	}
	r := u.f.th.regs
	setSyscall(r, uint64(nr), &a)
	pc := u.f.prog.addr + pcRunning
	if nr == unix.SYS_EXIT || nr == unix.SYS_EXIT_GROUP {
		u.f.exiting = true
	}
	u.f.stop(machine.Trap{Kind: machine.Syscall}, pc)
	if u.f.exiting {
		runtime.Goexit()
	}
	result := int64(r.Return())
	for i, b := range back {
		if b != nil {
			u.Load(a[i], b)
		}
	}
	if u.end == end {
		u.next = mark
	}
	return result
}

// Must is Syscall for calls that have to succeed: an error ends the test's program.
func (u *User) Must(nr int, args ...any) int64 {
	u.f.th.m.tb.Helper()
	r := u.Syscall(nr, args...)
	if r < 0 && r > -4096 {
		u.Fatalf("system call %d%v: %v", nr, args, unix.Errno(-r))
	}
	return r
}

// Expect is Syscall for calls that have to fail with errno.
func (u *User) Expect(errno unix.Errno, nr int, args ...any) {
	u.f.th.m.tb.Helper()
	if r := u.Syscall(nr, args...); r != -int64(errno) {
		u.Errorf("system call %d%v: %d, want %v", nr, args, r, errno)
	}
}

func (u *User) argument(arg any) (v uint64, back []byte) {
	switch x := arg.(type) {
	case nil:
		return 0, nil
	case int:
		return uint64(x), nil
	case uint64:
		return x, nil
	case string:
		return u.String(x), nil
	case []byte:
		return u.Bytes(x), x
	case bool:
		if x {
			return 1, nil
		}
		return 0, nil
	}
	rv := reflect.ValueOf(arg)
	switch {
	case rv.CanInt():
		return uint64(rv.Int()), nil
	case rv.CanUint():
		return rv.Uint(), nil
	case rv.Kind() == reflect.Pointer && rv.IsNil():
		return 0, nil
	case rv.Kind() == reflect.Pointer:
		b := bytesOf(rv)
		return u.Bytes(b), b
	}
	panic(fmt.Sprintf("sim: a system call cannot take a %T", arg))
}

// exit traps for the last time; nobody resumes the coroutine.
func (u *User) exit(nr int, status int) {
	f := u.f
	f.exiting = true
	setSyscall(f.th.regs, uint64(nr), &[6]uint64{uint64(status)})
	f.stop(machine.Trap{Kind: machine.Syscall}, f.prog.addr+pcRunning)
}

// Exit ends the process (exit_group), ExitThread the thread.
func (u *User) Exit(status int)       { u.Syscall(unix.SYS_EXIT_GROUP, status) }
func (u *User) ExitThread(status int) { u.Syscall(unix.SYS_EXIT, status) }

// Fork makes a child process that runs child, and returns its PID or a negative errno.
func (u *User) Fork(child func(u *User)) int64 {
	return u.Clone(uint64(unix.SIGCHLD), 0, child)
}

// Vfork is Fork where the child borrows the parent's memory until it execs or exits.
func (u *User) Vfork(child func(u *User)) int64 {
	return u.Clone(unix.CLONE_VM|unix.CLONE_VFORK|uint64(unix.SIGCHLD), 0, child)
}

// Clone calls clone(2) with flags and the top of the child's stack (0: the parent's).
// The child runs child; a thread (CLONE_THREAD) exits alone when child
// returns.
func (u *User) Clone(flags, stack uint64, child func(u *User)) int64 {
	return u.CloneArgs(flags, stack, 0, 0, 0, child)
}

// CloneArgs is Clone with the addresses for CLONE_PARENT_SETTID, CLONE_CHILD_SETTID
// or CLEARTID, and the thread pointer for CLONE_SETTLS.
func (u *User) CloneArgs(flags, stack, parentTID, childTID, tls uint64, child func(u *User)) int64 {
	p := &program{kind: process, run: child}
	if flags&unix.CLONE_THREAD != 0 {
		p.kind = thread_
	}
	a := cloneArgs(flags, stack, parentTID, childTID, tls)
	return u.cloneTrap(unix.SYS_CLONE, a, p)
}

// Clone3 calls clone3(2) with a struct clone_args at args, which the program wrote.
func (u *User) Clone3(args, size uint64, isThread bool, child func(u *User)) int64 {
	p := &program{kind: process, run: child}
	if isThread {
		p.kind = thread_
	}
	return u.cloneTrap(unix.SYS_CLONE3, [6]uint64{args, size}, p)
}

// cloneTrap makes the system call with the child's entry as program counter: the
// child's copy of the registers begins there.
func (u *User) cloneTrap(nr uint64, a [6]uint64, p *program) int64 {
	u.f.checkKick()
	entry := register(p)
	setSyscall(u.f.th.regs, nr, &a)
	u.f.stop(machine.Trap{Kind: machine.Syscall}, entry)
	return int64(u.f.th.regs.Return())
}

// Yield calls sched_yield.
func (u *User) Yield() { u.Syscall(unix.SYS_SCHED_YIELD) }

// Tick traps as a timer interrupt does.
func (u *User) Tick() { u.f.stop(machine.Trap{Kind: machine.Interrupt}, u.f.prog.addr+pcRunning) }

// Spin is an endless loop without a system call: it waits for a Kick, traps with
// Interrupt and returns when the kernel lets the program go on.
func (u *User) Spin() {
	for !u.f.th.kicked.Load() {
		select {
		case <-u.f.th.kick:
		case <-u.f.dead:
			runtime.Goexit()
		}
	}
	u.f.checkKick()
}

// Raise traps with an exception at address addr, as a bad instruction does.
func (u *User) Raise(e machine.ExceptionKind, addr uint64) {
	u.f.checkKick()
	u.f.stop(machine.Trap{Kind: machine.Exception, Exception: e, Addr: addr}, u.f.prog.addr+pcRunning)
}

// Signal installs do as the handler of sig with rt_sigaction. Null handlers and masks
// are for Syscall.
func (u *User) Signal(sig int, flags uint64, do func(u *User, sig int, info, context uint64)) {
	u.f.th.m.tb.Helper()
	const restorer = 0x04000000 // SA_RESTORER
	act := [4]uint64{Handler(do), flags | restorer, codeBase + 8, 0}
	u.Must(unix.SYS_RT_SIGACTION, sig, &act, nil, 8)
}

// touch does an access within one page, and traps until it succeeds.
func (u *User) touch(va uint64, a machine.Access, do func(mem.Frame)) {
	f := u.f
	for tries := 0; ; {
		f.checkKick()
		trap, stale, ok := f.th.tlb.access(f.th.space, va, a, do)
		if ok {
			return
		}
		if stale {
			if tries++; tries > 2 {
				f.th.m.tb.Errorf("sim: access %d to %#x keeps faulting on a translation that was not flushed", a, va)
				f.th.tlb.flush(va, va+1)
			}
		}
		f.stop(trap, f.prog.addr+pcRunning)
	}
}

// Load reads len(p) bytes of the program's memory at va.
func (u *User) Load(va uint64, p []byte) {
	for len(p) > 0 {
		off := va % mem.PageSize
		n := min(len(p), int(mem.PageSize-off))
		u.touch(va, machine.Read, func(f mem.Frame) { copy(p[:n], f.Data()[off:]) })
		va, p = va+uint64(n), p[n:]
	}
}

// Store writes p to the program's memory at va.
func (u *User) Store(va uint64, p []byte) {
	for len(p) > 0 {
		off := va % mem.PageSize
		n := min(len(p), int(mem.PageSize-off))
		u.touch(va, machine.Write, func(f mem.Frame) { copy(f.Data()[off:], p[:n]) })
		va, p = va+uint64(n), p[n:]
	}
}

// Load8 and its relatives read and write numbers.
func (u *User) Load8(va uint64) byte {
	var b [1]byte
	u.Load(va, b[:])
	return b[0]
}

func (u *User) Load64(va uint64) uint64 {
	var b [8]byte
	u.Load(va, b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (u *User) Store8(va uint64, v byte) { u.Store(va, []byte{v}) }

func (u *User) Store64(va uint64, v uint64) {
	u.Store(va, binary.LittleEndian.AppendUint64(nil, v))
}

// Load32 and its relatives access an aligned word atomically, as futexes need.
func (u *User) Load32(va uint64) (v uint32) {
	u.touch(va, machine.Read, func(f mem.Frame) { v = f.Word(int(va % mem.PageSize)).Load() })
	return v
}

func (u *User) Store32(va uint64, v uint32) {
	u.touch(va, machine.Write, func(f mem.Frame) { f.Word(int(va % mem.PageSize)).Store(v) })
}

func (u *User) Add32(va uint64, d uint32) (v uint32) {
	u.touch(va, machine.Write, func(f mem.Frame) { v = f.Word(int(va % mem.PageSize)).Add(d) })
	return v
}

func (u *User) CompareAndSwap32(va uint64, old, new uint32) (swapped bool) {
	u.touch(va, machine.Write, func(f mem.Frame) {
		swapped = f.Word(int(va%mem.PageSize)).CompareAndSwap(old, new)
	})
	return swapped
}

// Fetch is an instruction fetch: it needs an executable page.
func (u *User) Fetch(va uint64) { u.touch(va, machine.Execute, func(mem.Frame) {}) }

// LoadString reads a NUL-terminated string.
func (u *User) LoadString(va uint64) string {
	var b []byte
	for {
		c := u.Load8(va)
		if c == 0 {
			return string(b)
		}
		b, va = append(b, c), va+1
	}
}

const chunk = 1 << 20

// Alloc returns n bytes of zeroed scratch memory, 16-byte aligned, from an anonymous
// mapping that the program makes. Memory that Syscall used for arguments is used again.
func (u *User) Alloc(n int) uint64 {
	size := (uint64(n) + 15) &^ 15
	if u.end-u.next < size {
		length := (size + chunk - 1) &^ (chunk - 1)
		setSyscall(u.f.th.regs, unix.SYS_MMAP, &[6]uint64{0, length, unix.PROT_READ | unix.PROT_WRITE,
			unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, ^uint64(0), 0})
		u.f.stop(machine.Trap{Kind: machine.Syscall}, u.f.prog.addr+pcRunning)
		r := int64(u.f.th.regs.Return())
		if r < 0 && r > -4096 {
			u.Fatalf("scratch memory: mmap: %v", unix.Errno(-r))
		}
		u.next, u.end = uint64(r), uint64(r)+length
	}
	va := u.next
	u.next += size
	u.Store(va, make([]byte, n))
	return va
}

// Bytes puts p into scratch memory, String s and a NUL, Value the value that v points to.
func (u *User) Bytes(p []byte) uint64 {
	va := u.Alloc(max(len(p), 1))
	u.Store(va, p)
	return va
}

func (u *User) String(s string) uint64 { return u.Bytes(append([]byte(s), 0)) }

func (u *User) Value(v any) uint64 { return u.Bytes(bytesOf(reflect.ValueOf(v))) }

// Get fills the value that v points to from memory at va.
func (u *User) Get(va uint64, v any) { u.Load(va, bytesOf(reflect.ValueOf(v))) }

// Set writes the value that v points to at va.
func (u *User) Set(va uint64, v any) { u.Store(va, bytesOf(reflect.ValueOf(v))) }

// Strings puts a null-terminated array of strings into scratch memory, as execve
// takes it.
func (u *User) Strings(s ...string) uint64 {
	p := make([]uint64, 0, len(s)+1)
	for _, s := range s {
		p = append(p, u.String(s))
	}
	p = append(p, 0)
	va := u.Alloc(8 * len(p))
	for i, v := range p {
		u.Store64(va+8*uint64(i), v)
	}
	return va
}

// Stack reads what execve left at the stack pointer: arguments, environment and the
// auxiliary vector. It is for the start of a program.
func (u *User) Stack() (args, env []string, auxv map[uint64]uint64) {
	p := u.Regs().StackPtr()
	next := func() uint64 {
		v := u.Load64(p)
		p += 8
		return v
	}
	for n := next(); n > 0; n-- {
		args = append(args, u.LoadString(next()))
	}
	next()
	for v := next(); v != 0; v = next() {
		env = append(env, u.LoadString(v))
	}
	auxv = make(map[uint64]uint64)
	for k := next(); k != 0; k = next() {
		auxv[k] = next()
	}
	return args, env, auxv
}
