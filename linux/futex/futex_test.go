package futex

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

func newWaiter() *Waiter {
	w := new(Waiter)
	w.Init(wait.NewWaiter())
	return w
}

// waiters counts those queued on key: a test awaits it before it wakes.
func waiters(key Key) (n int) {
	b := &table[key.hash()]
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := b.first; w != nil; w = w.next {
		if w.key == key {
			n++
		}
	}
	return n
}

func await(t *testing.T, key Key, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); waiters(key) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d waiters, want %d", waiters(key), n)
		}
	}
}

func constant(v uint32) func() (uint32, error) { return func() (uint32, error) { return v, nil } }

func TestWaitSeesAChangedWord(t *testing.T) {
	if err := newWaiter().Wait(Key{t, 0}, constant(2), 1, AnyBit, wait.Forever); err != unix.EAGAIN {
		t.Errorf("got %v, want EAGAIN", err)
	}
	if err := newWaiter().Wait(Key{t, 0}, constant(1), 1, 0, wait.Forever); err != unix.EINVAL {
		t.Errorf("no bits: got %v, want EINVAL", err)
	}
	fault := func() (uint32, error) { return 0, unix.EFAULT }
	if err := newWaiter().Wait(Key{t, 0}, fault, 1, AnyBit, wait.Forever); err != unix.EFAULT {
		t.Errorf("got %v, want EFAULT", err)
	}
}

func TestWaitEnds(t *testing.T) {
	key := Key{t, 0}
	if err := newWaiter().Wait(key, constant(0), 0, AnyBit, wait.Now()+time.Millisecond); err != unix.ETIMEDOUT {
		t.Errorf("got %v, want ETIMEDOUT", err)
	}
	w := newWaiter()
	w.task.Interrupt()
	if err := w.Wait(key, constant(0), 0, AnyBit, wait.Forever); err != abi.ERESTARTSYS {
		t.Errorf("got %v, want ERESTARTSYS", err)
	}
	if n := waiters(key); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

func TestWakeBitsAndOrder(t *testing.T) {
	key := Key{t, 64}
	woken := make(chan uint32, 3)
	for i, bits := range []uint32{1, 2, 2} {
		go func() {
			if err := newWaiter().Wait(key, constant(0), 0, bits, wait.Forever); err != nil {
				t.Error(err)
			}
			woken <- bits
		}()
		await(t, key, i+1)
	}
	if n := Wake(key, 1, 2); n != 1 {
		t.Fatalf("woke %d", n)
	}
	if b := <-woken; b != 2 {
		t.Errorf("woke the one with bits %d", b)
	}
	if n := Wake(Key{t, 68}, 9, AnyBit); n != 0 {
		t.Errorf("another word: woke %d", n)
	}
	if n := Wake(key, 9, AnyBit); n != 2 {
		t.Errorf("woke %d of the rest", n)
	}
	<-woken
	<-woken
}

func TestRequeue(t *testing.T) {
	from, to := Key{t, 0}, Key{t, 4096}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := newWaiter().Wait(from, constant(0), 0, AnyBit, wait.Forever); err != nil {
				t.Error(err)
			}
		})
	}
	await(t, from, 4)
	if _, _, err := Requeue(from, to, 1, 2, func() error { return unix.EAGAIN }); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("got %v, want EAGAIN", err)
	}
	if w, m, err := Requeue(from, to, 1, 2, func() error { return nil }); w != 1 || m != 2 || err != nil {
		t.Errorf("woke %d, moved %d, %v", w, m, err)
	}
	if waiters(from) != 1 || waiters(to) != 2 {
		t.Errorf("%d and %d waiters", waiters(from), waiters(to))
	}
	n, err := WakeOp(from, to, 9, 9, func() (bool, error) { return true, nil })
	if n != 3 || err != nil {
		t.Errorf("woke %d, %v", n, err)
	}
	wg.Wait()
}

// A mutex of futexes, as in "Futexes Are Tricky", loses no wakeup.
func TestMutex(t *testing.T) {
	key := Key{t, 128}
	var word atomic.Uint32
	load := func() (uint32, error) { return word.Load(), nil }
	var wg sync.WaitGroup
	count := 0
	for range 8 {
		wg.Go(func() {
			w := newWaiter()
			for range 500 {
				if !word.CompareAndSwap(0, 1) {
					for word.Swap(2) != 0 {
						w.Wait(key, load, 2, AnyBit, wait.Forever)
					}
				}
				count++
				if word.Swap(0) == 2 {
					Wake(key, 1, AnyBit)
				}
			}
		})
	}
	wg.Wait()
	if count != 4000 {
		t.Errorf("count %d", count)
	}
}
