package trace

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"kevlar/linux/trace"
)

// Text prints events in the manner of strace.
type Text struct {
	Style
	Follow bool // all tasks, with their numbers; else only those of the first process
	Times  bool // how long each call took
	Stamps bool // when each line happened, in seconds since boot

	w       *bufio.Writer
	first   *Task
	open    *Task            // whose call's line is begun and not ended
	printed map[*Task]string // the name of a call whose beginning was printed when others interrupted it
}

// NewText returns a printer to w.
func NewText(w io.Writer) *Text {
	return &Text{w: bufio.NewWriterSize(w, 64<<10), printed: map[*Task]string{}}
}

// Flush writes out what is buffered.
func (p *Text) Flush() error { return p.w.Flush() }

// column is where results stand.
const column = 40

// Print prints an event, if there is something to say of it.
func (p *Text) Print(e *Event) {
	if p.first == nil && e.Of.ID != 0 {
		p.first = e.Of
	}
	if !p.Follow && e.Of.ID != 0 && e.Of.Process != p.first.Process {
		return
	}
	switch e.Code {
	case trace.Enter:
		p.interrupt()
		p.open = e.Of
	case trace.Exit:
		p.exit(e)
	case trace.Sent:
		// What becomes of it is the line to read.
	default:
		if line := describe(e); line != "" {
			p.interrupt()
			p.prefix(e.Of, e.Time)
			p.w.WriteString(line)
			p.w.WriteByte('\n')
		}
	}
}

// Close ends what is open: calls that did not return.
func (p *Text) Close() error {
	p.interrupt()
	return p.Flush()
}

// interrupt ends the line of a call that is not done when something else is to be said.
func (p *Text) interrupt() {
	t := p.open
	if t == nil {
		return
	}
	p.open = nil
	if t.call == nil {
		return
	}
	c := t.call
	p.prefix(t, c.Began)
	before, after := p.split(c)
	p.w.WriteString(c.Name + "(" + strings.Join(before, ", "))
	if len(after) > 0 && len(before) > 0 {
		p.w.WriteString(", ")
	}
	p.w.WriteString(" <unfinished ...>\n")
	p.printed[t] = c.Name
}

func (p *Text) exit(e *Event) {
	c := e.Call
	if p.open == e.Of {
		p.open = nil
	} else {
		p.interrupt()
	}
	var line string
	before, after := p.split(c)
	if _, ok := p.printed[e.Of]; ok {
		delete(p.printed, e.Of)
		p.prefix(e.Of, e.Time)
		line = "<... " + c.Name + " resumed>" + strings.Join(after, ", ") + ")"
	} else {
		p.prefix(e.Of, c.Began)
		line = c.Name + "(" + strings.Join(append(before[:len(before):len(before)], after...), ", ") + ")"
	}
	fmt.Fprintf(p.w, "%-*s = %s", column-1, line, c.result())
	if p.Times && c.result() != "?" {
		fmt.Fprintf(p.w, " <%.6f>", c.Took.Seconds())
	}
	p.w.WriteByte('\n')
}

func (p *Text) prefix(t *Task, at time.Duration) {
	if p.Follow && t.ID != 0 {
		fmt.Fprintf(p.w, "[pid %5d] ", t.ID)
	}
	if p.Stamps {
		fmt.Fprintf(p.w, "%.6f ", at.Seconds())
	}
}

// describe says in a line what an event other than a call is; "" for one that goes
// without saying.
func describe(e *Event) string {
	w := &e.Words
	took := func(i int) time.Duration { return time.Duration(w[i]) }
	switch e.Code {
	case trace.Delivered:
		if w[0] == 9 { // its end says so
			return ""
		}
		return "--- " + signalName(int(w[0])) + " " + sigInfo(int(w[0]), int32(w[1]), w[3], w[4]) + " ---"
	case trace.Died:
		if s := uint32(w[0]); s&0x7f != 0 {
			return "+++ killed by " + signalName(int(s&0x7f)) + " +++"
		}
		return fmt.Sprintf("+++ exited with %d +++", w[0]>>8&0xff)
	case trace.Sent:
		return fmt.Sprintf("*** %s sent to %d ***", signalName(int(w[0])), w[1])
	case trace.Faulted:
		how := [...]string{"read", "write", "execute"}[min(w[1], 2)]
		if w[2] != 0 {
			return fmt.Sprintf("*** fault: %s %s: %s ***", how, hex(w[0]), errno(int(w[2])))
		}
		return fmt.Sprintf("*** fault: %s %s, %v ***", how, hex(w[0]), took(3))
	case trace.Switched:
		if e.Of.ID == 0 {
			return fmt.Sprintf("*** CPU %d: %d rests ***", e.CPU, w[0])
		}
		return fmt.Sprintf("*** CPU %d: runs after %d ***", e.CPU, w[0])
	case trace.Woken:
		return fmt.Sprintf("*** woken by %d ***", w[0])
	case trace.Slept:
		return "*** sleeps ***"
	case trace.Resumed:
		return fmt.Sprintf("*** slept for %v ***", took(0))
	case trace.Interrupt:
		return fmt.Sprintf("*** interrupt on CPU %d ***", e.CPU)
	case trace.Walked:
		path := e.Bytes()[16:]
		if w[0] != 0 {
			return fmt.Sprintf("*** walk of %s: %s, %v ***", quote([]byte(text(path))), errno(int(w[0])), took(1))
		}
		return fmt.Sprintf("*** walk of %s, %v ***", quote([]byte(text(path))), took(1))
	case trace.Disk:
		return fmt.Sprintf("*** disk: %s %d bytes at %d, %v ***", [...]string{"read", "write", "flush"}[min(e.Aux, 2)], w[1], w[0], took(2))
	case trace.Paused:
		return fmt.Sprintf("*** the kernel's garbage collector stopped the world for %v ***", took(0))
	}
	return ""
}
