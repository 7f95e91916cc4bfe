// Package cc compiles the C programs that run in virtual machines: contracts and benchmarks. It makes programs for one
// architecture with a cross compiler, against Debian's C libraries and never the host's own, and keeps them by the hash of
// what they are made from.
package cc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// A Compiler makes programs for one architecture, and keeps them by the hash of what they are made from.
type Compiler struct {
	arch  arch.Arch
	cc    string
	cache string
	debs  *debian.Cache
	args  []string // of every program
	libcs map[string]*libc
	salt  []byte // hash of what all programs depend on besides their library
}

// A libc is how to make programs with a C library.
type libc struct {
	version string
	first   []string // arguments before the source
	last    []string // and after
}

// Tool is the C compiler that makes an architecture's programs, and the package that has it.
func Tool(a arch.Arch) debian.Tool {
	if a == arch.Host() {
		return debian.Tool{Program: a.CC(), Package: "gcc"}
	}
	return debian.Tool{Program: a.CC(), Package: "gcc-" + strings.ReplaceAll(a.Machine(), "_", "-") + "-linux-gnu"}
}

// New returns a compiler with flags of its own. Sources may include the headers of the directory.
func New(ctx context.Context, debs *debian.Cache, a arch.Arch, include string, flags ...string) (*Compiler, error) {
	if err := debian.Ensure(ctx, os.Stderr, Tool(a)); err != nil {
		return nil, err
	}
	cc := a.CC()
	builtin, err := own(ctx, cc, "include")
	if err != nil {
		return nil, err
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	c := &Compiler{arch: a, cc: cc, debs: debs, cache: filepath.Join(base, "kevlar", "programs"), libcs: map[string]*libc{}}
	c.args = slices.Concat([]string{"-s", "-Wall", "-Wextra", "-Werror"}, flags, []string{"-nostdinc", "-isystem", builtin, "-I", include, "-nostdlib"})
	if a == arch.ARM64 {
		// The out-of-line atomics of libgcc ask glibc which instructions there are.
		c.args = append(c.args, "-mno-outline-atomics")
	}
	h := sha256.New()
	fmt.Fprintln(h, a, c.args)
	headers, err := filepath.Glob(filepath.Join(include, "*.h"))
	if err != nil {
		return nil, err
	}
	for _, name := range headers {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		h.Write(text)
	}
	c.salt = h.Sum(nil)
	return c, os.MkdirAll(c.cache, 0o777)
}

// own returns the path of a file or directory that is the compiler's own.
func own(ctx context.Context, cc, name string) (string, error) {
	out, err := exec.CommandContext(ctx, cc, "-print-file-name="+name).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", cc, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Loader is where programs linked with Debian's C library look for their dynamic loader.
func Loader(a arch.Arch) string {
	if a == arch.ARM64 {
		return "lib/ld-linux-aarch64.so.1"
	}
	return "lib64/ld-linux-x86-64.so.2"
}

// Use makes a C library ready: "musl" and "glibc-static" for static programs, "glibc" for position-independent dynamic
// ones. Programs are linked by naming the library's files, so that the compiler's own are never found.
func (c *Compiler) Use(ctx context.Context, name string) error {
	if c.libcs[name] != nil {
		return nil
	}
	l := &libc{}
	switch name {
	case "musl":
		m, err := c.debs.Musl(ctx, c.arch)
		if err != nil {
			return err
		}
		l.version = m.Version
		l.first = []string{"-static", "-no-pie", "-isystem", m.Include}
		for _, d := range m.Linux {
			l.first = append(l.first, "-idirafter", d)
		}
		l.first = append(l.first, m.Lib+"/crt1.o", m.Lib+"/crti.o")
		l.last = []string{"-L", m.Lib, "-Wl,--start-group", "-lc", "-lgcc", "-Wl,--end-group", m.Lib + "/crtn.o"}
	case "glibc", "glibc-static":
		var p [3]debian.Package
		for i, n := range []string{"libc6-dev", "linux-libc-dev", "libc6"} {
			var err error
			if p[i], err = c.debs.Package(ctx, c.arch, n); err != nil {
				return err
			}
		}
		var crt [4]string
		for i, n := range []string{"crtbeginT.o", "crtend.o", "crtbeginS.o", "crtendS.o"} {
			var err error
			if crt[i], err = own(ctx, c.cc, n); err != nil {
				return err
			}
		}
		triple := c.arch.Machine() + "-linux-gnu"
		lib := p[0].Path("usr/lib/" + triple)
		l.version = p[0].Version
		for _, root := range p[:2] {
			l.first = append(l.first, "-isystem", root.Path("usr/include"), "-isystem", root.Path("usr/include/"+triple))
		}
		if name == "glibc-static" {
			l.first = append(l.first, "-static", "-no-pie", lib+"/crt1.o", lib+"/crti.o", crt[0])
			l.last = []string{"-Wl,--start-group", lib + "/libc.a", "-lgcc", "-lgcc_eh", "-Wl,--end-group", crt[1], lib + "/crtn.o"}
			break
		}
		so := p[2].Path("lib/" + triple)
		loader := Loader(c.arch)
		l.first = append(l.first, "-fPIE", "-pie", "-Wl,--dynamic-linker=/"+loader, lib+"/Scrt1.o", lib+"/crti.o", crt[2])
		l.last = []string{so + "/libc.so.6", lib + "/libc_nonshared.a", so + "/" + filepath.Base(loader), "-lgcc", crt[3], lib + "/crtn.o"}
	default:
		return fmt.Errorf("unknown C library %q", name)
	}
	c.libcs[name] = l
	return nil
}

// Build returns the path of the program made from source files with a C library that is in use.
func (c *Compiler) Build(ctx context.Context, library string, sources ...string) (string, error) {
	l := c.libcs[library]
	h := sha256.New()
	h.Write(c.salt)
	fmt.Fprintln(h, l.version, l.first, l.last)
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, len(text))
		h.Write(text)
	}
	path := filepath.Join(c.cache, hex.EncodeToString(h.Sum(nil)[:16]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tmp, err := os.CreateTemp(c.cache, "new")
	if err != nil {
		return "", err
	}
	tmp.Close()
	defer os.Remove(tmp.Name())
	args := slices.Concat(c.args, l.first, []string{"-o", tmp.Name()}, sources, l.last)
	if out, err := exec.CommandContext(ctx, c.cc, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(sources, " "), err, out)
	}
	return path, os.Rename(tmp.Name(), path)
}
