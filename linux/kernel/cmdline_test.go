package kernel

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  a  b\tc\n", []string{"a", "b", "c"}},
		{`a "b c" d`, []string{"a", "b c", "d"}},
		{`K="v w"x`, []string{"K=v wx"}},
		{`"\"\\" \x`, []string{`"\`, `\x`}},
		{`"" a`, []string{"", "a"}},
		{`"open`, []string{"open"}},
	} {
		if got := split(c.line); !slices.Equal(got, c.want) {
			t.Errorf("split(%q) = %q, want %q", c.line, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	o := parse(`lost init=/bin/sh console=ttyS0,115200 console=hvc0 quiet HOME=/root single root=/dev/vda rootfstype=ext4 rw ` +
		`kevlar.cwd=/tmp kevlar.user=1:2 kevlar.hostname=h virtio_mmio.device=512@0xfeb00000:5 panic=-1 -- -c "exit 3" quiet A=b`)
	if o.init != "/bin/sh" || o.console != "hvc0" || !o.quiet || o.loglevel != quietLevel {
		t.Errorf("%+v", o)
	}
	if got, want := strings.Join(o.args, "|"), "single|-c|exit 3|quiet|A=b"; got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if got, want := strings.Join(o.env, "|"), "HOME=/root"; got != want {
		t.Errorf("environment %q, want %q", got, want)
	}
	if o.root != "/dev/vda" || o.rootType != "ext4" || o.readOnly || o.cwd != "/tmp" || o.user != "1:2" || o.hostname != "h" {
		t.Errorf("%+v", o)
	}
	if len(o.params) != 2 {
		t.Errorf("parameters %q", o.params)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`a "b\"c" \\ d`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, w := range split(line) {
			if !strings.ContainsAny(line, `"\`) && strings.ContainsAny(w, " \t\n\x00") {
				t.Errorf("a word of %q has white space: %q", line, w)
			}
		}
	})
}
