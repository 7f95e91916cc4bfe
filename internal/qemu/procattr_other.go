//go:build !linux

package qemu

import "syscall"

// procAttr puts QEMU in a process group of its own, where a Ctrl-C typed at this
// terminal does not reach it.
func procAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
