// Package initramfs unpacks the boot loader's initial RAM disk into the root file
// system: newc cpio archives, plain or compressed with gzip, one after another with
// zero bytes between (Linux's Documentation/driver-api/early-userspace/buffer-format).
package initramfs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

const (
	magic     = "070701" // newc
	magicCRC  = "070702" // newc with checksums, which nothing verifies
	trailer   = "TRAILER!!!"
	headerLen = 110
	maxName   = 4096
)

// Unpack makes the files of archive below c's root. The error says what is wrong with
// the archive and where.
func Unpack(c *vfs.Context, archive []byte) error {
	for {
		archive = bytes.TrimLeft(archive, "\x00")
		if len(archive) == 0 {
			return nil
		}
		if archive[0] == 0x1f && len(archive) > 1 && archive[1] == 0x8b {
			rest := bytes.NewReader(archive)
			z, err := gzip.NewReader(rest)
			if err != nil {
				return fmt.Errorf("initramfs: gzip: %w", err)
			}
			z.Multistream(false)
			if _, err := unpackAll(c, z); err != nil {
				return err
			}
			archive = archive[len(archive)-rest.Len():]
			continue
		}
		n, err := unpackAll(c, bytes.NewReader(archive))
		if err != nil {
			return err
		}
		archive = archive[n:]
	}
}

// unpackAll unpacks the archives that r has, to its end or the beginning of gzip data,
// and returns how many bytes they took.
func unpackAll(c *vfs.Context, r io.Reader) (int64, error) {
	u := &unpacker{c: c, r: bufio.NewReader(r), links: make(map[inode]string)}
	for {
		switch err := u.next(); {
		case err == io.EOF:
			return u.pos, nil
		case err != nil:
			return u.pos, fmt.Errorf("initramfs: at byte %d: %w", u.pos, err)
		}
	}
}

// unpacker reads one stream.
type unpacker struct {
	c     *vfs.Context
	r     *bufio.Reader
	pos   int64
	links map[inode]string // the first name of files with several
	buf   [64 << 10]byte
}

type inode struct{ ino, major, minor uint32 }

var errTruncated = errors.New("the archive is truncated")

// full reads len(p) bytes.
func (u *unpacker) full(p []byte) error {
	n, err := io.ReadFull(u.r, p)
	u.pos += int64(n)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return errTruncated
	}
	return err
}

// align skips to a multiple of four bytes.
func (u *unpacker) align() error {
	var pad [3]byte
	return u.full(pad[:-u.pos&3])
}

