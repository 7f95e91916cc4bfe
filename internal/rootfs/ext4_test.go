package rootfs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ext4Image makes an image of a directory.
func ext4Image(t *testing.T, dir string) string {
	t.Helper()
	mke2fs, err := exec.LookPath("mke2fs")
	if err != nil {
		if mke2fs, err = exec.LookPath("/sbin/mke2fs"); err != nil {
			t.Skip("no mke2fs here")
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	if out, err := exec.Command(mke2fs, "-q", "-t", "ext4", "-d", dir, image, "16M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	return image
}

// filled makes a directory with one of each that an image can hold.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "sub/deeper"), 0o750))
	must(os.WriteFile(filepath.Join(dir, "sub/file"), []byte("contents"), 0o640))
	must(os.WriteFile(filepath.Join(dir, "big"), bytes.Repeat([]byte("0123456789abcdef"), 1<<9), 0o755))
	must(os.Link(filepath.Join(dir, "big"), filepath.Join(dir, "sub/other")))
	must(os.Symlink("sub/file", filepath.Join(dir, "short")))
	must(os.Symlink(strings.Repeat("long/", 20), filepath.Join(dir, "long")))
	return dir
}

// TestExt4 packs a directory, and an image of it: both must come out alike.
func TestExt4(t *testing.T) {
	dir := filled(t)
	want, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pack(ext4Image(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, line := range list(t, got) {
		if !strings.Contains(line, "lost+found") {
			have = append(have, strings.Replace(line, "inode 12 ", "inode 1 ", 1))
		}
	}
	compare(t, have, list(t, want))
}

// TestExt4Damaged overwrites parts of an image: an error or an archive, but no panic and no endless loop.
func TestExt4Damaged(t *testing.T) {
	image := ext4Image(t, filled(t))
	whole, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	check := func(what string, data []byte, want string) {
		t.Helper()
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pack(damaged); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	check("cut off", whole[:64<<10], "corrupt ext4 image")
	dirty := bytes.Clone(whole)
	dirty[1024+0x60] |= 4
	check("not unmounted", dirty, "e2fsck")
	for at := 1024; at < 1<<20; at += 16 << 10 {
		data := bytes.Clone(whole)
		for i := range 512 {
			if at+i < 1024+0x38 || at+i > 1024+0x39 {
				data[at+i] ^= byte(0xa5 + i)
			}
		}
		check("overwritten", data, "")
	}
}
