package trace

// Kind says what an argument of a system call is: how it is printed, and what memory
// belongs to it.
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
	SockAddr // the length is the next argument
	AddressFamily
	SocketType
	PollFDs // their number is the next argument
	Iovec   // their number is the next argument
	Size
	Off

	AtFlags
	AccessMode
	Whence
	SigHow
	Strings   // a null-terminated list of strings
	Env       // the same, of which only the number is shown
	IntAt     // int in memory
	FDPair    // two descriptors in memory
	Status    // of wait, in memory
	SizeAt    // size_t or off_t in memory
	Rusage    // struct rusage
	Rlimit    // struct rlimit
	Resource  // RLIMIT_*
	Utsname   // struct utsname
	Sysinfo   // struct sysinfo
	Statx     // struct statx
	StatxMask // STATX_*
	Statfs    // struct statfs
	Dirents   // directory entries; the length is the call's result
	Itimerval
	Itimerspec
	EpollOp
	EpollEvent
	EpollEvents // their number is the call's result
	SockAddrOut // the length is behind the next argument
	MsgFlags
	IoctlArg
	FcntlArg
	ArchPrctl
	IDs // gid_t in memory; their number is the argument before
	Madvise
	MsyncFlags
	MremapFlags
	RandomFlags
	FDFlags // of eventfd2, epoll_create1, timerfd_create, signalfd4, inotify_init1
	CloneArgs
	OpenHow
	SigInfo
	SigStack
	CPUMask // the size is the argument before
	FutexArg
	Times   // struct timespec[2], or null for now
	Ustring // a path and more, whose length is the result: readlink, getcwd
	Prctl
	PrctlArg
	FlockOp
	Dev
	Sockopt
	SockLevel
	RseqFlags
	UnlinkFlags
	RenameFlags
	UserAt // uid_t or gid_t in memory
	ItimerWhich
	IDType
	Itself // the result is what the call returns in memory as well: time

	kinds
)

// Out marks an argument whose memory the call fills: for kinds that are used both ways.
const Out Kind = 0x80

// kindInfo says of each kind its name in a stream, the size of its memory where that is
// fixed, and whether it is always the call that fills it.
var kindInfo = [kinds]struct {
	name string
	size int
	out  bool
}{
	None: {name: "none"}, Int: {name: "int"}, Uint: {name: "uint"}, Long: {name: "long"}, Hex: {name: "hex"}, Ptr: {name: "ptr"},
	FD: {name: "fd"}, Path: {name: "path"}, Str: {name: "str"}, Buf: {name: "buf"}, OutBuf: {name: "outbuf", out: true},
	DirFD: {name: "dirfd"}, Mode: {name: "mode"}, OpenFlags: {name: "openflags"}, MmapProt: {name: "mmapprot"},
	MmapFlags: {name: "mmapflags"}, CloneFlags: {name: "cloneflags"}, Signal: {name: "signal"}, SigSet: {name: "sigset", size: 8},
	SigAction: {name: "sigaction", size: 32}, Timespec: {name: "timespec", size: 16}, Timeval: {name: "timeval", size: 16},
	Stat: {name: "stat", size: 144, out: true}, PID: {name: "pid"}, ClockID: {name: "clockid"}, FutexOp: {name: "futexop"},
	WaitOptions: {name: "waitoptions"}, IoctlCmd: {name: "ioctlcmd"}, FcntlCmd: {name: "fcntlcmd"}, SockAddr: {name: "sockaddr"},
	AddressFamily: {name: "addressfamily"}, SocketType: {name: "sockettype"}, PollFDs: {name: "pollfds"}, Iovec: {name: "iovec"},
	Size: {name: "size"}, Off: {name: "off"}, AtFlags: {name: "atflags"}, AccessMode: {name: "accessmode"}, Whence: {name: "whence"},
	SigHow: {name: "sighow"}, Strings: {name: "strings"}, Env: {name: "env"}, IntAt: {name: "intat", size: 4},
	FDPair: {name: "fdpair", size: 8, out: true}, Status: {name: "status", size: 4, out: true}, SizeAt: {name: "sizeat", size: 8},
	Rusage: {name: "rusage", size: 144, out: true}, Rlimit: {name: "rlimit", size: 16}, Resource: {name: "resource"},
	Utsname: {name: "utsname", size: 390, out: true}, Sysinfo: {name: "sysinfo", size: 112, out: true},
	Statx: {name: "statx", size: 256, out: true}, StatxMask: {name: "statxmask"}, Statfs: {name: "statfs", size: 120, out: true},
	Dirents: {name: "dirents", out: true}, Itimerval: {name: "itimerval", size: 32}, Itimerspec: {name: "itimerspec", size: 32},
	EpollOp: {name: "epollop"}, EpollEvent: {name: "epollevent", size: 16}, EpollEvents: {name: "epollevents", out: true},
	SockAddrOut: {name: "sockaddrout", out: true}, MsgFlags: {name: "msgflags"}, IoctlArg: {name: "ioctlarg"},
	FcntlArg: {name: "fcntlarg"}, ArchPrctl: {name: "archprctl"}, IDs: {name: "ids"}, Madvise: {name: "madvise"},
	MsyncFlags: {name: "msyncflags"}, MremapFlags: {name: "mremapflags"}, RandomFlags: {name: "randomflags"}, FDFlags: {name: "fdflags"},
	CloneArgs: {name: "cloneargs", size: 88}, OpenHow: {name: "openhow", size: 24}, SigInfo: {name: "siginfo", size: 128},
	SigStack: {name: "sigstack", size: 24}, CPUMask: {name: "cpumask"}, FutexArg: {name: "futexarg"},
	Times: {name: "times", size: 32}, Ustring: {name: "ustring", out: true}, Prctl: {name: "prctl"}, PrctlArg: {name: "prctlarg"}, FlockOp: {name: "flockop"},
	Dev: {name: "dev"}, Sockopt: {name: "sockopt"}, SockLevel: {name: "socklevel"}, RseqFlags: {name: "rseqflags"},
	UnlinkFlags: {name: "unlinkflags"}, RenameFlags: {name: "renameflags"}, UserAt: {name: "userat", size: 4},
	ItimerWhich: {name: "itimerwhich"}, IDType: {name: "idtype"}, Itself: {name: "itself"},
}

// Base is the kind without Out.
func (k Kind) Base() Kind { return k &^ Out }

// Fills reports whether the call fills the argument's memory.
func (k Kind) Fills() bool { return k&Out != 0 || k < kinds && kindInfo[k].out }

// Size is the size of the memory behind an argument of the kind, 0 where it has none or
// another argument or the result says how much there is. It is at least what a structure
// takes on any architecture.
func (k Kind) Size() int {
	if k = k.Base(); k < kinds {
		return kindInfo[k].size
	}
	return 0
}

// String is the kind's name in a stream.
func (k Kind) String() string {
	if k = k.Base(); k < kinds {
		return kindInfo[k].name
	}
	return "unknown"
}

// KindNames are the names of all kinds, in the order of their numbers.
func KindNames() []string {
	var names []string
	for _, k := range kindInfo {
		names = append(names, k.name)
	}
	return names
}

// kindNamed finds a kind by its name; Hex where there is none.
func kindNamed(name string) Kind {
	for i, k := range kindInfo {
		if k.name == name {
			return Kind(i)
		}
	}
	return Hex
}
