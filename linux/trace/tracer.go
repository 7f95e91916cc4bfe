package trace

import (
	"io"
	"runtime/debug"
	"sync"
	"time"
)

// Config is what a tracer needs to know of the machine.
type Config struct {
	Out     io.Writer            // gets the stream
	Now     func() time.Duration // since boot
	CPU     func() int           // that runs the caller
	CPUs    int
	Machine Machine
	Calls   []Call
	Limit   int // bytes recorded of a buffer
	// Missing lists, at the end, what programs asked for and did not get.
	Missing func() []Missing
}

// tracer is the tracer of a machine: rings, and the goroutine that drains them.
type tracer struct {
	Config
	limit   int
	rings   []*ring
	running cpus

	kick  chan struct{} // a ring fills up
	stop  chan struct{} // closed to end the drain
	done  chan struct{} // closed when it has ended
	space struct {      // for who waits for room
		sync.Mutex
		sync.Cond
		ended bool
	}

	// The drain's own.
	buf   []byte
	sent  time.Duration // every record older than this is in the stream
	lost  uint64
	gc    debug.GCStats
	gcSum int64
	err   error
}

// DefaultLimit is Config.Limit where nobody chose.
const DefaultLimit = 64

// interval is how long a record waits to be drained, at most, while rings are not full.
const interval = 20 * time.Millisecond

// Start begins to record the classes in c. It is called once; the package tests call it
// again after Stop.
func Start(cfg Config, c Class) {
	t := &tracer{Config: cfg, limit: cfg.Limit, kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	if t.limit <= 0 {
		t.limit = DefaultLimit
	}
	t.space.L = &t.space.Mutex
	for range max(cfg.CPUs, 1) {
		t.rings = append(t.rings, new(ring))
	}
	t.running = make(cpus, len(t.rings))
	debug.ReadGCStats(&t.gc)
	t.gcSum = t.gc.NumGC
	t.buf = appendHeader(nil, cfg.Machine)
	t.buf = appendCalls(t.buf, KindNames(), cfg.Calls)
	active.Store(t)
	choose(c)
	go t.drain()
}

// Stop records no more, and returns once the stream is complete and handed over. It may
// be called by several, and without Start.
func Stop() {
	t := active.Load()
	if t == nil {
		return
	}
	choose(0)
	t.space.Lock()
	if !t.space.ended {
		t.space.ended = true
		close(t.stop)
	}
	t.space.Broadcast()
	t.space.Unlock()
	<-t.done
	active.CompareAndSwap(t, nil)
}

// put writes a record, and reports whether there was room. The time is read between the
// reservation of the slot and its completion: what is reserved after the drain has read
// the clock is then younger than that, by which readers put the rings' records in order.
func (t *tracer) put(code Code, aux uint16, task uint32, words []uint64) bool {
	return t.putOn(t.CPU(), code, aux, task, words)
}

// putOn is put of an event of another CPU.
func (t *tracer) putOn(cpu int, code Code, aux uint16, task uint32, words []uint64) bool {
	r := t.rings[cpu%len(t.rings)]
	s, n := r.reserve()
	if s == nil {
		t.wake()
		return false
	}
	s.words[0] = uint64(t.Now())
	s.words[1] = pack(code, len(words), uint8(cpu), aux, task)
	copy(s.words[headerWords:], words)
	s.ready.Store(n + 1)
	if n%64 == 0 && r.filling() {
		t.wake()
	}
	return true
}

// putLater puts a record for which there was no room once there is some.
func (t *tracer) putLater(code Code, aux uint16, task uint32, words []uint64) {
	for {
		t.space.Lock()
		r := t.rings[t.CPU()%len(t.rings)]
		for r.tail.Load()-r.head.Load() >= ringSize && !t.space.ended {
			t.wake()
			t.space.Wait()
		}
		ended := t.space.ended
		t.space.Unlock()
		if ended || t.put(code, aux, task, words) {
			return
		}
	}
}

// wake makes the drain look at the rings now.
func (t *tracer) wake() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// drain moves records from the rings to the stream until Stop, or until nobody reads it.
func (t *tracer) drain() {
	defer close(t.done)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-t.kick:
		case <-tick.C:
		case <-t.stop:
			ended = true
		}
		t.round()
		if ended {
			// A writer that was under way when the classes were switched off gets its
			// chance: what it completes later is lost.
			for try := 0; try < 100 && !t.empty(); try++ {
				time.Sleep(time.Millisecond)
				t.round()
			}
			for _, r := range t.rings {
				t.lost += r.tail.Load() - r.head.Load()
			}
			if t.Missing != nil {
				t.buf = appendMissing(t.buf, t.Missing())
			}
			t.buf = appendEnd(t.buf, t.sent, t.lost)
			t.flush()
		}
		if t.err != nil {
			t.abandon()
			return
		}
	}
}

