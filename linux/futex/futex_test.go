package futex

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/clock"
	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
	"kevlar/machine/sim"
)

// world is an address space with two pages of words.
type world struct {
	*mm.Space
	t    testing.TB
	base user.Addr
}

func newWorld(t testing.TB) world {
	t.Helper()
	s, err := mm.New(sim.New(t, sim.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	a, err := s.Mmap(mm.Request{
		Length: 2 * mem.PageSize, Prot: unix.PROT_READ | unix.PROT_WRITE, Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS,
	})
	if err != nil {
		t.Fatal(err)
	}
	return world{s, t, a}
}

// word is the futex at byte off.
func (w world) word(off user.Addr) Word {
	w.t.Helper()
	word, err := At(w.Space, w.base+off, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return word
}

func (word Word) load() uint32 { v, _ := word.Mem.LoadWord(word.Addr); return v }

func (word Word) store(v uint32) {
	for {
		if ok, err := word.Mem.CompareAndSwapWord(word.Addr, word.load(), v); ok || err != nil {
			return
		}
	}
}

// swap is an atomic exchange, as a program does it.
func (word Word) exchange(v uint32) uint32 {
	for {
		old := word.load()
		if ok, _ := word.Mem.CompareAndSwapWord(word.Addr, old, v); ok {
			return old
		}
	}
}

// waiters counts those queued on a word: a test awaits it before it wakes.
func (word Word) waiters() (n int) {
	b := bucketOf(word.Key)
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := b.first.find(word.Key); e != nil; e = e.next.find(word.Key) {
		n++
	}
	return n
}

func (word Word) await(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); word.waiters() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d waiters, want %d", word.waiters(), n)
		}
	}
}

// newThread returns a thread that find knows.
func newThread(tid uint32, find func(uint32) *Waiter) *Thread {
	return &Thread{Waiter: new(Waiter), Task: wait.NewWaiter(), TID: tid, Find: find}
}

