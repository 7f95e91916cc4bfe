package trace

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"kevlar/linux/trace"
)

// Perfetto writes a trace for Perfetto's viewer and its trace processor: a stream of
// TracePackets (perfetto.dev, protos/perfetto/trace). What CPUs run and who wakes whom is
// told as Linux's ftrace tells it, by which the viewer draws its tracks of CPUs and thread
// states. Everything else is track events: calls, sleeps and faults on the tracks of their
// threads, interrupts, disks and the garbage collector on tracks of their own. Times are
// nanoseconds since boot, its default clock.
type Perfetto struct {
	Style
	w       *bufio.Writer
	err     error
	begun   bool
	uuid    uint64 // of the track made last
	flow    uint64 // the arrow made last
	threads map[*Task]*thread
	numbers map[int]*Task  // by their IDs
	process map[int]uint64 // tracks of processes, by their IDs
	cpus    map[int]uint64 // tracks of interrupts
	disk    []lane         // tracks of requests, which overlap
	gc      uint64         // track; 0 where there is none yet
	order   []*thread      // in the order of their tracks
}

// thread is a task's track.
type thread struct {
	track uint64
	name  string // that its descriptor has
	call  *Call  // under way
	inner []byte // packets of what has happened during the call
	sleep int64  // prev_state while it sleeps, else 0
	nap   bool   // a slice of its sleep is open
	dead  bool
	woken uint64 // the arrow that ends where it runs next; 0 for none
}

// lane is a track of disk requests, none of which overlap.
type lane struct {
	track uint64
	end   time.Duration // of the last one
}

// NewPerfetto returns a writer to w. m is the machine that the trace is of.
func NewPerfetto(w io.Writer, m trace.Machine) *Perfetto {
	p := &Perfetto{w: bufio.NewWriterSize(w, 1<<20), threads: map[*Task]*thread{}, numbers: map[int]*Task{}, process: map[int]uint64{}, cpus: map[int]uint64{}}
	const bootTime, realTime = 6, 1
	clock := func(id, at uint64) []byte { return number(number(nil, 1, id), 2, at) }
	clocks := message(nil, 1, clock(bootTime, 0))
	clocks = message(clocks, 1, clock(realTime, uint64(m.Boot.UnixNano())))
	p.packet(message(nil, packetClockSnapshot, number(clocks, 2, bootTime)))
	utsname := str(nil, 1, "Linux")
	utsname = str(str(utsname, 3, m.Release), 4, m.Arch)
	p.packet(message(nil, packetSystemInfo, message(nil, 1, utsname)))
	return p
}

// Numbers of fields.
const (
	packetFtrace        = 1
	packetClockSnapshot = 6
	packetTimestamp     = 8
	packetSequence      = 10
	packetTrackEvent    = 11
	packetFlags         = 13
	packetSystemInfo    = 45
	packetDescriptor    = 60

	descriptorUUID    = 1
	descriptorName    = 2
	descriptorProcess = 3
	descriptorThread  = 4

	eventAnnotation  = 4
	eventType        = 9
	eventTrack       = 11
	eventCategory    = 22
	eventName        = 23
	eventFlow        = 47
	eventFlowEnds    = 48
	annotationString = 6
	annotationName   = 10

	ftraceCPU       = 1
	ftraceEvent     = 2
	ftraceTimestamp = 1
	ftracePID       = 2
	ftraceSwitch    = 4
	ftraceWaking    = 20
)

// TrackEvent.Type.
const (
	sliceBegin = 1
	sliceEnd   = 2
	instant    = 3
)

// sequence is the number of the one sequence of packets that this is.
const sequence = 1

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func fixed(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), v)
}

func message(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

func str(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), strings.ToValidUTF8(s, "\ufffd"))
}

// framed is a packet as an element of the file's Trace.
func (p *Perfetto) framed(packet []byte) []byte {
	packet = number(packet, packetSequence, sequence)
	if !p.begun { // SEQ_INCREMENTAL_STATE_CLEARED: nothing came before
		packet, p.begun = number(packet, packetFlags, 1), true
	}
	return message(nil, 1, packet)
}

func (p *Perfetto) packet(packet []byte) { p.write(p.framed(packet)) }

func (p *Perfetto) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

// note is a track event's debug annotation.
type note struct{ name, value string }

// event makes a packet of a track event.
func (p *Perfetto) event(at time.Duration, kind uint64, track uint64, category, name string, more []byte, notes ...note) []byte {
	e := number(number(nil, eventTrack, track), eventType, kind)
	if category != "" {
		e = str(e, eventCategory, category)
	}
	if name != "" {
		e = str(e, eventName, name)
	}
	for _, n := range notes {
		e = message(e, eventAnnotation, str(str(nil, annotationName, n.name), annotationString, n.value))
	}
	e = append(e, more...)
	return p.framed(message(number(nil, packetTimestamp, uint64(max(at, 0))), packetTrackEvent, e))
}

