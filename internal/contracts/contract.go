// Package contracts runs the contracts of the contracts directory: C programs that print what the kernel did. It
// compiles them, boots a machine that runs them, compares what they print with what Linux printed, and reports.
// The kevlar command calls it; what runs inside the machine is contracts/lib/init.c.
package contracts

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"kevlar/internal/arch"
)

// A Contract is one program run as one user.
type Contract struct {
	Name    string // category/name, with ".user" where it runs unprivileged and also as root
	Source  string // path of the C file
	User    bool   // as an ordinary user rather than root
	TTY     bool   // with a terminal as standard input
	Timeout int    // seconds
	Only    arch.Arch
	Libc    string   // "musl", static; "glibc", dynamic; "glibc-static"
	Files   []string // sets of files that the machine has for it, as addFiles knows them
	stem    string   // path of the expectation without ".expect"
}

// Category is the directory that a contract is in.
func (c Contract) Category() string { return filepath.Dir(c.Name) }

// On reports whether the contract is for the architecture.
func (c Contract) On(a arch.Arch) bool { return c.Only == "" || c.Only == a }

const defaultTimeout = 15

var directive = regexp.MustCompile(`^// (run|tty|arch|timeout|libc|files)(?:: *(.*))?$`)

// Load reads the contracts below a directory, in order of name.
func Load(dir string) ([]Contract, error) {
	var list []Contract
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() && rel == "lib" {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".c" {
			return nil
		}
		cs, err := parse(path, strings.TrimSuffix(filepath.ToSlash(rel), ".c"))
		list = append(list, cs...)
		return err
	})
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, err
}

// parse reads the directives in the comment at the top of a contract: one Contract for each user it runs as.
func parse(path, name string) ([]Contract, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := Contract{Name: name, Source: path, Timeout: defaultTimeout, Libc: "musl", stem: strings.TrimSuffix(path, ".c")}
	users := []string{"root"}
	for s := bufio.NewScanner(f); s.Scan() && strings.HasPrefix(s.Text(), "//"); {
		m := directive.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		switch m[1] {
		case "run":
			users = strings.Split(m[2], ",")
		case "tty":
			c.TTY = true
		case "arch":
			if c.Only, err = arch.Parse(m[2]); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		case "libc":
			c.Libc = m[2]
			if c.Libc == "glibc" {
				c.Files = append(c.Files, "glibc")
			}
		case "files":
			c.Files = append(c.Files, strings.Fields(m[2])...)
		case "timeout":
			if c.Timeout, err = strconv.Atoi(m[2]); err != nil {
				return nil, fmt.Errorf("%s: timeout: %w", path, err)
			}
		}
	}
	var list []Contract
	for _, u := range users {
		one := c
		switch u {
		case "root":
		case "user":
			one.User = true
			if len(users) > 1 {
				one.Name += ".user"
				one.stem += ".user"
			}
		default:
			return nil, fmt.Errorf("%s: run: unknown user %q", path, u)
		}
		list = append(list, one)
	}
	return list, nil
}

// Expected returns what Linux answered on an architecture. It is an error where that is not recorded.
func (c Contract) Expected(a arch.Arch) (string, error) {
	for _, path := range []string{c.stem + ".expect." + string(a), c.stem + ".expect"} {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text), nil
		}
		if !os.IsNotExist(err) {
			return "", err
		}
	}
	return "", fmt.Errorf("no recorded answer of Linux on %s", a)
}

// Record writes what Linux answered: one file where all architectures that the contract is for answered the same.
// Answers may hold only some architectures: what is recorded of the others stays.
func (c Contract) Record(answers map[arch.Arch]string) error {
	all := map[arch.Arch]string{}
	for _, a := range arch.All {
		if !c.On(a) {
			continue
		}
		if text, ok := answers[a]; ok {
			all[a] = text
		} else if text, err := c.Expected(a); err == nil {
			all[a] = text
		}
	}
	same := true
	var first string
	for _, text := range all {
		first = text
	}
	for _, text := range all {
		same = same && text == first
	}
	for _, a := range arch.All {
		os.Remove(c.stem + ".expect." + string(a))
	}
	os.Remove(c.stem + ".expect")
	if len(all) == 0 {
		return nil
	}
	if same {
		return os.WriteFile(c.stem+".expect", []byte(first), 0o666)
	}
	for a, text := range all {
		if err := os.WriteFile(c.stem+".expect."+string(a), []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}
