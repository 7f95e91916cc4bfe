package syscalls

import (
	"math"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Calls on memory.
var mmRows = []Row{
	{Name: "mmap", Args: []Kind{Ptr, Size, MmapProt, MmapFlags, FD, Off}, Do: sysMmap, Support: Partial, Note: "no huge pages",
		Contracts: []string{"vm/mmap_anonymous", "vm/mmap_file", "vm/mmap_errors"}},
	{Name: "munmap", Args: []Kind{Ptr, Size}, Do: sysMunmap, Contracts: []string{"vm/maps_merging", "vm/mmap_errors"}},
	{Name: "mremap", Args: []Kind{Ptr, Size, Size, MremapFlags, Ptr}, Do: sysMremap, Contracts: []string{"vm/mremap_moves"}},
	{Name: "mprotect", Args: []Kind{Ptr, Size, MmapProt}, Do: sysMprotect,
		Contracts: []string{"vm/mprotect_faults", "vm/mprotect_execute", "vm/maps_merging"}},
	{Name: "brk", Args: []Kind{Ptr}, Do: sysBrk, Contracts: []string{"vm/brk_moves", "vm/limits_of_memory", "programs/glibc_memory"}},
	{Name: "madvise", Args: []Kind{Ptr, Size, Madvise}, Do: sysMadvise,
		Support: Partial, Note: "no huge pages, merging and memory failures",
		Contracts: []string{"vm/madvise_effects"}},
	{Name: "mincore", Args: []Kind{Ptr, Size, Ptr}, Do: sysMincore, Contracts: []string{"vm/mincore_residency"}},
	{Name: "msync", Args: []Kind{Ptr, Size, MsyncFlags}, Do: sysMsync, Contracts: []string{"vm/msync_errors"}},
	{Name: "mlock", Args: []Kind{Ptr, Size}, Do: sysMlock, Contracts: []string{"vm/mlock_limits", "vm/mlock2_populate"}},
	{Name: "mlock2", Args: []Kind{Ptr, Size, Hex}, Do: sysMlock2, Contracts: []string{"vm/mlock2_populate"}},
	{Name: "munlock", Args: []Kind{Ptr, Size}, Do: sysMunlock, Contracts: []string{"vm/mlock_limits"}},
	{Name: "mlockall", Args: []Kind{Hex}, Do: sysMlockall, Contracts: []string{"vm/mlock2_populate", "vm/mlock_limits"}},
	{Name: "munlockall", Do: sysMunlockall, Contracts: []string{"vm/mlock2_populate"}},
	{Name: "process_vm_readv", Args: []Kind{PID, Iovec, Long, Ptr, Long, Hex}, Do: sysProcessVMReadv, Contracts: []string{"vm/process_vm_readv"}},
	{Name: "process_vm_writev", Args: []Kind{PID, Iovec, Long, Ptr, Long, Hex}, Do: sysProcessVMWritev, Contracts: []string{"vm/process_vm_readv"}},
}

func sysMmap(t *task.Task, a *Args) (uint64, error) {
	r := mm.Request{
		Addr: a.Addr(0), Length: a.Size(1), Prot: a.Int(2), Flags: a.Int(3), Offset: a[5],
		Low: t.Capable(unix.CAP_SYS_RAWIO), MayLock: mayLock(t),
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

// mayLock says that RLIMIT_MEMLOCK does not bind t.
func mayLock(t *task.Task) bool { return t.Capable(unix.CAP_IPC_LOCK) }

func sysMremap(t *task.Task, a *Args) (uint64, error) {
	if a[3] > math.MaxInt32 {
		return 0, unix.EINVAL
	}
	at, err := t.Mem.Mremap(a.Addr(0), a.Size(1), a.Size(2), int(a[3]), a.Addr(4), mayLock(t))
	return uint64(at), err
}

func sysMincore(t *task.Task, a *Args) (uint64, error) {
	addr, n := a.Addr(0), a.Size(1)
	switch {
	case addr%mem.PageSize != 0:
		return 0, unix.EINVAL
	case n > pgtable.UserEnd || uint64(addr) > pgtable.UserEnd-n:
		return 0, unix.ENOMEM
	}
	var b [512]byte
	for at, left := a.Addr(2), int((n+mem.PageSize-1)/mem.PageSize); left > 0; {
		k, err := t.Mem.Mincore(addr, b[:min(len(b), left)])
		if err := t.CopyOut(at, b[:k]); err != nil {
			return 0, err
		}
		if err != nil {
			return 0, err
		}
		addr, at, left = addr+user.Addr(k)*mem.PageSize, at+user.Addr(k), left-k
	}
	return 0, nil
}

func sysMsync(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Msync(a.Addr(0), a.Size(1), a.Int(2))
}

func sysMlock(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Mlock(a.Addr(0), a.Size(1), false, mayLock(t))
}

func sysMlock2(t *task.Task, a *Args) (uint64, error) {
	flags := a.Int(2)
	if flags&^unix.MLOCK_ONFAULT != 0 {
		return 0, unix.EINVAL
	}
	return 0, t.Mem.Mlock(a.Addr(0), a.Size(1), flags != 0, mayLock(t))
}

func sysMunlock(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Mem.Munlock(a.Addr(0), a.Size(1))
}

func sysMlockall(t *task.Task, a *Args) (uint64, error) {
	flags := a.Int(0)
	if flags == 0 || flags&^(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT) != 0 || flags == unix.MCL_ONFAULT {
		return 0, unix.EINVAL
	}
	return 0, t.Mem.LockAll(flags, mayLock(t))
}

func sysMunlockall(t *task.Task, _ *Args) (uint64, error) { return 0, t.Mem.LockAll(0, false) }

func sysProcessVMReadv(t *task.Task, a *Args) (uint64, error)  { return processVM(t, a, false) }
func sysProcessVMWritev(t *task.Task, a *Args) (uint64, error) { return processVM(t, a, true) }

// processVM moves bytes between the caller's memory and another process's
// (process_vm_readv(2)), as many as can be moved; an error where not one can.
func processVM(t *task.Task, a *Args, write bool) (uint64, error) {
	if a[5] != 0 {
		return 0, unix.EINVAL
	}
	local, err := iovecs(t, a.Addr(1), a[2])
	if err != nil {
		return 0, err
	}
	if local.Len() == 0 {
		return 0, nil
	}
	ranges, err := remoteRanges(t, a.Addr(3), a[4])
	if err != nil {
		return 0, err
	}
	o := t.PIDNamespace().Task(task.ID(a.Int(0)))
	if o == nil {
		return 0, unix.ESRCH
	}
	if err := t.MayAccess(o, true); err != nil {
		return 0, err
	}
	space := o.SeenMem()
	if space == nil {
		return 0, unix.ESRCH
	}
	defer space.Release()
	return moveBetween(&local, space, ranges, write)
}

// iovecs is the caller's side.
func iovecs(t *task.Task, at user.Addr, n uint64) (user.IO, error) {
	ranges, err := remoteRanges(t, at, n)
	if err != nil {
		return user.IO{}, err
	}
	total := 0
	for i, r := range ranges {
		if uint64(r.Base) > pgtable.UserEnd || uint64(r.Len) > pgtable.UserEnd-uint64(r.Base) {
			return user.IO{}, unix.EFAULT
		}
		ranges[i].Len = min(r.Len, vfs.MaxTransfer-total)
		total += ranges[i].Len
	}
	return user.Vector(t.Mem, ranges), nil
}

// remoteRanges reads struct iovec. Addresses may be anything: the ranges are of another
// space.
func remoteRanges(t *task.Task, at user.Addr, n uint64) ([]user.Iovec, error) {
	const maxRanges, size = 1024, 16 // UIO_MAXIOV
	if n > maxRanges {
		return nil, unix.EINVAL
	}
	b := make([]byte, size*n)
	if err := t.CopyIn(b, at); err != nil {
		return nil, err
	}
	ranges := make([]user.Iovec, n)
	for i := range ranges {
		ranges[i] = user.Iovec{Base: user.Addr(le.Uint64(b[size*i:])), Len: int(le.Uint64(b[size*i+8:]))}
		if ranges[i].Len < 0 {
			return nil, unix.EINVAL
		}
	}
	return ranges, nil
}

func moveBetween(local *user.IO, space *mm.Space, ranges []user.Iovec, write bool) (uint64, error) {
	buf := make([]byte, min(local.Len(), 64<<10))
	done := uint64(0)
	for _, r := range ranges {
		for r.Len > 0 && local.Len() > 0 {
			b := buf[:min(r.Len, local.Len(), len(buf))]
			var n int
			var err error
			if write {
				n, err = local.Read(b)
				m, err2 := space.CopyOut(r.Base, b[:n])
				if n = m; err == nil {
					err = err2
				}
			} else {
				n, err = space.CopyIn(b, r.Base)
				m, err2 := local.Write(b[:n])
				if n = m; err == nil {
					err = err2
				}
			}
			done += uint64(n)
			r.Base, r.Len = r.Base+user.Addr(n), r.Len-n
			if err != nil {
				if done > 0 {
					err = nil
				}
				return done, err
			}
		}
	}
	return done, nil
}
