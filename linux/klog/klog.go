// Package klog is the kernel's log: what /dev/kmsg, /proc/kmsg and syslog(2) read, and
// what reaches the console. Any goroutine may log, with any lock held.
package klog

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"kevlar/linux/wait"
)

// Levels of messages: syslog(2).
const (
	Emergency = iota
	Alert
	Critical
	Error
	Warning
	Notice
	Info
	Debug
)

// User is the facility of what programs write to /dev/kmsg, as Priority has it.
const User = 1 << 3

// Record is one message.
type Record struct {
	Seq      uint64
	Priority int           // facility<<3 | level
	Time     time.Duration // since boot
	Text     string        // without a newline at the end
}

// capacity is how many bytes of text the log keeps (CONFIG_LOG_BUF_SHIFT=17), and
// overhead what a record counts beyond its text.
const (
	capacity = 1 << 17
	overhead = 32
)

// Levels are the four numbers of /proc/sys/kernel/printk (syslog(2)). Messages below
// Console reach the console.
type Levels struct{ Console, Message, Minimum, Default int }

// log is the log. mu guards the fields; only the queue's lock is taken under it.
var log = struct {
	mu      sync.Mutex
	records []Record
	size    int
	next    uint64 // sequence number of the next record
	cleared uint64 // and of the first one after the last Clear
	levels  Levels
	unmuted int // the console's level before Mute; 0 where it is not muted
}{levels: Levels{7, Warning, 1, 7}}

var queue wait.Queue

// console is where messages go as well. mu makes lines whole; it is taken without
// log.mu.
var console struct {
	mu    sync.Mutex
	write func(line string)
}

// SetConsole says where lines for the console go: write gets each with its newline, one
// at a time.
func SetConsole(write func(line string)) {
	console.mu.Lock()
	defer console.mu.Unlock()
	console.write = write
}

// Log adds a message.
func Log(priority int, text string) {
	text = strings.TrimRight(text, "\n")
	log.mu.Lock()
	r := Record{Seq: log.next, Priority: priority, Time: wait.Now(), Text: text}
	log.next++
	log.records = append(log.records, r)
	log.size += len(text) + overhead
	for log.size > capacity && len(log.records) > 1 {
		log.size -= len(log.records[0].Text) + overhead
		log.records = log.records[1:]
	}
	show := priority&7 < log.levels.Console
	log.mu.Unlock()
	queue.Wake(wait.In | wait.RdNorm)
	if show {
		console.mu.Lock()
		defer console.mu.Unlock()
		if console.write != nil {
			console.write(r.String())
		}
	}
}

// Printf adds a message of the kernel's own.
func Printf(level int, format string, args ...any) { Log(level, fmt.Sprintf(format, args...)) }

// Print writes text to the console as it is, between two messages, whatever the console's level.
func Print(text string) {
	console.mu.Lock()
	defer console.mu.Unlock()
	if console.write != nil {
		console.write(text)
	}
}

// String is the record as the console shows it: each line after the time, with a
// newline.
func (r Record) String() string {
	prefix := fmt.Sprintf("[%5d.%06d] ", r.Time/time.Second, r.Time%time.Second/time.Microsecond)
	return prefix + strings.ReplaceAll(r.Text, "\n", "\n"+prefix) + "\n"
}

// GetLevels and SetLevels are /proc/sys/kernel/printk.
func GetLevels() Levels {
	log.mu.Lock()
	defer log.mu.Unlock()
	return log.levels
}

func SetLevels(l Levels) {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.levels = l
}

// Mute lets only emergencies reach the console, until it is called again with false:
// SYSLOG_ACTION_CONSOLE_OFF and ON.
func Mute(on bool) {
	log.mu.Lock()
	defer log.mu.Unlock()
	switch {
	case on && log.unmuted == 0:
		log.unmuted = log.levels.Console
		log.levels.Console = log.levels.Minimum
	case !on && log.unmuted != 0:
		log.levels.Console, log.unmuted = log.unmuted, 0
	}
}

// From returns the oldest record with a sequence number of at least seq; false where
// there is none yet.
func From(seq uint64) (Record, bool) {
	log.mu.Lock()
	defer log.mu.Unlock()
	if seq >= log.next {
		return Record{}, false
	}
	first := log.records[0].Seq
	if seq < first {
		seq = first
	}
	return log.records[seq-first], true
}

// Bounds are the sequence numbers of the oldest record, of the first after the last
// Clear, and of the next to come.
func Bounds() (first, cleared, next uint64) {
	log.mu.Lock()
	defer log.mu.Unlock()
	first = log.next
	if len(log.records) > 0 {
		first = log.records[0].Seq
	}
	return first, max(first, log.cleared), log.next
}

// Clear makes what there is old: syslog(2), SYSLOG_ACTION_CLEAR.
func Clear() {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.cleared = log.next
}

// reader is how far SYSLOG_ACTION_READ and /proc/kmsg have read, which share it: the
// record, and the bytes of it that have been. Guarded by mu.
var reader struct {
	mu  sync.Mutex
	seq uint64
	off int
}

// Line is a record as syslog(2) gives it.
func (r Record) Line() string { return fmt.Sprintf("<%d>%s", r.Priority, r.String()) }

// Take moves text that nobody has taken yet to p and returns how much; 0 where there is
// none.
func Take(p []byte) (n int) {
	reader.mu.Lock()
	defer reader.mu.Unlock()
	for n < len(p) {
		r, ok := From(reader.seq)
		if !ok {
			break
		}
		if r.Seq != reader.seq { // some have been overwritten
			reader.seq, reader.off = r.Seq, 0
		}
		line := r.Line()
		k := copy(p[n:], line[reader.off:])
		n += k
		if reader.off += k; reader.off == len(line) {
			reader.seq, reader.off = reader.seq+1, 0
		}
	}
	return n
}

// Untaken is how many bytes Take would give: SYSLOG_ACTION_SIZE_UNREAD.
func Untaken() (n int) {
	reader.mu.Lock()
	defer reader.mu.Unlock()
	n = -reader.off
	for seq := reader.seq; ; seq++ {
		r, ok := From(seq)
		if !ok {
			return max(n, 0)
		}
		seq = r.Seq
		n += len(r.Line())
	}
}

// Tail is the last records after the last Clear that fit into n bytes, whole:
// SYSLOG_ACTION_READ_ALL.
func Tail(n int) []byte {
	_, seq, next := Bounds()
	var lines []string
	for ; seq < next; seq++ {
		r, ok := From(seq)
		if !ok {
			break
		}
		seq = r.Seq
		lines = append(lines, r.Line())
	}
	first := len(lines)
	for first > 0 && len(lines[first-1]) <= n {
		first--
		n -= len(lines[first])
	}
	return []byte(strings.Join(lines[first:], ""))
}

// Capacity is the size of the log in bytes: SYSLOG_ACTION_SIZE_BUFFER.
func Capacity() int { return capacity }

// Queue is woken when there is another record.
func Queue() *wait.Queue { return &queue }
