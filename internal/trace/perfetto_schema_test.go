package trace

import (
	"bytes"
	goflag "flag"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"kevlar/linux/trace"
)

// schema lists the messages of Perfetto's published schema (github.com/google/perfetto,
// protos/perfetto/trace) that a trace of ours may have, with the numbers and types of the
// fields it may use: whatever else is in a file is an error. A name with a capital letter
// is a message.
const schema = `
Trace: packet []TracePacket 1
TracePacket: ftrace_events FtraceEventBundle 1, clock_snapshot ClockSnapshot 6, timestamp uint64 8, trusted_packet_sequence_id uint32 10, track_event TrackEvent 11, sequence_flags uint32 13, system_info SystemInfo 45, track_descriptor TrackDescriptor 60
ClockSnapshot: clocks []Clock 1, primary_trace_clock int32 2
Clock: clock_id uint32 1, timestamp uint64 2
SystemInfo: utsname Utsname 1
Utsname: sysname string 1, version string 2, release string 3, machine string 4
TrackDescriptor: uuid uint64 1, name string 2, process ProcessDescriptor 3, thread ThreadDescriptor 4, parent_uuid uint64 5
ProcessDescriptor: pid int32 1, process_name string 6
ThreadDescriptor: pid int32 1, tid int32 2, thread_name string 5
TrackEvent: debug_annotations []DebugAnnotation 4, type int32 9, track_uuid uint64 11, categories []string 22, name string 23, flow_ids []fixed64 47, terminating_flow_ids []fixed64 48
DebugAnnotation: string_value string 6, name string 10
FtraceEventBundle: cpu uint32 1, event []FtraceEvent 2
FtraceEvent: timestamp uint64 1, pid uint32 2, sched_switch SchedSwitchFtraceEvent 4, sched_waking SchedWakingFtraceEvent 20
SchedSwitchFtraceEvent: prev_comm string 1, prev_pid int32 2, prev_prio int32 3, prev_state int64 4, next_comm string 5, next_pid int32 6, next_prio int32 7
SchedWakingFtraceEvent: comm string 1, pid int32 2, prio int32 3, success int32 4, target_cpu int32 5
`

// perfettoTrace is the descriptor of a file's message.
func perfettoTrace(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	types := map[string]descriptorpb.FieldDescriptorProto_Type{
		"string": descriptorpb.FieldDescriptorProto_TYPE_STRING, "uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32,
		"uint64": descriptorpb.FieldDescriptorProto_TYPE_UINT64, "int32": descriptorpb.FieldDescriptorProto_TYPE_INT32,
		"int64": descriptorpb.FieldDescriptorProto_TYPE_INT64, "fixed64": descriptorpb.FieldDescriptorProto_TYPE_FIXED64,
	}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("trace.proto"), Package: proto.String("p"), Syntax: proto.String("proto2")}
	for line := range strings.Lines(strings.TrimSpace(schema)) {
		name, fields, _ := strings.Cut(strings.TrimSpace(line), ": ")
		m := &descriptorpb.DescriptorProto{Name: &name}
		for _, f := range strings.Split(fields, ", ") {
			var field, kind string
			var number int32
			if _, err := fmt.Sscan(f, &field, &kind, &number); err != nil {
				t.Fatalf("%s: %q: %v", name, f, err)
			}
			d := &descriptorpb.FieldDescriptorProto{Name: &field, Number: &number, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
			if k, ok := strings.CutPrefix(kind, "[]"); ok {
				kind, d.Label = k, descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			}
			if k, ok := types[kind]; ok {
				d.Type = k.Enum()
			} else {
				d.Type, d.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".p."+kind)
			}
			m.Field = append(m.Field, d)
		}
		file.MessageType = append(file.MessageType, m)
	}
	d, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().ByName("Trace")
}

// strict fails where a message or one inside it has a field that the schema does not list,
// or one of another type, which is the same to a decoder.
func strict(m protoreflect.Message) error {
	if u := m.GetUnknown(); len(u) > 0 {
		return fmt.Errorf("%s: unknown fields %x", m.Descriptor().Name(), []byte(u))
	}
	var err error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				if err == nil {
					err = strict(v.List().Get(i).Message())
				}
			}
		default:
			err = strict(v.Message())
		}
		return err == nil
	})
	return err
}

// view reads fields of a message by their names.
type view struct{ protoreflect.Message }

