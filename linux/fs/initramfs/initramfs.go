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
			if _, err := unpackAll(c, &stream{r: bufio.NewReader(z)}); err != nil {
				return err
			}
			archive = archive[len(archive)-rest.Len():]
			continue
		}
		n, err := unpackAll(c, &memory{archive})
		if err != nil {
			return err
		}
		archive = archive[n:]
	}
}

// source is where an archive comes from.
type source interface {
	// peek returns the next n bytes without taking them, or as many as there are.
	peek(n int) []byte
	// take takes some of the next n bytes, at least one, all if they are no more than maxName. What it returns is
	// good until the next call; io.ErrUnexpectedEOF where the archive ends before.
	take(n int64) ([]byte, error)
}

// memory is an archive that lies in memory.
type memory struct{ rest []byte }

func (m *memory) peek(n int) []byte { return m.rest[:min(n, len(m.rest))] }

func (m *memory) take(n int64) ([]byte, error) {
	if n > int64(len(m.rest)) {
		return nil, io.ErrUnexpectedEOF
	}
	b := m.rest[:n]
	m.rest = m.rest[n:]
	return b, nil
}

// stream is an archive that is read.
type stream struct {
	r   *bufio.Reader
	err error // that peek has met
	buf [64 << 10]byte
}

func (s *stream) peek(n int) []byte {
	b, err := s.r.Peek(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return b
}

func (s *stream) take(n int64) ([]byte, error) {
	b := s.buf[:min(n, int64(len(s.buf)))]
	if _, err := io.ReadFull(s.r, b); err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	} else if err != nil {
		return nil, err
	}
	return b, nil
}

// unpackAll unpacks the archives that from has, to its end or the beginning of gzip data,
// and returns how many bytes they took.
func unpackAll(c *vfs.Context, from source) (int64, error) {
	u := &unpacker{c: c, from: from, links: make(map[inode]string)}
	for {
		err := u.next()
		if s, ok := from.(*stream); ok && s.err != nil {
			err = s.err
		}
		switch err {
		case nil:
		case io.EOF:
			return u.pos, nil
		case io.ErrUnexpectedEOF:
			err = errTruncated
			fallthrough
		default:
			return u.pos, fmt.Errorf("initramfs: at byte %d: %w", u.pos, err)
		}
	}
}

// unpacker unpacks what one source has.
type unpacker struct {
	c     *vfs.Context
	from  source
	pos   int64
	links map[inode]string // the first name of files with several
}

type inode struct{ ino, major, minor uint32 }

var errTruncated = errors.New("the archive is truncated")

// take takes the next n bytes; see source.
func (u *unpacker) take(n int64) ([]byte, error) {
	b, err := u.from.take(n)
	u.pos += int64(len(b))
	return b, err
}

// align skips to a multiple of four bytes.
func (u *unpacker) align() error {
	_, err := u.take(-u.pos & 3)
	return err
}

// hex reads a header's field: eight hexadecimal digits.
func hex(b []byte) (v uint32, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}

// next unpacks one entry; io.EOF after the last, and before gzip data.
func (u *unpacker) next() error {
	for { // zero bytes may stand between archives
		b := u.from.peek(2)
		if len(b) == 0 || len(b) == 2 && b[0] == 0x1f && b[1] == 0x8b {
			return io.EOF
		}
		if b[0] != 0 {
			break
		}
		if _, err := u.take(1); err != nil {
			return err
		}
	}
	head, err := u.take(headerLen)
	if err != nil {
		return err
	}
	if m := string(head[:6]); m != magic && m != magicCRC {
		return fmt.Errorf("no newc cpio header (magic %q)", m)
	}
	var field [13]uint32
	for i := range field {
		digits := head[6+8*i : 14+8*i]
		var ok bool
		if field[i], ok = hex(digits); !ok {
			return fmt.Errorf("a header field is no hexadecimal number (%q)", digits)
		}
	}
	ino, mode, uid, gid, nlink, mtime, size := field[0], field[1], field[2], field[3], field[4], field[5], int64(field[6])
	nameLen := field[11]
	if nameLen == 0 || nameLen > maxName {
		return fmt.Errorf("a name of %d bytes", nameLen)
	}
	raw, err := u.take(int64(nameLen))
	if err != nil {
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
	target   string // of a symbolic link, once it is read
	inode    *inode // of a file with several names
}

// make makes the file and reads its contents. An entry replaces a file of the same
// name from an earlier archive.
func (u *unpacker) make(e *entry) error {
	err := u.create(e)
	if err == unix.EEXIST && e.mode&unix.S_IFMT == unix.S_IFDIR {
		err = nil
	} else if err == unix.EEXIST {
		if err = vfs.Unlink(u.c, unix.AT_FDCWD, []byte(e.name)); err == nil {
			err = u.create(e)
		}
	}
	if err != nil {
		return err
	}
	if e.inode != nil && u.links[*e.inode] == "" {
		u.links[*e.inode] = e.name
	}
	return u.attributes(e)
}

// create makes the file where there is none of the name.
func (u *unpacker) create(e *entry) error {
	c, name := u.c, []byte(e.name)
	if e.inode != nil {
		if first, ok := u.links[*e.inode]; ok {
			if err := vfs.Link(c, unix.AT_FDCWD, []byte(first), unix.AT_FDCWD, name, 0); err != nil {
				return err
			}
			if e.size == 0 {
				return nil
			}
			return u.contents(e, unix.O_TRUNC) // the data comes with the last name
		}
	}
	switch e.mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return vfs.Mkdir(c, unix.AT_FDCWD, name, e.mode)
	case unix.S_IFLNK:
		if e.target == "" {
			if e.size > maxName {
				return fmt.Errorf("a link target of %d bytes", e.size)
			}
			target, err := u.take(e.size)
			if err != nil {
				return err
			}
			e.target = string(bytes.TrimRight(target, "\x00"))
		}
		return vfs.Symlink(c, e.target, unix.AT_FDCWD, name)
	case unix.S_IFREG:
		return u.contents(e, unix.O_CREAT|unix.O_EXCL)
	}
	return vfs.Mknod(c, unix.AT_FDCWD, name, e.mode, e.rdev)
}

// contents writes the entry's data to its file, which is opened with the flags.
func (u *unpacker) contents(e *entry, flags uint32) error {
	f, err := vfs.OpenPath(u.c, e.name, unix.O_WRONLY|flags, e.mode&0o7777)
	if err != nil {
		return err
	}
	defer f.Unref()
	for left := e.size; left > 0; {
		p, err := u.take(left)
		if err != nil {
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
	i := p.Inode()
	if i.UID() != e.uid || i.GID() != e.gid {
		if err := p.Chown(u.c, e.uid, e.gid); err != nil {
			return err
		}
	}
	if e.mode&unix.S_IFMT != unix.S_IFLNK && i.Mode() != e.mode {
		if err := p.Chmod(u.c, e.mode); err != nil {
			return err
		}
	}
	when := vfs.TimeChange{Time: e.mtime}
	return p.Utimes(u.c, when, when)
}
