package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// list describes every file of an archive, one a string.
func list(t *testing.T, archive []byte) []string {
	t.Helper()
	var all []string
	r := NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		s := fmt.Sprintf("%s %o %d:%d", h.Name, h.Mode, h.UID, h.GID)
		if h.Major != 0 {
			s += fmt.Sprintf(" dev %d:%d", h.Major, h.Minor)
		}
		if h.Target != "" {
			s += " -> " + h.Target
		}
		if h.Links > 1 {
			s += fmt.Sprintf(" inode %d of %d names", h.Inode, h.Links)
		}
		if h.Size > 0 {
			s += fmt.Sprintf(" %q", body)
		}
		all = append(all, s)
	}
}

// pack opens a root file system and makes an initramfs of it.
func pack(path string) ([]byte, error) {
	src, err := Open(path, "amd64")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := NewWriter(&out)
	err = errors.Join(src.WriteTo(w), w.Close())
	return out.Bytes(), err
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("files:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTarAndCPIO(t *testing.T) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./bin/tool", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 4, Uid: 7, Gid: 8, ModTime: time.Unix(9, 0)},
		{Name: "./bin/other", Typeflag: tar.TypeLink, Linkname: "./bin/tool"},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3},
		{Name: "./sh", Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "bin/tool"},
		{Name: "./tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			io.WriteString(w, "text")
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "root.tar.gz")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	archive, err := pack(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		". 40755 0:0",
		"bin 40755 0:0",
		`bin/tool 104755 7:8 inode 1 of 2 names "text"`,
		"bin/other 104755 7:8 inode 1 of 2 names",
		"dev 40755 0:0",
		"dev/null 20666 0:0 dev 1:3",
		"sh 120777 0:0 -> bin/tool",
		"tmp 41777 0:0",
	}
	compare(t, list(t, archive), want)

	// The same through a cpio archive.
	path = filepath.Join(t.TempDir(), "root.cpio")
	if err := os.WriteFile(path, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := pack(path)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, list(t, again), want)

	for _, n := range []int{200, len(archive) / 2, len(archive) - 130} {
		if err := os.WriteFile(path, archive[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := pack(path); !errors.Is(err, errCorrupt) {
			t.Errorf("archive cut at %d: %v, want %v", n, err, errCorrupt)
		}
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(
		os.Mkdir(filepath.Join(dir, "d"), 0o755), os.Chmod(filepath.Join(dir, "d"), 0o700),
		os.WriteFile(filepath.Join(dir, "d/f"), []byte("x"), 0o640), os.Link(filepath.Join(dir, "d/f"), filepath.Join(dir, "g")),
		os.Symlink("d/f", filepath.Join(dir, "l")))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, list(t, archive), []string{
		". 40755 0:0", "d 40700 0:0", `d/f 100640 0:0 inode 1 of 2 names "x"`, "g 100640 0:0 inode 1 of 2 names", "l 120777 0:0 -> d/f",
	})
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	ext4 := make([]byte, 4096)
	ext4[1024+0x38], ext4[1024+0x39] = 0x53, 0xef
	for name, tt := range map[string]struct{ data, want string }{
		"xz":    {"\xfd7zXZ\x00....", "xz"},
		"text":  {"hello", "neither"},
		"empty": {"", "neither"},
		"gz":    {"\x1f\x8b\x08", "EOF"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(tt.data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, "amd64"); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q and the path", name, err, tt.want)
		}
	}
	if _, err := Open(filepath.Join(dir, "absent"), "amd64"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	path := filepath.Join(dir, "disk")
	if err := os.WriteFile(path, ext4, 0o644); err != nil {
		t.Fatal(err)
	}
	if src, err := Open(path, "amd64"); err != nil || src.Kind != Ext4 {
		t.Errorf("ext4: %+v, %v", src, err)
	}
}

func TestLookPath(t *testing.T) {
	w := NewWriter(io.Discard)
	for _, h := range []Header{
		Dir("bin", 0o755), Regular("bin/busybox", 0o755, 0), Symlink("bin/sh", "busybox"), Symlink("sbin", "bin"),
		Symlink("usr/bin", "../bin"), Regular("bin/data", 0o644, 0), Symlink("bin/loop", "loop"),
	} {
		if err := w.Add(h, bytes.NewReader(nil)); err != nil {
			t.Fatal(err)
		}
	}
	for program, want := range map[string]string{
		"sh": "/usr/bin/sh", "/x/sh": "/x/sh", "data": "data", "loop": "loop", "absent": "absent",
	} {
		if got := w.LookPath(program, "/usr/local/bin:/usr/bin:/bin"); got != want {
			t.Errorf("LookPath(%s) = %s, want %s", program, got, want)
		}
	}
}

func TestApplets(t *testing.T) {
	table := "code\x00[\x00[[\x00no\x00more..\x00[\x00[[\x00acpid\x00ash\x00awk\x00cat\x00cp\x00dd\x00df\x00vi\x00zcat\x00/bin/sh\x00"
	got, err := Applets([]byte(table))
	want := []string{"[", "[[", "acpid", "ash", "awk", "cat", "cp", "dd", "df", "vi", "zcat"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Applets = %q, %v, want %q", got, err, want)
	}
	if _, err := Applets([]byte("no BusyBox")); err == nil {
		t.Error("Applets of something else: no error")
	}
}

// FuzzReader reads archives that are no archives.
func FuzzReader(f *testing.F) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	w.AddBytes("a/b", 0o644, []byte("text"))
	w.Add(Symlink("l", "t"), nil)
	w.Close()
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data))
		for {
			if _, err := r.Next(); err != nil {
				return
			}
		}
	})
}
