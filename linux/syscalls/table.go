// Package syscalls is the system call interface: the one table, and a file per
// family of calls that decodes arguments and calls the packages that own the data.
//
// From the table come dispatch, the tracer's decoder, the compatibility page, and
// the test that names calls without a contract.
package syscalls

import (
	"kevlar/linux/task"
	"kevlar/linux/user"
)

// Args are the six argument registers of a system call, undecoded.
type Args [6]uint64

func (a *Args) Int(i int) int        { return int(int32(a[i])) } // C int
func (a *Args) Uint(i int) uint32    { return uint32(a[i]) }     // C unsigned int
func (a *Args) Long(i int) int64     { return int64(a[i]) }      // C long, off_t, ssize_t
func (a *Args) Addr(i int) user.Addr { return user.Addr(a[i]) }  // a pointer
func (a *Args) Size(i int) uint64    { return a[i] }             // size_t

// Handler does a system call for t and returns its result. An error is a
// unix.Errno; a handler that returns one has changed nothing a program can see,
// except where the man page says otherwise.
type Handler func(t *task.Task, a *Args) (uint64, error)

// Support is how much of a call's documented behaviour works.
type Support uint8

const (
	Full    Support = iota
	Partial         // Note says what does not
	Missing         // always ENOSYS: a row that only documents
)

// Kind is how the tracer prints an argument.
type Kind uint8

const (
	None Kind = iota
	Int
	Uint
	Long
	Hex
	Ptr
	FD
	Path   // NUL-terminated string that names a file
	Str    // NUL-terminated string
	Buf    // memory that the call reads; the length is the next argument
	OutBuf // memory that the call fills; the length is its result
	DirFD  // descriptor or AT_FDCWD
	Mode   // file mode, octal
	OpenFlags
	MmapProt
	MmapFlags
	CloneFlags
	Signal
	SigSet
	SigAction
	Timespec
	Timeval
	Stat
	PID
	ClockID
	FutexOp
	WaitOptions
	IoctlCmd
	FcntlCmd
	SockAddr
	AddressFamily
	SocketType
	PollFDs
	Iovec
	Size
	Off
)

// Row describes one system call. The number follows from the name on the
// architecture being built (abi.Number); a row whose call this architecture lacks
// is left out of its table.
type Row struct {
	Name      string
	Args      []Kind
	Do        Handler
	Support   Support
	Note      string
	Contracts []string // contracts that check it, as category/name
}
