package contracts

import (
	"errors"
	"fmt"
	"io"
	"strings"

	decode "kevlar/internal/trace"
	kernel "kevlar/linux/trace"
)

// traceClasses are what is recorded of a contract: what strace shows.
const traceClasses = kernel.Syscall | kernel.Signals

// traceStrings is how many bytes of a buffer are recorded: a fact is seldom longer. lib/init.c tells strace the same.
const traceStrings = 256

// maxSteps bounds what is kept of a trace to be compared: a contract that does more is not compared.
const maxSteps = 20000

// A trace is what a contract did, as text in the manner of strace -f and as steps to compare.
type trace struct {
	text  clipped
	steps *decode.Steps
	cut   bool  // there were more steps
	err   error // what kept it from being read to its end
}

// readStrace takes what strace wrote on Linux.
func readStrace(text string) *trace {
	t := new(trace)
	t.text.WriteString(text)
	if t.cut = strings.Count(text, "\n") > maxSteps; !t.cut {
		// Where strace was killed in the middle of a line the rest is good.
		text = text[:strings.LastIndexByte(text, '\n')+1]
		t.steps, t.err = decode.ReadStrace(strings.NewReader(text))
	}
	return t
}

// readTrace decodes a machine's trace to its end, and keeps what the contract did: the task that executes the program, from
// then on, and its descendants.
func readTrace(in io.Reader, program string) *trace {
	t := new(trace)
	r, err := kernel.NewReader(in)
	if err != nil {
		t.err = err
		return t
	}
	var recorder decode.Recorder
	text := decode.NewText(&t.text)
	text.Follow = true
	text.Strings, recorder.Strings = traceStrings, traceStrings
	ours := map[int]bool{}
	n := 0
	for s := decode.NewSource(r); ; {
		e, err := s.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.err = err
			}
			break
		}
		id := e.Of.ID
		switch {
		case e.Code == kernel.Born && ours[e.Of.Parent]:
			ours[id] = true
		case len(ours) == 0 && e.Code == kernel.Enter && executes(&e, program):
			ours[id] = true
		}
		if !ours[id] {
			continue
		}
		text.Print(&e)
		if n++; n <= 2*maxSteps { // a call has two events
			recorder.Add(&e)
		}
	}
	text.Close()
	if r.Lost > 0 {
		fmt.Fprintf(&t.text, "... the trace lacks %d events for which the kernel had no room\n", r.Lost)
	}
	if t.cut = n > 2*maxSteps; !t.cut {
		t.steps = recorder.Steps()
	}
	return t
}

// executes reports whether an event begins an execve of a program.
func executes(e *decode.Event, program string) bool {
	if e.Call.Name != "execve" || e.Call.In[0] == nil {
		return false
	}
	path, _, _ := strings.Cut(string(e.Call.In[0].Bytes), "\x00")
	return path == program
}

// differs is where what a contract did on Kevlar leaves what it did on Linux: the first fact that differs, with the calls around
// it, or else the first difference.
func differs(linux, kevlar *trace) string {
	for _, side := range []struct {
		of   string
		what *trace
	}{{"Linux", linux}, {"Kevlar", kevlar}} {
		switch {
		case side.what == nil:
			return "not compared: there is no trace on " + side.of + "\n"
		case side.what.err != nil:
			return fmt.Sprintf("not compared: the trace on %s: %v\n", side.of, side.what.err)
		case side.what.cut:
			return fmt.Sprintf("not compared: more than %d steps on %s\n", maxSteps, side.of)
		case len(side.what.steps.Threads) == 0:
			return "not compared: the trace on " + side.of + " has none of the contract's calls\n"
		}
	}
	var w strings.Builder
	d := decode.Compare(linux.steps, kevlar.steps)
	// Facts come right after the calls that they are about.
	d.Focus(func(s *decode.Step) bool { return s.Name == "write" && len(s.Args) > 0 && s.Args[0] == "1" })
	d.Write(&w)
	return w.String()
}

// clipped keeps the beginning and the end of what is written to it, in whole lines.
type clipped struct {
	head, tail []byte
	lost       int
}

// clipSize is how much of each is kept.
const clipSize = 32 << 10

func (c *clipped) Write(p []byte) (int, error) { return c.WriteString(string(p)) }

// WriteString implements io.StringWriter.
func (c *clipped) WriteString(s string) (int, error) {
	n := len(s)
	if room := clipSize - len(c.head); room > 0 && c.tail == nil {
		room = min(room, n)
		c.head = append(c.head, s[:room]...)
		s = s[room:]
	}
	c.tail = append(c.tail, s...)
	if over := len(c.tail) - clipSize; over > clipSize { // now and then, not each time
		c.tail = append(c.tail[:0], c.tail[over:]...)
		c.lost += over
	}
	return n, nil
}

// String is what was kept, with a note of what was not.
func (c *clipped) String() string {
	head, tail, lost := string(c.head), string(c.tail), c.lost
	if over := len(tail) - clipSize; over > 0 {
		tail, lost = tail[over:], lost+over
	}
	if lost == 0 {
		return head + tail
	}
	end, begin := strings.LastIndexByte(head, '\n')+1, strings.IndexByte(tail, '\n')+1
	return fmt.Sprintf("%s... %d bytes are left out here ...\n%s", head[:end], lost+len(head)-end+begin, tail[begin:])
}
