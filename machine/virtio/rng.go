package virtio

import (
	"sync"

	"kevlar/machine/mem"
)

// Entropy is an entropy device (section 5.4).
type Entropy struct {
	t     Transport
	mu    sync.Mutex // guards q; held by Interrupt, never across a wait
	q     *queue
	one   sync.Mutex // one request at a time
	frame mem.Frame
}

// NewEntropy starts the driver of an entropy device. attach is as for NewConsole.
func NewEntropy(t Transport, attach func(Device)) (*Entropy, error) {
	if _, err := begin(t, 0); err != nil {
		return nil, err
	}
	e := &Entropy{t: t}
	attach(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	if e.q, err = newQueue(t, 0); err != nil {
		return nil, fail(t, err)
	}
	if e.frame, err = mem.Alloc(); err != nil {
		return nil, fail(t, err)
	}
	ready(t)
	return e, nil
}

// Interrupt completes a request.
func (e *Entropy) Interrupt() {
	e.t.acknowledge()
	e.mu.Lock()
	e.q.complete()
	e.mu.Unlock()
}

// Read fills p with at most a page of random bytes, at least one.
func (e *Entropy) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	e.one.Lock()
	defer e.one.Unlock()
	got := make(chan int, 1)
	e.mu.Lock()
	e.q.add(func(n int) { got <- n }, buffer{e.frame.Addr(), min(len(p), mem.PageSize), true})
	e.q.kick()
	e.mu.Unlock()
	n := <-got
	copy(p, e.frame.Data()[:n])
	clear(e.frame.Data()[:n])
	return min(n, len(p)), nil
}
