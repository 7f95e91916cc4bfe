package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
)

var rseqRows = []Row{
	{Name: "rseq", Args: []Kind{Ptr, Uint, RseqFlags, Hex}, Do: sysRseq,
		Contracts: []string{"threading/rseq_sections", "scheduling/yield_priorities"}},
	{Name: "membarrier", Args: []Kind{Int, Hex, Int}, Do: sysMembarrier, Contracts: []string{"scheduling/yield_priorities"}},
}

func sysRseq(t *task.Task, a *Args) (uint64, error) {
	const unregister = 1
	switch flags := a.Uint(2); {
	case flags&^unregister != 0:
		return 0, unix.EINVAL
	case flags == unregister:
		return 0, t.UnregisterRseq(a.Addr(0), a.Uint(1), a.Uint(3))
	}
	return 0, t.RegisterRseq(a.Addr(0), a.Uint(1), a.Uint(3))
}

// Commands of membarrier(2). To use one of the expedited ones a process registers first,
// with the next bit.
const (
	barrierQuery    = 0
	barrierGlobal   = 1 << 0
	barrierAll      = 1 << 1 // GLOBAL_EXPEDITED: needs no registration of the caller
	barrierOwn      = 1 << 3 // PRIVATE_EXPEDITED
	barrierCode     = 1 << 5 // PRIVATE_EXPEDITED_SYNC_CORE
	barrierRseq     = 1 << 7 // PRIVATE_EXPEDITED_RSEQ
	barrierRegister = barrierAll<<1 | barrierOwn<<1 | barrierCode<<1 | barrierRseq<<1
	barrierOneCPU   = 1 // the flag of barrierRseq: only the CPU in the last argument
)

func sysMembarrier(t *task.Task, a *Args) (uint64, error) {
	cmd, flags := a.Int(0), a.Uint(1)
	if cmd == barrierRseq && flags&^barrierOneCPU != 0 || cmd != barrierRseq && flags != 0 {
		return 0, unix.EINVAL
	}
	switch cmd {
	case barrierQuery:
		return barrierGlobal | barrierAll | barrierOwn | barrierCode | barrierRseq | barrierRegister, nil
	case barrierGlobal, barrierAll:
		t.Barrier(true)
	case barrierAll << 1, barrierOwn << 1, barrierCode << 1, barrierRseq << 1:
		t.Group.RegisterBarrier(uint32(cmd))
	case barrierOwn, barrierCode, barrierRseq:
		if t.Group.Barriers()&uint32(cmd<<1) == 0 {
			return 0, unix.EPERM
		}
		t.Barrier(false)
	default:
		return 0, unix.EINVAL
	}
	return 0, nil
}
