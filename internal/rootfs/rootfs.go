// Package rootfs makes the root file systems that machines boot with. It reads
// directories, tar and cpio archives, ext4 images and OCI images and writes an initramfs; and it puts together the
// BusyBox userland of runs that name no root file system.
// Owners, modes, devices and hard links come from the archive, so that nobody has
// to be root to build an image. Files of a directory belong to root in the guest,
// as they do in an image.
package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// Kind is what a root file system is stored as.
type Kind int

const (
	Directory Kind = iota
	Tar
	CPIO
	Ext4
	OCI // an image layout: a directory of layers
)

// Source is a root file system on this host.
type Source struct {
	Path  string
	Kind  Kind
	Image ImageConfig // of an OCI image
	image v1.Image
}

// Open looks at what is at path and tells its kind. The architecture (Go's name) chooses among the images of an OCI layout.
func Open(path, architecture string) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Source{}, fmt.Errorf("root file system: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "oci-layout")); err == nil {
			src := Source{Path: path, Kind: OCI}
			if src.image, err = openOCI(path, architecture); err == nil {
				src.Image, err = imageConfig(src.image)
			}
			if err != nil {
				return Source{}, fmt.Errorf("root file system %s: %w", path, err)
			}
			return src, nil
		}
		return Source{Path: path, Kind: Directory}, nil
	}
	r, err := openFile(path)
	if err != nil {
		return Source{}, fmt.Errorf("root file system %s: %w", path, err)
	}
	defer r.Close()
	kind, err := sniff(r)
	if err != nil {
		return Source{}, fmt.Errorf("root file system %s: %w", path, err)
	}
	if kind == Ext4 && r.compressed {
		return Source{}, fmt.Errorf("root file system %s: uncompress the image first", path)
	}
	return Source{Path: path, Kind: kind}, nil
}

// sniff tells what an uncompressed stream holds, without taking from it.
func sniff(r *file) (Kind, error) {
	const (
		tarMagicAt   = 257
		ext4MagicAt  = 1024 + 0x38 // in the superblock
		ext4Magic    = 0xef53
		headerLength = ext4MagicAt + 2
	)
	head, err := r.Peek(headerLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	switch {
	case bytes.HasPrefix(head, []byte(cpioMagic)), bytes.HasPrefix(head, []byte(cpioCRC)):
		return CPIO, nil
	case len(head) > tarMagicAt+5 && string(head[tarMagicAt:tarMagicAt+5]) == "ustar":
		return Tar, nil
	case len(head) == headerLength && binary.LittleEndian.Uint16(head[ext4MagicAt:]) == ext4Magic:
		return Ext4, nil
	}
	return 0, errors.New("neither a directory nor a tar, cpio (newc) or ext4 image")
}

// WriteTo copies the root file system into an initramfs.
func (s Source) WriteTo(w *Writer) error {
	var err error
	switch s.Kind {
	case Directory:
		err = addTree(w, s.Path)
	case Tar:
		err = addTar(w, s.Path)
	case CPIO:
		err = addCPIO(w, s.Path)
	case OCI:
		err = addOCI(w, s.image)
	case Ext4:
		err = addExt4(w, s.Path)
	}
	if err != nil {
		return fmt.Errorf("root file system %s: %w", s.Path, err)
	}
	return nil
}

// file is an open file whose contents are uncompressed while reading.
type file struct {
	*bufio.Reader
	compressed bool
	close      func() error
}

func (f *file) Close() error { return f.close() }

func openFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(f, 1<<16)
	magic, _ := r.Peek(6)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			f.Close()
			return nil, err
		}
		return &file{bufio.NewReaderSize(z, 1<<16), true, f.Close}, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r)
		if err != nil {
			f.Close()
			return nil, err
		}
		return &file{bufio.NewReaderSize(z, 1<<16), true, func() error { z.Close(); return f.Close() }}, nil
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ")):
		f.Close()
		return nil, errors.New("compressed with xz: recompress it with gzip or zstd")
	}
	return &file{r, false, f.Close}, nil
}