func (t *Thread) wait(word Word, val, bits uint32) error {
	return t.Waiter.Wait(t.Task, word, val, bits, Deadline{})
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func wakes(t *testing.T, key Key, n int, bits uint32, want int) {
	t.Helper()
	if got, err := Wake(key, n, bits); got != want || err != nil {
		t.Errorf("woke %d, %v; want %d", got, err, want)
	}
}

func TestWaitSeesAChangedWord(t *testing.T) {
	w := newWorld(t)
	a := newThread(1, nil)
	want(t, "changed", a.wait(w.word(0), 1, AnyBit), unix.EAGAIN)
	want(t, "no bits", a.wait(w.word(0), 0, 0), unix.EINVAL)
	_, err := At(w.Space, w.base+2, false)
	want(t, "not aligned", err, unix.EINVAL)
	want(t, "no memory", a.wait(w.word(2*mem.PageSize), 0, AnyBit), unix.EFAULT)
	_, err = At(w.Space, w.base+2*mem.PageSize, true)
	want(t, "no shared memory", err, unix.EFAULT)
}

func TestWaitEnds(t *testing.T) {
	word := newWorld(t).word(0)
	a := newThread(1, nil)
	want(t, "timeout", a.Waiter.Wait(a.Task, word, 0, AnyBit, In(time.Millisecond)), unix.ETIMEDOUT)
	past := Deadline{clock.Realtime, 1}
	want(t, "in the past", a.Waiter.Wait(a.Task, word, 0, AnyBit, past), unix.ETIMEDOUT)
	a.Task.Interrupt()
	want(t, "signal", a.wait(word, 0, AnyBit), abi.ERESTARTSYS)
	if n := word.waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

// A wait until a time of the wall clock ends when the clock is set past it.
func TestWaitFollowsTheWallClock(t *testing.T) {
	word := newWorld(t).word(0)
	defer clock.Set(clock.Realtime.Read())
	done := make(chan error)
	go func() {
		a := newThread(1, nil)
		done <- a.Waiter.Wait(a.Task, word, 0, AnyBit, Deadline{clock.Realtime, clock.Realtime.Read() + time.Hour})
	}()
	word.await(t, 1)
	clock.Set(clock.Realtime.Read() + 2*time.Hour)
	want(t, "after setting the clock", <-done, unix.ETIMEDOUT)
}

func TestWakeBitsAndOrder(t *testing.T) {
	w := newWorld(t)
	word := w.word(64)
	woken := make(chan uint32, 3)
	for i, bits := range []uint32{1, 2, 2} {
		go func() {
			if err := newThread(1, nil).wait(word, 0, bits); err != nil {
				t.Error(err)
			}
			woken <- bits
		}()
		word.await(t, i+1)
	}
	wakes(t, word.Key, 1, 2, 1)
	if b := <-woken; b != 2 {
		t.Errorf("woke the one with bits %d", b)
	}
	wakes(t, w.word(68).Key, 9, AnyBit, 0)
	wakes(t, word.Key, 9, AnyBit, 2)
	<-woken
	<-woken
}

func TestRequeueAndWakeOp(t *testing.T) {
	w := newWorld(t)
	from, to := w.word(0), w.word(mem.PageSize)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := newThread(1, nil).wait(from, 0, AnyBit); err != nil {
				t.Error(err)
			}
		})
	}
	from.await(t, 4)
	five, zero := uint32(5), uint32(0)
	_, err := Requeue(from, to, 1, 2, &five)
	want(t, "another value", err, unix.EAGAIN)
	if n, err := Requeue(from, to, 1, 2, &zero); n != 3 || err != nil {
		t.Errorf("woke or moved %d, %v", n, err)
	}
	if from.waiters() != 1 || to.waiters() != 2 {
		t.Errorf("%d and %d waiters", from.waiters(), to.waiters())
	}
	to.store(5)
	// Add 3, and compare with > 5, which does not hold: only the first word's go.
	if n, err := WakeOp(from, to, 9, 9, 1<<28|4<<24|3<<12|5); n != 1 || err != nil || to.load() != 8 {
		t.Errorf("woke %d, %v, word %d", n, err, to.load())
	}
	// Take bit 3 away (1<<3), and compare with == 8, which holds.
	if n, err := WakeOp(from, to, 9, 9, 1<<31|3<<28|3<<12|8); n != 2 || err != nil || to.load() != 0 {
		t.Errorf("woke %d, %v, word %d", n, err, to.load())
	}
	_, err = WakeOp(from, to, 1, 1, 7<<28)
	want(t, "unknown operation", err, unix.ENOSYS)
	wg.Wait()
}

func TestOpArgumentsAreSigned(t *testing.T) {
	if v, _ := Op(1<<28 | 0xfff<<12).change(5); v != 4 {
		t.Errorf("5 + -1 is %d", v)
	}
	if ok, _ := Op(2<<24 | 0xfff).holds(0xfffffffe); !ok {
		t.Error("-2 < -1 does not hold")
	}
}

// A mutex of futexes, as in "Futexes Are Tricky", loses no wakeup.
func TestMutex(t *testing.T) {
	word := newWorld(t).word(128)
	var wg sync.WaitGroup
	count := 0
	for range 8 {
		wg.Go(func() {
			a := newThread(1, nil)
			for range 500 {
				if ok, _ := word.Mem.CompareAndSwapWord(word.Addr, 0, 1); !ok {
					for word.exchange(2) != 0 {
						a.wait(word, 2, AnyBit)
					}
				}
				count++
				if word.exchange(0) == 2 {
					Wake(word.Key, 1, AnyBit)
				}
			}
		})
	}
	wg.Wait()
	if count != 4000 {
		t.Errorf("count %d", count)
	}
}

