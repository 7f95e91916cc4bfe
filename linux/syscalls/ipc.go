package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/ipc"
	"kevlar/linux/task"
)

// Commands of shmctl, semctl and msgctl that all have, and those that each has under a
// number of its own.
const (
	ipcRemove = 0
	ipcSet    = 1
	ipcStat   = 2
	ipcInfo   = 3

	msgStat    = 11
	msgInfo    = 12
	msgStatAny = 13

	shmLock    = 11
	shmUnlock  = 12
	shmStat    = 13
	shmInfo    = 14
	shmStatAny = 15

	semGetPID  = 11
	semGetVal  = 12
	semGetAll  = 13
	semGetN    = 14
	semGetZ    = 15
	semSetVal  = 16
	semSetAll  = 17
	semStat    = 18
	semInfo    = 19
	semStatAny = 20
)

// putPerm writes struct ipc64_perm to b.
func putPerm(t *task.Task, b []byte, p *ipc.Perm) {
	ns := t.Cred().User
	for i, v := range []uint32{uint32(p.Key), ns.ShowUID(p.UID), ns.ShowGID(p.GID), ns.ShowUID(p.CUID), ns.ShowGID(p.CGID), p.Mode, uint32(p.Seq())} {
		le.PutUint32(b[4*i:], v)
	}
}

// getPerm reads what IPC_SET may change.
func getPerm(t *task.Task, b []byte) ipc.Perm {
	ns := t.Cred().User
	return ipc.Perm{UID: ns.UID(le.Uint32(b[4:])), GID: ns.GID(le.Uint32(b[8:])), Mode: le.Uint32(b[20:])}
}

// putAll writes numbers of 64 bits one after the other.
func putAll(b []byte, values ...uint64) {
	for i, v := range values {
		le.PutUint64(b[8*i:], v)
	}
}

// byIndex is the result of the STAT commands that take an index: the object's ID.
func byIndex(id int32, index bool) uint64 {
	if index {
		return uint64(id)
	}
	return 0
}

var shmRows = []Row{
	{Name: "shmget", Args: []Kind{Hex, Size, Hex}, Do: sysShmget, Support: Partial, Note: "SHM_HUGETLB is without effect",
		Contracts: []string{"ipc/shm_segments", "ipc/shm_permissions"}},
	{Name: "shmat", Args: []Kind{Int, Ptr, Hex}, Do: sysShmat, Contracts: []string{"ipc/shm_attach", "ipc/shm_permissions", "ipc/shm_fork_exec"}},
	{Name: "shmdt", Args: []Kind{Ptr}, Do: sysShmdt, Contracts: []string{"ipc/shm_attach"}},
	{Name: "shmctl", Args: []Kind{Int, Int, Ptr}, Do: sysShmctl, Contracts: []string{"ipc/shm_permissions", "ipc/shm_segments"}},
}

func sysShmget(t *task.Task, a *Args) (uint64, error) {
	id, err := t.IPC().Shmget(t.IPCCaller(), int32(a.Int(0)), a.Size(1), a.Uint(2))
	return uint64(id), err
}

func sysShmdt(t *task.Task, a *Args) (uint64, error) { return 0, t.Mem.DetachSegment(a.Addr(0)) }

// shmSize is the size of struct shmid64_ds.
const shmSize = 112

func sysShmctl(t *task.Task, a *Args) (uint64, error) {
	id, cmd := int32(a.Int(0)), a.Int(1)
	if id < 0 || cmd < 0 {
		return 0, unix.EINVAL
	}
	ns, c := t.IPC(), t.IPCCaller()
	switch cmd {
	case ipcInfo:
		_, _, _, highest := ns.ShmUsage()
		var b [72]byte // struct shminfo64
		putAll(b[:], ^uint64(1<<24-1)-1, 1, 4096, 4096, ^uint64(1<<24-1)-1)
		return uint64(highest), t.CopyOut(a.Addr(2), b[:])
	case shmInfo:
		n, pages, resident, highest := ns.ShmUsage()
		var b [48]byte // struct shm_info
		putAll(b[:], uint64(n), pages, resident)
		return uint64(highest), t.CopyOut(a.Addr(2), b[:])
	case ipcStat, shmStat, shmStatAny:
		s, err := ns.ShmStat(c, id, cmd != ipcStat, cmd == shmStatAny)
		if err != nil {
			return 0, err
		}
		var b [shmSize]byte
		putPerm(t, b[:], &s.Perm)
		putAll(b[abi.IPCPermSize:], s.Size, uint64(s.ATime), uint64(s.DTime), uint64(s.CTime))
		le.PutUint32(b[80:], uint32(t.SeenID(s.Creator)))
		le.PutUint32(b[84:], uint32(t.SeenID(s.Last)))
		le.PutUint64(b[88:], s.Attached)
		return byIndex(s.ID, cmd != ipcStat), t.CopyOut(a.Addr(2), b[:])
	case ipcSet:
		var b [shmSize]byte
		if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
			return 0, err
		}
		return 0, ns.ShmSet(c, id, getPerm(t, b[:]))
	case ipcRemove:
		return 0, ns.ShmRemove(c, id)
	case shmLock, shmUnlock:
		return 0, ns.ShmLock(c, id, cmd == shmLock, t.Limit(unix.RLIMIT_MEMLOCK) == 0)
	}
	return 0, unix.EINVAL
}

