package syscalls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var ioctlRows = []Row{
	{Name: "ioctl", Args: []Kind{FD, IoctlCmd, IoctlArg}, Do: sysIoctl, Contracts: []string{"tty/termios_settings", "tty/window_size", "sockets/socket_ioctl"}},
}

// Commands that every file answers: ioctl_fioclex(2) and ioctl(2). They have no names in
// golang.org/x/sys/unix.
const (
	fioNCLEX = 0x5450
	fioCLEX  = 0x5451
	fioNBIO  = 0x5421
	fioASYNC = 0x5452
	fioQSIZE = 0x5460
	fiGETBSZ = 2
	fioNREAD = unix.TIOCINQ

	// Sockets' F_SETOWN and F_GETOWN: socket(7).
	fioSETOWN = 0x8901
	siocSPGRP = 0x8902
	fioGETOWN = 0x8903
	siocGPGRP = 0x8904
)

func sysIoctl(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	at := a.Addr(2)
	regular := f.Inode().Type() == unix.S_IFREG
	switch cmd := a.Uint(1); {
	case cmd == fioCLEX:
		return 0, t.Files.SetCloseOnExec(a.Int(0), true)
	case cmd == fioNCLEX:
		return 0, t.Files.SetCloseOnExec(a.Int(0), false)
	case cmd == fioNBIO:
		on, err := getInt(t, at)
		if err == nil {
			f.SetFlag(unix.O_NONBLOCK, on != 0)
		}
		return 0, err
	case cmd == fioASYNC:
		on, err := getInt(t, at)
		if err != nil {
			return 0, err
		}
		if on != 0 && !f.Asynchronous() {
			return 0, unix.ENOTTY
		}
		f.SetAsync(a.Int(0), on != 0)
		return 0, nil
	case cmd == fioQSIZE && (regular || f.Inode().IsDir() || f.Inode().Type() == unix.S_IFLNK):
		return 0, t.CopyOut(at, binary.LittleEndian.AppendUint64(nil, uint64(f.Inode().Size())))
	case cmd == fioQSIZE:
		return 0, unix.ENOTTY
	case cmd == fiGETBSZ:
		var s vfs.Stat
		if err := f.Inode().Stat(t.VFS(), &s); err != nil {
			return 0, err
		}
		return 0, putUint32(t, at, uint32(s.BlockSize))
	case cmd == fioNREAD && regular:
		return 0, putUint32(t, at, uint32(f.Inode().Size()-f.Pos()))
	case f.Inode().Type() == unix.S_IFSOCK && (cmd == fioSETOWN || cmd == siocSPGRP):
		who, err := getInt(t, at)
		if err != nil {
			return 0, err
		}
		return 0, setOwner(t, f, int(who))
	case f.Inode().Type() == unix.S_IFSOCK && (cmd == fioGETOWN || cmd == siocGPGRP):
		return 0, putUint32(t, at, uint32(getOwner(t, f)))
	case regular && (cmd == unix.FICLONE || cmd == unix.FICLONERANGE || cmd == unix.FIDEDUPERANGE):
		return 0, unix.EOPNOTSUPP // no file system here shares blocks between files
	default:
		return f.Ioctl(t.VFS(), cmd, a[2], t.Memory())
	}
}

// getInt reads an int from t's memory.
func getInt(t *task.Task, at user.Addr) (int32, error) {
	var b [4]byte
	err := t.CopyIn(b[:], at)
	return int32(binary.LittleEndian.Uint32(b[:])), err
}
