// Package trace is what the host makes of a kernel's trace (package linux/trace): text
// in the manner of strace, counts, JSON, and tracks for Perfetto's viewer. It decodes traces
// of either architecture on any host.
package trace

import (
	"time"

	"kevlar/linux/trace"
)

// Event is a record with what is known of its task and, for Enter and Exit, its call.
type Event struct {
	trace.Record
	Of   *Task // who it is about; the task with number 0 is the kernel
	Call *Call
}

// Task is a thread as the trace knows it so far.
type Task struct {
	ID, Parent, Process int
	Name                string

	call *Call // under way
	data [6]*Memory
	last *Memory // that more bytes belong to
	want int     // how many bytes last has
}

// Call is a system call: under way, or done.
type Call struct {
	Name  string
	Kinds []trace.Kind
	Args  [6]uint64
	In    [6]*Memory // what was in memory before the call, by argument
	Out   [6]*Memory // and what it has left there

	Began  time.Duration
	Done   bool
	Result uint64
	Errno  int
	Took   time.Duration

	arch arch
}

// Failed reports whether the call returned an error.
func (c *Call) Failed() bool { return c.Done && c.Errno != 0 }

// Memory is a piece of a program's memory, of which Bytes are known.
type Memory struct {
	Length int // in memory; of a list of strings their number
	Bytes  []byte
	Cut    bool // there is more
}

// Source yields the events of a stream.
type Source struct {
	*trace.Reader
	tasks map[int]*Task
	arch  arch
}

// NewSource returns the events of r's records.
func NewSource(r *trace.Reader) *Source {
	return &Source{Reader: r, tasks: map[int]*Task{}, arch: archOf(r.Machine.Arch)}
}

// Task is the task with a number.
func (s *Source) Task(id int) *Task {
	t := s.tasks[id]
	if t == nil {
		t = &Task{ID: id, Process: id}
		s.tasks[id] = t
	}
	return t
}

// Next returns the next event. Memory of calls comes with them, not as events of its own.
func (s *Source) Next() (Event, error) {
	for {
		r, err := s.Reader.Next()
		if err != nil {
			return Event{}, err
		}
		t := s.Task(int(r.Task))
		e := Event{Record: r, Of: t}
		switch r.Code {
		case trace.Data, trace.More:
			t.memory(&r)
			continue
		case trace.Enter:
			row := s.Calls[int(r.Aux)]
			c := &Call{Name: row.Name, Kinds: row.Args, In: t.data, Began: r.Time, arch: s.arch}
			if c.Name == "" {
				c.Name, c.Kinds = "syscall_"+hex(uint64(r.Aux)), []trace.Kind{trace.Hex, trace.Hex, trace.Hex, trace.Hex, trace.Hex, trace.Hex}
			}
			copy(c.Args[:], r.Words[:])
			t.forget()
			t.call, e.Call = c, c
		case trace.Exit:
			c := t.call
			if c == nil { // the trace began in the middle of it
				t.forget()
				continue
			}
			c.Done, c.Result, c.Errno, c.Took = true, r.Words[0], int(r.Words[1]), time.Duration(r.Words[2])
			c.Out = t.data
			t.forget()
			t.call, e.Call = nil, c
		case trace.Born:
			*t = Task{ID: t.ID, Parent: int(r.Words[0]), Process: int(r.Words[1])} // the number may have been another's
		case trace.Named:
			t.Name = text(r.Bytes())
		}
		return e, nil
	}
}

// memory takes a Data or More record.
func (t *Task) memory(r *trace.Record) {
	if r.Code == trace.Data {
		t.last = nil
		if arg := int(r.Aux & 0xff); arg < len(t.data) {
			t.last = &Memory{Length: int(uint32(r.Words[0])), Cut: r.Aux&trace.Cut != 0}
			t.want = int(r.Words[0] >> 32)
			t.data[arg] = t.last
		}
	}
	if t.last == nil {
		return
	}
	b := r.Bytes()
	t.last.Bytes = append(t.last.Bytes, b[:min(len(b), max(t.want-len(t.last.Bytes), 0))]...)
}

// forget makes room for the memory of the next call.
func (t *Task) forget() { t.data, t.last = [6]*Memory{}, nil }

// text is a string that ends with a NUL or with the bytes.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
