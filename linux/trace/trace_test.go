package trace

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// record runs the tracer around work and returns what a reader makes of the stream.
func record(t *testing.T, cfg Config, c Class, work func()) (*Reader, []Record) {
	t.Helper()
	var out bytes.Buffer
	cfg.Out = &out
	start := time.Now()
	if cfg.Now == nil {
		cfg.Now = func() time.Duration { return time.Since(start) }
	}
	if cfg.CPU == nil {
		cfg.CPU = func() int { return 0 }
	}
	cfg.Calls = append(cfg.Calls, Call{Number: 1, Name: "one", Args: []Kind{Path, Out | Timespec}})
	Start(cfg, c)
	work()
	Stop()
	r, err := NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	return r, readAll(t, r)
}

func readAll(t *testing.T, r *Reader) (all []Record) {
	t.Helper()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
}

// Many writers that change CPUs lose nothing, and their records come out in order.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 20000
	cpu := func() int { return rand.Intn(4) }
	r, all := record(t, Config{CPUs: 4, CPU: cpu}, All, func() {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					EmitWait(Enter, 7, w+1, uint64(i), ^uint64(i))
				}
			})
		}
		wg.Wait()
	})
	if !r.Ended || r.Lost != 0 {
		t.Errorf("ended %v, lost %d", r.Ended, r.Lost)
	}
	var next [writers + 1]uint64
	last := time.Duration(0)
	for _, rec := range all {
		if rec.Code == Paused {
			continue
		}
		if rec.Code != Enter || rec.Aux != 7 || rec.N != 2 || rec.Words[1] != ^rec.Words[0] {
			t.Fatalf("a record that nobody wrote: %+v", rec)
		}
		if rec.Words[0] != next[rec.Task] {
			t.Fatalf("task %d: record %d where %d should come", rec.Task, rec.Words[0], next[rec.Task])
		}
		next[rec.Task]++
		if rec.Time < last {
			t.Fatalf("time goes back from %v to %v", last, rec.Time)
		}
		last = rec.Time
	}
	for w, n := range next[1:] {
		if n != each {
			t.Errorf("task %d: %d records of %d", w+1, n, each)
		}
	}
}

// gate lets writes through once it is opened.
type gate struct {
	open chan struct{}
	bytes.Buffer
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(b)
}

// What finds no room is counted: received and lost make up what was emitted.
func TestLossesAreCounted(t *testing.T) {
	const n = 3 * ringSize
	g := &gate{open: make(chan struct{})}
	start := time.Now()
	Start(Config{Out: g, CPUs: 1, CPU: func() int { return 0 }, Now: func() time.Duration { return time.Since(start) },
		Calls: []Call{{Number: 1, Name: "one"}}}, Sched)
	for i := range n {
		Emit(Woken, 0, i)
	}
	close(g.open)
	Stop()
	r, err := NewReader(&g.Buffer)
	if err != nil {
		t.Fatal(err)
	}
	got := len(readAll(t, r))
	if r.Lost == 0 || uint64(got)+r.Lost != n {
		t.Errorf("%d records and %d lost, of %d", got, r.Lost, n)
	}
}

