package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// layer makes a layer of files; a regular one holds its own name.
func layer(t *testing.T, headers ...tar.Header) v1.Layer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			io.WriteString(w, h.Name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// writeLayout makes an OCI layout with one image, for an architecture.
func writeLayout(t *testing.T, architecture string, layers ...v1.Layer) string {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: architecture,
		Config: v1.Config{Entrypoint: []string{"/bin/a"}, Cmd: []string{"b"}, Env: []string{"K=V"}, WorkingDir: "/w", User: "1:2"},
		RootFS: rootFS(t, img),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = p.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func rootFS(t *testing.T, img v1.Image) v1.RootFS {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c.RootFS
}

func dir(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }
func regular(name string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}
}
func link(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}
}
func symlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: to}
}

// TestOCI merges layers: what the upper ones remove, replace, link and reach through symbolic links.
func TestOCI(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layers []v1.Layer
		want   []string
	}{
		{"whiteouts", []v1.Layer{
			layer(t, dir("d"), regular("d/a"), regular("d/b"), dir("d/sub"), regular("d/sub/c"), regular("gone")),
			layer(t, regular(".wh.gone"), regular("d/.wh.a"), regular("d/.wh.sub")),
		}, []string{"d 40755 0:0", `d/b 100644 0:0 "d/b"`}},
		{"opaque", []v1.Layer{
			layer(t, dir("d"), regular("d/a"), regular("d/b")),
			layer(t, dir("d"), regular("d/new"), regular("d/.wh..wh..opq")),
		}, []string{"d 40755 0:0", `d/new 100644 0:0 "d/new"`}},
		{"removed and made again", []v1.Layer{
			layer(t, regular("a")),
			layer(t, regular("a"), regular(".wh.a")),
		}, []string{`a 100644 0:0 "a"`}},
		{"a directory for a file, and a file for a directory", []v1.Layer{
			layer(t, regular("a"), dir("b"), regular("b/x")),
			layer(t, dir("a"), regular("a/y"), regular("b")),
		}, []string{"a 40755 0:0", `a/y 100644 0:0 "a/y"`, `b 100644 0:0 "b"`}},
		{"a directory's mode", []v1.Layer{
			layer(t, dir("a"), regular("a/x")),
			layer(t, tar.Header{Name: "a", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 5}),
		}, []string{"a 40700 5:0", `a/x 100644 0:0 "a/x"`}},
		{"hard links, one of which goes", []v1.Layer{
			layer(t, regular("a"), link("b", "a"), link("c", "a")),
			layer(t, regular(".wh.a"), link("d", "b")),
		}, []string{`b 100644 0:0 inode 1 of 3 names "a"`, "c 100644 0:0 inode 1 of 3 names", "d 100644 0:0 inode 1 of 3 names"}},
		{"through a symbolic link", []v1.Layer{
			layer(t, dir("usr/bin"), symlink("bin", "usr/bin")),
			layer(t, regular("bin/x"), symlink("l", "/bin/x")),
		}, []string{"usr 40755 0:0", "usr/bin 40755 0:0", "bin 120777 0:0 -> usr/bin", `usr/bin/x 100644 0:0 "bin/x"`, "l 120777 0:0 -> /bin/x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			archive, err := pack(writeLayout(t, "amd64", tt.layers...))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, list(t, archive), tt.want)
		})
	}
}

func TestOCIConfig(t *testing.T) {
	src, err := Open(writeLayout(t, "arm64", layer(t, regular("a"))), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	c := src.Image
	if !slices.Equal(c.Command, []string{"/bin/a", "b"}) || !slices.Equal(c.Env, []string{"K=V"}) || c.Dir != "/w" || c.User != "1:2" {
		t.Errorf("configuration %+v", c)
	}
}

func TestOCIErrors(t *testing.T) {
	other := writeLayout(t, "arm64", layer(t, regular("a")))
	if _, err := Open(other, "amd64"); err == nil || !strings.Contains(err.Error(), "linux/arm64") || !strings.Contains(err.Error(), other) {
		t.Errorf("another architecture: %v", err)
	}
	if _, err := pack(writeLayout(t, "amd64", layer(t, link("b", "a")))); err == nil || !strings.Contains(err.Error(), "hard link") {
		t.Errorf("a link to nothing: %v", err)
	}
	cut := writeLayout(t, "amd64", layer(t, regular("a")))
	blobs, err := filepath.Glob(filepath.Join(cut, "blobs/sha256/*"))
	if err != nil || len(blobs) != 3 {
		t.Fatalf("blobs %v, %v", blobs, err)
	}
	for _, b := range blobs {
		err = errors.Join(err, os.Truncate(b, 10))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack(cut); err == nil || !strings.Contains(err.Error(), cut) {
		t.Errorf("blobs cut off: %v", err)
	}
}
