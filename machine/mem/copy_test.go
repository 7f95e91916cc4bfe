package mem

import (
	"bytes"
	"testing"
)

// Copy moves what the built-in copy would, whatever the sizes and alignments, and nothing else.
func TestCopy(t *testing.T) {
	src := make([]byte, 10000)
	for i := range src {
		src[i] = byte(i * 7)
	}
	for _, n := range []int{0, 1, 2047, 2048, 2049, 4096, 9001} {
		for at := range 9 {
			dst := make([]byte, 10000)
			if got := Copy(dst[at:at+n], src[3:]); got != n {
				t.Fatalf("%d bytes to %d: copied %d", n, at, got)
			}
			if !bytes.Equal(dst[at:at+n], src[3:3+n]) || bytes.Count(dst[:at], []byte{0}) != at || bytes.Count(dst[at+n:], []byte{0}) != len(dst)-at-n {
				t.Fatalf("%d bytes to %d are others", n, at)
			}
		}
	}
	if got := Copy(make([]byte, 9000), src[:5000]); got != 5000 {
		t.Fatalf("copied %d of 5000", got)
	}
}
