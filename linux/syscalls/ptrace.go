package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
)

var ptraceRows = []Row{
	{Name: "ptrace", Args: []Kind{Hex, PID, Ptr, Ptr}, Do: sysPtrace, Support: Partial,
		Note: "no hardware breakpoints and watchpoints, no SINGLEBLOCK, SYSEMU_SINGLESTEP, GET_THREAD_AREA, ARCH_PRCTL, SECCOMP_GET_FILTER and SECCOMP_GET_METADATA, segment registers stay what they are (EIO)",
		Contracts: []string{"process/ptrace_attach", "process/ptrace_signals", "process/ptrace_syscalls", "process/ptrace_events", "process/ptrace_registers",
			"process/ptrace_step", "process/ptrace_memory", "process/ptrace_group_stop", "process/ptrace_threads", "process/ptrace_permission", "process/ptrace_tracer_dies"}},
}

// Requests of ptrace(2) that both architectures have and package unix lacks a common name
// for.
const (
	ptraceListen         = 0x4208
	ptracePeekSigInfo    = 0x4209
	ptraceGetSigMask     = 0x420a
	ptraceSetSigMask     = 0x420b
	ptraceGetSyscallInfo = 0x420e
	ptraceRseq           = 0x420f
	ptraceSysemu         = 31

	peekShared = 1 // PTRACE_PEEKSIGINFO_SHARED
)

func sysPtrace(t *task.Task, a *Args) (uint64, error) {
	request := a.Long(0)
	if request == unix.PTRACE_TRACEME {
		return 0, t.PtraceMe()
	}
	o := t.PIDNamespace().Task(task.ID(a.Int(1)))
	if o == nil {
		return 0, unix.ESRCH
	}
	switch request {
	case unix.PTRACE_ATTACH:
		return 0, t.PtraceAttach(o, false, 0)
	case unix.PTRACE_SEIZE:
		if a[2] != 0 {
			return 0, unix.EIO
		}
		return 0, t.PtraceAttach(o, true, a[3])
	case unix.PTRACE_INTERRUPT:
		return 0, t.PtraceInterrupt(o)
	case unix.PTRACE_KILL:
		return 0, t.PtraceKill(o)
	case unix.PTRACE_DETACH:
		return 0, t.PtraceDetach(o, a[3])
	}
	p := ptracing{t, o}
	do := p.request
	if request < 0 {
		return do(request, a[2], a[3]) // not what one architecture lacks
	}
	switch request {
	case unix.PTRACE_PEEKTEXT, unix.PTRACE_PEEKDATA, unix.PTRACE_POKETEXT, unix.PTRACE_POKEDATA:
		do = p.memory
	case abi.PtracePeekUser, abi.PtracePokeUser:
		do = p.user
	case unix.PTRACE_GETREGSET, unix.PTRACE_SETREGSET:
		do = p.regset
	case abi.PtraceGetRegs, abi.PtraceGetFPRegs, abi.PtraceSetRegs, abi.PtraceSetFPRegs:
		do = p.registers
	case unix.PTRACE_GETSIGINFO, unix.PTRACE_SETSIGINFO, ptracePeekSigInfo, ptraceGetSigMask, ptraceSetSigMask:
		do = p.signals
	case unix.PTRACE_GETEVENTMSG, ptraceGetSyscallInfo, ptraceRseq:
		do = p.tell
	}
	return do(request, a[2], a[3])
}

// ptracing is a request of t's about o, which it has to trace.
type ptracing struct{ t, o *task.Task }

// with calls do with the stopped thread: ESRCH.
func (p ptracing) with(do func(task.Tracee) error) error { return p.t.Tracee(p.o, do) }

// waits checks that the thread waits for its tracer: ESRCH.
func (p ptracing) waits() error { return p.with(func(task.Tracee) error { return nil }) }

// request are the requests that let the thread go on or say how.
func (p ptracing) request(request int64, addr, data uint64) (uint64, error) {
	return 0, p.with(func(e task.Tracee) error {
		switch request {
		case unix.PTRACE_CONT:
			return e.Resume(data, task.UntilSignal)
		case unix.PTRACE_SYSCALL:
			return e.Resume(data, task.UntilCall)
		case unix.PTRACE_SINGLESTEP:
			return e.Resume(data, task.UntilStepped)
		case ptraceSysemu:
			return e.Resume(data, task.UntilSysemu)
		case ptraceListen:
			return e.Listen()
		case unix.PTRACE_SETOPTIONS:
			return e.SetOptions(p.t, data)
		}
		return unix.EIO
	})
}

