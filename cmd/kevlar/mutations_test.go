package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/internal/image"
)

// TestMutations sees to it that every mutation still applies to the source, is found by a contract that there is, and
// stands in the documentation.
func TestMutations(t *testing.T) {
	root, err := image.SourceRoot()
	if err != nil {
		t.Fatal(err)
	}
	c := testCmd{root: root}
	all, err := c.readMutations()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs/mutations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if _, err := c.overlay(m, t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if _, err := os.Stat(filepath.Join(root, "contracts", m.contract+".c")); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if !strings.Contains(string(doc), "| "+m.name+" | "+m.what+" | "+m.contract+" |") {
			t.Errorf("docs/mutations.md: no row | %s | %s | %s |", m.name, m.what, m.contract)
		}
	}
}
