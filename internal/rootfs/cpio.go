package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

// File types, as st_mode and cpio have them.
const (
	typeMask    = 0o170000
	typeFIFO    = 0o010000
	typeChar    = 0o020000
	typeDir     = 0o040000
	typeBlock   = 0o060000
	typeRegular = 0o100000
	typeSymlink = 0o120000
	typeSocket  = 0o140000
)

// Header describes a file in the guest.
type Header struct {
	Name         string // path; "/" and "." in front do not matter
	Mode         uint32 // st_mode: type and permissions
	UID, GID     int
	ModTime      time.Time
	Major, Minor uint32 // of a device
	Size         int64  // bytes of a regular file
	Target       string // of a symbolic link
	// Inode, where not zero, says that all entries with the same number are names of
	// one file, Links in total. The first one with a size has its contents.
	Inode uint32
	Links int
}

// Dir, Regular, Symlink and Device make headers of files that root owns.
func Dir(name string, perm uint32) Header { return Header{Name: name, Mode: typeDir | perm} }

func Regular(name string, perm uint32, size int) Header {
	return Header{Name: name, Mode: typeRegular | perm, Size: int64(size)}
}

func Symlink(name, target string) Header {
	return Header{Name: name, Mode: typeSymlink | 0o777, Target: target}
}

func CharDevice(name string, perm, major, minor uint32) Header {
	return Header{Name: name, Mode: typeChar | perm, Major: major, Minor: minor}
}

const (
	cpioMagic   = "070701" // the format "newc"
	cpioCRC     = "070702" // newc with checksums, which are not checked
	cpioTrailer = "TRAILER!!!"
	// Inodes that Writer makes up are above those that callers give.
	firstInode = 1 << 24
)

// Writer writes an initramfs: a cpio archive in the format that Linux unpacks at
// boot. A later file replaces an earlier one of the same name.
type Writer struct {
	w     io.Writer
	n     int64 // bytes written
	inode uint32
	dirs  map[string]bool
	names map[string]Header // all that was written
	links map[uint32]bool   // inodes whose contents are written
}

// NewWriter starts an archive.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, inode: firstInode, dirs: map[string]bool{"": true}, names: map[string]Header{}, links: map[uint32]bool{}}
}

// cleanName is a path as the archive has it: relative, without dots.
func cleanName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// Add writes a file. Its directories, where they were not written before, come
// into being with it. The body has the contents of a regular file.
func (w *Writer) Add(h Header, body io.Reader) error {
	name := cleanName(h.Name)
	if parent := path.Dir(name); parent != "." && !w.dirs[parent] {
		if err := w.Add(Dir(parent, 0o755), nil); err != nil {
			return err
		}
	}
	w.names[name] = h
	var data io.Reader
	size := int64(0)
	inode := h.Inode
	links := h.Links
	if inode == 0 {
		w.inode++
		inode, links = w.inode, 1
	}
	switch h.Mode & typeMask {
	case typeDir:
		w.dirs[name] = true
		links = 2
		if name == "" {
			name = "."
		}
	case typeSymlink:
		data, size = strings.NewReader(h.Target), int64(len(h.Target))
	case typeRegular:
		if !w.links[inode] {
			data, size = body, h.Size
		}
		// In other archives the contents may come with any of the names.
		if links > 1 && size > 0 {
			w.links[inode] = true
		}
	}
	if size >= 1<<32 {
		return fmt.Errorf("%s: %d bytes: an initramfs holds files of less than 4 GiB; use an ext4 image", name, size)
	}
	if err := w.header(name, h, inode, links, size); err != nil {
		return err
	}
	if size > 0 {
		n, err := io.Copy(w.w, io.LimitReader(data, size)) // to w.w itself: the host's kernel can copy from file to file
		w.n += n
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if n != size {
			return fmt.Errorf("%s: has %d bytes where %d were announced", name, n, size)
		}
	}
	return w.pad()
}

// AddBytes writes a regular file of root's.
func (w *Writer) AddBytes(name string, perm uint32, data []byte) error {
	return w.Add(Regular(name, perm, len(data)), bytes.NewReader(data))
}

// LookPath finds a program among the files written, as a shell does in search,
// a list of directories with colons. A name with a slash, and one that is nowhere,
// is returned as it is.
func (w *Writer) LookPath(program, search string) string {
	if strings.Contains(program, "/") {
		return program
	}
	for _, dir := range strings.Split(search, ":") {
		full := path.Join("/", dir, program)
		if h, ok := w.resolve(full, 0); ok && h.Mode&typeMask == typeRegular && h.Mode&0o111 != 0 {
			return full
		}
	}
	return program
}

