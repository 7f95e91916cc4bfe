// Package debian fetches Debian packages of any architecture into a private
// cache and unpacks them there, and installs packages on this host.
//
// Fetching leaves the system's own package state alone: apt reads the system's
// sources, but its lists, caches and notion of installed packages live in the
// cache directory. What was fetched once is used from then on without asking the
// network, so that a run tomorrow sees the same Linux kernel as today's; delete
// the directory to start anew. The kevlar command and its tests call it for real
// Linux kernels, BusyBox, the musl C library and the programs that tests run.
package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/internal/arch"
)

// Cache is a directory of fetched packages. Several processes may use one at a
// time: a package appears in it whole or not at all.
type Cache struct {
	dir string
	log io.Writer
}

// Open returns the cache in the user's cache directory. Progress is written to
// log, a line at a time.
func Open(log io.Writer) (*Cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		// A service or a container without HOME.
		base = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
	}
	return OpenAt(filepath.Join(base, "kevlar", "debian"), log)
}

// OpenAt is Open with a directory of one's own.
func OpenAt(dir string, log io.Writer) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("package cache: %w", err)
	}
	return &Cache{dir: dir, log: log}, nil
}

// Package is a fetched and unpacked package.
type Package struct {
	Name    string
	Version string
	Root    string // directory with the package's files
}

// Path is the host path of a file that the package has at path.
func (p Package) Path(path string) string { return filepath.Join(p.Root, path) }

// Package returns one package, without those that it depends on.
func (c *Cache) Package(ctx context.Context, a arch.Arch, name string) (Package, error) {
	ps, err := c.packages(ctx, a, name)
	if err != nil {
		return Package{}, err
	}
	return ps[0], nil
}

// Closure returns packages and all that they depend on: together their files
// make dynamically linked programs run.
func (c *Cache) Closure(ctx context.Context, a arch.Arch, names ...string) ([]Package, error) {
	all, err := c.closureNames(ctx, a, names)
	if err != nil {
		return nil, err
	}
	return c.packages(ctx, a, all...)
}

// packages returns packages in the order of their names, and fetches those that
// are not here yet.
func (c *Cache) packages(ctx context.Context, a arch.Arch, names ...string) ([]Package, error) {
	ps, missing := c.have(a, names)
	if len(missing) == 0 {
		return ps, nil
	}
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if ps, missing = c.have(a, names); len(missing) == 0 {
		return ps, nil // another process has fetched them meanwhile
	}
	err = c.withLists(ctx, a, func() error { return c.fetch(ctx, a, missing) })
	if err != nil {
		return nil, fmt.Errorf("package %s (%s): %w", strings.Join(missing, ", "), a, err)
	}
	ps, _ = c.have(a, names)
	return ps, nil
}

// closureNames asks apt what installing names on an empty system would bring,
// and remembers the answer in a file.
func (c *Cache) closureNames(ctx context.Context, a arch.Arch, names []string) ([]string, error) {
	memo := filepath.Join(c.archDir(a), "closure", strings.Join(names, ","))
	if data, err := os.ReadFile(memo); err == nil {
		return strings.Fields(string(data)), nil
	}
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	var all []string
	err = c.withLists(ctx, a, func() error {
		args := append([]string{"install", "-qq", "--yes", "--no-install-recommends", "--print-uris"}, names...)
		out, err := c.apt(ctx, a, "apt-get", args...)
		if err != nil {
			return err
		}
		all = parseURIs(out)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dependencies of %s (%s): %w", strings.Join(names, ", "), a, err)
	}
	return all, writeFile(memo, strings.Join(all, "\n")+"\n")
}

// parseURIs reads the package names from apt-get's --print-uris, whose lines are
// 'URI' NAME_VERSION_ARCH.deb SIZE HASH.
func parseURIs(out string) []string {
	var names []string
	for _, line := range strings.Split(out, "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasSuffix(f[1], ".deb") {
			continue
		}
		name, _, _ := strings.Cut(f[1], "_")
		names = append(names, name)
	}
	return names
}

// Kernel is a Linux kernel as Debian builds it for virtual machines.
type Kernel struct {
	Release string // uname -r
	Version string // Debian's version of the package
	Image   string // path of the boot image
	Modules string // directory of the modules: kernel/... below it
}

var kernelName = regexp.MustCompile(`^linux-image-[0-9].*`)

