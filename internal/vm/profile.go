package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Profiler takes profiles of a Kevlar kernel that runs. One is good for one run.
type Profiler struct {
	atEnd func(name string, data []byte)

	mu      sync.Mutex // one request at a time
	port    io.Writer  // nil before the machine runs
	answers chan profile
}

type profile struct {
	name string
	data []byte
}

// NewProfiler returns a Profiler for Config.Profiler. Where atEnd is not nil it is given profiles of the whole run at the
// run's end, and none can be taken before that.
func NewProfiler(atEnd func(name string, data []byte)) *Profiler {
	return &Profiler{atEnd: atEnd, answers: make(chan profile)}
}

// Take takes a profile: "profile" of the CPU for n seconds, or one that package runtime/pprof names, with n as its detail
// (0 is what go tool pprof reads).
func (p *Profiler) Take(ctx context.Context, name string, n int) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.port == nil || p.atEnd != nil {
		return nil, errors.New("no machine to profile now")
	}
	if _, err := fmt.Fprintf(p.port, "%s %d\n", name, n); err != nil {
		return nil, fmt.Errorf("the machine does not run any more: %w", err)
	}
	// Not until ctx ends: the answer will come, and is nobody else's.
	a, ok := <-p.answers
	switch {
	case !ok:
		return nil, errors.New("the machine has ended")
	case a.name == "error":
		return nil, errors.New(string(a.data))
	}
	return a.data, ctx.Err()
}

// start tells the Profiler of its machine's port.
func (p *Profiler) start(port io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port = port
}

// receive takes in what the machine sends until its end.
func (p *Profiler) receive(port io.Reader) {
	defer close(p.answers)
	r := bufio.NewReader(port)
	for {
		var a profile
		var n int
		if _, err := fmt.Fscanf(r, "%s %d\n", &a.name, &n); err != nil || n < 0 {
			return
		}
		a.data = make([]byte, n)
		if _, err := io.ReadFull(r, a.data); err != nil {
			return
		}
		if p.atEnd != nil {
			p.atEnd(a.name, a.data)
		} else {
			p.answers <- a
		}
	}
}
