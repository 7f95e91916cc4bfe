package vm

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/image"
	"kevlar/internal/qemu"
	"kevlar/internal/rootfs"
	"kevlar/internal/vm/proto"
)

// linux completes a machine for Debian's kernel, and returns what writes the agent
// and its files into the initramfs.
func (c *Config) linux(ctx context.Context, cache *debian.Cache, q *qemu.Config) (func(*rootfs.Writer) error, error) {
	kernel, err := cache.Kernel(ctx, c.Arch)
	if err != nil {
		return nil, err
	}
	if q.Kernel == "" {
		q.Kernel = kernel.Image
	}
	q.ACPI = true // where Linux finds the devices of a microvm

	words := []string{"console=" + serial(c.Arch), "panic=-1", "rdinit=" + proto.AgentPath, "mitigations=off"}
	if c.Arch == arch.ARM64 {
		words = append(words, "kpti=off", "nokaslr")
	}
	if !c.Verbose {
		words = append(words, "quiet")
	}
	q.Append = strings.Join(append(words, c.Append...), " ")

	wanted := []string{"virtio_mmio"}
	if q.Machine == qemu.Q35 || q.PCI {
		wanted[0] = "virtio_pci"
	}
	wanted = append(wanted, "virtio_console", "virtio_rng")
	if len(q.Disks) > 0 {
		wanted = append(wanted, "virtio_blk")
	}
	modules, err := moduleOrder(kernel.Modules, wanted)
	if err != nil {
		return nil, fmt.Errorf("Debian's kernel %s: %w", kernel.Release, err)
	}
	agent, err := buildAgent(ctx, c.Arch)
	if err != nil {
		return nil, err
	}
	cfg := proto.Config{
		Disk: len(q.Disks) > 0, Terminal: c.Terminal != nil,
		Command: c.Command, Env: c.Env, Dir: c.Dir, User: c.User, Hostname: c.Hostname,
	}
	var tracer map[string]string
	if c.Trace != nil {
		if cfg.Disk || c.User != "" {
			return nil, errors.New("strace on Linux wants a root file system that is no disk, and root for its user")
		}
		if cfg.Tracer, tracer, err = Strace(ctx, cache, c.Arch, proto.TracerDirectory); err != nil {
			return nil, err
		}
		cfg.Tracer = append(cfg.Tracer, "-f", "-o", proto.TracePath, "--")
	}
	for _, m := range modules {
		cfg.Modules = append(cfg.Modules, filepath.Base(m))
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	return func(w *rootfs.Writer) error {
		if err := w.Add(rootfs.Dir(proto.Directory, 0o700), nil); err != nil {
			return err
		}
		for _, m := range modules {
			if err := w.AddHostFile(proto.Directory+"/"+filepath.Base(m), m, 0o600); err != nil {
				return err
			}
		}
		if err := w.AddHostFile(proto.AgentPath, agent, 0o700); err != nil {
			return err
		}
		if err := addTracer(w, tracer); err != nil {
			return err
		}
		return w.AddBytes(proto.ConfigPath, 0o600, text)
	}, nil
}

// moduleOrder lists the files of modules and of all that they depend on, in an
// order in which they can be loaded.
func moduleOrder(dir string, names []string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ko") {
			files[moduleName(strings.TrimSuffix(d.Name(), ".ko"))] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var order []string
	done := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		name = moduleName(name)
		if done[name] {
			return nil
		}
		done[name] = true
		path, ok := files[name]
		if !ok {
			return fmt.Errorf("no module %s below %s", name, dir)
		}
		deps, err := moduleDepends(path)
		if err != nil {
			return err
		}
		for _, d := range deps {
			if err := visit(d); err != nil {
				return err
			}
		}
		order = append(order, path)
		return nil
	}
	for _, n := range names {
		if err := visit(n); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// moduleName is a module's name as the kernel knows it: its file may have dashes.
func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

// moduleDepends reads the names of the modules that a module needs from its file.
func moduleDepends(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", path, err)
	}
	defer f.Close()
	info := f.Section(".modinfo")
	if info == nil {
		return nil, fmt.Errorf("module %s: no .modinfo section", path)
	}
	data, err := info.Data()
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", path, err)
	}
	for _, field := range bytes.Split(data, []byte{0}) {
		if deps, ok := strings.CutPrefix(string(field), "depends="); ok && deps != "" {
			return strings.Split(deps, ","), nil
		}
	}
	return nil, nil
}

// buildAgent builds the agent for an architecture and returns its path.
func buildAgent(ctx context.Context, a arch.Arch) (string, error) {
	root, err := image.SourceRoot()
	if err != nil {
		return "", err
	}
	dir, err := image.CacheDir("agent")
	if err != nil {
		return "", err
	}
	// The go command knows whether anything changed, and writes nothing if not.
	out := filepath.Join(dir, string(a))
	unlock, err := image.Lock(out + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./internal/vm/agent")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+string(a), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the agent for %s: %w: %s", a, err, bytes.TrimSpace(text))
	}
	return out, nil
}
