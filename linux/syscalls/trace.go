package syscalls

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
)

// TraceTable is the table as the tracer sends it ahead of its records.
func TraceTable() (calls []trace.Call) {
	names := make(map[int]string)
	for name, nr := range abi.Names() {
		names[nr] = name
	}
	for nr, name := range names {
		c := trace.Call{Number: nr, Name: name}
		if row := table[nr]; row != nil {
			c.Args = row.Args
		} else {
			c.Args = []Kind{Hex, Hex, Hex, Hex, Hex, Hex}
		}
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(a, b trace.Call) int { return a.Number - b.Number })
	return calls
}

// TraceMissing lists what programs have asked for in vain.
func TraceMissing() (list []trace.Missing) {
	for name, n := range Unknown() {
		list = append(list, trace.Missing{What: "call", Name: name, Count: uint64(n)})
	}
	ioctls.Lock()
	defer ioctls.Unlock()
	for cmd, n := range ioctls.count {
		list = append(list, trace.Missing{What: "ioctl", Name: "0x" + strconv.FormatUint(uint64(cmd), 16), Count: n})
	}
	return list
}

// ioctls counts commands that no file knew, while calls are traced: at most as many as a
// program that tries them all should be able to make us remember.
var ioctls = struct {
	sync.Mutex
	count map[uint32]uint64
}{count: map[uint32]uint64{}}

const mostIoctls = 1000

func countIoctl(cmd uint32) {
	ioctls.Lock()
	defer ioctls.Unlock()
	if _, ok := ioctls.count[cmd]; ok || len(ioctls.count) < mostIoctls {
		ioctls.count[cmd]++
	}
}

// noRow stands for calls that are not in the table.
var noRow = Row{
	Args: []Kind{Hex, Hex, Hex, Hex, Hex, Hex},
	Do:   func(*task.Task, *Args) (uint64, error) { return 0, unix.ENOSYS },
}

// tracedRow does the system call in t.Call, which has a row, and records it.
func tracedRow(t *task.Task, _ *Args) (uint64, error) { return traced(t, table[t.Call.Number]) }

// traced does the system call in t.Call, and records it.
func traced(t *task.Task, row *Row) (uint64, error) {
	c := captures.Get().(*capture)
	defer captures.Put(c)
	_, id := t.IDs()
	c.t, c.id, c.row, c.args, c.limit = t, id, row, t.Call.Args, trace.BufferLimit()
	nr := uint16(t.Call.Number)
	if trace.On(trace.Sched) {
		trace.Runs(id)
	}
	for i, k := range row.Args {
		if c.args[i] != 0 && !k.Fills() {
			c.argument(i, k, 0)
		}
	}
	trace.EmitWait(trace.Enter, nr, id, c.args[:len(row.Args)]...)
	began := wait.Now()
	v, err := row.Do(t, (*Args)(&t.Call.Args))
	took := wait.Now() - began
	var errno unix.Errno
	if err != nil {
		errno = err.(unix.Errno)
		// Terminals' commands are asked of what may be none.
		if cmd := uint32(c.args[1]); row.Name == "ioctl" && errno == unix.ENOTTY && ioctlSize(cmd, 0)+ioctlSize(cmd, trace.Returned) == 0 {
			countIoctl(cmd)
		}
	}
	c.result, c.failed = v, err != nil
	for i, k := range row.Args {
		if c.args[i] != 0 && c.fills(k) {
			c.argument(i, k, trace.Returned)
		}
	}
	trace.EmitWait(trace.Exit, nr, id, v, uint64(errno), uint64(took))
	c.t = nil
	return v, err
}

// capture records the memory of one call's arguments.
type capture struct {
	t      *task.Task
	id     int
	row    *Row
	args   Args
	limit  int // of buffers
	result uint64
	failed bool
	buf    [mem.PageSize]byte
}

var captures = sync.Pool{New: func() any { return new(capture) }}

