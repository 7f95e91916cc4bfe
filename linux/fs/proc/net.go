package proc

import (
	"fmt"

	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
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
	{"if_inet6", head("")},
	{"route", head(fmt.Sprintf("%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"))},
	{"arp", head("IP address       HW type     Flags       HW address            Mask     Device\n")},
	{"tcp", head(fmt.Sprintf("%-149s\n", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"))},
	{"tcp6", head("  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")},
	{"udp", head(fmt.Sprintf("%-127s\n", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"))},
	{"udp6", head("  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n")},
	{"raw", head("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n")},
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

// NetDevices is how the network shows in net/dev: the package of the network replaces it.
var NetDevices = func() []NetDevice { return []NetDevice{{Name: "lo"}} }

// NetDevice is an interface and what went through it: bytes, packets, errors, drops.
type NetDevice struct {
	Name     string
	In, Out  [4]uint64
	Hardware int // ARPHRD_ constant
}

func showNetDev(v *view) error {
	v.WriteString("Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, d := range NetDevices() {
		v.printf("%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n", d.Name,
			d.In[0], d.In[1], d.In[2], d.In[3], 0, 0, 0, 0, d.Out[0], d.Out[1], d.Out[2], d.Out[3], 0, 0, 0, 0)
	}
	return nil
}

// showNetUnix is net/unix: the sockets behind anybody's descriptors. What stands for their
// addresses in the kernel is a number.
func showNetUnix(v *view) error {
	v.WriteString("Num       RefCount Protocol Flags    Type St Inode Path\n")
	seen := map[*local.Sock]bool{}
	for _, t := range v.fs.k.All() {
		files := t.SeenFiles()
		if files == nil {
			continue
		}
		files.Each(0, func(_ int, f *vfs.File) bool {
			s, ok := f.Ops.(*local.Sock)
			if !ok || seen[s] {
				return true
			}
			seen[s] = true
			d := s.Show()
			v.printf("%016x: %08X %08X %08X %04X %02X %5d", 0, 2, 0, d.Flags, d.Type, d.State, f.Inode().Ino)
			if d.Path != "" {
				v.printf(" %s", d.Path)
			}
			v.WriteByte('\n')
			return true
		})
	}
	return nil
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