func (v view) field(name string) protoreflect.FieldDescriptor {
	f := v.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil {
		panic("no field " + name)
	}
	return f
}
func (v view) has(name string) bool                 { return v.Has(v.field(name)) }
func (v view) value(name string) protoreflect.Value { return v.Get(v.field(name)) }
func (v view) message(name string) view             { return view{v.value(name).Message()} }
func (v view) uint(name string) uint64              { return v.value(name).Uint() }
func (v view) int(name string) int64                { return v.value(name).Int() }
func (v view) list(name string) protoreflect.List   { return v.value(name).List() }
func (v view) ids(name string) (ids []uint64) {
	for l, i := v.list(name), 0; i < l.Len(); i++ {
		ids = append(ids, l.Get(i).Uint())
	}
	return ids
}

// valid checks a file by the schema, and by what Perfetto's comments there ask of producers:
// tracks that are described before they are used, slices that nest, arrows with two ends.
func valid(t *testing.T, file []byte) error {
	t.Helper()
	root := dynamicpb.NewMessage(perfettoTrace(t))
	if err := proto.Unmarshal(file, root); err != nil {
		return err
	}
	if err := strict(root); err != nil {
		return err
	}
	packets := view{root}.list("packet")
	tracks := map[uint64]string{} // by uuid, what they are
	type event struct {
		at uint64
		view
	}
	var events []event
	running := map[uint64]int64{} // by CPU
	last := map[uint64]uint64{}
	for i := range packets.Len() {
		p := view{packets.Get(i).Message()}
		if p.uint("trusted_packet_sequence_id") == 0 {
			return fmt.Errorf("packet %d has no sequence", i)
		}
		if first := p.uint("sequence_flags")&1 != 0; first != (i == 0) {
			return fmt.Errorf("packet %d: state is cleared: %v", i, first)
		}
		kinds := 0 // the schema's oneof
		for _, k := range []string{"ftrace_events", "clock_snapshot", "track_event", "system_info", "track_descriptor"} {
			if p.has(k) {
				kinds++
			}
		}
		switch {
		case kinds != 1:
			return fmt.Errorf("packet %d has data of %d kinds", i, kinds)
		case p.has("track_descriptor"):
			d := p.message("track_descriptor")
			id, what := d.uint("uuid"), "track "+d.value("name").String()
			if id == 0 {
				return fmt.Errorf("packet %d describes the track of all", i)
			}
			if d.has("process") {
				what = fmt.Sprint("process ", d.message("process").int("pid"))
			}
			if d.has("thread") {
				th := d.message("thread")
				if d.has("process") || !th.has("pid") || !th.has("tid") {
					return fmt.Errorf("packet %d: a thread without IDs, or a process's too", i)
				}
				what = fmt.Sprint("thread ", th.int("tid"))
			}
			if was, ok := tracks[id]; ok && was != what {
				return fmt.Errorf("track %d is %s and %s", id, was, what)
			}
			if d.has("parent_uuid") && tracks[d.uint("parent_uuid")] == "" {
				return fmt.Errorf("the parent of track %d is not described", id)
			}
			tracks[id] = what
		case p.has("track_event"):
			if !p.has("timestamp") {
				return fmt.Errorf("packet %d: an event without a time", i)
			}
			e := p.message("track_event")
			if tracks[e.uint("track_uuid")] == "" {
				return fmt.Errorf("packet %d is on a track that is not described before it", i)
			}
			events = append(events, event{p.uint("timestamp"), e})
		case p.has("ftrace_events"):
			b := p.message("ftrace_events")
			cpu := b.uint("cpu")
			for j := range b.list("event").Len() {
				e := view{b.list("event").Get(j).Message()}
				if at := e.uint("timestamp"); at < last[cpu] {
					return fmt.Errorf("packet %d: time of CPU %d goes back", i, cpu)
				} else {
					last[cpu] = at
				}
				if !e.has("sched_switch") {
					continue
				}
				s := e.message("sched_switch")
				if was, ok := running[cpu]; ok && was != s.int("prev_pid") || uint64(s.int("prev_pid")) != e.uint("pid") {
					return fmt.Errorf("packet %d: CPU %d leaves %d, where %d ran", i, cpu, s.int("prev_pid"), was)
				}
				if running[cpu] = s.int("next_pid"); running[cpu] < 0 || running[cpu] > math.MaxInt32 {
					return fmt.Errorf("packet %d: no PID: %d", i, running[cpu])
				}
			}
		}
	}
	// The trace processor sorts events by time; those of a track nest.
	sort.SliceStable(events, func(i, j int) bool { return events[i].at < events[j].at })
	depth, flows := map[uint64]int{}, map[uint64]string{}
	for _, e := range events {
		track := e.uint("track_uuid")
		switch e.int("type") {
		case sliceBegin, instant:
			if !e.has("name") || e.list("categories").Len() == 0 {
				return fmt.Errorf("an event of %s has no name or category", tracks[track])
			}
			if e.int("type") == sliceBegin {
				depth[track]++
			}
		case sliceEnd:
			if depth[track]--; depth[track] < 0 {
				return fmt.Errorf("%s: a slice ends at %d that did not begin", tracks[track], e.at)
			}
		default:
			return fmt.Errorf("an event of type %d", e.int("type"))
		}
		for _, id := range e.ids("flow_ids") {
			if flows[id] != "" {
				return fmt.Errorf("flow %d begins twice", id)
			}
			flows[id] = "open"
		}
		for _, id := range e.ids("terminating_flow_ids") {
			if flows[id] != "open" {
				return fmt.Errorf("flow %d ends where it is %q", id, flows[id])
			}
			flows[id] = "ended"
		}
	}
	t.Logf("%d packets, %d track events, %d tracks, %d flows, %d CPUs", packets.Len(), len(events), len(tracks), len(flows), len(running))
	return nil
}

