package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// MakeKillable takes from the first process of a PID namespace what protects it from
// signals without a handler: for a machine whose first process is no init, but the one
// program to run.
func (g *Group) MakeKillable() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unkillable = false
}

// Interrupt sends the process SIGINT from outside.
func (g *Group) Interrupt() {
	info := abi.Kernel(unix.SIGINT)
	g.send(&info, signal{force: true})
}

// ShellStatus is the status as a shell has it: 128 and the signal's number for a
// process that a signal ended.
func (s WaitStatus) ShellStatus() int {
	if sig := int(s & 0x7f); sig != 0 {
		return 128 + sig
	}
	return int(s >> 8 & 0xff)
}
