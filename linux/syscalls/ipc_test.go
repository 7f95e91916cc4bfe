package syscalls_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/linuxtest"
	"kevlar/machine/sim"
)

func shmStat(u *sim.User, id int64) (attached uint64, last int32, mode uint32) {
	var b [112]byte
	u.Must(unix.SYS_SHMCTL, id, unix.IPC_STAT, b[:])
	le := binary.LittleEndian
	return le.Uint64(b[88:]), int32(le.Uint32(b[84:])), le.Uint32(b[20:])
}

func TestSharedMemory(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		id := u.Must(unix.SYS_SHMGET, 0x1234, 5000, unix.IPC_CREAT|0o600)
		if id != u.Must(unix.SYS_SHMGET, 0x1234, 0, 0) {
			u.Errorf("the key has another ID")
		}
		u.Expect(unix.EEXIST, unix.SYS_SHMGET, 0x1234, 5000, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
		u.Expect(unix.EINVAL, unix.SYS_SHMGET, 0x1234, 5001, 0)
		u.Expect(unix.ENOENT, unix.SYS_SHMGET, 0x4321, 5001, 0)
		a := uint64(u.Must(unix.SYS_SHMAT, id, 0, 0))
		b := uint64(u.Must(unix.SYS_SHMAT, id, 0, unix.SHM_RDONLY))
		u.Store32(a+4096, 77)
		if v := u.Load32(b + 4096); v != 77 {
			u.Errorf("the other attachment has %d", v)
		}
		u.Expect(unix.EACCES, unix.SYS_MPROTECT, b, 4096, unix.PROT_READ|unix.PROT_WRITE)
		u.Expect(unix.EINVAL, unix.SYS_SHMAT, id, a, 0)
		u.Expect(unix.EINVAL, unix.SYS_SHMDT, a+4096)
		pid := u.Fork(func(u *sim.User) {
			if n, _, _ := shmStat(u, id); n != 4 {
				u.Errorf("%d attachments in the child", n)
			}
			u.Store32(a, 88)
		})
		waitStatus(u, pid)
		if n, last, _ := shmStat(u, id); n != 2 || int64(last) != pid || u.Load32(b) != 88 {
			u.Errorf("%d attachments, the last to detach was %d, not %d; value %d", n, last, pid, u.Load32(b))
		}
		// A mapping that was split counts twice, and is detached as one.
		u.Must(unix.SYS_MPROTECT, a, 4096, unix.PROT_READ)
		if n, _, _ := shmStat(u, id); n != 3 {
			u.Errorf("%d attachments after a split", n)
		}
		u.Must(unix.SYS_SHMDT, a)
		u.Must(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0)
		if n, _, mode := shmStat(u, id); n != 1 || mode != 0o1600 {
			u.Errorf("removed while attached: %d attachments, mode %o", n, mode)
		}
		u.Expect(unix.ENOENT, unix.SYS_SHMGET, 0x1234, 1, 0)
		u.Must(unix.SYS_SHMDT, b)
		u.Expect(unix.EINVAL, unix.SYS_SHMCTL, id, unix.IPC_STAT, 0)
	})
}

type semop struct {
	num   uint16
	op    int16
	flags uint16
}

func sems(ops ...semop) (b []byte) {
	for _, o := range ops {
		b = binary.LittleEndian.AppendUint16(b, o.num)
		b = binary.LittleEndian.AppendUint16(b, uint16(o.op))
		b = binary.LittleEndian.AppendUint16(b, o.flags)
	}
	return b
}

const (
	getVal  = 12
	getN    = 14
	setVal  = 16
	semUndo = 0x1000
)

