package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// ImageConfig is what a container image says about how it wants to be run.
type ImageConfig struct {
	Command []string // entry point and arguments
	Env     []string
	Dir     string
	User    string
}

// openOCI finds the image for an architecture (Go's name) in an OCI image layout.
func openOCI(dir, architecture string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("corrupt OCI layout: %w", err)
	}
	var have []string
	img, err := findImage(index, architecture, &have)
	if err != nil {
		return nil, fmt.Errorf("corrupt OCI layout: %w", err)
	}
	if img == nil {
		return nil, fmt.Errorf("no image for linux/%s in the OCI layout; it has: %s", architecture, strings.Join(have, ", "))
	}
	return img, nil
}

// findImage looks for an image in an index and the indexes that it lists. Platforms that do not fit are added to have.
func findImage(index v1.ImageIndex, architecture string, have *[]string) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range manifest.Manifests {
		switch {
		case d.MediaType.IsIndex():
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			if img, err := findImage(inner, architecture, have); img != nil || err != nil {
				return img, err
			}
		case d.MediaType.IsImage():
			img, err := index.Image(d.Digest)
			if err != nil {
				return nil, err
			}
			config, err := img.ConfigFile()
			if err != nil {
				return nil, err
			}
			// The index need not say the platform; the image's own configuration does.
			if config.OS == "linux" && config.Architecture == architecture {
				return img, nil
			}
			*have = append(*have, config.OS+"/"+config.Architecture)
		}
	}
	return nil, nil
}

// imageConfig reads how the image wants to be run.
func imageConfig(img v1.Image) (ImageConfig, error) {
	f, err := img.ConfigFile()
	if err != nil {
		return ImageConfig{}, err
	}
	c := f.Config
	return ImageConfig{Command: slices.Concat(c.Entrypoint, c.Cmd), Env: c.Env, Dir: c.WorkingDir, User: c.User}, nil
}

// A layered is a file of the merged layers, under all its names.
type layered struct {
	header Header
	layer  int // where its contents are: the entry number seq of the layer
	seq    int
	names  []string
}

// A merge puts layers on top of each other (OCI image specification, "Image Layer Filesystem Changeset").
type merge struct {
	files map[string]*layered
	layer int
	fresh map[string]bool // names that the current layer has brought: its whiteouts are about lower ones
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// add takes in the next entry of the current layer.
func (m *merge) add(h *tar.Header, seq int) error {
	name := m.follow(cleanName(h.Name))
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		m.remove(strings.TrimSuffix(dir, "/"), false, true)
		return nil
	case strings.HasPrefix(base, whiteout):
		m.remove(dir+strings.TrimPrefix(base, whiteout), true, true)
		return nil
	}
	f := &layered{header: tarHeader(h), layer: m.layer, seq: seq}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeSymlink, tar.TypeDir, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
	case tar.TypeLink:
		if f = m.files[m.follow(cleanName(h.Linkname))]; f == nil {
			return fmt.Errorf("corrupt layer: %s is a hard link to %s, which is not there", h.Name, h.Linkname)
		}
	default:
		return nil // extended headers of other tools
	}
	old := m.files[name]
	if old == f {
		return nil // a link to itself
	}
	if old != nil && (f.header.Mode&typeMask != typeDir || old.header.Mode&typeMask != typeDir) {
		m.remove(name, true, false)
	}
	m.files[name] = f
	m.fresh[name] = true
	f.names = append(f.names, name)
	return nil
}

// remove takes away what is below a name, and the name itself; only what lower layers brought, if lower.
func (m *merge) remove(name string, itself, lower bool) {
	for n, f := range m.files {
		if !(n == name && itself || strings.HasPrefix(n, name+"/") || name == "" && n != "") || lower && m.fresh[n] {
			continue
		}
		delete(m.files, n)
		f.names = slices.DeleteFunc(f.names, func(s string) bool { return s == n })
	}
}

// follow resolves symbolic links among a name's directories: a layer may bring bin/x where a lower one made bin a link.
func (m *merge) follow(name string) string {
	const maxLinks = 40 // as Linux has it
	for range maxLinks {
		again := false
		for i, c := range name {
			if c != '/' {
				continue
			}
			f := m.files[name[:i]]
			if f == nil || f.header.Mode&typeMask != typeSymlink {
				continue
			}
			target := f.header.Target
			if !path.IsAbs(target) {
				target = path.Join("/", path.Dir(name[:i]), target)
			}
			name, again = cleanName(target+name[i:]), true
			break
		}
		if !again {
			break
		}
	}
	return name
}

// addOCI writes the merged layers of an image.
func addOCI(w *Writer, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	m := merge{files: map[string]*layered{}}
	for i, l := range layers {
		m.layer, m.fresh = i, map[string]bool{}
		if err := eachEntry(l, func(seq int, h *tar.Header, _ io.Reader) error { return m.add(h, seq) }); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}

	// First the directories, from the root down, so that each has its own mode before something is in it; then the rest as
	// the layers have it.
	var dirs []string
	type place struct{ layer, seq int }
	files := map[place]*layered{}
	for name, f := range m.files {
		if f.header.Mode&typeMask == typeDir {
			dirs = append(dirs, name)
		} else {
			files[place{f.layer, f.seq}] = f
		}
	}
	slices.Sort(dirs)
	for _, name := range dirs {
		h := m.files[name].header
		h.Name = name
		if err := w.Add(h, nil); err != nil {
			return err
		}
	}
	inode := uint32(0)
	for i, l := range layers {
		err := eachEntry(l, func(seq int, _ *tar.Header, body io.Reader) error {
			f := files[place{i, seq}]
			if f == nil {
				return nil
			}
			h := f.header
			if len(f.names) > 1 {
				inode++
				h.Inode, h.Links = inode, len(f.names)
			}
			for _, name := range f.names {
				h.Name = name
				if err := w.Add(h, body); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return nil
}

// eachEntry reads a layer.
func eachEntry(l v1.Layer, do func(seq int, h *tar.Header, body io.Reader) error) error {
	rc, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer rc.Close()
	r := tar.NewReader(rc)
	for seq := 0; ; seq++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("corrupt tar archive: %w", err)
		}
		if err := do(seq, h, r); err != nil {
			return err
		}
	}
}

// tarHeader is a file's header from that in a tar archive, but for hard links.
func tarHeader(h *tar.Header) Header {
	out := Header{
		Name: h.Name, Mode: statMode(h.FileInfo().Mode()), UID: h.Uid, GID: h.Gid, ModTime: h.ModTime,
		Major: uint32(h.Devmajor), Minor: uint32(h.Devminor),
	}
	switch h.Typeflag {
	case tar.TypeReg:
		out.Size = h.Size
	case tar.TypeSymlink:
		out.Target = h.Linkname
	}
	return out
}
