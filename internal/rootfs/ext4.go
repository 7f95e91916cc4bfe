package rootfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	storage "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/ext4"
)

// corrupt is an error that reading an image meets.
type corrupt struct{ error }

func (c corrupt) Error() string { return "corrupt ext4 image: " + c.error.Error() }
func (c corrupt) Unwrap() error { return c.error }

// addExt4 copies the files of an ext4 image. Extended attributes have no place in an initramfs.
func addExt4(w *Writer, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := checkExt4(f); err != nil {
		return err
	}
	defer func() { // the library indexes with what it reads from the image
		if r := recover(); r != nil {
			err = corrupt{fmt.Errorf("%v", r)}
		}
	}()
	image, err := ext4.Read(storage.New(f, true), info.Size(), 0, 0)
	if err != nil {
		return corrupt{err}
	}
	return fs.WalkDir(image, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return corrupt{err}
		}
		info, err := image.Stat(path) // d.Info leaves out the permissions
		if err != nil {
			return corrupt{err}
		}
		h, err := ext4Header(path, info)
		if err != nil {
			return err
		}
		switch h.Mode & typeMask {
		case typeSocket:
			return nil // its other end is not in the guest
		case typeRegular:
			body, err := image.Open(path)
			if err != nil {
				return corrupt{err}
			}
			defer body.Close()
			return w.Add(h, body)
		}
		return w.Add(h, nil)
	})
}

// checkExt4 refuses images whose files are not what the journal will make of them, and those whose files cannot be read.
func checkExt4(f io.ReaderAt) error {
	const (
		incompatibleAt   = 1024 + 0x60 // in the superblock
		needsRecovery    = 0x4
		externalJournal  = 0x8
		encrypted        = 0x10000
		cannotBeReadHere = externalJournal | encrypted
	)
	var word [4]byte
	if _, err := f.ReadAt(word[:], incompatibleAt); err != nil {
		return corrupt{err}
	}
	switch features := binary.LittleEndian.Uint32(word[:]); {
	case features&needsRecovery != 0:
		return errors.New("the ext4 image was not unmounted: run e2fsck on it first")
	case features&cannotBeReadHere != 0:
		return fmt.Errorf("the ext4 image has features (%#x) that only Linux can read", features&cannotBeReadHere)
	}
	return nil
}

func ext4Header(name string, info fs.FileInfo) (Header, error) {
	st, ok := info.Sys().(*ext4.StatT)
	if !ok {
		return Header{}, fmt.Errorf("%s: no ext4 inode", name)
	}
	h := Header{
		Name: name, Mode: statMode(info.Mode()), UID: int(st.UID), GID: int(st.GID), ModTime: info.ModTime(),
		Major: st.Major, Minor: st.Minor,
	}
	switch h.Mode & typeMask {
	case typeSymlink:
		h.Target = st.LinkTarget
	case typeRegular:
		h.Size = info.Size()
		if st.Nlink > 1 {
			h.Inode, h.Links = st.Ino, int(st.Nlink)
		}
	}
	return h, nil
}
