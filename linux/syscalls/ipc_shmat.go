package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/task"
)

// Flags of shmat(2).
const (
	shmRemap = 0x4000
	shmExec  = 0x8000
)

func sysShmat(t *task.Task, a *Args) (uint64, error) {
	id, addr, flags := int32(a.Int(0)), a.Addr(1), a.Uint(2)
	if id < 0 {
		return 0, unix.EINVAL
	}
	r := mm.Request{Addr: addr, Flags: unix.MAP_SHARED, ReadOnly: flags&unix.SHM_RDONLY != 0}
	if addr == 0 && flags&shmRemap != 0 {
		return 0, unix.EINVAL
	}
	if addr != 0 {
		if flags&unix.SHM_RND != 0 {
			r.Addr = addr &^ (pageSize - 1)
			if r.Addr == 0 && flags&shmRemap != 0 {
				return 0, unix.EINVAL
			}
		} else if addr%pageSize != 0 {
			return 0, unix.EINVAL
		}
		r.Flags |= unix.MAP_FIXED_NOREPLACE
		if flags&shmRemap != 0 {
			r.Flags = unix.MAP_SHARED | unix.MAP_FIXED
		}
	}
	r.Prot = unix.PROT_READ
	want := uint32(0o444)
	if !r.ReadOnly {
		r.Prot |= unix.PROT_WRITE
		want |= 0o222
	}
	if flags&shmExec != 0 {
		r.Prot |= unix.PROT_EXEC
		want |= 0o111
	}
	s, err := t.IPC().Attach(t.IPCCaller(), id, want)
	if err != nil {
		return 0, err
	}
	defer s.Unpin()
	r.Length, r.Object, r.File = s.Bytes(), s, s
	at, err := t.Mem.Mmap(r)
	if err == unix.EEXIST {
		err = unix.EINVAL
	}
	return uint64(at), err
}
