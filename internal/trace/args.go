package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"kevlar/linux/trace"
)

var le = binary.LittleEndian

// Style is how much of a call is shown.
type Style struct {
	Strings int // bytes of a buffer, 32 if 0
}

func (s Style) limit() int {
	if s.Strings > 0 {
		return s.Strings
	}
	return 32
}

// split writes a call's arguments: those that are known before it is done, and those that
// it returns, from the first of them on.
func (s Style) split(c *Call) (before, after []string) {
	if special := specials[c.Name]; special != nil {
		return special(s, c)
	}
	n := s.shown(c)
	for i := range n {
		text := s.argument(c, i)
		if len(after) > 0 || waits(c.Kinds[i]) {
			after = append(after, text)
		} else {
			before = append(before, text)
		}
	}
	return before, after
}

// waits reports whether an argument is shown only when the call is done.
func waits(k trace.Kind) bool { return k.Fills() || k == trace.IoctlArg }

// shown is how many arguments of a call mean something.
func (s Style) shown(c *Call) int {
	n := len(c.Kinds)
	switch c.Name {
	case "open", "openat":
		if c.Args[n-2]&(0o100|0o20000000) == 0 { // neither O_CREAT nor O_TMPFILE: no mode
			n--
		}
	case "fcntl":
		switch c.Args[1] {
		case 1, 3, 9, 11, 1025, 1032, 1034: // they take nothing
			n--
		}
	case "mremap":
		if c.Args[3]&2 == 0 {
			n--
		}
	case "futex":
		n = futexArgs(c.Args[1])
	case "ioctl":
		if c.Args[1] == 0x5450 || c.Args[1] == 0x5451 {
			n--
		}
	}
	return n
}

func futexArgs(op uint64) int {
	switch op & 0x7f {
	case 1:
		return 3
	case 0, 6, 13:
		return 4
	case 7, 8:
		return 2
	case 10:
		return 6
	case 3:
		return 5
	}
	return 6
}

// memory is what is known of the memory of argument i: what the call returned there
// before what was there first.
func (c *Call) memory(i int) *Memory {
	if m := c.Out[i]; m != nil {
		return m
	}
	if c.Kinds[i].Fills() {
		return nil
	}
	return c.In[i]
}

// argument writes argument i.
func (s Style) argument(c *Call, i int) string {
	k, v := c.Kinds[i].Base(), c.Args[i]
	if t, ok := flagTables[k]; ok {
		return flags(uint64(uint32(v)), t.flags, t.none)
	}
	if t, ok := nameTables[k]; ok {
		unknown := decimal
		if k == trace.IoctlCmd {
			unknown = ioctlName
		}
		return name(uint64(uint32(v)), t, unknown)
	}
	switch k {
	case trace.Int, trace.FD, trace.PID:
		return decimal(v)
	case trace.DirFD:
		if int32(v) == -100 {
			return "AT_FDCWD"
		}
		return decimal(v)
	case trace.Uint:
		return strconv.FormatUint(uint64(uint32(v)), 10)
	case trace.Long, trace.Off:
		if k == trace.Off && c.Name == "mmap" && v != 0 {
			return hex(v)
		}
		return strconv.FormatInt(int64(v), 10)
	case trace.Size:
		return strconv.FormatUint(v, 10)
	case trace.Hex:
		if v == 0 {
			return "0"
		}
		return hex(v)
	case trace.Mode:
		return modeText(uint32(v), c.Name == "mknod" || c.Name == "mknodat")
	case trace.Dev:
		return dev(v)
	case trace.OpenFlags:
		if c.Name == "pipe2" || c.Name == "dup3" {
			return flags(uint64(uint32(v)), c.arch.open, "0")
		}
		return c.arch.openText(uint64(uint32(v)))
	case trace.MmapFlags:
		return mmapText(v)
	case trace.Signal:
		if v == 0 {
			return "0"
		}
		return signalName(int(int32(v)))
	case trace.SocketType:
		return socketType(v)
	case trace.FutexOp:
		return futexOp(v)
	case trace.FDFlags:
		return fdFlagText(c.Name, v)
	case trace.FcntlArg:
		return fcntlArg(c, v)
	case trace.Sockopt:
		switch c.Args[1] {
		case 1:
			return name(v, socketOptions, decimal)
		case 6:
			return name(v, tcpOptions, decimal)
		}
		return decimal(v)
	}
	m := c.memory(i)
	if m == nil {
		return pointer(v)
	}
	if text := s.pointed(c, i, k, m); text != "" {
		return text
	}
	return pointer(v)
}

