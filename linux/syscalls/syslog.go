package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/klog"
	"kevlar/linux/task"
	"kevlar/linux/wait"
)

// The kernel's log.
var syslogRows = []Row{
	{Name: "syslog", Args: []Kind{Int, OutBuf, Int}, Do: sysSyslog, Contracts: []string{"security/syslog_rights"}},
}

// Commands of syslog(2).
const (
	syslogClose = iota
	syslogOpen
	syslogRead
	syslogReadAll
	syslogReadClear
	syslogClear
	syslogConsoleOff
	syslogConsoleOn
	syslogConsoleLevel
	syslogSizeUnread
	syslogSizeBuffer
)

// sysSyslog is syslog(2) with kernel.dmesg_restrict=1: every command asks for CAP_SYSLOG.
func sysSyslog(t *task.Task, a *Args) (uint64, error) {
	command, n := a.Int(0), a.Int(2)
	if !t.Capable(unix.CAP_SYSLOG) && !t.Capable(unix.CAP_SYS_ADMIN) {
		return 0, unix.EPERM
	}
	switch command {
	case syslogClose, syslogOpen:
		return 0, nil
	case syslogRead, syslogReadAll, syslogReadClear:
		if a.Addr(1) == 0 || n < 0 {
			return 0, unix.EINVAL
		}
		if n == 0 {
			return 0, nil
		}
		return logText(t, a, command, min(n, klog.Capacity()))
	case syslogClear:
		klog.Clear()
		return 0, nil
	case syslogConsoleOff:
		klog.Mute(true)
		return 0, nil
	case syslogConsoleOn:
		klog.Mute(false)
		return 0, nil
	case syslogConsoleLevel:
		l := klog.GetLevels()
		if n < 1 || n > 8 {
			return 0, unix.EINVAL
		}
		l.Console = max(n, l.Minimum)
		klog.SetLevels(l)
		return 0, nil
	case syslogSizeUnread:
		return uint64(klog.Untaken()), nil
	case syslogSizeBuffer:
		return uint64(klog.Capacity()), nil
	}
	return 0, unix.EINVAL
}

// logText copies text of the log to the caller.
func logText(t *task.Task, a *Args, command, n int) (uint64, error) {
	var text []byte
	if command == syslogRead {
		text = make([]byte, n)
		k := klog.Take(text)
		if k == 0 {
			err := t.Waiter.Until(klog.Queue(), wait.In, wait.Forever, func() bool {
				k = klog.Take(text)
				return k > 0
			})
			if err != nil {
				return 0, err
			}
		}
		text = text[:k]
	} else {
		text = klog.Tail(n)
		if command == syslogReadClear {
			klog.Clear()
		}
	}
	return uint64(len(text)), t.CopyOut(a.Addr(1), text)
}
