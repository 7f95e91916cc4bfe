package syscalls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/pipe"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var pipeRows = []Row{
	{Name: "pipe", Args: []Kind{FDPair}, Do: sysPipe, Contracts: []string{"fd/pipe_basics", "abi/legacy_calls"}},
	{Name: "pipe2", Args: []Kind{FDPair, OpenFlags}, Do: sysPipe2, Contracts: []string{"fd/pipe_basics", "fd/pipe_blocking"}},
}

func sysPipe(t *task.Task, a *Args) (uint64, error) { return newPipe(t, a.Addr(0), 0) }

func sysPipe2(t *task.Task, a *Args) (uint64, error) { return newPipe(t, a.Addr(0), a.Uint(1)) }

func newPipe(t *task.Task, at user.Addr, flags uint32) (uint64, error) {
	if flags&^(unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_DIRECT) != 0 {
		return 0, unix.EINVAL
	}
	r, w := pipe.New(t.VFS(), flags&^unix.O_CLOEXEC)
	return 0, installPair(t, r, w, flags&unix.O_CLOEXEC != 0, at)
}

// installPair gives two new files descriptors, and writes the numbers as two ints.
func installPair(t *task.Task, f1, f2 *vfs.File, cloexec bool, at user.Addr) error {
	c := t.VFS()
	fd1, err := t.Files.Reserve(c, 0, cloexec)
	if err == nil {
		var fd2 int
		if fd2, err = t.Files.Reserve(c, 0, cloexec); err == nil {
			var b [8]byte
			binary.LittleEndian.PutUint32(b[0:], uint32(fd1))
			binary.LittleEndian.PutUint32(b[4:], uint32(fd2))
			if err = t.CopyOut(at, b[:]); err == nil {
				t.Files.Fill(fd1, f1)
				t.Files.Fill(fd2, f2)
				return nil
			}
			t.Files.Abandon(fd2)
		}
		t.Files.Abandon(fd1)
	}
	f1.Unref()
	f2.Unref()
	return err
}
