package contracts

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"kevlar/internal/cc"
	"kevlar/internal/debian"
	"kevlar/internal/rootfs"
)

// A fileSet is files that a machine has for those contracts that ask for them.
type fileSet struct {
	files map[string]string // paths on the host, by their names in the machine
	links map[string]string // symbolic links: what they name, by their names
}

func (f fileSet) write(w *rootfs.Writer) error {
	for name, path := range f.files {
		if err := w.AddHostFile(name, path, 0o755); err != nil {
			return err
		}
	}
	for name, target := range f.links {
		if err := w.Add(rootfs.Symlink(name, target), nil); err != nil {
			return err
		}
	}
	return nil
}

// addSet makes ready what the directive "files" of a contract names: programs and libraries of Debian.
//
//	busybox  /bin/busybox, static, and /bin/sh, a link to it
//	dash     /bin/dash, a dynamic program
//	glibc    Debian's C library, its dynamic loader and libgcc_s
func (g *guest) addSet(ctx context.Context, debs *debian.Cache, set string) error {
	if _, ok := g.sets[set]; ok {
		return nil
	}
	s := fileSet{files: map[string]string{}, links: map[string]string{}}
	switch set {
	case "busybox":
		path, err := debs.Busybox(ctx, g.arch)
		if err != nil {
			return err
		}
		s.files["bin/busybox"], s.links["bin/sh"] = path, "busybox"
	case "dash":
		p, err := debs.Package(ctx, g.arch, "dash")
		if err != nil {
			return err
		}
		if err := g.addSet(ctx, debs, "glibc"); err != nil {
			return err
		}
		maps.Copy(s.files, g.sets["glibc"].files)
		s.files["bin/dash"] = p.Path("bin/dash")
	case "glibc":
		libc, err := debs.Package(ctx, g.arch, "libc6")
		if err != nil {
			return err
		}
		gcc, err := debs.Package(ctx, g.arch, "libgcc-s1")
		if err != nil {
			return err
		}
		dir := "lib/" + g.arch.Machine() + "-linux-gnu/"
		loader := cc.Loader(g.arch)
		s.files[loader] = libc.Path(dir + filepath.Base(loader))
		for _, name := range []string{"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"} {
			s.files[dir+name] = libc.Path(dir + name)
		}
		s.files[dir+"libgcc_s.so.1"] = gcc.Path(dir + "libgcc_s.so.1")
	default:
		return fmt.Errorf("files: unknown set %q", set)
	}
	g.sets[set] = s
	return nil
}