// pointed writes what is behind a pointer; "" where it is not known well enough.
func (s Style) pointed(c *Call, i int, k trace.Kind, m *Memory) string {
	b := m.Bytes
	if n := k.Size(); n > 0 && k != trace.Stat && k != trace.EpollEvent && len(b) < n {
		return ""
	}
	switch k {
	case trace.Path, trace.Str:
		return cut(quote(b), m.Cut)
	case trace.Buf, trace.OutBuf:
		shown := b[:min(len(b), s.limit())]
		text := quote(shown)
		if c.Name == "getrandom" {
			text = hexQuote(shown)
		}
		return cut(text, len(shown) < m.Length)
	case trace.Ustring:
		if c.Name == "getcwd" && len(b) > 0 {
			b = b[:len(b)-1] // its NUL counts
		}
		return quote(b)
	case trace.Dirents:
		return fmt.Sprintf("%s /* %d entries */", pointer(c.Args[i]), entries(b))
	case trace.Iovec:
		return s.vectors(c, m)
	case trace.Strings:
		return stringList(m)
	case trace.Env:
		return fmt.Sprintf("%s /* %d vars */", pointer(c.Args[i]), m.Length)
	case trace.PollFDs:
		return pollFDs(c.In[i])
	case trace.EpollEvents:
		return epollList(c, b)
	case trace.EpollEvent:
		return epollEvent(c, b)
	case trace.SockAddr, trace.SockAddrOut:
		return sockAddr(b)
	case trace.IDs:
		return numbers(b)
	case trace.CPUMask:
		return cpuMask(b)
	case trace.IoctlArg:
		return ioctlArg(uint32(c.Args[1]), b)
	case trace.Stat:
		return stat(c, b)
	case trace.FutexArg:
		if len(b) < 16 {
			return ""
		}
		return timespec(b)
	}
	if f := structs[k]; f != nil {
		return f(b)
	}
	return ""
}

func cut(s string, more bool) string {
	if more {
		return s + "..."
	}
	return s
}

