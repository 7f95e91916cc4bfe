package trace

import (
	"encoding/json"
	"io"
	"strings"

	"kevlar/linux/trace"
)

// JSON writes an object per event, a line each: calls when they are done.
type JSON struct {
	Style
	enc *json.Encoder
}

// NewJSON returns a writer of lines to w.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc}
}

// line is an event. Times are nanoseconds since boot.
type line struct {
	Time    int64    `json:"time"`
	CPU     int      `json:"cpu"`
	Task    int      `json:"task"`
	Process int      `json:"process,omitempty"`
	Name    string   `json:"name,omitempty"`
	Event   string   `json:"event"`
	Call    string   `json:"call,omitempty"`
	Args    []string `json:"args,omitempty"`
	Raw     []uint64 `json:"raw,omitempty"` // arguments, or the record's words
	Result  *int64   `json:"result,omitempty"`
	Error   string   `json:"error,omitempty"`
	Took    int64    `json:"took,omitempty"`
	Text    string   `json:"text,omitempty"`
}

var eventNames = [trace.Codes]string{trace.Exit: "call", trace.Born: "born", trace.Named: "named", trace.Died: "died", trace.Switched: "switch", trace.Woken: "wake",
	trace.Slept: "sleep", trace.Resumed: "resume", trace.Faulted: "fault", trace.Sent: "sent", trace.Delivered: "signal", trace.Interrupt: "interrupt", trace.Walked: "walk",
	trace.Disk: "disk", trace.Paused: "gc"}

// Print writes an event.
func (j *JSON) Print(e *Event) error {
	if int(e.Code) >= len(eventNames) || eventNames[e.Code] == "" {
		return nil
	}
	l := line{Time: int64(e.Time), CPU: int(e.CPU), Task: e.Of.ID, Process: e.Of.Process, Name: e.Of.Name, Event: eventNames[e.Code]}
	if c := e.Call; c != nil {
		before, after := j.split(c)
		l.Time, l.Call, l.Args, l.Raw, l.Took = int64(c.Began), c.Name, append(before, after...), c.Args[:len(c.Kinds)], int64(c.Took)
		if c.Failed() {
			l.Error = errno(c.Errno)
		} else {
			v := int64(c.Result)
			l.Result = &v
		}
	} else {
		l.Raw, l.Text = e.Words[:e.N], strings.Trim(describe(e), "*+- ")
	}
	return j.enc.Encode(l)
}
