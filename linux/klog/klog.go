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

// Capacity is the size of the log in bytes: SYSLOG_ACTION_SIZE_BUFFER.
func Capacity() int { return capacity }

// Queue is woken when there is another record.
func Queue() *wait.Queue { return &queue }