// structs write structures that both architectures have alike.
var structs = map[trace.Kind]func(b []byte) string{
	trace.Timespec: timespec,
	trace.Timeval:  timeval,
	trace.Times: func(b []byte) string {
		return "[" + utime(b) + ", " + utime(b[16:]) + "]"
	},
	trace.SigSet:    func(b []byte) string { return sigSet(le.Uint64(b)) },
	trace.SigAction: sigAction,
	trace.IntAt:     func(b []byte) string { return fmt.Sprintf("[%d]", int32(le.Uint32(b))) },
	trace.UserAt:    func(b []byte) string { return fmt.Sprintf("[%d]", le.Uint32(b)) },
	trace.FDPair:    func(b []byte) string { return fmt.Sprintf("[%d, %d]", int32(le.Uint32(b)), int32(le.Uint32(b[4:]))) },
	trace.Status:    func(b []byte) string { return "[" + status(le.Uint32(b)) + "]" },
	trace.SizeAt:    func(b []byte) string { return fmt.Sprintf("[%d]", int64(le.Uint64(b))) },
	trace.Rlimit: func(b []byte) string {
		return "{rlim_cur=" + limit(le.Uint64(b)) + ", rlim_max=" + limit(le.Uint64(b[8:])) + "}"
	},
	trace.Rusage: func(b []byte) string {
		return "{ru_utime=" + timeval(b) + ", ru_stime=" + timeval(b[16:]) + ", ...}"
	},
	trace.Utsname: func(b []byte) string {
		return "{sysname=" + quote([]byte(text(b[:65]))) + ", nodename=" + quote([]byte(text(b[65:130]))) + ", ...}"
	},
	trace.Sysinfo: func(b []byte) string {
		return fmt.Sprintf("{uptime=%d, loads=[%d, %d, %d], totalram=%d, freeram=%d, ...}", le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:]))
	},
	trace.Statfs: func(b []byte) string {
		return fmt.Sprintf("{f_type=%#x, f_bsize=%d, f_blocks=%d, f_bfree=%d, ...}", le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:]))
	},
	trace.Statx: func(b []byte) string {
		mask := flags(uint64(le.Uint32(b)), flagTables[trace.StatxMask].flags, "0")
		return fmt.Sprintf("{stx_mask=%s, stx_attributes=%s, stx_mode=%s, stx_size=%d, ...}", mask, zeroHex(le.Uint64(b[8:])), modeText(uint32(le.Uint16(b[28:])), true), le.Uint64(b[40:]))
	},
	trace.Itimerval: func(b []byte) string {
		return "{it_interval=" + timeval(b) + ", it_value=" + timeval(b[16:]) + "}"
	},
	trace.Itimerspec: func(b []byte) string {
		return "{it_interval=" + timespec(b) + ", it_value=" + timespec(b[16:]) + "}"
	},
	trace.OpenHow: func(b []byte) string {
		return fmt.Sprintf("{flags=%s, mode=%#o, resolve=%s}", zeroHex(le.Uint64(b)), le.Uint64(b[8:]), zeroHex(le.Uint64(b[16:])))
	},
	trace.SigInfo: func(b []byte) string {
		if le.Uint32(b) == 0 {
			return "{}"
		}
		return sigInfo(int(le.Uint32(b)), int32(le.Uint32(b[8:])), le.Uint64(b[16:]), le.Uint64(b[24:]))
	},
	trace.SigStack: func(b []byte) string {
		return fmt.Sprintf("{ss_sp=%s, ss_flags=%s, ss_size=%d}", pointer(le.Uint64(b)), flags(uint64(le.Uint32(b[8:])), []flag{{1, "SS_ONSTACK"}, {2, "SS_DISABLE"}, {1 << 31, "SS_AUTODISARM"}}, "0"), le.Uint64(b[16:]))
	},
	trace.CloneArgs: func(b []byte) string {
		return fmt.Sprintf("{flags=%s, exit_signal=%s, stack=%s, stack_size=%s}", flags(le.Uint64(b), flagTables[trace.CloneFlags].flags, "0"),
			zeroSignal(le.Uint64(b[32:])), pointer(le.Uint64(b[40:])), zeroHex(le.Uint64(b[48:])))
	},
}

func zeroHex(v uint64) string {
	if v == 0 {
		return "0"
	}
	return hex(v)
}

func zeroSignal(v uint64) string {
	if v == 0 {
		return "0"
	}
	return signalName(int(v))
}

func timespec(b []byte) string {
	return fmt.Sprintf("{tv_sec=%d, tv_nsec=%d}", int64(le.Uint64(b)), int64(le.Uint64(b[8:])))
}

func timeval(b []byte) string {
	return fmt.Sprintf("{tv_sec=%d, tv_usec=%d}", int64(le.Uint64(b)), int64(le.Uint64(b[8:])))
}

func utime(b []byte) string {
	switch le.Uint64(b[8:]) {
	case 1<<30 - 1:
		return "UTIME_NOW"
	case 1<<30 - 2:
		return "UTIME_OMIT"
	}
	return timespec(b)
}

// limit is a resource limit: in KiB where it has some.
func limit(v uint64) string {
	switch {
	case v == ^uint64(0):
		return "RLIM64_INFINITY"
	case v > 1024 && v%1024 == 0:
		return fmt.Sprintf("%d*1024", v/1024)
	}
	return strconv.FormatUint(v, 10)
}

// sigSet writes a set of signals: as what it lacks where it has most.
func sigSet(set uint64) string {
	n := 0
	for v := set; v != 0; v &= v - 1 {
		n++
	}
	prefix := ""
	if n >= 43 { // two thirds
		prefix, set = "~", ^set
	}
	var names []string
	for i := range 64 {
		if set&(1<<i) != 0 {
			names = append(names, strings.TrimPrefix(signalName(i+1), "SIG"))
		}
	}
	return prefix + "[" + strings.Join(names, " ") + "]"
}

func sigAction(b []byte) string {
	handler := pointer(le.Uint64(b))
	switch le.Uint64(b) {
	case 0:
		handler = "SIG_DFL"
	case 1:
		handler = "SIG_IGN"
	}
	fl := le.Uint64(b[8:])
	s := fmt.Sprintf("{sa_handler=%s, sa_mask=%s, sa_flags=%s", handler, sigSet(le.Uint64(b[24:])), flags(fl, sigActionFlags, "0"))
	if fl&0x04000000 != 0 {
		s += ", sa_restorer=" + pointer(le.Uint64(b[16:]))
	}
	return s + "}"
}

