package syscalls

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// onlyOn finds the directive that binds a contract to one architecture.
var onlyOn = regexp.MustCompile(`(?m)^// arch: (\w+)$`)

// Every call is checked by a contract, on each architecture that has it.
func TestRowsNameTheirContracts(t *testing.T) {
	everywhere := make(map[string]bool) // contracts that there are: whether on all architectures
	sources, err := filepath.Glob("../../contracts/*/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no contracts: %v", err)
	}
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
		everywhere[name[:len(name)-len(".c")]] = !onlyOn.Match(text)
	}
	for _, rows := range families {
		for _, r := range rows {
			if r.Support == Missing {
				continue
			}
			if len(r.Contracts) == 0 {
				t.Errorf("%s: no contract checks it", r.Name)
				continue
			}
			checked := false
			for i, c := range r.Contracts {
				all, ok := everywhere[c]
				if !ok {
					t.Errorf("%s: there is no contract %s", r.Name, c)
				}
				if slices.Contains(r.Contracts[:i], c) {
					t.Errorf("%s: names %s twice", r.Name, c)
				}
				checked = checked || all || elsewhere[r.Name]
			}
			if !checked {
				t.Errorf("%s: its contracts run on one architecture only", r.Name)
			}
		}
	}
}