// memory are PTRACE_PEEKTEXT, PTRACE_POKETEXT and their like: a word, past its protection.
func (p ptracing) memory(request int64, addr, data uint64) (uint64, error) {
	if err := p.waits(); err != nil {
		return 0, err
	}
	space := p.o.SeenMem()
	if space == nil {
		return 0, unix.EIO
	}
	defer space.Release()
	var b [8]byte
	if request == unix.PTRACE_POKETEXT || request == unix.PTRACE_POKEDATA {
		le.PutUint64(b[:], data)
		if n, _ := space.Poke(user.Addr(addr), b[:]); n != len(b) {
			return 0, unix.EIO
		}
		return 0, nil
	}
	if n, _ := space.Peek(b[:], user.Addr(addr)); n != len(b) {
		return 0, unix.EIO
	}
	return 0, p.t.CopyOut(user.Addr(data), b[:])
}

// user is PTRACE_PEEKUSER and PTRACE_POKEUSER: a word of struct user, which begins with the
// general registers.
func (p ptracing) user(request int64, addr, data uint64) (uint64, error) {
	var word [8]byte
	err := p.with(func(e task.Tracee) error {
		if addr%8 != 0 || addr >= abi.UserSize {
			return unix.EIO
		}
		size, _ := abi.RegsSize(abi.RegsGeneral)
		inRegs := addr < uint64(size)
		if request == abi.PtracePokeUser && !inRegs {
			if !abi.PokeUser(addr, data) {
				return unix.EIO
			}
			return nil
		}
		if !inRegs {
			return nil
		}
		b, err := e.Registers(abi.RegsGeneral)
		if err != nil || request == abi.PtracePeekUser {
			copy(word[:], b[addr:])
			return err
		}
		le.PutUint64(b[addr:], data)
		return e.SetRegisters(abi.RegsGeneral, b)
	})
	if err != nil || request == abi.PtracePokeUser {
		return 0, err
	}
	return 0, p.t.CopyOut(user.Addr(data), word[:])
}

// registers are the requests for a set of registers as a whole.
func (p ptracing) registers(request int64, _, data uint64) (uint64, error) {
	set := uint32(abi.RegsGeneral)
	if request == abi.PtraceGetFPRegs || request == abi.PtraceSetFPRegs {
		set = abi.RegsFloat
	}
	size, _ := abi.RegsSize(set)
	write := request == abi.PtraceSetRegs || request == abi.PtraceSetFPRegs
	return 0, p.move(write, set, user.Addr(data), size)
}

// move copies the first n bytes of a set of registers to or from the tracer's memory.
func (p ptracing) move(write bool, set uint32, at user.Addr, n int) error {
	b := make([]byte, n)
	if write {
		if err := p.t.CopyIn(b, at); err != nil {
			return err
		}
		return p.with(func(e task.Tracee) error { return e.SetRegisters(set, b) })
	}
	err := p.with(func(e task.Tracee) (err error) {
		b, err = e.Registers(set)
		return err
	})
	if err != nil {
		return err
	}
	return p.t.CopyOut(at, b[:n])
}

// regset is PTRACE_GETREGSET and PTRACE_SETREGSET: data points to a struct iovec, whose length
// says afterwards how much there was.
func (p ptracing) regset(request int64, set, data uint64) (uint64, error) {
	if err := p.waits(); err != nil {
		return 0, err
	}
	var iov [16]byte
	at := user.Addr(data)
	if err := p.t.CopyIn(iov[:], at); err != nil {
		return 0, err
	}
	size, unit := abi.RegsSize(uint32(set))
	base, n := user.Addr(le.Uint64(iov[:])), le.Uint64(iov[8:])
	if size == 0 || n%uint64(unit) != 0 {
		return 0, unix.EINVAL
	}
	n = min(n, uint64(size))
	if err := p.move(request == unix.PTRACE_SETREGSET, uint32(set), base, int(n)); err != nil {
		return 0, err
	}
	return 0, p.t.CopyOut(at+8, le.AppendUint64(nil, n))
}

