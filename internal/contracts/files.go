package contracts

import (
	"context"
	"fmt"
	"path/filepath"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// glibcLoader is where programs linked with Debian's C library look for their dynamic loader.
var glibcLoader = map[arch.Arch]string{
	arch.AMD64: "lib64/ld-linux-x86-64.so.2",
	arch.ARM64: "lib/ld-linux-aarch64.so.1",
}

// addFiles adds to the machine what the directive "files" of a contract names: programs and libraries of Debian.
//
//	busybox  /bin/busybox, static, and /bin/sh, a link to it
//	dash     /bin/dash, a dynamic program
//	glibc    Debian's C library, its dynamic loader and libgcc_s
func (g *guest) addFiles(ctx context.Context, debs *debian.Cache, set string) error {
	switch set {
	case "busybox":
		path, err := debs.Busybox(ctx, g.arch)
		if err != nil {
			return err
		}
		g.files["bin/busybox"], g.links["bin/sh"] = path, "busybox"
		return nil
	case "dash":
		p, err := debs.Package(ctx, g.arch, "dash")
		if err != nil {
			return err
		}
		g.files["bin/dash"] = p.Path("bin/dash")
		return g.addFiles(ctx, debs, "glibc")
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
		loader := glibcLoader[g.arch]
		g.files[loader] = libc.Path(dir + filepath.Base(loader))
		for _, name := range []string{"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"} {
			g.files[dir+name] = libc.Path(dir + name)
		}
		g.files[dir+"libgcc_s.so.1"] = gcc.Path(dir + "libgcc_s.so.1")
		return nil
	}
	return fmt.Errorf("files: unknown set %q", set)
}