// status is a wait status, as the macros take it apart.
func status(v uint32) string {
	switch {
	case v&0x7f == 0:
		return fmt.Sprintf("{WIFEXITED(s) && WEXITSTATUS(s) == %d}", v>>8&0xff)
	case v&0xff == 0x7f:
		return fmt.Sprintf("{WIFSTOPPED(s) && WSTOPSIG(s) == %s}", signalName(int(v>>8&0xff)))
	case v == 0xffff:
		return "{WIFCONTINUED(s)}"
	}
	core := ""
	if v&0x80 != 0 {
		core = " && WCOREDUMP(s)"
	}
	return fmt.Sprintf("{WIFSIGNALED(s) && WTERMSIG(s) == %s%s}", signalName(int(v&0x7f)), core)
}

// modeText writes a file mode, with the type of the file where it belongs to it.
func modeText(m uint32, typed bool) string {
	if !typed {
		return fmt.Sprintf("%#03o", m&0o177777)
	}
	var parts []string
	if t := m & 0o170000; t != 0 {
		parts = append(parts, name(uint64(t), []flag{{0o140000, "S_IFSOCK"}, {0o120000, "S_IFLNK"}, {0o100000, "S_IFREG"}, {0o060000, "S_IFBLK"},
			{0o040000, "S_IFDIR"}, {0o020000, "S_IFCHR"}, {0o010000, "S_IFIFO"}}, func(v uint64) string { return fmt.Sprintf("%#o", v) }))
	}
	for _, f := range []flag{{0o4000, "S_ISUID"}, {0o2000, "S_ISGID"}, {0o1000, "S_ISVTX"}} {
		if uint64(m)&f.bits != 0 {
			parts = append(parts, f.name)
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("%#03o", m&0o777)), "|")
}

func dev(v uint64) string {
	return fmt.Sprintf("makedev(%#x, %#x)", v>>8&0xfff|v>>32&^0xfff, v&0xff|v>>12&0xffffff00)
}

// statAMD64 and statARM64 read struct stat.
func statAMD64(b []byte) (mode uint32, size, rdev uint64, ok bool) {
	if len(b) < 144 {
		return 0, 0, 0, false
	}
	return le.Uint32(b[24:]), le.Uint64(b[48:]), le.Uint64(b[40:]), true
}

func statARM64(b []byte) (mode uint32, size, rdev uint64, ok bool) {
	if len(b) < 128 {
		return 0, 0, 0, false
	}
	return le.Uint32(b[16:]), le.Uint64(b[48:]), le.Uint64(b[32:]), true
}

func stat(c *Call, b []byte) string {
	mode, size, rdev, ok := c.arch.stat(b)
	if !ok {
		return ""
	}
	what := fmt.Sprintf("st_size=%d", size)
	if t := mode & 0o170000; t == 0o020000 || t == 0o060000 {
		what = "st_rdev=" + dev(rdev)
	}
	return fmt.Sprintf("{st_mode=%s, %s, ...}", modeText(mode, true), what)
}