var msgRows = []Row{
	{Name: "msgget", Args: []Kind{Hex, Hex}, Do: sysMsgget, Contracts: []string{"ipc/msg_types", "ipc/msg_blocking"}},
	{Name: "msgsnd", Args: []Kind{Int, Ptr, Size, Hex}, Do: sysMsgsnd, Contracts: []string{"ipc/msg_types", "ipc/msg_blocking"}},
	{Name: "msgrcv", Args: []Kind{Int, Ptr, Size, Long, Hex}, Do: sysMsgrcv,
		Contracts: []string{"ipc/msg_blocking", "ipc/msg_types", "signals/restart_never"}},
	{Name: "msgctl", Args: []Kind{Int, Int, Ptr}, Do: sysMsgctl, Contracts: []string{"ipc/msg_blocking"}},
}

func sysMsgget(t *task.Task, a *Args) (uint64, error) {
	id, err := t.IPC().Msgget(t.IPCCaller(), int32(a.Int(0)), a.Uint(1))
	return uint64(id), err
}

func sysMsgsnd(t *task.Task, a *Args) (uint64, error) {
	var b [8]byte
	if err := t.CopyIn(b[:], a.Addr(1)); err != nil {
		return 0, err
	}
	id, n := int32(a.Int(0)), a.Size(2)
	m := ipc.Message{Type: int64(le.Uint64(b[:]))}
	if n > ipc.MaxMessage || id < 0 || m.Type < 1 {
		return 0, unix.EINVAL
	}
	m.Text = make([]byte, n)
	if err := t.CopyIn(m.Text, a.Addr(1)+8); err != nil {
		return 0, err
	}
	return 0, t.IPC().Msgsnd(t.IPCCaller(), id, m, a.Uint(3))
}

func sysMsgrcv(t *task.Task, a *Args) (uint64, error) {
	id, room := int32(a.Int(0)), a.Size(2)
	if id < 0 || int64(room) < 0 {
		return 0, unix.EINVAL
	}
	m, err := t.IPC().Msgrcv(t.IPCCaller(), id, room, a.Long(3), a.Uint(4))
	if err != nil {
		return 0, err
	}
	if err := t.CopyOut(a.Addr(1), le.AppendUint64(nil, uint64(m.Type))); err != nil {
		return 0, err
	}
	return uint64(len(m.Text)), t.CopyOut(a.Addr(1)+8, m.Text)
}

// msgSize is the size of struct msqid64_ds.
const msgSize = 120

func sysMsgctl(t *task.Task, a *Args) (uint64, error) {
	id, cmd := int32(a.Int(0)), a.Int(1)
	if id < 0 || cmd < 0 {
		return 0, unix.EINVAL
	}
	ns, c := t.IPC(), t.IPCCaller()
	switch cmd {
	case ipcInfo, msgInfo:
		queues, messages, bytes, highest := ns.MsgUsage()
		b := make([]byte, 0, 32) // struct msginfo
		info := []uint32{32000 * 16384 / 1024, 32000, 8192, 16384, 32000, 16, 16384}
		if cmd == msgInfo {
			info[0], info[1], info[6] = uint32(queues), uint32(messages), uint32(bytes)
		}
		for _, v := range info {
			b = le.AppendUint32(b, v)
		}
		return uint64(highest), t.CopyOut(a.Addr(2), le.AppendUint32(b, 0xffff))
	case ipcStat, msgStat, msgStatAny:
		q, err := ns.MsgStat(c, id, cmd != ipcStat, cmd == msgStatAny)
		if err != nil {
			return 0, err
		}
		var b [msgSize]byte
		putPerm(t, b[:], &q.Perm)
		putAll(b[abi.IPCPermSize:], uint64(q.STime), uint64(q.RTime), uint64(q.CTime), q.Bytes, q.Messages, q.Limit)
		le.PutUint32(b[96:], uint32(t.SeenID(q.LastSender)))
		le.PutUint32(b[100:], uint32(t.SeenID(q.LastReceiver)))
		return byIndex(q.ID, cmd != ipcStat), t.CopyOut(a.Addr(2), b[:])
	case ipcSet:
		var b [msgSize]byte
		if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
			return 0, err
		}
		return 0, ns.MsgSet(c, id, getPerm(t, b[:]), le.Uint64(b[88:]))
	case ipcRemove:
		return 0, ns.MsgRemove(c, id)
	}
	return 0, unix.EINVAL
}