// Who waits for room is let go when nobody reads any more.
func TestBrokenStream(t *testing.T) {
	start := time.Now()
	Start(Config{Out: broken{}, CPUs: 1, CPU: func() int { return 0 }, Now: func() time.Duration { return time.Since(start) }}, All)
	for i := range 2 * ringSize {
		EmitWait(Enter, 0, i)
	}
	if Any() {
		t.Error("records are still wanted")
	}
	Stop()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no reader") }

// Off, nothing is recorded; classes can be changed while it runs.
func TestSelect(t *testing.T) {
	_, all := record(t, Config{}, 0, func() {
		for _, c := range []Class{0, Faults, 0} {
			Select(c)
			if On(Faults) {
				Emit(Faulted, 0, int(c))
			}
			if On(Syscall) {
				t.Error("a class that nobody chose is on")
			}
		}
	})
	if len(all) != 1 || all[0].Task != uint32(Faults) {
		t.Errorf("records: %+v", all)
	}
}

// Memory comes out as it went in, whatever its length.
func TestData(t *testing.T) {
	var want [][]byte
	for n := range 200 {
		b := make([]byte, n)
		rand.New(rand.NewSource(int64(n))).Read(b)
		want = append(want, b)
	}
	r, all := record(t, Config{}, Syscall, func() {
		for n, b := range want {
			EmitData(1, n%6, Returned, 1000+n, b)
		}
	})
	if c := r.Calls[1]; c.Name != "one" || !slices.Equal(c.Args, []Kind{Path, Out | Timespec}) {
		t.Errorf("the table has %+v", c)
	}
	for n, b := range want {
		var got []byte
		head := all[0]
		if head.Code != Data || head.Aux != uint16(n%6)|Returned || uint32(head.Words[0]) != uint32(1000+n) {
			t.Fatalf("%d: %+v", n, head)
		}
		got, all = append(got, head.Bytes()...), all[1:]
		for len(all) > 0 && all[0].Code == More {
			got, all = append(got, all[0].Bytes()...), all[1:]
		}
		if size := int(head.Words[0] >> 32); size != len(b) || len(got) < size || !bytes.Equal(got[:size], b) {
			t.Fatalf("%d bytes: got %x, want %x", n, got, b)
		}
	}
}

// A stream that breaks off, or is no stream, is no panic, and what was whole is read.
func TestBrokenInput(t *testing.T) {
	var out bytes.Buffer
	Start(Config{Out: &out, CPUs: 1, CPU: func() int { return 0 }, Now: func() time.Duration { return 0 },
		Calls: []Call{{Number: 1, Name: "one"}}, Missing: func() []Missing { return []Missing{{"call", "frob", 3}} }}, 0)
	Stop()
	whole := out.Bytes()
	for n := range len(whole) {
		r, err := NewReader(bytes.NewReader(whole[:n]))
		if err != nil {
			continue
		}
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF || r.Ended {
			t.Fatalf("%d of %d bytes: %v, ended %v", n, len(whole), err, r.Ended)
		}
	}
	r, err := NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if readAll(t, r); !r.Ended || len(r.Missing) != 1 || r.Missing[0] != (Missing{"call", "frob", 3}) {
		t.Errorf("ended %v, missing %v", r.Ended, r.Missing)
	}
	bad := append([]byte(nil), whole...)
	bad[len(Magic)]++
	if _, err := NewReader(bytes.NewReader(bad)); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		head := appendCalls(appendHeader(nil, Machine{}), KindNames(), []Call{{Number: 1}})
		r, err := NewReader(bytes.NewReader(append(head, b...)))
		for n := 0; err == nil; n++ {
			_, err = r.Next()
		}
	})
}

func TestClasses(t *testing.T) {
	for s, want := range map[string]Class{"all": All, "none": 0, "": 0, "syscall,gc": Syscall | GC} {
		if c, err := ParseClasses(s); err != nil || c != want {
			t.Errorf("%q: %v, %v", s, c, err)
		}
	}
	if _, err := ParseClasses("syscall,frob"); err == nil || !strings.Contains(err.Error(), "frob") {
		t.Errorf("an unknown class: %v", err)
	}
	if c, err := ParseClasses(All.String()); err != nil || c != All {
		t.Errorf("%v, %v", c, err)
	}
}

// Switches of CPUs follow from where tasks say that they run.
func TestSwitches(t *testing.T) {
	var cpu atomic.Int32
	_, all := record(t, Config{CPUs: 2, CPU: func() int { return int(cpu.Load()) }}, Sched, func() {
		Runs(10) // cpu 0: idle -> 10
		Runs(11) // cpu 0: 10 -> 11
		cpu.Store(1)
		Runs(10)  // cpu 1: idle -> 10
		Wakes(12) // by 10
		Runs(11)  // cpu 1: 10 -> 11, cpu 0: 11 -> idle
		Rests(11) // cpu 1: idle
	})
	type event struct {
		code      Code
		cpu       uint8
		task, was uint64
	}
	var got []event
	for _, r := range all {
		got = append(got, event{r.Code, r.CPU, uint64(r.Task), r.Words[0]})
	}
	want := []event{{Switched, 0, 10, 0}, {Switched, 0, 11, 10}, {Switched, 1, 10, 0}, {Woken, 1, 12, 10}, {Switched, 0, 0, 11}, {Switched, 1, 11, 10}, {Switched, 1, 0, 11}}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func BenchmarkOff(b *testing.B) {
	for b.Loop() {
		if On(Syscall) {
			Emit(Enter, 0, 1)
		}
	}
}

func BenchmarkOn(b *testing.B) {
	Start(Config{Out: io.Discard, CPUs: 1, CPU: func() int { return 0 }, Now: func() time.Duration { return 1 }}, Syscall)
	for b.Loop() {
		EmitWait(Enter, 0, 1, 2, 3)
	}
	Stop()
}

// Watchers hear of each choice, also of the end.
func TestWatch(t *testing.T) {
	var heard []Class
	Watch(func(c Class) { heard = append(heard, c) })
	record(t, Config{CPUs: 1}, Syscall, func() { Select(GC | Sched) })
	if want := []Class{Syscall, GC | Sched, 0}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}