func mmapText(v uint64) string {
	s := [...]string{"MAP_FILE", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"}[v&3]
	if v&^3 != 0 {
		s += "|" + flags(v&^3, mmapFlags, "")
	}
	return s
}

func socketType(v uint64) string {
	var s string
	for _, t := range socketTypes {
		if v&0xf == t.bits {
			s = t.name
		}
	}
	if rest := v &^ 0xf; rest != 0 {
		s = strings.TrimPrefix(s+"|"+flags(rest, []flag{{0x80000, "SOCK_CLOEXEC"}, {0x800, "SOCK_NONBLOCK"}}, ""), "|")
	}
	if s == "" {
		return decimal(v)
	}
	return s
}

func futexOp(v uint64) string {
	s := name(v&0x7f, futexOps, hex)
	if v&0x80 != 0 {
		s += "_PRIVATE"
	}
	if v&0x100 != 0 {
		s += "|FUTEX_CLOCK_REALTIME"
	}
	return s
}

// fdFlagText writes the flags that calls which make a descriptor take: they have a name
// for each call.
func fdFlagText(call string, v uint64) string {
	prefix := map[string]string{"eventfd2": "EFD_", "epoll_create1": "EPOLL_", "timerfd_create": "TFD_", "signalfd4": "SFD_", "inotify_init1": "IN_"}[call]
	var table []flag
	for _, f := range fdFlags {
		table = append(table, flag{f.bits, prefix + f.name})
	}
	if call == "eventfd2" {
		table = append(table, flag{1, "EFD_SEMAPHORE"})
	}
	return flags(v, table, "0")
}

func fcntlArg(c *Call, v uint64) string {
	switch c.Args[1] {
	case 0, 1030, 8, 1031:
		return decimal(v)
	case 2:
		return flags(v, []flag{{1, "FD_CLOEXEC"}}, "0")
	case 4:
		return c.arch.openText(v)
	}
	return zeroHex(v)
}

// ioctlName takes a command apart that has no name: ioctl(2).
func ioctlName(v uint64) string {
	if v&0xffff0000 == 0 {
		return hex(v)
	}
	dir := [...]string{"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"}[v>>30&3]
	return fmt.Sprintf("_IOC(%s, %#x, %#x, %#x)", dir, v>>8&0xff, v&0xff, v>>16&0x3fff)
}

func ioctlArg(cmd uint32, b []byte) string {
	switch cmd {
	case 0x5401, 0x5402, 0x5403, 0x5404: // TCGETS and its like
		if len(b) < 36 {
			return ""
		}
		return fmt.Sprintf("{c_iflag=%#x, c_oflag=%#x, c_cflag=%#x, c_lflag=%#x, ...}", le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:]))
	case 0x5413, 0x5414: // TIOCGWINSZ, TIOCSWINSZ
		if len(b) < 8 {
			return ""
		}
		return fmt.Sprintf("{ws_row=%d, ws_col=%d, ws_xpixel=%d, ws_ypixel=%d}", le.Uint16(b), le.Uint16(b[2:]), le.Uint16(b[4:]), le.Uint16(b[6:]))
	}
	if len(b) >= 4 {
		return fmt.Sprintf("[%d]", int32(le.Uint32(b)))
	}
	return ""
}

// entries counts the entries of a directory.
func entries(b []byte) (n int) {
	for len(b) >= 18 {
		size := int(le.Uint16(b[16:]))
		if size < 18 || size > len(b) {
			break
		}
		b = b[size:]
		n++
	}
	return n
}