func TestSemaphores(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		id := u.Must(unix.SYS_SEMGET, unix.IPC_PRIVATE, 2, 0o600)
		u.Must(unix.SYS_SEMOP, id, sems(semop{0, 2, 0}, semop{1, 1, 0}), 2)
		u.Expect(unix.EAGAIN, unix.SYS_SEMOP, id, sems(semop{0, -1, unix.IPC_NOWAIT}, semop{1, -2, unix.IPC_NOWAIT}), 2)
		if v := u.Must(unix.SYS_SEMCTL, id, 0, getVal, 0); v != 2 {
			u.Errorf("half an operation was done: %d", v)
		}
		u.Expect(unix.EFBIG, unix.SYS_SEMOP, id, sems(semop{2, 1, 0}), 1)
		u.Expect(unix.ERANGE, unix.SYS_SEMOP, id, sems(semop{0, 32767, 0}), 1)
		u.Expect(unix.EAGAIN, unix.SYS_SEMTIMEDOP, id, sems(semop{1, -5, 0}), 1, &[2]int64{0, 1000000})

		// A sleeper gets what it waits for, all at once.
		pid := u.Fork(func(u *sim.User) { u.Must(unix.SYS_SEMOP, id, sems(semop{0, -3, 0}, semop{1, -1, semUndo}), 2) })
		for u.Must(unix.SYS_SEMCTL, id, 0, getN, 0) == 0 {
			u.Yield()
		}
		u.Must(unix.SYS_SEMOP, id, sems(semop{0, 1, 0}), 1)
		if s := waitStatus(u, pid); s != 0 {
			u.Errorf("status %#x", s)
		}
		if v := u.Must(unix.SYS_SEMCTL, id, 1, getVal, 0); v != 1 {
			u.Errorf("SEM_UNDO left %d", v)
		}
		pid = u.Fork(func(u *sim.User) { u.Expect(unix.EIDRM, unix.SYS_SEMOP, id, sems(semop{1, -9, 0}), 1) })
		for u.Must(unix.SYS_SEMCTL, id, 1, getN, 0) == 0 {
			u.Yield()
		}
		u.Must(unix.SYS_SEMCTL, id, 0, unix.IPC_RMID, 0)
		waitStatus(u, pid)
		u.Expect(unix.EINVAL, unix.SYS_SEMCTL, id, 0, setVal, 1)
	})
}

func TestMessages(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		id := u.Must(unix.SYS_MSGGET, unix.IPC_PRIVATE, 0o600)
		put := func(typ uint64, text string) {
			u.Must(unix.SYS_MSGSND, id, append(binary.LittleEndian.AppendUint64(nil, typ), text...), len(text), 0)
		}
		take := func(typ, flags int) string {
			b := make([]byte, 72)
			n := u.Must(unix.SYS_MSGRCV, id, b, 64, typ, flags)
			return string(b[8 : 8+n])
		}
		for i, s := range []string{"three", "one", "two", "one again"} {
			put([]uint64{3, 1, 2, 1}[i], s)
		}
		for _, c := range []struct {
			typ, flags int
			want       string
		}{{2, 0, "two"}, {-2, 0, "one"}, {3, 0o20000, "one again"}, {0, 0, "three"}} {
			if got := take(c.typ, c.flags); got != c.want {
				u.Errorf("type %d: %q, want %q", c.typ, got, c.want)
			}
		}
		u.Expect(unix.ENOMSG, unix.SYS_MSGRCV, id, make([]byte, 72), 64, 0, unix.IPC_NOWAIT)
		pid := u.Fork(func(u *sim.User) { u.Expect(unix.EIDRM, unix.SYS_MSGRCV, id, make([]byte, 72), 64, 0, 0) })
		u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, 2000000}, nil)
		u.Must(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0)
		waitStatus(u, pid)
	})
}

func TestSignalfd(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		mask(u, sigBlock, int(unix.SIGUSR1))
		set := [1]uint64{1<<(unix.SIGUSR1-1) | 1<<(unix.SIGKILL-1)}
		fd := u.Must(unix.SYS_SIGNALFD4, -1, &set, 8, unix.SFD_NONBLOCK)
		b := make([]byte, 300)
		u.Expect(unix.EAGAIN, unix.SYS_READ, fd, b, len(b))
		u.Must(unix.SYS_KILL, 1, int(unix.SIGUSR1))
		if n := u.Must(unix.SYS_READ, fd, b, len(b)); n != 128 {
			u.Errorf("read %d bytes", n)
		}
		if le := binary.LittleEndian; le.Uint32(b) != uint32(unix.SIGUSR1) || le.Uint32(b[12:]) != 1 {
			u.Errorf("signal %d of %d", le.Uint32(b), le.Uint32(b[12:]))
		}
		u.Expect(unix.EINVAL, unix.SYS_READ, fd, b, 127)
		// The child polls for its own signals, with its parent's descriptor.
		pid := u.Fork(func(u *sim.User) {
			u.Must(unix.SYS_KILL, u.Must(unix.SYS_GETPID), int(unix.SIGUSR1))
			if n := u.Must(unix.SYS_PPOLL, &[1]uint64{uint64(fd) | unix.POLLIN<<32}, 1, nil, nil, 0); n != 1 {
				u.Errorf("poll: %d", n)
			}
		})
		waitStatus(u, pid)
	})
}

