package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/machine/mem"
)

// Calls on the caller's memory.
var mmRows = []Row{
	{Name: "mmap", Args: []Kind{Ptr, Size, MmapProt, MmapFlags, FD, Off}, Do: sysMmap,
		Support: Partial, Note: "no huge pages", Contracts: []string{"vm/mmap_anonymous", "vm/mmap_errors", "vm/mmap_file"}},
	{Name: "munmap", Args: []Kind{Ptr, Size}, Do: sysMunmap, Contracts: []string{"vm/mmap_anonymous", "vm/mmap_errors"}},
	{Name: "mprotect", Args: []Kind{Ptr, Size, MmapProt}, Do: sysMprotect,
		Contracts: []string{"vm/mprotect_faults", "vm/mprotect_execute"}},
	{Name: "brk", Args: []Kind{Ptr}, Do: sysBrk, Contracts: []string{"vm/brk_moves"}},
	{Name: "madvise", Args: []Kind{Ptr, Size, Int}, Do: sysMadvise,
		Support: Partial, Note: "no huge pages, merging and memory failures", Contracts: []string{"vm/madvise_effects"}},
}

func sysMmap(t *task.Task, a *Args) (uint64, error) {
	r := mm.Request{
		Addr: a.Addr(0), Length: a.Size(1), Prot: a.Int(2), Flags: a.Int(3), Offset: a[5],
		Low: t.Capable(unix.CAP_SYS_RAWIO),
	}
	if r.Offset%mem.PageSize != 0 {
		return 0, unix.EINVAL
	}
	if r.Flags&unix.MAP_ANONYMOUS == 0 {
		f, err := t.Files.Get(a.Int(4))
		if err != nil {
			return 0, err
		}
		defer f.Unref()
		if r.Flags&unix.MAP_HUGETLB != 0 {
			return 0, unix.EINVAL
		}
		defer f.Map(&r)()
	}
	addr, err := t.Mem.Mmap(r)
	return uint64(addr), err
}

func sysMunmap(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Munmap(a.Addr(0), a.Size(1))
}

func sysMprotect(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Mprotect(a.Addr(0), a.Size(1), int(a.Uint(2)))
}

func sysBrk(t *task.Task, a *Args) (uint64, error) {
	return uint64(t.Mem.Brk(a.Addr(0))), nil
}

func sysMadvise(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Madvise(a.Addr(0), a.Size(1), a.Int(2))
}
