package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/ipc"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/wait"
	"time"
)

var semRows = []Row{
	{Name: "semget", Args: []Kind{Hex, Int, Hex}, Do: sysSemget, Contracts: []string{"ipc/sem_values", "ipc/ipc_namespace"}},
	{Name: "semop", Args: []Kind{Int, Ptr, Size}, Do: sysSemop, Contracts: []string{"ipc/semop_rules", "ipc/semop_blocking", "ipc/sem_storm"}},
	{Name: "semtimedop", Args: []Kind{Int, Ptr, Size, Timespec}, Do: sysSemtimedop, Contracts: []string{"ipc/semop_rules"}},
	{Name: "semctl", Args: []Kind{Int, Int, Int, Hex}, Do: sysSemctl, Contracts: []string{"ipc/sem_values", "ipc/sem_undo", "ipc/semop_blocking"}},
}

func sysSemget(t *task.Task, a *Args) (uint64, error) {
	id, err := t.IPC().Semget(t.IPCCaller(), int32(a.Int(0)), a.Int(1), a.Uint(2))
	return uint64(id), err
}

func sysSemop(t *task.Task, a *Args) (uint64, error) { return semop(t, a, 0) }

func sysSemtimedop(t *task.Task, a *Args) (uint64, error) { return semop(t, a, a.Addr(3)) }

func semop(t *task.Task, a *Args, timeout user.Addr) (uint64, error) {
	var b [16]byte
	if timeout != 0 {
		if err := t.CopyIn(b[:], timeout); err != nil {
			return 0, err
		}
	}
	n, id := a.Uint(2), int32(a.Int(0))
	switch {
	case n > ipc.MaxSemOps:
		return 0, unix.E2BIG
	case n < 1 || id < 0:
		return 0, unix.EINVAL
	}
	raw := make([]byte, 6*n)
	if err := t.CopyIn(raw, a.Addr(1)); err != nil {
		return 0, err
	}
	deadline := wait.Forever
	if timeout != 0 {
		d, err := duration(int64(le.Uint64(b[0:])), int64(le.Uint64(b[8:])))
		if err != nil {
			return 0, err
		}
		deadline = wait.Now() + min(d, time.Duration(1)<<62)
	}
	ops := make([]ipc.SemOp, n)
	for i := range ops {
		p := raw[6*i:]
		ops[i] = ipc.SemOp{Num: le.Uint16(p), Op: int16(le.Uint16(p[2:])), Flags: le.Uint16(p[4:])}
	}
	return 0, t.IPC().Semop(t.IPCCaller(), id, ops, t.SemUndo(), deadline)
}

func sysSemctl(t *task.Task, a *Args) (uint64, error) {
	id, num, cmd := int32(a.Int(0)), a.Int(1), a.Int(2)
	if id < 0 {
		return 0, unix.EINVAL
	}
	ns, c := t.IPC(), t.IPCCaller()
	switch cmd {
	case ipcInfo, semInfo:
		sets, semaphores, highest := ns.SemUsage()
		info := []uint32{1024000000, 32000, 1024000000, 1024000000, 32000, ipc.MaxSemOps, 1024000000, 20, 32767, 32767}
		if cmd == semInfo {
			info[7], info[9] = uint32(sets), uint32(semaphores)
		}
		b := make([]byte, 0, 40) // struct seminfo
		for _, v := range info {
			b = le.AppendUint32(b, v)
		}
		return uint64(highest), t.CopyOut(a.Addr(3), b)
	case ipcStat, semStat, semStatAny:
		s, err := ns.SemStat(c, id, cmd != ipcStat, cmd == semStatAny)
		if err != nil {
			return 0, err
		}
		var b [abi.SemSetSize]byte
		putPerm(t, b[:], &s.Perm)
		le.PutUint64(b[abi.SemOTime:], uint64(s.OTime))
		le.PutUint64(b[abi.SemCTime:], uint64(s.CTime))
		le.PutUint64(b[abi.SemNumber:], s.Number)
		return byIndex(s.ID, cmd != ipcStat), t.CopyOut(a.Addr(3), b[:])
	case semGetPID, semGetVal, semGetN, semGetZ:
		s, err := ns.SemOne(c, id, num)
		v := map[int]int{semGetPID: int(t.SeenID(s.PID)), semGetVal: s.Value, semGetN: s.Growth, semGetZ: s.Zeros}[cmd]
		return uint64(v), err
	case semGetAll:
		values, err := ns.SemAll(c, id)
		if err != nil {
			return 0, err
		}
		b := make([]byte, 0, 2*len(values))
		for _, v := range values {
			b = le.AppendUint16(b, uint16(v))
		}
		return 0, t.CopyOut(a.Addr(3), b)
	case semSetVal:
		return 0, ns.SemSetOne(c, id, num, a.Int(3))
	case semSetAll:
		return 0, ns.SemSetAll(c, id, func(n int) ([]uint16, error) {
			b := make([]byte, 2*n)
			if err := t.CopyIn(b, a.Addr(3)); err != nil {
				return nil, err
			}
			values := make([]uint16, n)
			for i := range values {
				values[i] = le.Uint16(b[2*i:])
			}
			return values, nil
		})
	case ipcSet:
		var b [abi.SemSetSize]byte
		if err := t.CopyIn(b[:], a.Addr(3)); err != nil {
			return 0, err
		}
		return 0, ns.SemSet(c, id, getPerm(t, b[:]))
	case ipcRemove:
		return 0, ns.SemRemove(c, id)
	}
	return 0, unix.EINVAL
}
