package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		quit     bool
	}{
		{"ls\r", "ls\r", false},
		{"a\x01\x01b", "a\x01b", false},
		{"a\x01b", "a\x01b", false},
		{"a\x01xb", "a", true},
		{"\x03\x1a", "\x03\x1a", false},
	} {
		for _, in := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
			quit := false
			got, err := io.ReadAll(&escape{in: in, quit: func() { quit = true }})
			// What came in one read with the escape may be lost: the run is over.
			if quit != tt.quit || err != nil || !quit && string(got) != tt.want {
				t.Errorf("%q: passes %q, quits %v, %v; want %q, %v", tt.in, got, quit, err, tt.want, tt.quit)
			}
		}
	}
}

func TestCRLF(t *testing.T) {
	var b bytes.Buffer
	io.WriteString(crlf{&b}, "a\nb\r\n\n")
	if got, want := b.String(), "a\r\nb\r\n\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