func TestWaitMany(t *testing.T) {
	w := newWorld(t)
	words := []Wanted{{w.word(0), 0}, {w.word(4), 0}, {w.word(mem.PageSize), 0}}
	a := newThread(1, nil)
	done := make(chan int)
	go func() {
		i, err := a.Waiter.WaitMany(a.Task, words, Deadline{})
		if err != nil {
			t.Error(err)
		}
		done <- i
	}()
	words[2].await(t, 1)
	wakes(t, words[1].Key, 1, AnyBit, 1)
	if i := <-done; i != 1 {
		t.Errorf("woken by %d", i)
	}
	words[2].Value = 1
	_, err := a.Waiter.WaitMany(a.Task, words, Deadline{})
	want(t, "another value", err, unix.EAGAIN)
	_, err = a.Waiter.WaitMany(a.Task, words[:2], In(time.Millisecond))
	want(t, "timeout", err, unix.ETIMEDOUT)
	for i := range words {
		if n := words[i].waiters(); n != 0 {
			t.Errorf("%d waiters are left on %d", n, i)
		}
	}
}

// crew is threads by their ID.
type crew map[uint32]*Thread

func (c crew) find(tid uint32) *Waiter {
	if t := c[tid]; t != nil {
		return t.Waiter
	}
	return nil
}

func newCrew(n uint32) crew {
	c := crew{}
	for tid := uint32(1); tid <= n; tid++ {
		c[tid] = newThread(tid, c.find)
	}
	return c
}

func TestLock(t *testing.T) {
	word := newWorld(t).word(0)
	c := newCrew(3)
	want(t, "free", c[1].Lock(word, Deadline{}, false), nil)
	if v := word.load(); v != 1 {
		t.Errorf("word %#x", v)
	}
	want(t, "again", c[1].Lock(word, Deadline{}, false), unix.EDEADLK)
	want(t, "try", c[2].Lock(word, Deadline{}, true), unix.EAGAIN)
	want(t, "not the owner", c[2].Unlock(word), unix.EPERM)
	want(t, "timeout", c[2].Lock(word, In(time.Millisecond), false), unix.ETIMEDOUT)
	got := make(chan uint32, 2)
	for tid := uint32(2); tid <= 3; tid++ {
		go func() {
			if err := c[tid].Lock(word, Deadline{}, false); err != nil {
				t.Error(err)
			}
			got <- tid
		}()
		word.await(t, int(tid)-1)
	}
	_, err := Wake(word.Key, 1, AnyBit)
	want(t, "wake", err, unix.EINVAL)
	want(t, "unlock", c[1].Unlock(word), nil)
	if tid := <-got; tid != 2 || word.load() != waitersBit|2 {
		t.Errorf("thread %d, word %#x", tid, word.load())
	}
	// The owner dies: the next one learns of it.
	c[2].Waiter.Die(false)
	if tid := <-got; tid != 3 || word.load() != waitersBit|ownerDiedBit|3 {
		t.Errorf("thread %d, word %#x", tid, word.load())
	}
	want(t, "unlock", c[3].Unlock(word), nil)
	if v := word.load(); v != 0 {
		t.Errorf("word %#x", v)
	}
	word.store(2)
	want(t, "the owner has ended", c[1].Lock(word, Deadline{}, false), unix.ESRCH)
	word.store(77)
	want(t, "no such owner", c[1].Lock(word, Deadline{}, false), unix.ESRCH)
	for tid, th := range c {
		if n := len(th.Waiter.held); n != 0 {
			t.Errorf("thread %d holds %d locks", tid, n)
		}
	}
}