// signals are the requests about a signal's information, pending signals and the mask.
func (p ptracing) signals(request int64, addr, data uint64) (uint64, error) {
	var info abi.SigInfo
	at := user.Addr(data)
	switch request {
	case unix.PTRACE_GETSIGINFO:
		err := p.with(func(e task.Tracee) (err error) {
			info, err = e.Info()
			return err
		})
		if err != nil {
			return 0, err
		}
		return 0, p.t.CopyOut(at, info[:])
	case unix.PTRACE_SETSIGINFO:
		if err := p.t.CopyIn(info[:], at); err != nil {
			return 0, err
		}
		return 0, p.with(func(e task.Tracee) error { return e.SetInfo(info) })
	case ptracePeekSigInfo:
		return p.peekSignals(user.Addr(addr), at)
	}
	return 0, p.mask(request == ptraceSetSigMask, addr, at)
}

// peekSignals is PTRACE_PEEKSIGINFO: args is a struct ptrace_peeksiginfo_args.
func (p ptracing) peekSignals(args, to user.Addr) (uint64, error) {
	if err := p.waits(); err != nil {
		return 0, err
	}
	var b [16]byte
	if err := p.t.CopyIn(b[:], args); err != nil {
		return 0, err
	}
	flags, n := le.Uint32(b[8:]), int32(le.Uint32(b[12:]))
	if flags&^peekShared != 0 || n < 0 {
		return 0, unix.EINVAL
	}
	var list []abi.SigInfo
	err := p.with(func(e task.Tracee) error {
		list = e.PendingInfo(le.Uint64(b[:]), int(n), flags&peekShared != 0)
		return nil
	})
	for i, info := range list {
		if e := p.t.CopyOut(to+user.Addr(i*abi.SigInfoSize), info[:]); e != nil {
			if i > 0 {
				return uint64(i), nil
			}
			return 0, e
		}
	}
	return uint64(len(list)), err
}

func (p ptracing) mask(write bool, size uint64, at user.Addr) (err error) {
	var set abi.SigSet
	if write && size == setSize {
		if set, err = getSet(p.t, at); err != nil {
			return err
		}
	}
	err = p.with(func(e task.Tracee) error {
		switch {
		case size != setSize:
			return unix.EINVAL
		case write:
			e.SetMask(set)
		default:
			set = e.Mask()
		}
		return nil
	})
	if err != nil || write {
		return err
	}
	return putSet(p.t, at, set)
}

// tell are the requests that tell something.
func (p ptracing) tell(request int64, addr, data uint64) (uint64, error) {
	var b []byte
	result := uint64(0)
	err := p.with(func(e task.Tracee) error {
		switch request {
		case unix.PTRACE_GETEVENTMSG:
			b = le.AppendUint64(nil, e.Message())
		case ptraceGetSyscallInfo:
			b = callInfo(e.CallInfo())
			result = uint64(len(b))
			b = b[:min(uint64(len(b)), addr)]
		case ptraceRseq:
			const size = 24
			if addr != size {
				return unix.EINVAL
			}
			area, length, sig := e.Rseq()
			b = le.AppendUint64(nil, uint64(area))
			b = le.AppendUint32(b, length)
			b = le.AppendUint32(b, sig)
			b = append(b, make([]byte, 8)...)
			result = size
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return result, p.t.CopyOut(user.Addr(data), b)
}

// callInfo is struct ptrace_syscall_info, as much of it as there is.
func callInfo(c task.CallInfo) []byte {
	b := []byte{c.Op, 0, 0, 0}
	b = le.AppendUint32(b, abi.AuditArch)
	b = le.AppendUint64(b, c.PC)
	b = le.AppendUint64(b, c.SP)
	switch c.Op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY, unix.PTRACE_SYSCALL_INFO_SECCOMP:
		b = le.AppendUint64(b, c.Number)
		for _, v := range c.Args {
			b = le.AppendUint64(b, v)
		}
		if c.Op == unix.PTRACE_SYSCALL_INFO_SECCOMP {
			b = le.AppendUint32(b, c.Message)
		}
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		b = le.AppendUint64(b, uint64(c.Result))
		failed := byte(0)
		if c.Failed {
			failed = 1
		}
		b = append(b, failed)
	}
	return b
}