// resolve finds the file at a path, following symbolic links.
func (w *Writer) resolve(name string, depth int) (Header, bool) {
	const maxLinks = 40 // as Linux has it
	if depth > maxLinks {
		return Header{}, false
	}
	at := ""
	parts := strings.Split(cleanName(name), "/")
	for i, part := range parts {
		at = path.Join(at, part)
		h, ok := w.names[at]
		if !ok {
			return Header{}, false
		}
		if h.Mode&typeMask == typeSymlink {
			target := h.Target
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(at), target)
			}
			return w.resolve(path.Join(append([]string{"/", target}, parts[i+1:]...)...), depth+1)
		}
		if i == len(parts)-1 {
			return h, true
		}
	}
	return Header{}, false
}

// Close ends the archive.
func (w *Writer) Close() error {
	if err := w.header(cpioTrailer, Header{}, 0, 1, 0); err != nil {
		return err
	}
	return w.pad()
}

func (w *Writer) header(name string, h Header, inode uint32, links int, size int64) error {
	mtime := uint32(0)
	if !h.ModTime.IsZero() {
		mtime = uint32(h.ModTime.Unix())
	}
	_, err := fmt.Fprintf(w, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", cpioMagic,
		inode, h.Mode, uint32(h.UID), uint32(h.GID), uint32(links), mtime, uint32(size),
		0, 0, h.Major, h.Minor, len(name)+1, 0, name)
	if err != nil {
		return err
	}
	return w.pad()
}

// Write appends raw bytes and counts them.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	return n, err
}

// pad aligns headers and contents to four bytes.
func (w *Writer) pad() error {
	_, err := w.Write(make([]byte, -w.n&3))
	return err
}

// Reader reads a cpio archive in the format newc.
type Reader struct {
	r    io.Reader
	n    int64 // bytes read
	left int64 // contents of the current file not yet read
}

// NewReader starts to read an archive.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// errCorrupt is what is wrong with most broken archives.
var errCorrupt = errors.New("corrupt cpio archive")

// Next goes to the next file, whose contents Read then returns. It returns io.EOF
// at the end of the archive.
func (r *Reader) Next() (Header, error) {
	if err := r.skip(r.left + (-(r.n + r.left) & 3)); err != nil {
		return Header{}, err
	}
	r.left = 0
	var buf [110]byte
	start := r.n
	if err := r.full(buf[:]); err != nil {
		return Header{}, err
	}
	if magic := string(buf[:6]); magic != cpioMagic && magic != cpioCRC {
		return Header{}, fmt.Errorf("%w: no header at byte %d", errCorrupt, start)
	}
	var f [13]uint32
	for i := range f {
		v, err := strconv.ParseUint(string(buf[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			return Header{}, fmt.Errorf("%w: bad header at byte %d", errCorrupt, start)
		}
		f[i] = uint32(v)
	}
	const pathMax = 4096
	if f[11] == 0 || f[11] > pathMax {
		return Header{}, fmt.Errorf("%w: a name of %d bytes at byte %d", errCorrupt, f[11], start)
	}
	name := make([]byte, f[11])
	if err := r.full(name); err != nil {
		return Header{}, err
	}
	if err := r.skip(-r.n & 3); err != nil {
		return Header{}, err
	}
	h := Header{
		Name: strings.TrimRight(string(name), "\x00"), Mode: f[1], UID: int(f[2]), GID: int(f[3]),
		ModTime: time.Unix(int64(f[5]), 0), Major: f[9], Minor: f[10],
	}
	if h.Name == cpioTrailer {
		return Header{}, io.EOF
	}
	r.left = int64(f[6])
	switch h.Mode & typeMask {
	case typeRegular:
		h.Size = r.left
		if f[4] > 1 {
			h.Inode, h.Links = f[0], int(f[4])
		}
	case typeSymlink:
		if r.left > pathMax {
			return Header{}, fmt.Errorf("%w: %s: a link to %d bytes", errCorrupt, h.Name, r.left)
		}
		target, err := io.ReadAll(r)
		if err != nil {
			return Header{}, err
		}
		h.Target = string(target)
	}
	return h, nil
}

// Read reads the contents of the current file.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.n += int64(n)
	r.left -= int64(n)
	if err == io.EOF && r.left > 0 {
		err = fmt.Errorf("%w: it ends within a file", errCorrupt)
	}
	return n, err
}

func (r *Reader) full(p []byte) error {
	n, err := io.ReadFull(r.r, p)
	r.n += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it ends at byte %d without the end mark", errCorrupt, r.n)
	}
	return err
}

func (r *Reader) skip(n int64) error {
	m, err := io.CopyN(io.Discard, r.r, n)
	r.n += m
	if err == io.EOF {
		return fmt.Errorf("%w: it ends at byte %d without the end mark", errCorrupt, r.n)
	}
	return err
}
