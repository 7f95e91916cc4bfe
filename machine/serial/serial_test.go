package serial

import (
	"bytes"
	"sync"
	"testing"
)

// fake is a chip whose transmitter holds two bytes until the test drains it.
type fake struct {
	mu        sync.Mutex
	in, out   []byte
	line      []byte // what left the transmitter
	interrupt bool
	wanted    chan struct{}
}

func (f *fake) start() {}
func (f *fake) receive() (byte, bool) {
	if len(f.in) == 0 {
		return 0, false
	}
	b := f.in[0]
	f.in = f.in[1:]
	return b, true
}
func (f *fake) send(b byte) bool {
	if len(f.out) == 2 {
		return false
	}
	f.out = append(f.out, b)
	return true
}
func (f *fake) wantRoom(on bool) {
	if on {
		f.wanted <- struct{}{}
	}
}
func (f *fake) acknowledge() {
	f.line = append(f.line, f.out...)
	f.out = nil
}

func TestWriteWaitsForRoom(t *testing.T) {
	f := &fake{wanted: make(chan struct{}, 1)}
	p := newPort("ttyT0", f)
	want := []byte("seven bytes and more")
	done := make(chan error)
	go func() {
		_, err := p.Write(want)
		done <- err
	}()
	for {
		select {
		case <-f.wanted:
			p.Interrupt()
			continue
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		}
		break
	}
	p.Interrupt()
	if !bytes.Equal(f.line, want) {
		t.Errorf("the line carried %q, want %q", f.line, want)
	}
}

func TestReadTakesWhatArrived(t *testing.T) {
	f := &fake{in: []byte("abc"), wanted: make(chan struct{}, 1)}
	p := newPort("ttyT0", f)
	go p.Interrupt()
	var b [2]byte
	n, err := p.Read(b[:])
	if n != 2 || err != nil || string(b[:]) != "ab" {
		t.Fatalf("Read = %d %v %q, want 2 bytes \"ab\"", n, err, b[:n])
	}
	n, _ = p.Read(b[:])
	if n != 1 || b[0] != 'c' {
		t.Fatalf("second Read = %q, want \"c\"", b[:n])
	}
}
