package trace

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"

	"kevlar/linux/trace"
)

// fieldsOf are a message's fields: numbers as uint64, everything else as bytes.
type fieldsOf map[protowire.Number][]any

func parse(t *testing.T, b []byte) fieldsOf {
	t.Helper()
	m := fieldsOf{}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("field %d has wire type %d, which the schema does not use", num, kind)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m[num] = append(m[num], v)
		b = b[n:]
	}
	return m
}

func (m fieldsOf) number(n protowire.Number) uint64 {
	if v := m[n]; len(v) == 1 {
		return v[0].(uint64)
	}
	return 0
}

func (m fieldsOf) bytes(n protowire.Number) []byte {
	if v := m[n]; len(v) == 1 {
		return v[0].([]byte)
	}
	return nil
}

// packets are a file's, in the order of their times as the trace processor takes them.
func packets(t *testing.T, file []byte) (list []fieldsOf) {
	t.Helper()
	for _, p := range parse(t, file)[1] {
		m := parse(t, p.([]byte))
		if m.number(10) == 0 {
			t.Fatal("a packet without a sequence")
		}
		list = append(list, m)
	}
	at := func(p fieldsOf) uint64 {
		if b := p.bytes(packetFtrace); b != nil { // its events have their own times
			return parse(t, parse(t, b).bytes(ftraceEvent)).number(ftraceTimestamp)
		}
		return p.number(packetTimestamp)
	}
	sort.SliceStable(list, func(i, j int) bool { return at(list[i]) < at(list[j]) })
	return list
}

func perfetto(t *testing.T, stream []byte) []fieldsOf {
	t.Helper()
	return packets(t, writePerfetto(t, stream))
}