// Kernel returns Debian's current kernel for virtual machines.
func (c *Cache) Kernel(ctx context.Context, a arch.Arch) (Kernel, error) {
	// The meta package's name is stable; the one that it depends on has the release in it.
	meta := "linux-image-cloud-" + a.Debian()
	all, err := c.dependsNames(ctx, a, meta)
	if err != nil {
		return Kernel{}, err
	}
	for _, name := range all {
		if !kernelName.MatchString(name) {
			continue
		}
		p, err := c.Package(ctx, a, name)
		if err != nil {
			return Kernel{}, err
		}
		release := strings.TrimPrefix(name, "linux-image-")
		k := Kernel{
			Release: release,
			Version: p.Version,
			Image:   p.Path("boot/vmlinuz-" + release),
			Modules: p.Path("lib/modules/" + release),
		}
		if _, err := os.Stat(k.Image); err != nil {
			return Kernel{}, fmt.Errorf("package %s: no kernel image: %w", name, err)
		}
		return k, nil
	}
	return Kernel{}, fmt.Errorf("package %s (%s) depends on no kernel: %v", meta, a, all)
}

// dependsNames lists what the package name directly depends on.
func (c *Cache) dependsNames(ctx context.Context, a arch.Arch, name string) ([]string, error) {
	memo := filepath.Join(c.archDir(a), "depends", name)
	if data, err := os.ReadFile(memo); err == nil {
		return strings.Fields(string(data)), nil
	}
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	var all []string
	err = c.withLists(ctx, a, func() error {
		out, err := c.apt(ctx, a, "apt-cache", "depends", name)
		if err != nil {
			return err
		}
		all = nil
		for _, line := range strings.Split(out, "\n") {
			if dep, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
				all = append(all, dep)
			}
		}
		if len(all) == 0 {
			return fmt.Errorf("apt knows no dependencies of %s", name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("package %s (%s): %w", name, a, err)
	}
	return all, writeFile(memo, strings.Join(all, "\n")+"\n")
}

// Busybox returns the path of a static BusyBox.
func (c *Cache) Busybox(ctx context.Context, a arch.Arch) (string, error) {
	p, err := c.Package(ctx, a, "busybox-static")
	if err != nil {
		return "", err
	}
	return p.Path("bin/busybox"), nil
}

// Musl is the musl C library for linking static programs.
type Musl struct {
	Version string
	Include string   // its headers
	Lib     string   // crt1.o, crti.o, crtn.o, libc.a, ...
	Linux   []string // the kernel's user-space headers: <linux/...>, <asm/...>
}

// Musl returns the musl C library. Any C compiler for the architecture builds
// static programs with it:
//
//	CC -static -nostdinc -isystem $(CC -print-file-name=include) -isystem Include -isystem Linux... \
//	   -nostdlib Lib/crt1.o Lib/crti.o prog.c -L Lib -Wl,--start-group -lc -lgcc -lgcc_eh -Wl,--end-group Lib/crtn.o
func (c *Cache) Musl(ctx context.Context, a arch.Arch) (Musl, error) {
	p, err := c.Package(ctx, a, "musl-dev")
	if err != nil {
		return Musl{}, err
	}
	h, err := c.Package(ctx, a, "linux-libc-dev")
	if err != nil {
		return Musl{}, err
	}
	triple := a.Machine() + "-linux"
	return Musl{
		Version: p.Version,
		Include: p.Path("usr/include/" + triple + "-musl"),
		Lib:     p.Path("usr/lib/" + triple + "-musl"),
		Linux:   []string{h.Path("usr/include"), h.Path("usr/include/" + triple + "-gnu")},
	}, nil
}

func (c *Cache) archDir(a arch.Arch) string { return filepath.Join(c.dir, a.Debian()) }

// have looks packages up among those already unpacked.
func (c *Cache) have(a arch.Arch, names []string) (ps []Package, missing []string) {
	for _, name := range names {
		dir := filepath.Join(c.archDir(a), "packages", name)
		version, err := os.ReadFile(filepath.Join(dir, "version"))
		if err != nil {
			missing = append(missing, name)
			continue
		}
		ps = append(ps, Package{Name: name, Version: strings.TrimSpace(string(version)), Root: filepath.Join(dir, "root")})
	}
	return ps, missing
}

// fetch downloads and unpacks packages. The caller holds the lock.
func (c *Cache) fetch(ctx context.Context, a arch.Arch, names []string) error {
	packages := filepath.Join(c.archDir(a), "packages")
	if err := os.MkdirAll(packages, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(packages, ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	c.logf("fetching for %s: %s", a, strings.Join(names, " "))
	if _, err := c.aptIn(ctx, a, tmp, "apt-get", append([]string{"-qq", "download"}, names...)...); err != nil {
		return err
	}
	for _, name := range names {
		debs, err := filepath.Glob(filepath.Join(tmp, name+"_*.deb"))
		if err != nil || len(debs) != 1 {
			return fmt.Errorf("apt-get download left %d files of %s, want 1", len(debs), name)
		}
		dir := filepath.Join(tmp, name)
		if err := unpack(ctx, debs[0], dir); err != nil {
			return err
		}
		if err := os.Rename(dir, filepath.Join(packages, name)); err != nil {
			return err
		}
	}
	return nil
}

// unpack makes the directory dir of a package: its files and its version.
func unpack(ctx context.Context, deb, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, filepath.Join(dir, "root")).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb: %w: %s", err, bytes.TrimSpace(out))
	}
	version, err := exec.CommandContext(ctx, "dpkg-deb", "-f", deb, "Version").Output()
	if err != nil {
		return fmt.Errorf("dpkg-deb: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "version"), version, 0o644)
}

// withLists runs f, which asks apt something; where it fails, the package lists
// are missing or older than the archive, so they are updated and f runs again.
func (c *Cache) withLists(ctx context.Context, a arch.Arch, f func() error) error {
	stamp := filepath.Join(c.archDir(a), "updated")
	if _, err := os.Stat(stamp); err == nil {
		if err := f(); err == nil {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.logf("reading Debian's package lists for %s", a)
	_, updateErr := c.apt(ctx, a, "apt-get", "-qq", "update")
	if updateErr == nil {
		if err := writeFile(stamp, ""); err != nil {
			return err
		}
	}
	// One unreachable source among several makes the update fail though the others
	// were read: what f finds decides.
	err := f()
	if err != nil && updateErr != nil {
		return fmt.Errorf("%w (and the package lists could not be updated: %v)", err, updateErr)
	}
	return err
}

func (c *Cache) apt(ctx context.Context, a arch.Arch, tool string, args ...string) (string, error) {
	return c.aptIn(ctx, a, "", tool, args...)
}

// aptIn runs an apt tool in a directory, on private state.
func (c *Cache) aptIn(ctx context.Context, a arch.Arch, dir, tool string, args ...string) (string, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", fmt.Errorf("%s is not here: packages are fetched with apt, on Debian or a system derived from it", tool)
	}
	state := filepath.Join(c.archDir(a), "apt")
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(state, d), 0o755); err != nil {
			return "", err
		}
	}
	status := filepath.Join(state, "status")
	if _, err := os.Stat(status); err != nil {
		if err := writeFile(status, ""); err != nil {
			return "", err
		}
	}
	opts := []string{
		"-o", "APT::Architecture=" + a.Debian(),
		"-o", "APT::Architectures=" + a.Debian(),
		"-o", "Dir::State::Lists=" + filepath.Join(state, "lists"),
		"-o", "Dir::State::status=" + status,
		"-o", "Dir::Cache=" + filepath.Join(state, "cache"),
		"-o", "Dir::Etc::Preferences=/dev/null",
		"-o", "APT::Sandbox::User=", // the cache may be where the user _apt cannot look
		"-o", "APT::Update::Post-Invoke=",
		"-o", "APT::Update::Post-Invoke-Success=",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"-o", "Acquire::Retries=3",
	}
	cmd := exec.CommandContext(ctx, path, append(opts, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// lock keeps other processes from changing the cache until the returned function
// is called.
func (c *Cache) lock() (func(), error) {
	f, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("package cache: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		c.logf("waiting for another process that fetches packages")
		for {
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("package cache: lock: %w", err)
	}
	return func() { f.Close() }, nil
}

func (c *Cache) logf(format string, args ...any) {
	if c.log != nil {
		fmt.Fprintf(c.log, "kevlar: "+format+"\n", args...)
	}
}

// writeFile writes a file whole or not at all, and makes its directory.
func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".write-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := io.WriteString(tmp, text); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
