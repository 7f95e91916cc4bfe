package proc

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
	"kevlar/linux/net/inet"
	"kevlar/linux/net/netdev"
	"kevlar/linux/net/socket"
	local "kevlar/linux/net/unix"
	"kevlar/linux/vfs"
)

// netEntries are the files of /proc/PID/net. A file of a protocol that is not there has
// its header only, as on a machine that does not use it.
var netEntries = []struct {
	name string
	show func(v *view) error
}{
	{"dev", showNetDev},
	{"if_inet6", showNetInet6},
	{"route", head(fmt.Sprintf("%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"))}, // lo has none
	{"arp", head("IP address       HW type     Flags       HW address            Mask     Device\n")},
	{"tcp", inetTable{unix.AF_INET, true, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", 149}.show},
	{"tcp6", inetTable{unix.AF_INET6, true, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", 0}.show},
	{"udp", inetTable{unix.AF_INET, false, "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops", 127}.show},
	{"udp6", inetTable{unix.AF_INET6, false, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops", 0}.show},
	{"raw", head("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n")},
	{"raw6", head("  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n")},
	{"packet", head("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n")},
	{"netlink", head("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n")},
	{"unix", showNetUnix},
	{"sockstat", head("sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n")},
}

func head(text string) func(*view) error {
	return func(v *view) error {
		v.WriteString(text)
		return nil
	}
}

func showNetDev(v *view) error {
	v.WriteString("Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, i := range netdev.List() {
		s := i.Stats()
		v.printf("%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n", i.Name,
			s.In.Bytes, s.In.Packets, s.In.Errors, s.In.Dropped, 0, 0, 0, 0, s.Out.Bytes, s.Out.Packets, s.Out.Errors, s.Out.Dropped, 0, 0, 0, 0)
	}
	return nil
}

// showNetInet6 is net/if_inet6: address, number of the interface, length of the prefix, scope
// and flags.
func showNetInet6(v *view) error {
	const host, permanent = 0x10, unix.IFA_F_PERMANENT
	for _, i := range netdev.List() {
		for _, a := range i.Addresses {
			if a.Addr().Is6() {
				v.printf("%x %02x %02x %02x %02x %8s\n", a.Addr().AsSlice(), i.Index, a.Bits(), host, permanent, i.Name)
			}
		}
	}
	return nil
}

// eachSocket calls do for the sockets behind anybody's descriptors, each once, in the order
// of their inodes.
func (v *view) eachSocket(do func(s socket.Socket, i *vfs.Inode)) {
	seen := map[socket.Socket]*vfs.Inode{}
	for _, t := range v.fs.k.All() {
		files := t.SeenFiles()
		if files == nil {
			continue
		}
		files.Each(0, func(_ int, f *vfs.File) bool {
			if s, ok := f.Ops.(socket.Socket); ok {
				seen[s] = f.Inode()
			}
			return true
		})
	}
	sorted := slices.SortedFunc(maps.Keys(seen), func(a, b socket.Socket) int { return cmp.Compare(seen[a].Ino, seen[b].Ino) })
	for _, s := range sorted {
		do(s, seen[s])
	}
}

// showNetUnix is net/unix. What stands for sockets' addresses in the kernel is a number.
func showNetUnix(v *view) error {
	v.WriteString("Num       RefCount Protocol Flags    Type St Inode Path\n")
	v.eachSocket(func(s socket.Socket, i *vfs.Inode) {
		l, ok := s.(*local.Sock)
		if !ok {
			return
		}
		d := l.Show()
		v.printf("%016x: %08X %08X %08X %04X %02X %5d", 0, 2, 0, d.Flags, d.Type, d.State, i.Ino)
		if d.Path != "" {
			v.printf(" %s", d.Path)
		}
		v.WriteByte('\n')
	})
	return nil
}

// inetTable is net/tcp or one of its like: its family, whether it is of connections, its
// head, and how long its lines are at least.
type inetTable struct {
	family int
	stream bool
	head   string
	width  int
}

// tcpListen is the state of a listening socket.
const tcpListen = 10

func (n inetTable) show(v *view) error {
	v.printf("%-*s\n", n.width, n.head)
	rows := 0
	row := func(d inet.Shown, uid uint32, ino uint64) {
		if d.Family != n.family || d.Stream != n.stream {
			return
		}
		digits := 5 // of the row's number
		if n.stream {
			digits = 4
		}
		line := fmt.Sprintf("%*d: %s %s %02X %08X:%08X 00:00000000 00000000 %5d %8d %d ",
			digits, rows, netAddress(d.Local), netAddress(d.Remote), d.State, 0, d.Receive, v.c.Cred.User.ShowUID(uid), 0, ino)
		switch {
		case !n.stream:
			line += "2 0000000000000000 0"
		case d.State == tcpListen:
			line += "1 0000000000000000 100 0 0 10 0"
		default:
			line += "1 0000000000000000 20 4 30 10 -1"
		}
		v.printf("%-*s\n", n.width, line)
		rows++
	}
	open := map[*inet.Sock]bool{}
	v.eachSocket(func(s socket.Socket, i *vfs.Inode) {
		o, ok := s.(*inet.Sock)
		if !ok {
			return
		}
		open[o] = true
		if d, ok := o.Show(); ok {
			row(d, i.UID(), i.Ino)
		}
	})
	for _, d := range inet.Connections(open) {
		row(d, 0, 0)
	}
	return nil
}

// netAddress is an address and port as these files have it: the address in words of the
// machine's byte order.
func netAddress(a netip.AddrPort) string {
	var b []byte
	for words := a.Addr().AsSlice(); len(words) > 0; words = words[4:] {
		b = fmt.Appendf(b, "%08X", binary.LittleEndian.Uint32(words))
	}
	return fmt.Sprintf("%s:%04X", b, a.Port())
}

// netDir is net: the network namespace of a task, of which there is one.
type netDir struct {
	node
	self uint64
}

func newNetDir(s *subject, e *entry, ino uint64) *vfs.Inode {
	return s.node(&netDir{node{subject: s}, ino}, ino, e.mode)
}

// Lookup implements vfs.InodeOps.
func (d *netDir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	for n := range netEntries {
		if netEntries[n].name == name {
			e := &entry{show: netEntries[n].show}
			i := d.node.node(newText(d.subject, e), d.number(inoNet, n), reg0444)
			return i, nil
		}
	}
	return nil, unix.ENOENT
}

// Open implements vfs.InodeOps.
func (d *netDir) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &pseudo.Listing{List: d.list}, nil
}

func (d *netDir) list(_ *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	if pos < pseudo.FirstPos && !dots(d.self, d.ino(0), pos, emit) {
		return nil
	}
	for n := int(max(pos, pseudo.FirstPos)) - pseudo.FirstPos; n < len(netEntries); n++ {
		if !emit(vfs.DirEntry{Name: netEntries[n].name, Ino: d.number(inoNet, n), Type: unix.DT_REG, Next: int64(n) + pseudo.FirstPos + 1}) {
			break
		}
	}
	return nil
}
