package trace

import (
	"encoding/binary"
	"syscall"
	"time"
)

// Code says what a record is about, and so what its words mean.
type Code uint8

const (
	_ Code = iota

	// A system call. Data and More records of the same task come before them: the memory
	// of the arguments before Enter, what the call has returned there before Exit.
	Enter // aux: the number; words: the arguments
	Exit  // aux: the number; words: result, errno (as on return inside the kernel: ERESTARTSYS and its like too), nanoseconds it took
	Data  // aux: number of the argument, Returned, Cut; words: length in memory | bytes recorded<<32, the first bytes
	More  // words: the bytes that follow

	// Lives of tasks, recorded whatever classes are wanted.
	Born  // words: the parent's task, the process's leader
	Named // words: the name, NUL-padded
	Died  // words: wait status; aux: 1 where the process ends with it

	// Sched.
	Switched // the CPU goes on with the task (0: with none); words: the task before
	Woken    // words: by which task the record's task was woken, 0 for the kernel

	// Wait. Sleeps end with the second.
	Slept   // aux: 1 where no signal ends it
	Resumed // words: nanoseconds it took

	Faulted   // words: address, access (0 read, 1 write, 2 execute), errno, nanoseconds it took; aux: 1 where a page was there
	Sent      // words: signal, the task or process that gets it, si_code; the record's task is the sender
	Delivered // words: signal, si_code, handler (0 the default effect, 1 ignored), siginfo_t's bytes 16 to 24, 24 to 32
	Interrupt // an interrupt left user code
	Walked    // words: errno, nanoseconds it took, the path's first bytes, NUL-padded
	Disk      // words: offset, length, nanoseconds it took; aux: 0 read, 1 write, 2 flush
	Paused    // the garbage collector stopped the world; words: nanoseconds it took
	Collected // words: number of collections, bytes of live heap

	Codes // how many there are
)

// Bits of Data's aux.
const (
	Returned = 1 << 8 // the call wrote it
	Cut      = 1 << 9 // a string goes on
)

// MaxWords is how many words of its own a record has room for, and recordSize the size of
// a record without them.
const (
	MaxWords    = 6
	headerWords = 2
)

// Record is one event.
type Record struct {
	Time  time.Duration // since boot
	Code  Code
	CPU   uint8
	Aux   uint16
	Task  uint32 // the thread's ID in the initial PID namespace, 0 for the kernel
	N     int    // how many words it has
	Words [MaxWords]uint64
}

// pack is a record's second word: code and number of words, CPU, aux, task.
func pack(code Code, n int, cpu uint8, aux uint16, task uint32) uint64 {
	return uint64(code) | uint64(n)<<5 | uint64(cpu)<<8 | uint64(aux)<<16 | uint64(task)<<32
}

// unpack reads a record from the start of b. It returns its size, 0 where b does not
// hold all of it.
func (r *Record) unpack(b []byte) int {
	if len(b) < 8*headerWords {
		return 0
	}
	le := binary.LittleEndian
	r.Time = time.Duration(le.Uint64(b))
	w := le.Uint64(b[8:])
	r.Code, r.N = Code(w&0x1f), int(w>>5&7)
	r.CPU, r.Aux, r.Task = uint8(w>>8), uint16(w>>16), uint32(w>>32)
	size := 8 * (headerWords + r.N)
	if r.N > MaxWords || len(b) < size {
		return 0
	}
	r.Words = [MaxWords]uint64{}
	for i := range r.N {
		r.Words[i] = le.Uint64(b[8*(headerWords+i):])
	}
	return size
}

// Bytes are the bytes that a Data or More record carries, as far as it has room.
func (r *Record) Bytes() []byte {
	from := 0
	if r.Code == Data {
		from = 1
	}
	var b []byte
	for i := from; i < r.N; i++ {
		b = binary.LittleEndian.AppendUint64(b, r.Words[i])
	}
	return b
}

// EmitData records memory of a task's call: the bytes b of argument arg, which is length
// bytes long in memory. flags are Returned and Cut. It waits like EmitWait.
func EmitData(task, arg int, flags uint16, length int, b []byte) {
	var w [MaxWords]uint64
	w[0] = uint64(uint32(length)) | uint64(len(b))<<32
	n, rest := fill(w[1:], b)
	EmitWait(Data, uint16(arg)|flags, task, w[:1+n]...)
	for len(rest) > 0 {
		n, rest = fill(w[:], rest)
		EmitWait(More, 0, task, w[:n]...)
	}
}

// fill packs bytes into words, and returns how many it used and the bytes that are left.
func fill(w []uint64, b []byte) (n int, rest []byte) {
	for n < len(w) && len(b) >= 8 {
		w[n] = binary.LittleEndian.Uint64(b)
		n, b = n+1, b[8:]
	}
	if n < len(w) && len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		w[n] = binary.LittleEndian.Uint64(last[:])
		n, b = n+1, nil
	}
	return n, b
}

// EmitWalk records a path walk.
func EmitWalk(task int, path []byte, err error, took time.Duration) {
	var w [MaxWords]uint64
	if e, ok := err.(syscall.Errno); ok {
		w[0] = uint64(e)
	}
	w[1] = uint64(took)
	n, _ := fill(w[2:], path)
	Emit(Walked, 0, task, w[:2+n]...)
}

// EmitName records a task's name.
func EmitName(task int, name string) {
	var w [2]uint64
	n, _ := fill(w[:], []byte(name))
	Emit(Named, 0, task, w[:n]...)
}