// next unpacks one entry; io.EOF after the last, and before gzip data.
func (u *unpacker) next() error {
	for { // zero bytes may stand between archives
		b, err := u.r.Peek(1)
		if err != nil {
			if err == io.EOF {
				return io.EOF
			}
			return err
		}
		if b[0] == 0x1f {
			if two, _ := u.r.Peek(2); len(two) == 2 && two[1] == 0x8b {
				return io.EOF
			}
		}
		if b[0] != 0 {
			break
		}
		u.r.Discard(1)
		u.pos++
	}
	var head [headerLen]byte
	if err := u.full(head[:]); err != nil {
		return err
	}
	if m := string(head[:6]); m != magic && m != magicCRC {
		return fmt.Errorf("no newc cpio header (magic %q)", m)
	}
	var field [13]uint32
	for i := range field {
		v, err := strconv.ParseUint(string(head[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			return fmt.Errorf("a header field is no hexadecimal number (%q)", head[6+8*i:14+8*i])
		}
		field[i] = uint32(v)
	}
	ino, mode, uid, gid, nlink, mtime, size := field[0], field[1], field[2], field[3], field[4], field[5], int64(field[6])
	nameLen := field[11]
	if nameLen == 0 || nameLen > maxName {
		return fmt.Errorf("a name of %d bytes", nameLen)
	}
	raw := make([]byte, nameLen)
	if err := u.full(raw); err != nil {
		return err
	}
	if raw[nameLen-1] != 0 || bytes.IndexByte(raw, 0) != int(nameLen)-1 {
		return errors.New("a name does not end in its NUL")
	}
	name := string(raw[:nameLen-1])
	if err := u.align(); err != nil {
		return err
	}
	if name == trailer {
		clear(u.links)
		return nil
	}
	e := entry{name: "/" + strings.TrimLeft(name, "/"), mode: mode, uid: uid, gid: gid, size: size,
		mtime: vfs.Time{Sec: int64(mtime)}, rdev: unix.Mkdev(field[9], field[10])}
	if nlink > 1 && mode&unix.S_IFMT != unix.S_IFDIR {
		e.inode = &inode{ino, field[7], field[8]}
	}
	if err := u.make(&e); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return u.align()
}

// entry is one file of an archive.
type entry struct {
	name     string
	mode     uint32
	uid, gid uint32
	size     int64
	mtime    vfs.Time
	rdev     uint64
	inode    *inode // of a file with several names
}

// make makes the file and reads its contents. An entry replaces a file of the same
// name from an earlier archive.
func (u *unpacker) make(e *entry) error {
	c, name := u.c, []byte(e.name)
	kind := e.mode & unix.S_IFMT
	if kind != unix.S_IFDIR {
		if err := vfs.Unlink(c, unix.AT_FDCWD, name); err != nil && err != unix.ENOENT {
			return err
		}
	}
	if e.inode != nil {
		if first, ok := u.links[*e.inode]; ok {
			if err := vfs.Link(c, unix.AT_FDCWD, []byte(first), unix.AT_FDCWD, name, 0); err != nil {
				return err
			}
			if e.size == 0 {
				return nil
			}
			return u.contents(e) // the data comes with the last name
		}
		u.links[*e.inode] = e.name
	}
	var err error
	switch kind {
	case unix.S_IFDIR:
		if err = vfs.Mkdir(c, unix.AT_FDCWD, name, e.mode); err == unix.EEXIST {
			err = nil
		}
	case unix.S_IFLNK:
		if e.size > maxName {
			return fmt.Errorf("a link target of %d bytes", e.size)
		}
		target := make([]byte, e.size)
		if err := u.full(target); err != nil {
			return err
		}
		err = vfs.Symlink(c, string(bytes.TrimRight(target, "\x00")), unix.AT_FDCWD, name)
	case unix.S_IFREG:
		err = u.contents(e)
	default:
		err = vfs.Mknod(c, unix.AT_FDCWD, name, e.mode, e.rdev)
	}
	if err != nil {
		return err
	}
	return u.attributes(e)
}

// contents writes the entry's data to its file.
func (u *unpacker) contents(e *entry) error {
	f, err := vfs.OpenPath(u.c, e.name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, e.mode&0o7777)
	if err != nil {
		return err
	}
	defer f.Unref()
	for left := e.size; left > 0; {
		p := u.buf[:min(left, int64(len(u.buf)))]
		if err := u.full(p); err != nil {
			return err
		}
		left -= int64(len(p))
		for len(p) > 0 {
			src := user.Kernel(p)
			n, err := f.Write(u.c, &src)
			if err != nil {
				return err
			}
			p = p[n:]
		}
	}
	return nil
}

// attributes sets owner, permissions (chown clears set-ID bits, so they come after it)
// and times.
func (u *unpacker) attributes(e *entry) error {
	p, err := vfs.Lookup(u.c, unix.AT_FDCWD, []byte(e.name), 0)
	if err != nil {
		return err
	}
	if err := p.Chown(u.c, e.uid, e.gid); err != nil {
		return err
	}
	if e.mode&unix.S_IFMT != unix.S_IFLNK {
		if err := p.Chmod(u.c, e.mode); err != nil {
			return err
		}
	}
	when := vfs.TimeChange{Time: e.mtime}
	return p.Utimes(u.c, when, when)
}