func TestPIDFD(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		u.Expect(unix.EINVAL, unix.SYS_PIDFD_OPEN, 0, 0)
		u.Expect(unix.ESRCH, unix.SYS_PIDFD_OPEN, 99, 0)
		word := u.Alloc(8)
		pid := u.CloneArgs(unix.CLONE_PIDFD|uint64(unix.SIGCHLD), 0, word, 0, 0, func(u *sim.User) {
			for {
				u.Must(unix.SYS_NANOSLEEP, &[2]int64{100, 0}, nil)
			}
		})
		fd := u.Load32(word)
		u.Expect(unix.EINVAL, unix.SYS_PIDFD_SEND_SIGNAL, fd, int(unix.SIGTERM), 0, 1)
		u.Expect(unix.EBADF, unix.SYS_PIDFD_SEND_SIGNAL, 77, int(unix.SIGTERM), 0, 0)
		u.Must(unix.SYS_PIDFD_SEND_SIGNAL, fd, int(unix.SIGKILL), 0, 0)
		var info abi.SigInfo
		u.Must(unix.SYS_WAITID, unix.P_PIDFD, fd, info[:], unix.WEXITED, nil)
		if int64(info.PID()) != pid || info.Code() != abi.CLD_KILLED {
			u.Errorf("waited for %d, code %d", info.PID(), info.Code())
		}
		u.Expect(unix.ESRCH, unix.SYS_PIDFD_SEND_SIGNAL, fd, int(unix.SIGKILL), 0, 0)
		u.Expect(unix.ECHILD, unix.SYS_WAITID, unix.P_PIDFD, fd, info[:], unix.WEXITED, nil)
		if n := u.Must(unix.SYS_PPOLL, &[1]uint64{uint64(fd) | unix.POLLIN<<32}, 1, nil, nil, 0); n != 1 {
			u.Errorf("poll of the dead: %d", n)
		}
	})
}

func TestMessageQueue(t *testing.T) {
	linuxtest.Run(t, func(u *sim.User) {
		attr := [8]int64{0, 4, 16, 0}
		const rw = unix.O_RDWR
		u.Expect(unix.ENOENT, unix.SYS_MQ_OPEN, "queue", rw, 0, nil)
		u.Expect(unix.EACCES, unix.SYS_MQ_OPEN, "a/b", rw|unix.O_CREAT, 0o600, nil)
		u.Expect(unix.EINVAL, unix.SYS_MQ_OPEN, "bad", rw|unix.O_CREAT, 0o600, &[8]int64{0, 0, 16, 0})
		q := u.Must(unix.SYS_MQ_OPEN, "queue", rw|unix.O_CREAT|unix.O_EXCL, 0o600, &attr)
		u.Expect(unix.EEXIST, unix.SYS_MQ_OPEN, "queue", rw|unix.O_CREAT|unix.O_EXCL, 0o600, &attr)
		send := func(text string, prio int) { u.Must(unix.SYS_MQ_TIMEDSEND, q, text, len(text), prio, nil) }
		receive := func(u *sim.User) string {
			b := make([]byte, 16)
			return string(b[:u.Must(unix.SYS_MQ_TIMEDRECEIVE, q, b, len(b), nil, nil)])
		}
		send("low", 1)
		send("high", 9)
		send("low 2", 1)
		for _, want := range []string{"high", "low", "low 2"} {
			if got := receive(u); got != want {
				u.Errorf("%q, want %q", got, want)
			}
		}
		u.Expect(unix.ETIMEDOUT, unix.SYS_MQ_TIMEDRECEIVE, q, make([]byte, 16), 16, nil, &[2]int64{1, 0})
		u.Expect(unix.EMSGSIZE, unix.SYS_MQ_TIMEDRECEIVE, q, make([]byte, 16), 15, nil, nil)

		mask(u, sigBlock, int(unix.SIGUSR1))
		u.Must(unix.SYS_MQ_NOTIFY, q, sigevent(0, int(unix.SIGUSR1), 77))
		u.Expect(unix.EBUSY, unix.SYS_MQ_NOTIFY, q, sigevent(0, int(unix.SIGUSR1), 77))
		// A receiver that waits gets the message, and then nobody is told.
		pid := u.Fork(func(u *sim.User) {
			if got := receive(u); got != "direct" {
				u.Errorf("%q", got)
			}
		})
		u.Must(unix.SYS_NANOSLEEP, &[2]int64{0, 5000000}, nil)
		send("direct", 0)
		waitStatus(u, pid)
		if pending(u, int(unix.SIGUSR1)) {
			u.Errorf("a signal for a message that a receiver got")
		}
		send("told", 0)
		if info := take(u, int(unix.SIGUSR1)); info.Code() != abi.SI_MESGQ || info.Value() != 77 {
			u.Errorf("si_code %d, value %d", info.Code(), info.Value())
		}
		u.Must(unix.SYS_MQ_UNLINK, "queue")
		u.Expect(unix.ENOENT, unix.SYS_MQ_UNLINK, "queue")
	})
}
