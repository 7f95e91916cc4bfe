package nk

// maxThreads is how many Ms the Go runtime can have. Those that block in system
// calls of the layer above count, too.
const maxThreads = 512

// Thread is one M of the Go runtime: a saved context and what it waits for.
type Thread struct {
	Context // first: assembly saves to it

	slot     uint16 // 1 + its index in threads; 0 is the idle Thread of a CPU
	next     uint16 // links of the queue it is in: slots
	prev     uint16
	timer    uint16 // 1 + its place in sched.timers, 0 if none
	state    threadState
	wait     waitKind
	tid      uint32 // threads[slot-1].tid counts up by maxThreads with each use of the slot
	cpu      uint32 // where it runs
	only     uint32 // while it is ready: 1 + the CPU that is to run it, 0 for any
	max      int32  // waitEpoll: room for so many events
	addr     uintptr
	deadline int64 // valid while timer is not 0

	sigmask uint64 // bit n-1: signal n
	pending uint64
	altSP   uintptr // sigaltstack
	altSize uintptr
}

type threadState uint8

const (
	stateFree    threadState = iota
	stateReady               // in sched.ready
	stateRunning             // current on a CPU
	stateBlocked             // waits
)

type waitKind uint8

const (
	waitNothing waitKind = iota
	waitFutex            // addr is the futex word; in its bucket
	waitSleep            // for its deadline only
	waitEpoll            // addr and max are the event buffer; in epollWaiters
	waitIRQ              // addr is the bitmap's place; sched.irqWaiter
)

var threads [maxThreads]Thread

// queue is a first-in first-out list of Threads linked by slot. A Thread is in at
// most one.
type queue struct{ head, tail uint16 }

func (q *queue) push(t *Thread) {
	t.next, t.prev = 0, q.tail
	if q.tail != 0 {
		at(q.tail).next = t.slot
	} else {
		q.head = t.slot
	}
	q.tail = t.slot
}

func (q *queue) pushFront(t *Thread) {
	t.next, t.prev = q.head, 0
	if q.head != 0 {
		at(q.head).prev = t.slot
	} else {
		q.tail = t.slot
	}
	q.head = t.slot
}

func (q *queue) remove(t *Thread) {
	if t.prev != 0 {
		at(t.prev).next = t.next
	} else {
		q.head = t.next
	}
	if t.next != 0 {
		at(t.next).prev = t.prev
	} else {
		q.tail = t.prev
	}
	t.next, t.prev = 0, 0
}

func (q *queue) pop() *Thread {
	if q.head == 0 {
		return nil
	}
	t := at(q.head)
	q.remove(t)
	return t
}

// popFor takes the first Thread that CPU id may run.
func (q *queue) popFor(id uint32) *Thread {
	for slot := q.head; slot != 0; slot = at(slot).next {
		if t := at(slot); t.only == 0 || t.only == id+1 {
			q.remove(t)
			t.only = 0
			return t
		}
	}
	return nil
}

// at is the Thread of a slot.
func at(slot uint16) *Thread { return &threads[(slot-1)%maxThreads] }

// newThread takes a free slot, or returns nil. Slots come back first-in first-out,
// so that a thread number is not reused soon.
func newThread() *Thread {
	t := sched.free.pop()
	if t == nil {
		return nil
	}
	t.tid += maxThreads
	t.wait, t.timer, t.pending, t.altSP, t.altSize = waitNothing, 0, 0, 0, 0
	return t
}

// findThread returns the live Thread with number tid, or nil.
func findThread(tid uint32) *Thread {
	t := &threads[(tid-1)%maxThreads]
	if t.tid != tid || t.state == stateFree {
		return nil
	}
	return t
}

func initThreads() {
	for i := range threads {
		t := &threads[i]
		t.slot = uint16(i + 1)
		t.tid = uint32(i+1) - maxThreads // wraps: newThread makes it i+1; the first thread is the process, 1
		sched.free.push(t)
	}
}
