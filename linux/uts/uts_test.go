package uts

import (
	"strings"
	"testing"

	"kevlar/linux/cred"
)

func dup(t *testing.T, ns *Namespace) *Namespace {
	n, err := ns.Copy(cred.Root())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCopyIsIndependent(t *testing.T) {
	a := dup(t, New())
	a.SetNode("alpha")
	b := dup(t, a)
	b.SetNode("beta")
	b.SetDomain("example")
	if a.Node() != "alpha" || a.Domain() != none || b.Node() != "beta" || b.Domain() != "example" {
		t.Errorf("%q %q, %q %q", a.Node(), a.Domain(), b.Node(), b.Domain())
	}
	if a.ID() == b.ID() || a.ID() == New().ID() {
		t.Errorf("two namespaces have number %#x", a.ID())
	}
}

func TestNamesAreCut(t *testing.T) {
	ns := dup(t, New())
	ns.SetNode(strings.Repeat("x", MaxName+1))
	if len(ns.Node()) != MaxName {
		t.Errorf("%d bytes are kept", len(ns.Node()))
	}
}

func TestNamesAreStructNewUtsname(t *testing.T) {
	ns := dup(t, New())
	ns.SetNode("a-long-name")
	ns.SetNode("host\x00hidden")
	n := *ns.Names()
	n.SetRelease("1.2.3")
	for i, want := range []string{System, "host", "1.2.3", Version, Machine, none} {
		const size = 65 // uname(2): __NEW_UTS_LEN and a NUL
		if got, _, _ := strings.Cut(string(n[i*size:][:size]), "\x00"); got != want {
			t.Errorf("field %d is %q, want %q", i, got, want)
		}
	}
	if ns.Names().get(release) != Release {
		t.Error("a changed copy changed the namespace")
	}
}