// A file is valid by the schema; the check finds what is wrong with one.
func TestPerfettoSchema(t *testing.T) {
	s := stream(trace.All, func() {
		e := trace.EmitWait
		e(trace.Born, 0, 1, 0, 1)
		trace.EmitName(1, "reader")
		e(trace.Born, 0, 2, 1, 2)
		trace.EmitName(2, "writer")
		trace.Runs(1)
		e(trace.Enter, unix.SYS_READ, 1, 0, 0x2000, 10)
		e(trace.Slept, 0, 1)
		trace.Rests(1)
		trace.Runs(2)
		e(trace.Enter, unix.SYS_WRITE, 2, 1, 0, 3)
		e(trace.Faulted, 0, 2, 0x1000, 1, 0, 500)
		trace.Wakes(1)
		e(trace.Exit, unix.SYS_WRITE, 2, 3, 0, 1000)
		e(trace.Interrupt, 0, 2)
		trace.EmitWalk(2, []byte("/a\xff"), unix.ENOENT, 10)
		trace.Runs(1)
		e(trace.Resumed, 0, 1, 4000)
		e(trace.Exit, unix.SYS_READ, 1, 3, 0, 9000)
		e(trace.Disk, 1, 0, 4096, 512, 3000)
		e(trace.Sent, 0, 1, uint64(unix.SIGPIPE), 2, 0)
		e(trace.Paused, 0, 0, 2000)
	})
	out := writePerfetto(t, s)
	if err := valid(t, out); err != nil {
		t.Error(err)
	}
	add := func(packet []byte) []byte {
		return append(bytes.Clone(out), message(nil, 1, number(packet, packetSequence, sequence))...)
	}
	for what, b := range map[string][]byte{
		"an unknown field":         add(number(message(nil, packetSystemInfo, nil), 999, 1)),
		"a field of another type":  add(fixed(message(nil, packetSystemInfo, nil), packetTimestamp, 1)),
		"two kinds of data":        add(message(message(nil, packetSystemInfo, nil), packetClockSnapshot, nil)),
		"an undescribed track":     add(message(number(nil, packetTimestamp, 1), packetTrackEvent, number(number(nil, eventTrack, 999), eventType, instant))),
		"an end without beginning": add(message(number(nil, packetTimestamp, 0), packetTrackEvent, number(number(nil, eventTrack, 1), eventType, sliceEnd))),
		"half a packet":            out[:len(out)-1],
	} {
		if err := valid(t, b); err == nil {
			t.Errorf("%s is not noticed", what)
		}
	}
}

var perfettoFile = goflag.String("perfetto", "", "check this file, of kevlar trace --perfetto, by the schema")

// A file from a run: go test ./internal/trace -run PerfettoFile -v -perfetto FILE
func TestPerfettoFile(t *testing.T) {
	if *perfettoFile == "" {
		t.Skip("no -perfetto FILE")
	}
	b, err := os.ReadFile(*perfettoFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := valid(t, b); err != nil {
		t.Error(err)
	}
}
