package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/tty"
)

var ttyRows = []Row{
	{Name: "vhangup", Do: sysVhangup, Contracts: []string{"tty/vhangup_call"}},
}

func sysVhangup(t *task.Task, _ *Args) (uint64, error) {
	if !t.Capable(unix.CAP_SYS_TTY_CONFIG) {
		return 0, unix.EPERM
	}
	if job := t.Terminal(); job != nil {
		job.TTY.(*tty.TTY).Hangup()
	}
	return 0, nil
}
