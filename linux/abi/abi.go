// Package abi is Linux's binary interface on the architecture being built: system
// call numbers, flags and the encodings of structures that programs hand to the
// kernel or read from it. It is the only package of linux/ that may differ between
// architectures. It holds data layouts, no behaviour.
package abi

import "golang.org/x/sys/unix"

//go:generate go run gen.go

// Number returns the number of the system call with the given name, as the man
// pages spell it, and whether this architecture has it.
func Number(name string) (nr int, ok bool) {
	nr, ok = numbers[name]
	return nr, ok
}

// Names returns a map from name to number of every call of this architecture.
func Names() map[string]int { return numbers }

// Results of a system call that was interrupted by a signal; they never reach a
// program. Before a handler runs or the task goes on, the task's signal code turns
// them into EINTR or into a restart of the call (signal(7), "Interruption of system
// calls and library functions by signal handlers").
const (
	// ERESTARTSYS: restart if the handler has SA_RESTART, or no handler runs.
	ERESTARTSYS = unix.Errno(512)
	// ERESTARTNOINTR: restart always.
	ERESTARTNOINTR = unix.Errno(513)
	// ERESTARTNOHAND: restart only if no handler runs.
	ERESTARTNOHAND = unix.Errno(514)
	// ERESTART_RESTARTBLOCK: like ERESTARTNOHAND, through restart_syscall with what the
	// task's restart function remembers (nanosleep, poll, futex with relative timeouts).
	ERESTART_RESTARTBLOCK = unix.Errno(516)
)
