package trace

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"kevlar/linux/trace"
)

// Step is one thing that a task did or that happened to it, in the words that strace has for it.
type Step struct {
	Name   string   // of the call; "" for a signal or the task's end
	Args   []string // of the call
	Result string   // of the call; "" where it did not return
	Text   string   // of what is no call: --- SIGCHLD {...} ---, +++ exited with 0 +++

	order int // among the steps of all tasks
}

func (s *Step) String() string {
	if s.Name == "" {
		return s.Text
	}
	line := s.Name + "(" + strings.Join(s.Args, ", ") + ")"
	result := s.Result
	if result == "" {
		result = "<does not return>"
	}
	return fmt.Sprintf("%-*s = %s", column-1, line, result)
}

// Thread is a task and its steps.
type Thread struct {
	Path  string // 1 is the first task, 1.2 the second that it made
	Steps []Step

	number int // its ID while it ran
	ended  bool
}

// Steps are what a program and its descendants did, one after the other in each task.
type Steps struct {
	Threads []*Thread // in the order in which they were first seen

	running map[int]*Thread
	n       int
}

// thread is the task that has the ID now.
func (s *Steps) thread(id int) *Thread {
	t := s.running[id]
	if t == nil || t.ended {
		t = &Thread{number: id}
		if s.running == nil {
			s.running = map[int]*Thread{}
		}
		s.running[id] = t
		s.Threads = append(s.Threads, t)
	}
	return t
}

func (s *Steps) add(t *Thread, step Step) {
	s.n++
	step.order = s.n
	t.Steps = append(t.Steps, step)
	if strings.HasPrefix(step.Text, "+++ ") {
		t.ended = true
	}
}

// births are the calls that make tasks and return their IDs.
var births = map[string]bool{"clone": true, "clone3": true, "fork": true, "vfork": true}

// name gives the tasks their paths. A task is known by whose child it is, not by when it was first seen: that depends on the
// scheduler.
func (s *Steps) name() {
	if len(s.Threads) == 0 {
		return
	}
	s.Threads[0].Path = "1"
	for todo := s.Threads[:1:1]; len(todo) > 0; todo = todo[1:] {
		children := 0
		for _, step := range todo[0].Steps {
			id, err := strconv.Atoi(step.Result)
			if !births[step.Name] || err != nil || id <= 0 {
				continue
			}
			children++
			for _, t := range s.Threads {
				if t.number == id && t.Path == "" {
					t.Path = fmt.Sprintf("%s.%d", todo[0].Path, children)
					todo = append(todo, t)
					break
				}
			}
		}
	}
	n := 0
	for _, t := range s.Threads {
		if t.Path == "" { // of a PID namespace, or its parent died in the call
			n++
			t.Path = fmt.Sprintf("?%d", n)
		}
	}
}

var (
	straceLine    = regexp.MustCompile(`^(?:\[pid +(\d+)\]|(\d+)) +(.*)$`)
	straceResumed = regexp.MustCompile(`^<\.\.\. (\S+) resumed>(.*)$`)
	straceCall    = regexp.MustCompile(`^([a-z_]\w*)\((.*)$`)
)

const unfinished = "<unfinished ...>"

// ReadStrace reads what strace -f wrote.
func ReadStrace(r io.Reader) (*Steps, error) {
	s := new(Steps)
	open := map[*Thread]string{} // the beginning of a call
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		m := straceLine.FindStringSubmatch(lines.Text())
		if m == nil {
			return nil, fmt.Errorf("not a line of strace -f: %q", lines.Text())
		}
		id, err := strconv.Atoi(m[1] + m[2])
		if err != nil {
			return nil, err
		}
		t, line := s.thread(id), m[3]
		if strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ ") {
			if begun, ok := open[t]; ok && strings.HasPrefix(line, "+++ ") {
				s.add(t, parseCall(begun))
				delete(open, t)
			}
			s.add(t, Step{Text: line})
			continue
		}
		if m := straceResumed.FindStringSubmatch(line); m != nil {
			begun, ok := open[t]
			if !ok {
				return nil, fmt.Errorf("%s of %d is resumed, but was not begun", m[1], id)
			}
			delete(open, t)
			line = begun + m[2]
		}
		if begun, ok := strings.CutSuffix(line, unfinished); ok {
			open[t] = strings.TrimSuffix(begun, " ") // the space is strace's
			continue
		}
		if !straceCall.MatchString(line) {
			return nil, fmt.Errorf("not a call: %q", line)
		}
		s.add(t, parseCall(line))
	}
	for _, t := range s.Threads {
		if begun, ok := open[t]; ok {
			s.add(t, parseCall(begun))
		}
	}
	s.name()
	return s, lines.Err()
}

// parseCall reads a call's line, of which the end may be absent.
func parseCall(line string) Step {
	m := straceCall.FindStringSubmatch(line)
	if m == nil {
		return Step{Text: line}
	}
	args, rest := splitArgs(m[2])
	step := Step{Name: m[1], Args: args}
	if _, result, ok := strings.Cut(rest, "= "); ok {
		step.Result = strings.TrimSpace(result)
	}
	return step
}

// splitArgs splits text at the commas that are in no string and no bracket, and returns what follows the bracket that was
// open before it.
func splitArgs(text string) (args []string, rest string) {
	depth, start := 0, 0
	var quoted, escaped bool
	add := func(end int) {
		if a := strings.TrimSpace(text[start:end]); a != "" {
			args = append(args, a)
		}
		start = end + 1
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case escaped:
			escaped = false
		case quoted:
			quoted, escaped = c != '"', c == '\\'
		case c == '"':
			quoted = true
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' && depth == 0:
			add(i)
			return args, text[i+1:]
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			add(i)
		}
	}
	add(len(text))
	return args, ""
}

// Recorder makes Steps of events.
type Recorder struct {
	Style
	steps Steps
	open  map[*Thread]*Call
}

// Add takes the next event.
func (r *Recorder) Add(e *Event) {
	if e.Of.ID == 0 {
		return
	}
	t := r.steps.thread(e.Of.ID)
	switch e.Code {
	case trace.Enter:
		if r.open == nil {
			r.open = map[*Thread]*Call{}
		}
		r.open[t] = e.Call
	case trace.Exit:
		delete(r.open, t)
		r.steps.add(t, r.step(e.Call))
	case trace.Delivered:
		if line := describe(e); line != "" {
			r.steps.add(t, Step{Text: line})
		}
	case trace.Died:
		r.end(t)
		r.steps.add(t, Step{Text: describe(e)})
	}
}

// Steps are those of all events so far.
func (r *Recorder) Steps() *Steps {
	for _, t := range r.steps.Threads {
		r.end(t)
	}
	r.steps.name()
	return &r.steps
}

// end takes the call that did not return.
func (r *Recorder) end(t *Thread) {
	if c := r.open[t]; c != nil {
		delete(r.open, t)
		r.steps.add(t, r.step(c))
	}
}

func (r *Recorder) step(c *Call) Step {
	before, after := r.split(c)
	args, _ := splitArgs(strings.Join(append(before[:len(before):len(before)], after...), ", "))
	s := Step{Name: c.Name, Args: args}
	if c.Done {
		s.Result = c.result()
	} else if c.Name == "exit" || c.Name == "exit_group" {
		s.Result = "?"
	}
	return s
}
