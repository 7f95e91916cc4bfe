// Package trace records what the kernel does: small records of a fixed size in a ring
// per CPU, written without a lock, and drained to the host as a stream of bytes.
//
// Whoever has something to record asks first whether its class is wanted, which is one
// load where nothing is:
//
//	if trace.On(trace.Fault) {
//		trace.Emit(trace.Faulted, 0, id, addr, access)
//	}
//
// The stream describes itself (docs/trace.md): the kernel and the host command both
// import this package, one to write it, the other to read it (Reader). What records mean
// to people, as text or as tracks, is package internal/trace's.
package trace

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Class is a set of kinds of records that are switched together.
type Class uint32

const (
	Syscall Class = 1 << iota // system calls, with what their pointers point to
	Sched                     // which task runs where, and who wakes whom
	Faults                    // page faults
	Signals                   // signals sent and taken
	Wait                      // sleeps
	IRQ                       // interrupts of user code
	VFS                       // path walks
	Block                     // requests to disks
	GC                        // the kernel's own garbage collection

	All = GC<<1 - 1
)

var classNames = [...]string{"syscall", "sched", "fault", "signal", "wait", "irq", "vfs", "block", "gc"}

// ParseClasses reads a list of classes as people write it: names with commas between
// them, "all", or "none".
func ParseClasses(s string) (c Class, err error) {
	for _, word := range strings.Split(s, ",") {
		switch word {
		case "all":
			c |= All
			continue
		case "none", "":
			continue
		}
		found := false
		for i, name := range classNames {
			if name == word {
				c |= 1 << i
				found = true
			}
		}
		if !found {
			return 0, fmt.Errorf("no class of events is called %q: there are %s, all, none", word, strings.Join(classNames[:], ", "))
		}
	}
	return c, nil
}

// String is the list that ParseClasses reads.
func (c Class) String() string {
	var names []string
	for i, name := range classNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ",")
}

// wanted are the classes that are recorded now.
var wanted atomic.Uint32

// active is the tracer that records go to; nil before Start.
var active atomic.Pointer[tracer]

// On reports whether records of any class in c are wanted.
func On(c Class) bool { return wanted.Load()&uint32(c) != 0 }

// Any reports whether anything is recorded. The lives of tasks are then, since readers
// name tasks by them.
func Any() bool { return wanted.Load() != 0 }

// Select chooses the classes that are recorded from now on. It has no effect before
// Start.
func Select(c Class) {
	if t := active.Load(); t != nil {
		choose(c)
		t.wake()
	}
}

// choose changes what is wanted, and tells those that want to know.
func choose(c Class) {
	choosing.Lock()
	defer choosing.Unlock()
	wanted.Store(uint32(c & All))
	for _, f := range choosing.tell {
		f(c & All)
	}
}

var choosing struct {
	sync.Mutex
	tell []func(Class)
}

// Watch has f called with the classes that are wanted whenever they change. It is for
// those to whom even one load is too much: they change what their callers find.
func Watch(f func(Class)) {
	choosing.Lock()
	defer choosing.Unlock()
	choosing.tell = append(choosing.tell, f)
}

// Selected is what Select chose.
func Selected() Class { return Class(wanted.Load()) }

// Emit records an event of task, 0 for the kernel itself, with at most MaxWords words.
// It never waits, so that it may be called with any lock held: where the ring is full
// the record is lost, and counted.
func Emit(code Code, aux uint16, task int, words ...uint64) {
	if t := active.Load(); t != nil && !t.put(code, aux, uint32(task), words) {
		t.drop()
	}
}

// EmitWait is Emit for a task that holds no lock: it waits where the ring is full, and
// so loses nothing. It returns without a record once the tracer has ended.
func EmitWait(code Code, aux uint16, task int, words ...uint64) {
	if t := active.Load(); t != nil && !t.put(code, aux, uint32(task), words) {
		t.putLater(code, aux, uint32(task), words)
	}
}

// BufferLimit is how many bytes of a buffer or a string that is no path are recorded.
func BufferLimit() int {
	if t := active.Load(); t != nil {
		return t.limit
	}
	return 0
}