// fills reports whether the memory of a kind is to be recorded once the call has ended. A
// call that fails has filled nothing, but for the time that an interrupted sleep leaves.
func (c *capture) fills(k Kind) bool {
	if k == PollFDs || k == IoctlArg || k == PrctlArg {
		return !c.failed
	}
	if k == Out|Timespec && strings.HasSuffix(c.row.Name, "nanosleep") {
		return c.failed
	}
	return k.Fills() && !c.failed
}

// argument records the memory that belongs to argument i. phase is 0 before the call, or
// trace.Returned. What cannot be read is left out: the reader shows the address.
func (c *capture) argument(i int, k Kind, phase uint16) {
	at := c.args.Addr(i)
	next := uint64(0)
	if i+1 < len(c.args) {
		next = c.args[i+1]
	}
	switch k.Base() {
	case Path, Str:
		c.text(i, at, phase)
	case Buf:
		c.memory(i, at, next, c.limit, phase)
	case OutBuf:
		c.memory(i, at, c.result, c.limit, phase)
	case Ustring, Dirents:
		c.memory(i, at, c.result, len(c.buf), phase)
	case SockAddr:
		c.memory(i, at, uint64(uint32(next)), unix.SizeofSockaddrAny, phase)
	case SockAddrOut:
		var b [4]byte
		if next != 0 && c.t.CopyIn(b[:], user.Addr(next)) == nil {
			c.memory(i, at, uint64(binary.LittleEndian.Uint32(b[:])), unix.SizeofSockaddrAny, phase)
		}
	case PollFDs:
		c.memory(i, at, 8*uint64(uint32(next)), 8*mostItems, phase)
	case EpollEvents:
		c.memory(i, at, abi.EpollEventSize*c.result, abi.EpollEventSize*mostItems, phase)
	case IDs:
		n := uint64(uint32(c.args[i-1]))
		if phase == trace.Returned {
			n = c.result
		}
		c.memory(i, at, 4*n, 4*mostItems, phase)
	case CPUMask:
		n := c.args[i-1]
		if phase == trace.Returned {
			n = c.result
		}
		c.memory(i, at, n, 128, phase)
	case Iovec:
		c.vectors(i, at, next, phase)
	case Strings:
		c.strings(i, at, mostItems)
	case Env:
		c.count(i, at)
	case IoctlArg:
		if n := ioctlSize(uint32(c.args[1]), phase); n > 0 {
			c.memory(i, at, uint64(n), n, phase)
		}
	case PrctlArg:
		switch op := c.args[0]; {
		case op == unix.PR_SET_NAME && phase == 0, op == unix.PR_GET_NAME && phase != 0:
			c.text(i, at, phase)
		}
	case FutexArg:
		if op := c.args[1] & 0x7f; op == futexWait || op == futexWaitBitset || op == futexLockPI {
			c.memory(i, at, 16, 16, phase)
		}
	default:
		if n := k.Size(); n > 0 {
			c.memory(i, at, uint64(n), n, phase)
		}
	}
}

// mostItems is how many elements of a list are recorded.
const mostItems = 32

// memory records n bytes at at, as far as most allows.
func (c *capture) memory(i int, at user.Addr, n uint64, most int, phase uint16) {
	b := c.buf[:min(n, uint64(most), uint64(len(c.buf)))]
	got, err := c.t.Memory().CopyIn(b, at)
	if got > 0 || err == nil {
		trace.EmitData(c.id, i, phase, int(min(n, 1<<32-1)), b[:got])
	}
}

// text records a string, up to its end.
func (c *capture) text(i int, at user.Addr, phase uint16) {
	s, whole, ok := c.readText(at, c.buf[:])
	if !ok {
		return
	}
	if !whole {
		phase |= trace.Cut
	}
	trace.EmitData(c.id, i, phase, len(s), s)
}

