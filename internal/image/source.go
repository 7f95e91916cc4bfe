package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// SourceRoot is the directory of Kevlar's source, which kernels and tests are built from.
func SourceRoot() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..")
	if ok && isRoot(root) {
		return root, nil
	}
	// Built with -trimpath, or moved: the current directory tells.
	for dir, err := os.Getwd(); err == nil; dir = filepath.Dir(dir) {
		if isRoot(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "", errors.New("Kevlar's source is not here: run kevlar within it")
}

func isRoot(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module kevlar\n"))
}

// CacheDir is a directory of the user's cache for what is built from this source tree: two trees on one host
// do not see each other's kernels.
func CacheDir(name string) (string, error) {
	root, err := SourceRoot()
	if err != nil {
		return "", err
	}
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	base, err := os.UserCacheDir()
	if err != nil {
		base = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
	}
	sum := sha256.Sum256([]byte(root))
	dir := filepath.Join(base, "kevlar", name, hex.EncodeToString(sum[:6]))
	return dir, os.MkdirAll(dir, 0o755)
}

// Lock takes the lock file at path, for one process at a time, until the returned function is called.
func Lock(path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// replace writes a file whole or not at all: a machine that starts meanwhile reads the old one or the new one.
func replace(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(0o755), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