// vectors writes an iovec with what its parts hold.
func (s Style) vectors(c *Call, m *Memory) string {
	if len(m.Bytes) < m.Length {
		return ""
	}
	head, data := m.Bytes[:m.Length], m.Bytes[m.Length:]
	left := ^uint64(0)
	if m == c.Out[1] {
		left = c.Result
	}
	var parts []string
	for ; len(head) >= 16; head = head[16:] {
		size := le.Uint64(head[8:])
		used := min(size, left)
		left -= used
		known := data[:min(uint64(len(data)), used)]
		data = data[len(known):]
		shown := known[:min(len(known), s.limit())]
		parts = append(parts, fmt.Sprintf("{iov_base=%s, iov_len=%d}", cut(quote(shown), uint64(len(shown)) < used), size))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// stringList writes a list of strings.
func stringList(m *Memory) string {
	var parts []string
	for _, b := range bytes.Split(bytes.TrimSuffix(m.Bytes, []byte{0}), []byte{0}) {
		more := len(b) > 0 && b[len(b)-1] == 1
		if more {
			b = b[:len(b)-1]
		}
		parts = append(parts, cut(quote(b), more))
	}
	if m.Length == 0 {
		parts = nil
	}
	if m.Cut {
		parts = append(parts, "...")
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func pollFDs(m *Memory) string {
	if m == nil {
		return ""
	}
	var parts []string
	for b := m.Bytes; len(b) >= 8; b = b[8:] {
		parts = append(parts, fmt.Sprintf("{fd=%d, events=%s}", int32(le.Uint32(b)), flags(uint64(le.Uint16(b[4:])), pollEvents, "0")))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// polled writes what poll found, as strace adds it to the result.
func polled(m *Memory) string {
	var parts []string
	for b := m.Bytes; len(b) >= 8; b = b[8:] {
		if ev := le.Uint16(b[6:]); ev != 0 {
			parts = append(parts, fmt.Sprintf("{fd=%d, revents=%s}", int32(le.Uint32(b)), flags(uint64(ev), pollEvents, "0")))
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func epollEvent(c *Call, b []byte) string {
	if at := 4 + c.arch.epollGap; len(b) >= at+8 {
		return fmt.Sprintf("{events=%s, data=%s}", flags(uint64(le.Uint32(b)), epollEvents, "0"), hex(le.Uint64(b[at:])))
	}
	return ""
}

func epollList(c *Call, b []byte) string {
	var parts []string
	size := 12 + c.arch.epollGap
	for ; len(b) >= size; b = b[size:] {
		parts = append(parts, epollEvent(c, b))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func numbers(b []byte) string {
	var parts []string
	for ; len(b) >= 4; b = b[4:] {
		parts = append(parts, strconv.FormatUint(uint64(le.Uint32(b)), 10))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func cpuMask(b []byte) string {
	var parts []string
	for i := range 8 * len(b) {
		if b[i/8]&(1<<(i%8)) != 0 {
			parts = append(parts, strconv.Itoa(i))
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func sockAddr(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	be := binary.BigEndian
	family := name(uint64(le.Uint16(b)), nameTables[trace.AddressFamily], decimal)
	switch f := le.Uint16(b); {
	case f == 1 && len(b) == 2:
	case f == 1 && b[2] == 0: // abstract: the name has the length that is given
		return fmt.Sprintf("{sa_family=%s, sun_path=@%s}", family, quote(b[3:]))
	case f == 1:
		return fmt.Sprintf("{sa_family=%s, sun_path=%s}", family, quote([]byte(text(b[2:]))))
	case f == 2 && len(b) >= 8:
		return fmt.Sprintf("{sa_family=%s, sin_port=htons(%d), sin_addr=inet_addr(%q)}", family, be.Uint16(b[2:]), netip.AddrFrom4([4]byte(b[4:8])))
	case f == 10 && len(b) >= 28:
		return fmt.Sprintf("{sa_family=%s, sin6_port=htons(%d), sin6_flowinfo=htonl(%d), inet_pton(AF_INET6, %q, &sin6_addr), sin6_scope_id=%d}", family, be.Uint16(b[2:]),
			be.Uint32(b[4:]), netip.AddrFrom16([16]byte(b[8:24])), le.Uint32(b[24:]))
	case f == 16 && len(b) >= 12:
		return fmt.Sprintf("{sa_family=%s, nl_pid=%d, nl_groups=%08x}", family, le.Uint32(b[4:]), le.Uint32(b[8:]))
	}
	return fmt.Sprintf("{sa_family=%s}", family)
}

// sigInfo writes siginfo_t: lo and hi are its bytes 16 to 24 and 24 to 32.
func sigInfo(sig int, code int32, lo, hi uint64) string {
	s := fmt.Sprintf("{si_signo=%s, si_code=%s", signalName(sig), sigCode(sig, code))
	switch {
	case sig == 17 && code > 0: // SIGCHLD
		st := strconv.Itoa(int(int32(hi)))
		if code != 1 {
			st = signalName(int(int32(hi)))
		}
		s += fmt.Sprintf(", si_pid=%d, si_uid=%d, si_status=%s", int32(lo), uint32(lo>>32), st)
	case code > 0 && code != 0x80 && (sig == 4 || sig == 7 || sig == 8 || sig == 11 || sig == 5):
		s += ", si_addr=" + pointer(lo)
	case code <= 0 && code != -2:
		s += fmt.Sprintf(", si_pid=%d, si_uid=%d", int32(lo), uint32(lo>>32))
	}
	return s + "}"
}

func sigCode(sig int, code int32) string {
	table := []string(nil)
	switch sig {
	case 17:
		table = []string{1: "CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"}
	case 11:
		table = []string{1: "SEGV_MAPERR", "SEGV_ACCERR"}
	case 7:
		table = []string{1: "BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"}
	case 8:
		table = []string{1: "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB"}
	case 4:
		table = []string{1: "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK"}
	case 5:
		table = []string{1: "TRAP_BRKPT", "TRAP_TRACE"}
	}
	if code > 0 && int(code) < len(table) {
		return table[code]
	}
	return name(uint64(uint32(code)), []flag{{0, "SI_USER"}, {0x80, "SI_KERNEL"}, {0xffffffff, "SI_QUEUE"}, {0xfffffffe, "SI_TIMER"}, {0xfffffffd, "SI_MESGQ"}, {0xfffffffa, "SI_TKILL"}},
		func(v uint64) string { return decimal(v) })
}

// specials are calls whose arguments strace shows in its own way.
var specials map[string]func(s Style, c *Call) (before, after []string)

func init() {
	specials = map[string]func(s Style, c *Call) (before, after []string){"clone": cloneArgs, "prctl": prctlArgs}
}

// cloneArgs shows clone's arguments, whose order differs between the architectures.
func cloneArgs(s Style, c *Call) (before, after []string) {
	const signalBits, setTLS, parentTID, childTID = 0xff, 0x80000, 0x100000 | 0x1000, 0x200000 | 0x1000000
	fl := c.Args[0]
	text := flags(fl&^signalBits, flagTables[trace.CloneFlags].flags, "")
	if sig := fl & signalBits; sig != 0 {
		text = strings.TrimPrefix(text+"|"+signalName(int(sig)), "|")
	}
	if text == "" {
		text = "0"
	}
	child, tls := c.Args[3], c.Args[4]
	if c.arch.name == "arm64" {
		child, tls = tls, child
	}
	before = []string{"child_stack=" + pointer(c.Args[1]), "flags=" + text}
	if fl&parentTID != 0 {
		after = append(after, "parent_tid="+pointer(c.Args[2]))
	}
	if fl&setTLS != 0 {
		after = append(after, "tls="+pointer(tls))
	}
	if fl&childTID != 0 {
		after = append(after, "child_tidptr="+pointer(child))
	}
	return before, after
}

// prctlArgs shows as many of prctl's arguments as the operation has.
func prctlArgs(s Style, c *Call) (before, after []string) {
	before = []string{s.argument(c, 0)}
	switch c.Args[0] {
	case 3, 7, 21, 27, 30: // getters that return their value
	case 1:
		before = append(before, zeroSignal(c.Args[1]))
	case 15, 16:
		if m := c.Out[1]; m != nil {
			return before, []string{quote([]byte(text(m.Bytes)))}
		} else if m := c.In[1]; m != nil {
			return append(before, quote([]byte(text(m.Bytes)))), nil
		}
		before = append(before, pointer(c.Args[1]))
	case 4, 8, 23, 24, 28, 29, 36:
		before = append(before, decimal(c.Args[1]))
	default:
		for i := 1; i < len(c.Kinds); i++ {
			before = append(before, s.argument(c, i))
		}
	}
	return before, after
}

// result writes what a call returned.
func (c *Call) result() string {
	if c.Errno >= 512 {
		e := errnos[c.Errno]
		return fmt.Sprintf("? %s (%s)", e.name, e.text)
	}
	if c.Errno != 0 {
		text := errnos[c.Errno].text
		return fmt.Sprintf("-1 %s (%s)", errno(c.Errno), text)
	}
	switch c.Name {
	case "exit", "exit_group":
		return "?"
	case "mmap", "brk", "mremap", "shmat":
		return hex(c.Result)
	case "umask":
		return fmt.Sprintf("%#03o", c.Result)
	case "fcntl":
		switch c.Args[1] {
		case 1:
			if c.Result != 0 {
				return fmt.Sprintf("%#x (flags %s)", c.Result, flags(c.Result, []flag{{1, "FD_CLOEXEC"}}, ""))
			}
		case 3:
			return fmt.Sprintf("%#x (flags %s)", c.Result, c.arch.openText(c.Result))
		}
	case "poll", "ppoll":
		if c.Result == 0 {
			return "0 (Timeout)"
		}
		if m := c.Out[0]; m != nil {
			return fmt.Sprintf("%d (%s)", c.Result, polled(m))
		}
	case "rt_sigreturn":
		if r := int64(c.Result); r < 0 && r > -4096 {
			return fmt.Sprintf("-1 %s (%s)", errno(int(-r)), errnos[int(-r)].text)
		}
	}
	return strconv.FormatInt(int64(c.Result), 10)
}
