// Package proto has what both ends of a run agree on: the names of the streams
// between host and guest, and what is said on them. The Kevlar kernel and the
// agent that stands in for it on Linux both speak it.
package proto

import (
	"fmt"
	"strconv"
	"strings"
)

// Names of the streams. Control carries lines; the others carry bytes, and exist
// where a run has no terminal.
const (
	Control = "kevlar.control"
	Stdin   = "kevlar.stdin"
	Stdout  = "kevlar.stdout"
	Stderr  = "kevlar.stderr"
	Trace   = "kevlar.trace" // from the kernel, docs/trace.md, or from strace on Linux; exists where a run is traced
)

// Profiles is the stream of the Kevlar kernel's profiles, where a run wants some. The host writes lines of a profile's name
// and a number: "profile" of the CPU and its seconds, or a name of runtime/pprof and its debug argument. Each answer is a line
// of a name ("error" for a message) and a length, and so many bytes. With ProfileWord on its command line the kernel sends
// profiles of the whole run at its end, unasked: "cpu", "heap" and "goroutine".
const (
	Profiles    = "kevlar.pprof"
	ProfileWord = "kevlar.pprof"
)

// Exit statuses of a run that are not the program's own.
const (
	StatusTimeout   = 124
	StatusNoStatus  = 125 // the kernel panicked, or the machine ended silently
	StatusCannotRun = 126 // the program cannot be executed
	StatusNotFound  = 127
)

// Lines that the guest writes.

// Exit says that the program has ended with the status.
func Exit(status int) string { return fmt.Sprintf("exit %d\n", status) }

// Panic says that the kernel has panicked, in the place of a status.
const Panic = "panic\n"

// Lines around a report of the kernel on the serial port: the first one has its title, too.
const (
	ReportBegin = "======== kevlar: "
	ReportEnd   = "======== end of report"
)

// PanicReport and WatchdogReport are titles of reports: something broke, or is stuck.
const (
	PanicReport    = "panic report"
	WatchdogReport = "watchdog report"
)

// Error starts a line with the reason why the program could not be run, in words for the user. A status follows.
const Error = "error "

// Dump starts each line of what Goroutines has asked for, and Dumped follows the last one.
const (
	Dump   = "dump "
	Dumped = "dumped"
)

// Lines that the host writes.

// Goroutines asks what all goroutines of the kernel do.
const Goroutines = "goroutines\n"

// Winsize says how large the terminal is.
func Winsize(columns, rows int) string { return fmt.Sprintf("winsize %d %d\n", columns, rows) }

// Interrupt asks for a SIGINT to the program, where there is no terminal to type
// Ctrl-C on.
const Interrupt = "interrupt\n"

// Parse splits a line into its word and its numbers.
func Parse(line string) (word string, numbers []int, err error) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return "", nil, fmt.Errorf("empty line")
	}
	for _, f := range fields[1:] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return "", nil, fmt.Errorf("line %q: %w", line, err)
		}
		numbers = append(numbers, n)
	}
	return fields[0], numbers, nil
}

// Config is what the agent finds in the file ConfigPath of its initramfs.
type Config struct {
	Modules  []string // files in Directory, in the order of loading
	Disk     bool     // the root file system is /dev/vda, ext4
	ReadOnly bool     // ... mounted read-only
	Terminal bool     // the program's terminal is /dev/hvc0; else the streams

	Command  []string // nil: the fallbacks that a kernel tries for init
	Tracer   []string // what traces the command, which follows it, and writes to TracePath; nil for none
	Env      []string
	Dir      string
	User     string // USER[:GROUP], by name or number
	Hostname string
}

// Where the agent and its files are in the initramfs.
const (
	Directory  = "/.kevlar"
	AgentPath  = Directory + "/agent"
	ConfigPath = Directory + "/config"

	TracerDirectory = Directory + "/tracer"
	TracePath       = Directory + "/trace" // a FIFO that the agent makes, and copies to the stream Trace
)

// Fallbacks are the programs that are tried, in this order, where a run names none.
var Fallbacks = []string{"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"}
