// Package syscalls is the system call interface: the one table, and a file per
// family of calls that decodes arguments and calls the packages that own the data.
//
// From the table come dispatch, the tracer's decoder, the compatibility page, and
// the test that names calls without a contract.
package syscalls

import (
	"kevlar/linux/task"
	"kevlar/linux/trace"
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

// Kind is what an argument is, for the tracer.
type Kind = trace.Kind

// The kinds of arguments, as package trace explains them.
const (
	None          = trace.None
	Int           = trace.Int
	Uint          = trace.Uint
	Long          = trace.Long
	Hex           = trace.Hex
	Ptr           = trace.Ptr
	FD            = trace.FD
	Path          = trace.Path
	Str           = trace.Str
	Buf           = trace.Buf
	OutBuf        = trace.OutBuf
	DirFD         = trace.DirFD
	Mode          = trace.Mode
	OpenFlags     = trace.OpenFlags
	MmapProt      = trace.MmapProt
	MmapFlags     = trace.MmapFlags
	CloneFlags    = trace.CloneFlags
	Signal        = trace.Signal
	SigSet        = trace.SigSet
	SigAction     = trace.SigAction
	Timespec      = trace.Timespec
	Timeval       = trace.Timeval
	Stat          = trace.Stat
	PID           = trace.PID
	ClockID       = trace.ClockID
	FutexOp       = trace.FutexOp
	WaitOptions   = trace.WaitOptions
	IoctlCmd      = trace.IoctlCmd
	FcntlCmd      = trace.FcntlCmd
	SockAddr      = trace.SockAddr
	AddressFamily = trace.AddressFamily
	SocketType    = trace.SocketType
	PollFDs       = trace.PollFDs
	Iovec         = trace.Iovec
	Size          = trace.Size
	Off           = trace.Off
	AtFlags       = trace.AtFlags
	AccessMode    = trace.AccessMode
	Whence        = trace.Whence
	SigHow        = trace.SigHow
	Strings       = trace.Strings
	Env           = trace.Env
	IntAt         = trace.IntAt
	FDPair        = trace.FDPair
	Status        = trace.Status
	SizeAt        = trace.SizeAt
	Rusage        = trace.Rusage
	Rlimit        = trace.Rlimit
	Resource      = trace.Resource
	Utsname       = trace.Utsname
	Sysinfo       = trace.Sysinfo
	Statx         = trace.Statx
	StatxMask     = trace.StatxMask
	Statfs        = trace.Statfs
	Dirents       = trace.Dirents
	Itimerval     = trace.Itimerval
	Itimerspec    = trace.Itimerspec
	EpollOp       = trace.EpollOp
	EpollEvent    = trace.EpollEvent
	EpollEvents   = trace.EpollEvents
	SockAddrOut   = trace.SockAddrOut
	MsgFlags      = trace.MsgFlags
	IoctlArg      = trace.IoctlArg
	FcntlArg      = trace.FcntlArg
	ArchPrctl     = trace.ArchPrctl
	IDs           = trace.IDs
	Madvise       = trace.Madvise
	MsyncFlags    = trace.MsyncFlags
	MremapFlags   = trace.MremapFlags
	RandomFlags   = trace.RandomFlags
	FDFlags       = trace.FDFlags
	CloneArgs     = trace.CloneArgs
	OpenHow       = trace.OpenHow
	SigInfo       = trace.SigInfo
	SigStack      = trace.SigStack
	CPUMask       = trace.CPUMask
	FutexArg      = trace.FutexArg
	Times         = trace.Times
	Ustring       = trace.Ustring
	Prctl         = trace.Prctl
	PrctlArg      = trace.PrctlArg
	FlockOp       = trace.FlockOp
	Dev           = trace.Dev
	Sockopt       = trace.Sockopt
	SockLevel     = trace.SockLevel
	RseqFlags     = trace.RseqFlags
	UnlinkFlags   = trace.UnlinkFlags
	RenameFlags   = trace.RenameFlags
	UserAt        = trace.UserAt
	ItimerWhich   = trace.ItimerWhich
	IDType        = trace.IDType
	Itself        = trace.Itself
	Out           = trace.Out
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