// AddHostFile copies a regular file of this host to name in the guest, with the
// permissions given.
func (w *Writer) AddHostFile(name, path string, perm uint32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := Regular(name, perm, 0)
	h.Size, h.ModTime = info.Size(), info.ModTime()
	return w.Add(h, f)
}

// AddTree copies what is below the directory dir of this host to the guest's root.
func (w *Writer) AddTree(dir string) error { return addTree(w, dir) }

func addTree(w *Writer, dir string) error {
	// Hard links are told by the host's inode numbers, which are too large for cpio.
	type id struct{ dev, ino uint64 }
	inodes := map[id]uint32{}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := Header{Name: filepath.ToSlash(name), Mode: statMode(info.Mode()), ModTime: info.ModTime()}
		switch h.Mode & typeMask {
		case typeRegular:
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
				key := id{uint64(st.Dev), st.Ino}
				if inodes[key] == 0 {
					inodes[key] = uint32(len(inodes) + 1)
				}
				h.Inode, h.Links = inodes[key], int(st.Nlink)
			}
			h.Size = info.Size()
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return w.Add(h, f)
		case typeSymlink:
			if h.Target, err = os.Readlink(path); err != nil {
				return err
			}
		case typeChar, typeBlock:
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				h.Major, h.Minor = deviceNumber(uint64(st.Rdev))
			}
		case typeSocket:
			return nil // its other end is not in the guest
		}
		return w.Add(h, nil)
	})
}

func addTar(w *Writer, path string) error {
	inodes, links, err := tarLinks(path)
	if err != nil {
		return err
	}
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	seen := map[string]Header{} // the files that hard links may name
	for r := tar.NewReader(f); ; {
		th, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("corrupt tar archive: %w", err)
		}
		h := tarHeader(th)
		switch th.Typeflag {
		case tar.TypeReg:
			name := cleanName(th.Name)
			if n, ok := inodes[name]; ok {
				h.Inode, h.Links = n, links[n]
				seen[name] = h
			}
		case tar.TypeLink:
			first, ok := seen[cleanName(th.Linkname)]
			if !ok {
				return fmt.Errorf("corrupt tar archive: %s is a hard link to %s, which is not in front of it", th.Name, th.Linkname)
			}
			h = first
			h.Name = th.Name
		case tar.TypeSymlink, tar.TypeDir, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		default:
			continue // extended headers of other tools
		}
		if err := w.Add(h, r); err != nil {
			return err
		}
	}
}

// tarLinks reads an archive for hard links: an inode number for each file that has
// some, and the number of its names.
func tarLinks(path string) (inodes map[string]uint32, links map[uint32]int, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	inodes, links = map[string]uint32{}, map[uint32]int{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return inodes, links, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("corrupt tar archive: %w", err)
		}
		if h.Typeflag != tar.TypeLink {
			continue
		}
		target := cleanName(h.Linkname)
		if inodes[target] == 0 {
			inodes[target] = uint32(len(inodes) + 1)
			links[inodes[target]] = 1
		}
		links[inodes[target]]++
	}
}

func addCPIO(w *Writer, path string) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := NewReader(f)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.Add(h, r); err != nil {
			return err
		}
	}
}

// statMode is a mode as st_mode has it.
func statMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, b := range []struct {
		have fs.FileMode
		want uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&b.have != 0 {
			mode |= b.want
		}
	}
	switch {
	case m&fs.ModeDir != 0:
		return mode | typeDir
	case m&fs.ModeSymlink != 0:
		return mode | typeSymlink
	case m&fs.ModeCharDevice != 0:
		return mode | typeChar
	case m&fs.ModeDevice != 0:
		return mode | typeBlock
	case m&fs.ModeNamedPipe != 0:
		return mode | typeFIFO
	case m&fs.ModeSocket != 0:
		return mode | typeSocket
	}
	return mode | typeRegular
}

// deviceNumber splits Linux's dev_t.
func deviceNumber(dev uint64) (major, minor uint32) {
	return uint32(dev>>8&0xfff | dev>>32&^0xfff), uint32(dev&0xff | dev>>12&0xffffff00)
}
