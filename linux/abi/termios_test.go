package abi

import (
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// The encodings here agree with the structures of x/sys/unix.
func TestEventAndTerminalLayouts(t *testing.T) {
	size := func(v any) int { return int(reflect.TypeOf(v).Size()) }
	offset := func(v any, field string) int {
		f, _ := reflect.TypeOf(v).FieldByName(field)
		return int(f.Offset)
	}
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"sizeof epoll_event", EpollEventSize, size(unix.EpollEvent{})},
		{"epoll_event.data", epollData, offset(unix.EpollEvent{}, "Fd")},
		{"sizeof termios2", Termios2Size, size(unix.Termios{})},
		{"termios2.c_ispeed", TermiosSize, offset(unix.Termios{}, "Ispeed")},
		{"sizeof winsize", WinsizeSize, size(unix.Winsize{})},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.want)
		}
	}
	in := Termios{1, 2, 3, 4, 5, [19]uint8{6, 18: 7}, 8, 9}
	var b [Termios2Size]byte
	in.Encode(b[:])
	var out Termios
	if out.Decode(b[:]); out != in {
		t.Errorf("decoded %v, want %v", out, in)
	}
	var e EpollEvent
	var eb [EpollEventSize]byte
	(&EpollEvent{1 << 31, 1<<63 | 1}).Encode(eb[:])
	if e.Decode(eb[:]); e.Events != 1<<31 || e.Data != 1<<63|1 {
		t.Errorf("decoded %v", e)
	}
}