// newTrack describes a track; as is a field of its descriptor, or nil.
func (p *Perfetto) newTrack(name string, as []byte) uint64 {
	p.uuid++
	p.describe(p.uuid, name, as)
	return p.uuid
}

func (p *Perfetto) describe(track uint64, name string, as []byte) {
	d := number(nil, descriptorUUID, track)
	if name != "" {
		d = str(d, descriptorName, name)
	}
	p.packet(message(nil, packetDescriptor, append(d, as...)))
}

// thread is the state of a task, whose track is described when it is met first and when
// its name changes.
func (p *Perfetto) thread(t *Task) *thread {
	s := p.threads[t]
	if s != nil && s.name == t.Name {
		return s
	}
	if t.ID == 0 {
		if s == nil {
			s = p.add(t, p.newTrack("kernel", nil))
		}
		return s
	}
	process := p.process[t.Process]
	if process == 0 || t.ID == t.Process {
		as := number(nil, 1, uint64(t.Process))
		if t.ID == t.Process && t.Name != "" {
			as = str(as, 6, t.Name)
		}
		as = message(nil, descriptorProcess, as)
		if process == 0 {
			process = p.newTrack("", as)
			p.process[t.Process] = process
		} else {
			p.describe(process, "", as)
		}
	}
	as := number(number(nil, 1, uint64(t.Process)), 2, uint64(t.ID))
	if t.Name != "" {
		as = str(as, 5, t.Name)
	}
	as = message(nil, descriptorThread, as)
	if s == nil {
		s = p.add(t, p.newTrack("", as))
	} else {
		p.describe(s.track, "", as)
	}
	s.name = t.Name
	return s
}

func (p *Perfetto) add(t *Task, track uint64) *thread {
	s := &thread{track: track}
	p.threads[t], p.numbers[t.ID], p.order = s, t, append(p.order, s)
	return s
}

// on writes a track event of a thread, now or with the call that is under way.
func (p *Perfetto) on(s *thread, packet []byte) {
	if s.call != nil {
		s.inner = append(s.inner, packet...)
	} else {
		p.write(packet)
	}
}

// Print writes an event.
func (p *Perfetto) Print(e *Event) error {
	if e.Code == trace.Born {
		delete(p.threads, e.Of) // the number may have been another's
		if e.Of.ID == e.Of.Process {
			delete(p.process, e.Of.Process)
		}
	}
	s := p.thread(e.Of)
	w := &e.Words
	// span is a slice that ends now.
	span := func(category, name string, took uint64, notes ...note) {
		p.on(s, p.event(e.Time-time.Duration(took), sliceBegin, s.track, category, name, nil, notes...))
		p.on(s, p.event(e.Time, sliceEnd, s.track, "", "", nil))
	}
	moment := func(category, name string, more []byte) {
		p.on(s, p.event(e.Time, instant, s.track, category, name, more))
	}
	switch e.Code {
	case trace.Enter:
		s.call = e.Call
	case trace.Exit:
		if s.call == nil { // a filter has let only its end through
			s.call = e.Call
		}
		p.call(s)
		p.write(p.event(e.Time, sliceEnd, s.track, "", "", nil))
	case trace.Died:
		if s.call != nil {
			p.call(s)
			p.write(p.event(e.Time, sliceEnd, s.track, "", "", nil))
		}
		s.dead = true
		moment("task", strings.Trim(describe(e), "+ "), nil)
	case trace.Switched:
		if s.woken != 0 {
			moment("sched", "woken", fixed(nil, eventFlowEnds, s.woken))
			s.woken = 0
		}
		p.switched(e)
	case trace.Woken:
		p.woken(e, s)
	case trace.Slept:
		s.sleep, s.nap = 1+int64(e.Aux&1), true // TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE
		p.on(s, p.event(e.Time, sliceBegin, s.track, "wait", "sleep", nil))
	case trace.Resumed:
		s.sleep = 0
		if s.nap {
			p.on(s, p.event(e.Time, sliceEnd, s.track, "", "", nil))
		}
		s.nap = false
	case trace.Faulted:
		how := [...]string{"read", "write", "execute"}[min(w[1], 2)]
		span("fault", "page fault", w[3], note{"address", hex(w[0])}, note{"access", how}, note{"result", result(int(w[2]))})
	case trace.Walked:
		span("vfs", "walk", w[1], note{"path", text(e.Bytes()[16:])}, note{"result", result(int(w[0]))})
	case trace.Sent, trace.Delivered:
		moment("signal", strings.Trim(describe(e), "*- "), nil)
	case trace.Interrupt:
		track := p.cpus[int(e.CPU)]
		if track == 0 {
			track = p.newTrack(fmt.Sprintf("interrupts of CPU %d", e.CPU), nil)
			p.cpus[int(e.CPU)] = track
		}
		p.write(p.event(e.Time, instant, track, "irq", "interrupt", nil, note{"task", fmt.Sprint(e.Of.ID)}))
	case trace.Disk:
		p.request(e)
	case trace.Paused: // its time is that of its beginning
		if p.gc == 0 {
			p.gc = p.newTrack("garbage collector", nil)
		}
		p.write(p.event(e.Time, sliceBegin, p.gc, "gc", "stop the world", nil))
		p.write(p.event(e.Time+time.Duration(w[0]), sliceEnd, p.gc, "", "", nil))
	}
	return p.err
}

