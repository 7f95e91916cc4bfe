package vm

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/rootfs"
	"kevlar/internal/vm/proto"
)

// Strace is Debian's strace for a guest: the command, to which flags and what it is to trace are added, and the files that it
// takes, by their names in dir. Loader and libraries are among them, so that the program that is traced finds the root file
// system as it is.
func Strace(ctx context.Context, cache *debian.Cache, a arch.Arch, dir string) (command []string, files map[string]string, err error) {
	packages, err := cache.Closure(ctx, a, "strace")
	if err != nil {
		return nil, nil, err
	}
	libraries := map[string]string{}
	for _, p := range packages {
		err := filepath.WalkDir(p.Root, func(path string, d fs.DirEntry, err error) error {
			// A loader has links with an absolute target in the package, which lead nowhere here.
			if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".so") {
				if real, err := filepath.EvalSymlinks(path); err == nil && strings.HasPrefix(real, p.Root) {
					libraries[d.Name()] = real
				}
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		if p.Name == "strace" {
			files = map[string]string{"strace": p.Path("usr/bin/strace")}
		}
	}
	if files == nil {
		return nil, nil, errors.New("Debian's strace is not among its packages")
	}
	loader := ""
	for todo := []string{files["strace"]}; len(todo) > 0; todo = todo[1:] {
		interpreter, needed, err := linked(todo[0])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", todo[0], err)
		}
		if interpreter != "" && loader == "" {
			loader = filepath.Base(interpreter)
			needed = append(needed, loader)
		}
		for _, name := range needed {
			if files[name] != "" {
				continue
			}
			path := libraries[name]
			if path == "" {
				return nil, nil, fmt.Errorf("Debian's strace needs %s, which no package has", name)
			}
			files[name] = path
			todo = append(todo, path)
		}
	}
	return []string{dir + "/" + loader, "--library-path", dir, dir + "/strace"}, files, nil
}

// linked says what a program or library wants to be loaded by and with.
func linked(path string) (interpreter string, libraries []string, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if s := f.Section(".interp"); s != nil {
		text, err := s.Data()
		if err != nil {
			return "", nil, err
		}
		interpreter = strings.TrimRight(string(text), "\x00")
	}
	libraries, err = f.ImportedLibraries()
	return interpreter, libraries, err
}

// addTracer writes the files of strace into an initramfs.
func addTracer(w *rootfs.Writer, files map[string]string) error {
	if len(files) == 0 {
		return nil
	}
	if err := w.Add(rootfs.Dir(proto.TracerDirectory, 0o700), nil); err != nil {
		return err
	}
	for name, path := range files {
		if err := w.AddHostFile(proto.TracerDirectory+"/"+name, path, 0o700); err != nil {
			return err
		}
	}
	return nil
}
