package uts

import (
	"strings"
	"testing"
)

func TestCopyIsIndependent(t *testing.T) {
	a := New().Copy()
	a.SetNode("alpha")
	b := a.Copy()
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
	ns := New().Copy()
	ns.SetNode(strings.Repeat("x", MaxName+1))
	if len(ns.Node()) != MaxName {
		t.Errorf("%d bytes are kept", len(ns.Node()))
	}
}
