package proc

import (
	"bytes"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// maxStrings bounds what cmdline and environ copy.
const maxStrings = 16 << 20

// copyMemory appends [from, to) of the task's memory, as far as it can be read.
func (v *view) copyMemory(s *mm.Space, from, to uint64) {
	if to <= from {
		return
	}
	to = min(to, from+maxStrings)
	buf := make([]byte, pageSize)
	for from < to {
		n, err := s.CopyIn(buf[:min(to-from, pageSize-from%pageSize)], user.Addr(from))
		v.Write(buf[:n])
		if from += uint64(n); err != nil {
			return
		}
	}
}

// showCmdline is the arguments as the program has them now. A program that wrote over
// the end of its last argument to rename itself (setproctitle(3)) shows up to the next NUL,
// in its environment perhaps.
func showCmdline(v *view) error {
	s := v.t.SeenMem()
	if s == nil {
		return nil
	}
	defer s.Release()
	im := v.image()
	if im.ArgEnd <= im.ArgStart {
		return nil
	}
	v.copyMemory(s, im.ArgStart, im.ArgEnd)
	if b := v.Bytes(); len(b) == 0 || b[len(b)-1] == 0 || im.EnvStart != im.ArgEnd {
		return nil
	}
	v.copyMemory(s, im.EnvStart, im.EnvEnd)
	if end := bytes.IndexByte(v.Bytes(), 0); end >= 0 {
		v.Truncate(end)
	}
	return nil
}

func showEnviron(v *view) error { return v.showRange(v.image().EnvStart, v.image().EnvEnd) }

func showAuxv(v *view) error {
	im := v.image()
	return v.showRange(im.AuxStart, im.AuxStart+im.AuxBytes)
}

func (v *view) showRange(from, to uint64) error {
	if s := v.t.SeenMem(); s != nil {
		defer s.Release()
		v.copyMemory(s, from, to)
	}
	return nil
}

// nameColumn is where names begin in maps.
const nameColumn = 73

// mapLine is a line of maps.
func (v *view) mapLine(m *mm.MapInfo) {
	right := func(bit int, c byte) byte {
		if m.Prot&bit != 0 {
			return c
		}
		return '-'
	}
	share := byte('p')
	if m.Shared {
		share = 's'
	}
	start := v.Len()
	v.printf("%08x-%08x %c%c%c%c %08x %02x:%02x %d ", uint64(m.Start), uint64(m.End), right(unix.PROT_READ, 'r'),
		right(unix.PROT_WRITE, 'w'), right(unix.PROT_EXEC, 'x'), share, m.Offset, m.Major, m.Minor, m.Ino)
	if m.Name != "" {
		for v.Len()-start < nameColumn {
			v.WriteByte(' ')
		}
		v.WriteString(escape(m.Name, "\n"))
	}
	v.WriteByte('\n')
}

func showMaps(v *view) error {
	s := v.t.SeenMem()
	if s == nil {
		return nil
	}
	defer s.Release()
	for _, m := range s.Maps() {
		v.mapLine(&m)
	}
	return nil
}

// sizes writes what smaps says of one mapping, or smaps_rollup of all.
func (v *view) sizes(u *mm.MapUsage, rollup bool) {
	line := func(name string, n uint64) { v.printf("%-16s%8d kB\n", name+":", n>>10) }
	line("Rss", u.Resident)
	line("Pss", u.Proportional)
	line("Pss_Dirty", u.ProportionalDirty)
	if rollup {
		anonymous := u.ProportionalDirty // all that is dirty and private
		line("Pss_Anon", min(anonymous, u.Proportional))
		line("Pss_File", u.Proportional-min(anonymous, u.Proportional))
		line("Pss_Shmem", 0)
	}
	line("Shared_Clean", u.SharedClean)
	line("Shared_Dirty", u.SharedDirty)
	line("Private_Clean", u.PrivateClean)
	line("Private_Dirty", u.PrivateDirty)
	line("Referenced", u.Resident)
	line("Anonymous", u.Anonymous)
	for _, name := range []string{"LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
		"Private_Hugetlb", "Swap", "SwapPss", "Locked"} {
		line(name, 0)
	}
}

// vmFlags are the two-letter flags of a mapping: proc(5), VmFlags.
func (v *view) vmFlags(u *mm.MapUsage) {
	v.WriteString("VmFlags:")
	for _, f := range []struct {
		on   bool
		name string
	}{
		{u.Prot&unix.PROT_READ != 0, "rd"}, {u.Prot&unix.PROT_WRITE != 0, "wr"}, {u.Prot&unix.PROT_EXEC != 0, "ex"},
		{u.Shared, "sh"}, {true, "mr"}, {!u.Shared || u.MayShareWrites, "mw"}, {true, "me"},
		{u.Shared && u.MayShareWrites, "ms"}, {u.GrowsDown, "gd"}, {u.Sweep, "sr"}, {u.RandomRead, "rr"},
		{u.DontFork, "dc"}, {!u.Shared && u.Prot&unix.PROT_WRITE != 0, "ac"}, {u.WipeOnFork, "wf"}, {u.DontDump, "dd"},
	} {
		if f.on {
			v.printf(" %s", f.name)
		}
	}
	v.WriteString(" \n")
}

func showSmaps(v *view) error {
	s := v.t.SeenMem()
	if s == nil {
		return nil
	}
	defer s.Release()
	for _, u := range s.Usages() {
		v.mapLine(&u.MapInfo)
		v.printf("%-16s%8d kB\n", "Size:", uint64(u.End-u.Start)>>10)
		v.printf("%-16s%8d kB\n%-16s%8d kB\n", "KernelPageSize:", pageKB, "MMUPageSize:", pageKB)
		v.sizes(&u, false)
		v.printf("%-16s%8d\n", "THPeligible:", 0)
		v.vmFlags(&u)
	}
	return nil
}

// showSmapsRollup adds up smaps.
func showSmapsRollup(v *view) error {
	s := v.t.SeenMem()
	if s == nil {
		return nil
	}
	defer s.Release()
	var sum mm.MapUsage
	for i, u := range s.Usages() {
		if i == 0 {
			sum.Start = u.Start
		}
		sum.End = u.End
		sum.Resident += u.Resident
		sum.Proportional += u.Proportional
		sum.ProportionalDirty += u.ProportionalDirty
		sum.SharedClean += u.SharedClean
		sum.SharedDirty += u.SharedDirty
		sum.PrivateClean += u.PrivateClean
		sum.PrivateDirty += u.PrivateDirty
		sum.Anonymous += u.Anonymous
	}
	sum.Name = "[rollup]"
	v.mapLine(&sum.MapInfo)
	v.sizes(&sum, true)
	return nil
}

// memFile is mem: the process's memory at the offsets that are its addresses.
type memFile struct{ node }

func newMem(s *subject) vfs.InodeOps { return &memFile{node{subject: s}} }

// Open implements vfs.InodeOps. EACCES for who may not ptrace the process.
func (m *memFile) Open(c *vfs.Context, _ *vfs.Inode, _ *vfs.File) (vfs.FileOps, error) {
	t, err := m.task()
	if err != nil {
		return nil, err
	}
	if !task.Of(c).MayInspect(t) {
		return nil, unix.EACCES
	}
	s := t.SeenMem()
	if s != nil {
		s.Release()
	}
	return &openMem{space: s}, nil
}

// openMem is memory that the process had when the file was opened, also once it has
// called execve. It does not keep the memory: after the end of all who had it reads find
// nothing. space is nil where the process had none any more.
type openMem struct {
	vfs.DefaultOps
	space *mm.Space
}

// Read implements vfs.FileOps. EIO where nothing is mapped.
func (m *openMem) Read(_ *vfs.Context, _ *vfs.File, dst *user.IO, off int64) (int, error) {
	return m.move(dst.Len(), off, func(buf []byte, at user.Addr) (int, error) {
		n, err := m.space.Peek(buf, at)
		if n == 0 && err != nil {
			return 0, unix.EIO
		}
		return dst.Write(buf[:n])
	})
}

// Write implements vfs.FileOps.
func (m *openMem) Write(_ *vfs.Context, _ *vfs.File, src *user.IO, off int64) (int, error) {
	return m.move(src.Len(), off, func(buf []byte, at user.Addr) (int, error) {
		n, err := src.Read(buf)
		if err != nil {
			return 0, err
		}
		n, err = m.space.Poke(at, buf[:n])
		if n == 0 && err != nil {
			return 0, unix.EIO
		}
		return n, nil
	})
}

// move moves n bytes in pieces that lie in one page each.
func (m *openMem) move(n int, off int64, piece func([]byte, user.Addr) (int, error)) (done int, err error) {
	if m.space == nil || !m.space.TryRetain() {
		return 0, nil
	}
	defer m.space.Release()
	buf := make([]byte, min(n, pageSize))
	for done < n {
		at := user.Addr(off) + user.Addr(done)
		k, err := piece(buf[:min(n-done, int(pageSize-at%pageSize))], at)
		done += k
		if err != nil || k == 0 {
			if done > 0 {
				return done, nil
			}
			return 0, err
		}
	}
	return done, nil
}

// Seekable implements vfs.FileOps.
func (*openMem) Seekable() bool { return true }

// Seek implements vfs.FileOps: any address will do.
func (*openMem) Seek(_ *vfs.File, off int64, whence int, pos int64) (int64, error) {
	switch whence {
	case unix.SEEK_SET:
		return off, nil
	case unix.SEEK_CUR:
		return pos + off, nil
	}
	return 0, unix.EINVAL
}