func TestLockExcludes(t *testing.T) {
	word := newWorld(t).word(0)
	c := newCrew(6)
	count := 0
	var wg sync.WaitGroup
	for _, th := range c {
		wg.Go(func() {
			for i := range 300 {
				for ok, _ := word.Mem.CompareAndSwapWord(word.Addr, 0, th.TID); !ok; ok = true {
					d := Deadline{}
					if i%3 == 0 {
						d = In(20 * time.Microsecond)
					}
					for th.Lock(word, d, false) != nil {
					}
				}
				count++
				if ok, _ := word.Mem.CompareAndSwapWord(word.Addr, th.TID, 0); !ok {
					if err := th.Unlock(word); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if count != 1800 {
		t.Errorf("count %d", count)
	}
}

func TestRequeueLock(t *testing.T) {
	w := newWorld(t)
	cond, mutex := w.word(0), w.word(mem.PageSize)
	c := newCrew(4)
	got := make(chan uint32, 4)
	for tid := uint32(1); tid <= 3; tid++ {
		go func() {
			if err := c[tid].WaitRequeue(cond, mutex, 0, Deadline{}); err != nil {
				t.Error(err)
			}
			got <- tid
		}()
		cond.await(t, int(tid))
	}
	_, err := Wake(cond.Key, 1, AnyBit)
	want(t, "wake", err, unix.EINVAL)
	_, err = c[4].RequeueLock(cond, w.word(8), 9, 0)
	want(t, "another lock", err, unix.EINVAL)
	if n, err := c[4].RequeueLock(cond, mutex, 9, 0); n != 3 || err != nil {
		t.Errorf("woke and moved %d, %v", n, err)
	}
	for i := uint32(1); i <= 3; i++ {
		if tid := <-got; tid != i || mutex.load()&tidMask != i {
			t.Errorf("thread %d, word %#x", tid, mutex.load())
		}
		want(t, "unlock", c[i].Unlock(mutex), nil)
	}
	want(t, "timeout", c[1].WaitRequeue(cond, mutex, 0, In(time.Millisecond)), unix.ETIMEDOUT)
	// Moved behind an owner, and then out of patience.
	mutex.store(4)
	go func() {
		want(t, "timeout", c[1].WaitRequeue(cond, mutex, 0, In(50*time.Millisecond)), unix.ETIMEDOUT)
		got <- 1
	}()
	cond.await(t, 1)
	if n, err := c[2].RequeueLock(cond, mutex, 9, 0); n != 1 || err != nil {
		t.Errorf("moved %d, %v", n, err)
	}
	<-got
	if n := len(c[4].Waiter.held); n != 0 || mutex.waiters() != 0 {
		t.Errorf("%d locks, %d waiters", n, mutex.waiters())
	}
}

func TestReleaseRobust(t *testing.T) {
	w := newWorld(t)
	le := binary.LittleEndian
	quad := func(off user.Addr, v user.Addr) { w.CopyOut(w.base+off, le.AppendUint64(nil, uint64(v))) }
	// Nodes at 100h, 200h and 300h, each with its word at +20h; the last is pending.
	const tid = 7
	quad(0, w.base+0x100)
	quad(8, 0x20)
	quad(16, w.base+0x300)
	quad(0x100, w.base+0x200|1)
	quad(0x200, w.base)
	mine, pi, pending := w.word(0x120), w.word(0x220), w.word(0x320)
	mine.store(tid | waitersBit)
	pi.store(tid)
	var wg sync.WaitGroup
	for _, word := range []Word{mine, pending} {
		wg.Go(func() {
			if err := newThread(1, nil).wait(word, word.load(), AnyBit); err != nil {
				t.Error(err)
			}
		})
		word.await(t, 1)
	}
	ReleaseRobust(w.Space, w.base, tid)
	wg.Wait()
	if mine.load() != waitersBit|ownerDiedBit || pi.load() != ownerDiedBit || pending.load() != 0 {
		t.Errorf("%#x %#x %#x", mine.load(), pi.load(), pending.load())
	}
	other := w.word(0x120)
	other.store(8)
	quad(0x100, w.base+0x100) // a circle
	quad(16, 0)
	ReleaseRobust(w.Space, w.base, tid)
	ReleaseRobust(w.Space, 8, tid)
	if other.load() != 8 {
		t.Errorf("somebody else's lock is %#x", other.load())
	}
}

func BenchmarkWakeNobody(b *testing.B) {
	w := newWorld(b)
	word := w.word(0)
	b.ReportAllocs()
	for b.Loop() {
		Wake(word.Key, 1, AnyBit)
	}
}

func BenchmarkPingPong(b *testing.B) {
	w := newWorld(b)
	word := w.word(0)
	done := make(chan struct{})
	turn := func(me uint32, n int) {
		a := newThread(1, nil)
		for range n {
			for word.load() != me {
				a.wait(word, 1-me, AnyBit)
			}
			word.exchange(1 - me)
			Wake(word.Key, 1, AnyBit)
		}
	}
	b.ReportAllocs()
	go func() { turn(1, b.N); close(done) }()
	turn(0, b.N)
	<-done
}
