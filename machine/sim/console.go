package sim

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// stream is one direction of bytes between host and guest.
type stream struct {
	mu     sync.Mutex // leaf
	change *sync.Cond
	buf    []byte
	all    strings.Builder // everything ever written
	closed bool
}

func (s *stream) init() { s.change = sync.NewCond(&s.mu) }

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	s.buf = append(s.buf, p...)
	s.all.Write(p)
	s.change.Broadcast()
	return len(p), nil
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == 0 {
		if s.closed {
			return 0, io.EOF
		}
		s.change.Wait()
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.change.Broadcast()
}

// Port is a named stream to the host, in memory. Read and Write are the guest's end.
type Port struct {
	name    string
	in, out stream
}

func newPort(name string) *Port {
	p := &Port{name: name}
	p.in.init()
	p.out.init()
	return p
}

// Name, Read and Write implement machine.Port.
func (p *Port) Name() string                { return p.name }
func (p *Port) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *Port) Write(b []byte) (int, error) { return p.out.write(b) }

// Type gives the guest input.
func (p *Port) Type(s string) { p.in.write([]byte(s)) }

// CloseInput is the end of the guest's input.
func (p *Port) CloseInput() { p.in.close() }

// Output is everything that the guest has written so far.
func (p *Port) Output() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.all.String()
}

// Await waits until the guest's output contains want, and fails the test after ten
// seconds.
func (p *Port) Await(tb testing.TB, want string) {
	tb.Helper()
	late := time.AfterFunc(10*time.Second, p.out.close)
	defer late.Stop()
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	for !strings.Contains(p.out.all.String(), want) {
		if p.out.closed {
			tb.Fatalf("%s: no %q in output %q", p.name, want, p.out.all.String())
		}
		p.out.change.Wait()
	}
}

// Console is a machine.Console in memory.
type Console struct {
	*Port
	mu            sync.Mutex // guards the size; leaf
	columns, rows int
	resized       chan struct{}
}

func newConsole(name string) *Console {
	return &Console{Port: newPort(name), resized: make(chan struct{}, 1)}
}

// Size and Resized implement machine.Console.
func (c *Console) Size() (columns, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.columns, c.rows
}

func (c *Console) Resized() <-chan struct{} { return c.resized }

// Resize changes the size of the terminal.
func (c *Console) Resize(columns, rows int) {
	c.mu.Lock()
	c.columns, c.rows = columns, rows
	c.mu.Unlock()
	select {
	case c.resized <- struct{}{}:
	default:
	}
}

// Disk is a machine.Block in memory.
type Disk struct {
	name     string
	readOnly bool
	mu       sync.Mutex // guards data; leaf
	data     []byte
}

// NewDisk makes a disk that holds data, whose length is rounded up to 512 bytes.
func NewDisk(name string, data []byte, readOnly bool) *Disk {
	d := make([]byte, (len(data)+511)&^511)
	copy(d, data)
	return &Disk{name: name, readOnly: readOnly, data: d}
}

// Name and the others implement machine.Block.
func (d *Disk) Name() string   { return d.name }
func (d *Disk) Size() int64    { return int64(len(d.data)) }
func (d *Disk) ReadOnly() bool { return d.readOnly }
func (d *Disk) Flush() error   { return nil }

func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if off < 0 || off+int64(len(p)) > int64(len(d.data)) {
		return 0, io.EOF
	}
	return copy(p, d.data[off:]), nil
}

func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readOnly || off < 0 || off+int64(len(p)) > int64(len(d.data)) {
		return 0, io.ErrShortWrite
	}
	return copy(d.data[off:], p), nil
}
