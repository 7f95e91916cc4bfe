package image

import (
	"os"
	"path/filepath"
	"testing"
)

// A stamp holds until the sources, the link or a kernel change.
func TestStamp(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	write := func(path, text string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range kernelSources[2:] {
		write(filepath.Join(root, name, "a.go"), "package a")
	}
	write(filepath.Join(root, "go.mod"), "module kevlar")
	kernel := write(filepath.Join(out, "kernel"), "ELF")
	stamp := filepath.Join(out, "stamp")
	now := func() string {
		s, err := sources(root, "link")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	isFresh := func() bool { return fresh(stamp, now(), []string{kernel}) }
	if isFresh() {
		t.Error("fresh without a stamp")
	}
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"a longer source file", func() { write(filepath.Join(root, "linux", "a.go"), "package a // longer") }},
		{"a new source file", func() { write(filepath.Join(root, "machine", "b.s"), "") }},
		{"a source file removed", func() { os.Remove(filepath.Join(root, "machine", "b.s")) }},
		{"another module file", func() { write(filepath.Join(root, "go.mod"), "module kevlar // and more") }},
		{"another environment", func() { t.Setenv("GOEXPERIMENT", "something") }},
		{"a changed kernel", func() { write(kernel, "an ELF with an init slot") }},
		{"no kernel", func() { os.Remove(kernel) }},
	} {
		if err := remember(stamp, now(), []string{kernel}); err != nil {
			t.Fatal(err)
		}
		if !isFresh() {
			t.Errorf("%s: not fresh before", c.name)
		}
		c.change()
		if isFresh() {
			t.Errorf("%s: fresh still", c.name)
		}
	}
	write(filepath.Join(root, "linux", "a_test.go"), "package a")
	kernel = write(kernel, "ELF")
	if err := remember(stamp, now(), []string{kernel}); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(root, "linux", "a_test.go"), "package a // longer")
	if !isFresh() {
		t.Error("tests of the kernel's packages are no part of it")
	}
}