// readText reads a string into buf. whole reports whether it came to its end, ok whether
// any of it can be read.
func (c *capture) readText(at user.Addr, buf []byte) (s []byte, whole, ok bool) {
	n := 0
	for n < len(buf) {
		k := min(len(buf)-n, int(mem.PageSize-uint64(at)%mem.PageSize), 256)
		got, err := c.t.Memory().CopyIn(buf[n:n+k], at)
		if end := bytes.IndexByte(buf[n:n+got], 0); end >= 0 {
			return buf[:n+end], true, true
		}
		n += got
		at += user.Addr(got)
		if err != nil || got < k {
			return nil, false, false
		}
	}
	return buf[:n], false, true
}

// vectors records an iovec: the lengths of all of them, then the bytes of each as far as
// the limit goes.
func (c *capture) vectors(i int, at user.Addr, n uint64, phase uint16) {
	n = min(n, mostItems)
	head := make([]byte, 16*n)
	if c.t.CopyIn(head, at) != nil {
		return
	}
	left, total := uint64(c.limit), ^uint64(0)
	if phase == trace.Returned {
		total = c.result
	}
	b := append(c.buf[:0], head...)
	for v := head; len(v) > 0 && len(b) < len(c.buf); v = v[16:] {
		base, size := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
		size = min(size, total)
		total -= size
		k := min(size, left, uint64(len(c.buf)-len(b)))
		got, _ := c.t.Memory().CopyIn(b[len(b):len(b)+int(k)], user.Addr(base))
		b = b[:len(b)+got]
		if got < int(k) {
			break
		}
	}
	trace.EmitData(c.id, i, phase, len(head), b)
}

// strings records a null-terminated list of strings: each with a NUL behind it.
func (c *capture) strings(i int, at user.Addr, most int) {
	b := c.buf[:0]
	count := 0
	flags := uint16(0)
	for ; ; count++ {
		p, ok := c.pointer(at + user.Addr(8*count))
		if !ok {
			return
		}
		if p == 0 {
			break
		}
		if count == most || len(b) >= len(c.buf)-1 {
			flags = trace.Cut
			break
		}
		s, whole, ok := c.readText(p, c.buf[len(b):min(len(b)+c.limit+1, len(c.buf)-1)])
		if !ok {
			return
		}
		b = b[:len(b)+len(s)]
		if !whole {
			b = append(b, 1) // no NUL: the string goes on
		}
		b = append(b, 0)
	}
	trace.EmitData(c.id, i, flags, count, b)
}

// count records how many strings a list has.
func (c *capture) count(i int, at user.Addr) {
	const most = 1000
	for n := range most {
		p, ok := c.pointer(at + user.Addr(8*n))
		if !ok {
			return
		}
		if p == 0 {
			trace.EmitData(c.id, i, 0, n, nil)
			return
		}
	}
}

func (c *capture) pointer(at user.Addr) (user.Addr, bool) {
	var b [8]byte
	err := c.t.CopyIn(b[:], at)
	return user.Addr(binary.LittleEndian.Uint64(b[:])), err == nil
}

// ioctlSize is how much memory belongs to a command before the call or after it, of those
// that a reader knows to show.
func ioctlSize(cmd uint32, phase uint16) int {
	returned := phase == trace.Returned
	switch cmd {
	case unix.TCGETS:
		if returned {
			return 36
		}
	case unix.TCSETS, unix.TCSETSW, unix.TCSETSF:
		if !returned {
			return 36
		}
	case unix.TIOCGWINSZ:
		if returned {
			return 8
		}
	case unix.TIOCSWINSZ:
		if !returned {
			return 8
		}
	case unix.TIOCGPGRP, unix.TIOCINQ, unix.TIOCOUTQ, unix.TIOCGSID, unix.TIOCGPTN:
		if returned {
			return 4
		}
	case unix.TIOCSPGRP, unix.TIOCSPTLCK, fioNBIO, fioASYNC:
		if !returned {
			return 4
		}
	}
	return 0
}
