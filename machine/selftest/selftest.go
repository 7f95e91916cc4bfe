// Package selftest checks the machine from inside the kernel: what the Go runtime
// needs of the nanokernel, and user mode. The command-line word kevlar.selftest runs
// it instead of a program; it prints a line per test and ends the machine with 0 when
// all passed.
package selftest

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var failed bool

// step runs one test; a panic fails it.
func step(name string, f func() error) {
	t := time.Now()
	err := func() (err error) {
		defer func() {
			if e := recover(); e != nil {
				err = fmt.Errorf("panic: %v\n%s", e, debug.Stack())
			}
		}()
		return f()
	}()
	d := time.Since(t).Round(time.Microsecond)
	if err != nil {
		failed = true
		fmt.Fprintf(os.Stdout, "FAIL %-28s %v: %v\n", name, d, err)
		return
	}
	fmt.Fprintf(os.Stdout, "PASS %-28s %v\n", name, d)
}

// Run runs every test and returns the machine's exit status.
func Run(extra ...Test) int {
	fmt.Println("selftest:", runtime.Version(), runtime.GOARCH, "CPUs:", runtime.NumCPU())
	for _, t := range append(tests(), extra...) {
		step(t.Name, t.Run)
	}
	if failed {
		fmt.Println("selftest: FAIL")
		return 1
	}
	fmt.Println("selftest: PASS")
	return 0
}

// Test is one test.
type Test struct {
	Name string
	Run  func() error
}

type node struct {
	next *node
	data [4]int
}

// tests returns them: nobody else needs them at hand.
func tests() []Test {
	return []Test{
		{"map", func() error {
			m := map[string]int{}
			for i := range 10000 {
				m[fmt.Sprint(i)] = i
			}
			if len(m) != 10000 || m["77"] != 77 {
				return fmt.Errorf("%d entries", len(m))
			}
			return nil
		}},
		{"goroutines and channels", func() error {
			c := make(chan int)
			for i := range 1000 {
				go func() { c <- i }()
			}
			sum := 0
			for range 1000 {
				sum += <-c
			}
			if sum != 999*1000/2 {
				return fmt.Errorf("sum %d", sum)
			}
			return nil
		}},
		{"garbage collection", func() error {
			var keep *node
			for i := range 1_000_000 {
				n := &node{data: [4]int{i}}
				if i%100 == 0 {
					n.next, keep = keep, n
				}
			}
			runtime.GC()
			n := 0
			for p := keep; p != nil; p = p.next {
				n++
				if p.data[0]%100 != 0 {
					return fmt.Errorf("corrupt: %d", p.data[0])
				}
			}
			if n != 10000 {
				return fmt.Errorf("%d of 10000 left", n)
			}
			return nil
		}},
		{"memory given back is zero", func() error {
			for range 8 {
				b := make([]byte, 4<<20)
				for i := range b {
					if b[i] != 0 {
						return fmt.Errorf("byte %d is %#x", i, b[i])
					}
				}
				for i := 0; i < len(b); i += 512 {
					b[i] = 0xa5
				}
				runtime.KeepAlive(b)
				b = nil
				debug.FreeOSMemory()
			}
			return nil
		}},
		{"timers", func() error {
			n, t := 0, time.Now()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			after := time.After(52 * time.Millisecond)
			for {
				select {
				case <-tick.C:
					n++
					continue
				case <-after:
				}
				break
			}
			if d := time.Since(t); n < 1 || d < 52*time.Millisecond || d > time.Second {
				return fmt.Errorf("%d ticks in %v", n, d)
			}
			return nil
		}},
		{"mutex contention", func() error {
			var mu sync.Mutex
			var wg sync.WaitGroup
			n := 0
			for range 50 {
				wg.Go(func() {
					for range 1000 {
						mu.Lock()
						n++
						if n%1000 == 0 {
							runtime.Gosched()
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if n != 50000 {
				return fmt.Errorf("%d", n)
			}
			return nil
		}},
		{"threads", func() error {
			a, b := make(chan int), make(chan int)
			go func() {
				runtime.LockOSThread()
				for v := range a {
					b <- v + 1
				}
			}()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for i := range 500 {
				a <- i
				if v := <-b; v != i+1 {
					return fmt.Errorf("%d after %d", v, i)
				}
			}
			close(a)
			return nil
		}},
		{"stack growth", func() error {
			if n := recurse(20000); n != 20000 {
				return fmt.Errorf("%d", n)
			}
			return nil
		}},
		{"preemption", func() error {
			if strings.Contains(os.Getenv("GODEBUG"), "gccheckmark=1") {
				return nil // with it, a collection beside a spinning goroutine hangs on Linux, too
			}
			var done bool
			var wg sync.WaitGroup
			for range runtime.NumCPU() {
				wg.Go(func() {
					for !done { // no calls, no atomics: only a signal can stop it
					}
				})
			}
			time.Sleep(30 * time.Millisecond)
			t := time.Now()
			runtime.GC()
			d := time.Since(t)
			done = true
			_ = atomic.LoadUint32(new(uint32))
			if d > 2*time.Second {
				return fmt.Errorf("a collection took %v", d)
			}
			return nil
		}},
		{"static memory on demand", func() error {
			for round := range byte(2) {
				for i := 0; i < len(static); i += 1000 {
					if static[i] != round {
						return fmt.Errorf("byte %d is %d", i, static[i])
					}
					static[i]++
				}
			}
			return nil
		}},
		{"nil dereference recovers", func() error {
			return recovers(func() { fmt.Println((*node)(nil).data[2]) })
		}},
		{"wild pointer recovers", func() error {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			return recovers(wild)
		}},
		{"division by zero recovers", func() error {
			zero := runtime.NumCPU() - runtime.NumCPU()
			return recovers(func() { fmt.Println(1 / zero) })
		}},
	}
}

// static is large enough to lie in the image's tail, which has no frames at first.
var static [1 << 20]byte

//go:noinline
func recurse(n int) int {
	var pad [16]int
	if n == 0 {
		return pad[3]
	}
	return recurse(n-1) + 1
}

// recovers reports whether f ends in a panic that can be recovered.
func recovers(f func()) (err error) {
	defer func() {
		if e, ok := recover().(runtime.Error); ok {
			err = nil
			_ = e
		}
	}()
	err = fmt.Errorf("no panic")
	f()
	return err
}