// abandon ends recording because the stream has no reader.
func (t *tracer) abandon() {
	choose(0)
	t.space.Lock()
	defer t.space.Unlock()
	t.space.ended = true
	t.space.Broadcast()
}

func (t *tracer) empty() bool {
	for _, r := range t.rings {
		if r.head.Load() != r.tail.Load() {
			return false
		}
	}
	return true
}

// chunk is how many bytes are handed over at a time.
const chunk = 64 << 10

// round drains what is in the rings now, and says up to when the stream is complete.
func (t *tracer) round() {
	now := t.Now()
	complete := true
	for cpu, r := range t.rings {
		end := r.tail.Load()
		for {
			before := r.head.Load()
			at := len(t.buf)
			t.buf = beginFrame(t.buf, frameRecords)
			t.buf = le.AppendUint32(t.buf, uint32(cpu))
			var all bool
			t.buf, all = r.take(t.buf, end, at+chunk)
			if r.head.Load() == before {
				t.buf = t.buf[:at]
				complete = complete && all
				break
			}
			t.buf = endFrame(t.buf, at)
			t.room()
			if len(t.buf) >= chunk {
				t.flush()
			}
		}
		t.lost += r.lost.Swap(0)
	}
	t.collections(now)
	if complete {
		t.sent = now
	}
	t.buf = appendSent(t.buf, t.sent, t.lost)
	t.flush()
}

// drop counts a record for which there was no room.
func (t *tracer) drop() { t.rings[t.CPU()%len(t.rings)].lost.Add(1) }

// room tells those who wait for it that there is some.
func (t *tracer) room() {
	t.space.Lock()
	t.space.Broadcast()
	t.space.Unlock()
}

// flush hands over what is in the buffer.
func (t *tracer) flush() {
	if t.err == nil && len(t.buf) > 0 {
		_, t.err = t.Out.Write(t.buf)
	}
	t.buf = t.buf[:0]
}

// collections records the pauses of the garbage collector since the last look.
func (t *tracer) collections(now time.Duration) {
	if !On(GC) {
		return
	}
	debug.ReadGCStats(&t.gc)
	fresh := int(t.gc.NumGC - t.gcSum)
	if fresh == 0 {
		return
	}
	t.gcSum = t.gc.NumGC
	wall := time.Now()
	for i := min(fresh, len(t.gc.Pause)) - 1; i >= 0; i-- { // the newest is the first
		pause := t.gc.Pause[i]
		end := now - wall.Sub(t.gc.PauseEnd[i])
		at := len(t.buf)
		t.buf = beginFrame(t.buf, frameRecords)
		t.buf = le.AppendUint32(t.buf, 0)
		t.buf = le.AppendUint64(t.buf, uint64(end-pause))
		t.buf = le.AppendUint64(t.buf, pack(Paused, 1, 0, 0, 0))
		t.buf = le.AppendUint64(t.buf, uint64(pause))
		t.buf = endFrame(t.buf, at)
	}
}