// writePerfetto is the file that is written of a stream.
func writePerfetto(t *testing.T, stream []byte) []byte {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := NewPerfetto(&out, r.Machine)
	each(t, stream, func(e *Event) {
		if err := p.Print(e); err != nil {
			t.Fatal(err)
		}
	})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read writes down what a reader of the file sees: slices with the names around them, by
// tracks, and what CPUs run. Every track is described before it is used.
func read(t *testing.T, list []fieldsOf) string {
	t.Helper()
	var out strings.Builder
	tracks, open, arrows := map[uint64]string{}, map[uint64][]string{}, map[uint64]string{}
	for _, p := range list { // descriptors have no time: they come first
		if d := p.bytes(packetDescriptor); d != nil {
			m := parse(t, d)
			name := string(m.bytes(descriptorName))
			if b := m.bytes(descriptorThread); b != nil {
				th := parse(t, b)
				name = fmt.Sprintf("%s[%d.%d]", th.bytes(5), th.number(1), th.number(2))
			}
			if b := m.bytes(descriptorProcess); b != nil {
				name = fmt.Sprintf("process %d", parse(t, b).number(1))
			}
			tracks[m.number(descriptorUUID)] = name
		}
	}
	for _, p := range list {
		if b := p.bytes(packetFtrace); b != nil {
			m := parse(t, b)
			e := parse(t, m.bytes(ftraceEvent))
			if s := e.bytes(ftraceSwitch); s != nil {
				f := parse(t, s)
				fmt.Fprintf(&out, "CPU %d: %d state %d -> %s %d\n", m.number(ftraceCPU), f.number(2), f.number(4), f.bytes(5), f.number(6))
			}
			if s := e.bytes(ftraceWaking); s != nil {
				fmt.Fprintf(&out, "CPU %d: %d wakes %d\n", m.number(ftraceCPU), e.number(ftracePID), parse(t, s).number(2))
			}
		}
		b := p.bytes(packetTrackEvent)
		if b == nil {
			continue
		}
		e := parse(t, b)
		track := e.number(eventTrack)
		name, ok := tracks[track]
		if !ok {
			t.Fatalf("track %d is not described", track)
		}
		around := open[track]
		switch e.number(eventType) {
		case sliceBegin:
			around = append(around, string(e.bytes(eventName)))
			line := name + ": " + strings.Join(around, " > ")
			for _, a := range e[eventAnnotation] {
				m := parse(t, a.([]byte))
				line += fmt.Sprintf(" %s=%s", m.bytes(annotationName), m.bytes(annotationString))
			}
			fmt.Fprintln(&out, line)
		case sliceEnd:
			if len(around) == 0 {
				t.Fatalf("%s: a slice ends that did not begin:\n%s", name, &out)
			}
			around = around[:len(around)-1]
		case instant:
			line := name + ": " + strings.Join(append(around[:len(around):len(around)], "! "+string(e.bytes(eventName))), " > ")
			if id := e.number(eventFlow); id != 0 {
				arrows[id] = name
			}
			if id := e.number(eventFlowEnds); id != 0 {
				line += " by " + arrows[id]
			}
			fmt.Fprintln(&out, line)
		default:
			t.Fatalf("an event of type %d", e.number(eventType))
		}
		open[track] = around
	}
	for track, names := range open {
		if len(names) > 0 {
			fmt.Fprintf(&out, "%s: open: %s\n", tracks[track], strings.Join(names, " > "))
		}
	}
	return out.String()
}

// A pipe of two processes reads as what happened: calls, sleeps inside them, who ran where
// and who woke whom.
func TestPerfetto(t *testing.T) {
	s := stream(trace.All, func() {
		e := trace.EmitWait
		e(trace.Born, 0, 1, 0, 1)
		trace.EmitName(1, "cat")
		e(trace.Born, 0, 2, 1, 2)
		trace.EmitName(2, "sh")
		trace.Runs(1)
		e(trace.Faulted, 0, 1, 0x1000, 1, 0, 500)
		e(trace.Enter, unix.SYS_READ, 1, 0, 0x2000, 10)
		e(trace.Slept, 0, 1)
		trace.Rests(1)
		trace.Runs(2)
		e(trace.Enter, unix.SYS_WRITE, 2, 1, 0, 3)
		trace.Wakes(1)
		e(trace.Exit, unix.SYS_WRITE, 2, 3, 0, 1000)
		e(trace.Interrupt, 0, 2)
		trace.Runs(1)
		e(trace.Resumed, 0, 1, 4000)
		trace.EmitData(1, 1, trace.Returned, 3, []byte("ab\xff"))
		e(trace.Exit, unix.SYS_READ, 1, 3, 0, 9000)
		e(trace.Disk, 1, 0, 4096, 512, 3000)
		e(trace.Disk, 0, 0, 0, 512, 3500) // overlaps with it
		e(trace.Enter, unix.SYS_EXIT_GROUP, 1, 3)
		e(trace.Died, 1, 1, 3<<8)
		e(trace.Enter, unix.SYS_READ, 2, 7, 0, 0)
	})
	want := `CPU 0: 0 state 0 -> cat 1
cat[1.1]: page fault address=0x1000 access=write result=0
cat[1.1]: read arguments=0, "ab\377", 10 result=3
cat[1.1]: read > sleep
CPU 0: 1 state 1 -> swapper 0
CPU 0: 0 state 0 -> sh 2
sh[2.2]: write arguments=1, NULL, 3 result=3
CPU 0: 2 wakes 1
sh[2.2]: write > ! wakes cat 1
interrupts of CPU 0: ! interrupt
CPU 0: 2 state 0 -> cat 1
cat[1.1]: read > sleep > ! woken by sh[2.2]
disk 0: write offset=4096 length=512
disk 1: read offset=0 length=512
cat[1.1]: exit_group arguments=3
cat[1.1]: ! exited with 3
sh[2.2]: read arguments=7, NULL, 0
sh[2.2]: open: read
`
	if got := read(t, perfetto(t, s)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The clock tells the time of day, and the first packet begins the sequence.
func TestPerfettoClock(t *testing.T) {
	boot := time.Unix(1e9, 5)
	var out bytes.Buffer
	NewPerfetto(&out, trace.Machine{Boot: boot, Release: "6.12", Arch: "x86_64"}).Close()
	list := packets(t, out.Bytes())
	clocks := parse(t, list[0].bytes(packetClockSnapshot))[1]
	if c := parse(t, clocks[1].([]byte)); c.number(1) != 1 || c.number(2) != uint64(boot.UnixNano()) {
		t.Errorf("CLOCK_REALTIME: %v", c)
	}
	if list[0].number(packetFlags) != 1 || list[1].number(packetFlags) != 0 {
		t.Error("the first packet is not the one that begins the sequence")
	}
}
