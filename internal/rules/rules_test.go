// Package rules holds the rules on what may import what, and where unsafe code and
// assembly may be. It has only this test.
package rules

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

func TestRules(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || rel == "out"):
			return filepath.SkipDir
		case strings.HasSuffix(rel, ".s") && !strings.HasPrefix(rel, "machine/"):
			t.Errorf("%s: assembly outside machine/", rel)
		case strings.HasSuffix(rel, ".go"):
			checkFile(t, path, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path, rel string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		t.Error(err)
		return
	}
	if buildIgnore(file) {
		return // a generator, no part of any package
	}
	test := strings.HasSuffix(rel, "_test.go")
	linux, machine := strings.HasPrefix(rel, "linux/"), strings.HasPrefix(rel, "machine/")
	base := strings.TrimSuffix(strings.TrimSuffix(rel, ".go"), "_test")
	for _, imp := range file.Imports {
		name, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		switch {
		case name == "unsafe" && !machine:
			t.Errorf("%s: unsafe outside machine/", rel)
		case name == "unsafe" && !strings.HasPrefix(rel, "machine/nk/") && !test &&
			!strings.HasSuffix(trimArch(base), "_unsafe"):
			t.Errorf("%s: unsafe in a file that is not named *_unsafe.go", rel)
		case linux && !test && (name == "os" || strings.HasPrefix(name, "os/") || name == "net"):
			t.Errorf("%s: imports %s: the kernel has no operating system below it", rel, name)
		case linux && strings.HasPrefix(name, "kevlar/") && !allowedBelowLinux(name, test || strings.HasPrefix(rel, "linux/linuxtest/")):
			t.Errorf("%s: imports %s: linux/ knows only machine's portable interface", rel, name)
		case machine && strings.HasPrefix(name, "kevlar/") && !strings.HasPrefix(name, "kevlar/machine") &&
			!(test && name == "kevlar/internal/image"): // the linked kernel is what some tests look at
			t.Errorf("%s: imports %s: imports point from linux to machine", rel, name)
		}
	}
	if !linux || strings.HasPrefix(rel, "linux/abi/") {
		return
	}
	if trimArch(base) != base {
		t.Errorf("%s: named after an architecture", rel)
	}
	if tag := buildTag(file); tag != "" {
		t.Errorf("%s: build tag %s", rel, tag)
	}
}

// buildTag is the line that constrains when a file is built, or "".
func buildTag(file *ast.File) string {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if group.Pos() < file.Package && constraint.IsGoBuild(c.Text) {
				return c.Text
			}
		}
	}
	return ""
}

func buildIgnore(file *ast.File) bool { return buildTag(file) == "//go:build ignore" }

func trimArch(base string) string {
	return strings.TrimSuffix(strings.TrimSuffix(base, "_amd64"), "_arm64")
}

// allowedBelowLinux tells whether the personality may import a package of ours.
func allowedBelowLinux(name string, test bool) bool {
	switch {
	case strings.HasPrefix(name, "kevlar/linux/"):
		return true
	case name == "kevlar/machine", name == "kevlar/machine/mem", name == "kevlar/machine/pgtable":
		return true
	}
	// A machine in memory is what its tests run on.
	return strings.HasPrefix(name, "kevlar/machine/sim") && test
}
