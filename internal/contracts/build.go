package contracts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// A compiler makes static programs for one architecture, and keeps them by the hash of what they are made from.
type compiler struct {
	arch  arch.Arch
	cc    string
	args  []string // before and
	last  []string // after the source
	lib   string   // contracts/lib
	cache string
	salt  []byte // hash of everything that all programs depend on
}

func newCompiler(ctx context.Context, debs *debian.Cache, a arch.Arch, lib string) (*compiler, error) {
	musl, err := debs.Musl(ctx, a)
	if err != nil {
		return nil, err
	}
	cc := a.CC()
	out, err := exec.CommandContext(ctx, cc, "-print-file-name=include").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cc, err)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	c := &compiler{arch: a, cc: cc, lib: lib, cache: filepath.Join(base, "kevlar", "contracts")}
	c.args = []string{"-O1", "-s", "-static", "-no-pie", "-Wall", "-Wextra", "-Werror",
		"-Wno-unused-parameter", "-Wno-unused-result", "-Wno-unused-variable", "-Wno-missing-field-initializers",
		"-Wno-sign-compare", "-Wno-return-type", "-Wno-infinite-recursion", "-Wno-clobbered",
		// Contracts pass bad pointers on purpose.
		"-Wno-stringop-overread", "-Wno-stringop-overflow", "-Wno-nonnull", "-Wno-array-bounds",
		"-nostdinc", "-isystem", strings.TrimSpace(string(out)), "-isystem", musl.Include, "-I", lib}
	for _, d := range musl.Linux {
		c.args = append(c.args, "-idirafter", d)
	}
	if a == arch.ARM64 {
		// The out-of-line atomics of libgcc ask glibc which instructions there are.
		c.args = append(c.args, "-mno-outline-atomics")
	}
	c.args = append(c.args, "-nostdlib", musl.Lib+"/crt1.o", musl.Lib+"/crti.o")
	c.last = []string{"-L", musl.Lib, "-Wl,--start-group", "-lc", "-lgcc", "-Wl,--end-group", musl.Lib + "/crtn.o"}

	h := sha256.New()
	fmt.Fprintln(h, a, musl.Version, c.args, c.last)
	header, err := os.ReadFile(filepath.Join(lib, "contract.h"))
	if err != nil {
		return nil, err
	}
	h.Write(header)
	c.salt = h.Sum(nil)
	return c, os.MkdirAll(c.cache, 0o777)
}

// build returns the path of the program made from a source file.
func (c *compiler) build(ctx context.Context, source string) (string, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(c.salt)
	h.Write(text)
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
	args := append(append(append([]string{}, c.args...), "-o", tmp.Name(), source), c.last...)
	if out, err := exec.CommandContext(ctx, c.cc, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", source, err, out)
	}
	return path, os.Rename(tmp.Name(), path)
}