// call writes the beginning of the call under way, and what has happened in it.
func (p *Perfetto) call(s *thread) {
	c := s.call
	if c == nil {
		return
	}
	before, after := p.split(c)
	notes := []note{{"arguments", strings.Join(append(before[:len(before):len(before)], after...), ", ")}}
	if c.Done {
		notes = append(notes, note{"result", c.result()})
	}
	s.call = nil
	p.write(p.event(c.Began, sliceBegin, s.track, "syscall", c.Name, nil, notes...))
	p.write(s.inner)
	s.inner = s.inner[:0]
}

func result(e int) string {
	if e == 0 {
		return "0"
	}
	return errno(e)
}

// switched is ftrace's sched_switch.
func (p *Perfetto) switched(e *Event) {
	before := int(e.Words[0])
	state := int64(0)
	if t := p.numbers[before]; t != nil && before != 0 {
		if s := p.threads[t]; s != nil {
			state = s.sleep
			if s.dead {
				state = 16 // EXIT_DEAD
			}
		}
	}
	m := str(nil, 1, p.comm(before))
	m = number(number(number(m, 2, uint64(before)), 3, 120), 4, uint64(state))
	m = number(number(str(m, 5, p.comm(e.Of.ID)), 6, uint64(e.Of.ID)), 7, 120)
	p.ftrace(e, before, ftraceSwitch, m)
}

// woken is ftrace's sched_waking, and an arrow from the waker to where the task runs next.
func (p *Perfetto) woken(e *Event, s *thread) {
	by := int(e.Words[0])
	m := number(number(str(nil, 1, p.comm(e.Of.ID)), 2, uint64(e.Of.ID)), 3, 120)
	p.ftrace(e, by, ftraceWaking, number(number(m, 4, 1), 5, uint64(e.CPU)))
	waker := p.numbers[by]
	if waker == nil {
		waker = &Task{ID: by, Process: by}
	}
	p.flow++
	s.woken = p.flow
	from := p.thread(waker)
	p.on(from, p.event(e.Time, instant, from.track, "sched", fmt.Sprintf("wakes %s %d", e.Of.Name, e.Of.ID), fixed(nil, eventFlow, p.flow)))
}

// ftrace writes an event of Linux's own tracer: kind is its field, by the task that ran.
func (p *Perfetto) ftrace(e *Event, by int, kind protowire.Number, m []byte) {
	f := number(number(nil, ftraceTimestamp, uint64(e.Time)), ftracePID, uint64(by))
	b := message(number(nil, ftraceCPU, uint64(e.CPU)), ftraceEvent, message(f, kind, m))
	p.packet(message(nil, packetFtrace, b))
}

// comm is the name of a task: "swapper" is what Linux calls a CPU's idleness.
func (p *Perfetto) comm(id int) string {
	if id == 0 {
		return "swapper"
	}
	if t := p.numbers[id]; t != nil {
		return t.Name
	}
	return ""
}

// request writes a disk's request on the first track that is free at its time.
func (p *Perfetto) request(e *Event) {
	w := &e.Words
	began := e.Time - time.Duration(w[2])
	i := 0
	for i < len(p.disk) && p.disk[i].end > began {
		i++
	}
	if i == len(p.disk) {
		p.disk = append(p.disk, lane{track: p.newTrack(fmt.Sprintf("disk %d", i), nil)})
	}
	l := &p.disk[i]
	l.end = e.Time
	name := [...]string{"read", "write", "flush"}[min(e.Aux, 2)]
	p.write(p.event(began, sliceBegin, l.track, "block", name, nil, note{"offset", fmt.Sprint(w[0])}, note{"length", fmt.Sprint(w[1])}))
	p.write(p.event(e.Time, sliceEnd, l.track, "", "", nil))
}

// Close writes what is under way still: calls that did not return have no end.
func (p *Perfetto) Close() error {
	for _, s := range p.order {
		p.call(s)
	}
	if p.err != nil {
		return p.err
	}
	return p.w.Flush()
}
