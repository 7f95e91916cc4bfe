package qemu

import "syscall"

// procAttr puts QEMU in a process group of its own, where a Ctrl-C typed at this
// terminal does not reach it, and has the kernel kill it when this process dies.
func procAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
