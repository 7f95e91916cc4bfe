// Package kernel boots the Linux personality on a machine: it reads the command line,
// makes the root file system, starts the first process and reports how it ended.
package kernel

import (
	"strconv"
	"strings"
	"time"

	"kevlar/linux/diag"
)

// options are what the kernel's command line says.
type options struct {
	init     string   // init=
	args     []string // of the first process: bare words, and all after "--"
	env      []string // of the first process: NAME=VALUE words that the kernel does not know
	console  string   // the last console=
	quiet    bool
	loglevel int // messages below this level reach the console
	root     string
	rootType string
	readOnly bool
	cwd      string        // kevlar.cwd=
	user     string        // kevlar.user=
	hostname string        // kevlar.hostname=
	trace    string        // kevlar.trace=: classes of events
	limit    int           // kevlar.trace.limit=: bytes of a buffer that are recorded
	profile  bool          // kevlar.pprof: profiles of the whole run go to the host
	command  bool          // kevlar.command: init= is a program to run, which a signal may end, no init
	watchdog time.Duration // kevlar.watchdog=SECONDS: how long a task may stay in the kernel; 0 is for ever
	params   []string
}

// quietLevel and defaultLevel are console log levels: syslog(2).
const (
	quietLevel   = 4
	defaultLevel = 7
)

// parse reads a command line. As on Linux, a word with a dot before its "=" is a
// parameter of some part of the kernel and not passed on, another NAME=VALUE becomes a
// variable of the first process, and a bare word its argument (bootparam(7)).
func parse(line string) options {
	o := options{loglevel: defaultLevel, readOnly: true, watchdog: diag.DefaultPatience}
	words := split(line)
	for i, w := range words {
		if w == "--" {
			for _, arg := range words[i+1:] {
				// QEMU's microvm announces its devices at the very end of the line.
				if !strings.HasPrefix(arg, "virtio_mmio.device=") {
					o.args = append(o.args, arg)
				}
			}
			return o
		}
		name, value, assigned := strings.Cut(w, "=")
		switch {
		case name == "init" && assigned:
			// Arguments before init= were for the init that would have run else.
			o.init, o.args = value, nil
		case name == "console" && assigned:
			o.console, _, _ = strings.Cut(value, ",") // the rest is the line's speed
		case w == "quiet":
			o.quiet, o.loglevel = true, quietLevel
		case name == "loglevel" && assigned:
			if n, err := strconv.Atoi(value); err == nil {
				o.loglevel = n
			}
		case name == "root" && assigned:
			o.root = value
		case name == "rootfstype" && assigned:
			o.rootType = value
		case w == "ro", w == "rw":
			o.readOnly = w == "ro"
		case w == "kevlar.command":
			o.command = true
		case name == "kevlar.watchdog":
			if n, err := strconv.ParseUint(value, 10, 16); err == nil {
				o.watchdog = time.Duration(n) * time.Second
			}
		case w == "kevlar.pprof":
			o.profile = true
		case name == "kevlar.trace":
			o.trace = value
		case name == "kevlar.trace.limit":
			o.limit, _ = strconv.Atoi(value)
		case name == "kevlar.cwd":
			o.cwd = value
		case name == "kevlar.user":
			o.user = value
		case name == "kevlar.hostname":
			o.hostname = value
		case strings.Contains(name, "."), name == "panic", name == "earlycon", name == "reboot", name == "mitigations",
			name == "virtio_mmio", name == "nokaslr", name == "kpti":
			o.params = append(o.params, w)
		case assigned:
			o.env = append(o.env, w)
		default:
			o.args = append(o.args, w)
		}
	}
	return o
}

// split cuts a command line into words at white space. Double quotes hold a word
// together wherever they begin in it; \" and \\ in them stand for " and \.
func split(line string) (words []string) {
	var w strings.Builder
	quoted, inWord := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			quoted, inWord = !quoted, true
		case c == '\\' && quoted && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\'):
			i++
			w.WriteByte(line[i])
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == 0):
			if inWord {
				words = append(words, w.String())
				w.Reset()
				inWord = false
			}
		default:
			w.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, w.String())
	}
	return words
}
