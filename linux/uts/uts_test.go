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
