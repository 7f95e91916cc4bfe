package image

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A stamp beside the kernels that Build made tells what they were made from, so that a kernel that is up to date costs no
// go command: half a second, which is more than the machine takes to boot it.

// kernelSources are the parts of the source tree that the kernel is built from.
var kernelSources = []string{"go.mod", "go.sum", "cmd/kernel", "linux", "machine", "internal"}

// sources sums up everything that a build depends on: files by name, size and time of change, the go command, what its
// environment says about builds, and how the kernel is linked.
func sources(root, link string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, link)
	if tool, err := exec.LookPath("go"); err == nil {
		if err := sum(h, tool); err != nil {
			return "", err
		}
	}
	if config, err := os.UserConfigDir(); err == nil {
		if err := sum(h, filepath.Join(config, "go", "env")); err != nil { // go env -w
			return "", err
		}
	}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "GO") {
			fmt.Fprintln(h, kv)
		}
	}
	for _, dir := range kernelSources {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile, as an editor's temporary files are
			case err != nil || e.IsDir() || strings.HasSuffix(path, "_test.go"):
				return err
			}
			return sum(h, path)
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// sum adds a file to h, without reading it.
func sum(h hash.Hash, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
	}
	return err
}

// stampText is what a stamp holds: the sum of the sources, and of the files that were made.
func stampText(sources string, outputs []string) (string, error) {
	h := sha256.New()
	for _, path := range outputs {
		if err := sum(h, path); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s %x\n", sources, h.Sum(nil)), nil
}

// fresh reports whether outputs are still what remember saw, and were made from sources.
func fresh(stamp, sources string, outputs []string) bool {
	for _, path := range outputs {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	want, err := stampText(sources, outputs)
	if err != nil {
		return false
	}
	got, err := os.ReadFile(stamp)
	return err == nil && string(got) == want
}

// remember writes the stamp of outputs that were just made from sources.
func remember(stamp, sources string, outputs []string) error {
	text, err := stampText(sources, outputs)
	if err != nil {
		return err
	}
	return replace(stamp, []byte(text))
}
