package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/pipe"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls that move bytes between files without a program's memory.
var spliceRows = []Row{
	{Name: "splice", Args: []Kind{FD, SizeAt, FD, SizeAt, Size, Hex}, Do: sysSplice, Contracts: []string{"fd/splice_tee"}},
	{Name: "tee", Args: []Kind{FD, FD, Size, Hex}, Do: sysTee, Contracts: []string{"fd/splice_tee"}},
	{Name: "vmsplice", Args: []Kind{FD, Iovec, Size, Hex}, Do: sysVmsplice, Contracts: []string{"fd/splice_tee"}},
	{Name: "sendfile", Args: []Kind{FD, FD, SizeAt, Size}, Do: sysSendfile, Contracts: []string{"fd/sendfile_copy"}},
	{Name: "copy_file_range", Args: []Kind{FD, SizeAt, FD, SizeAt, Size, Hex}, Do: sysCopyFileRange, Contracts: []string{"fd/sendfile_copy"}},
}

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MORE | unix.SPLICE_F_GIFT

// twoFiles returns the files of two descriptors, with references for the caller.
func twoFiles(t *task.Task, fd1, fd2 int) (f1, f2 *vfs.File, err error) {
	if f1, err = t.Files.Get(fd1); err != nil {
		return nil, nil, err
	}
	if f2, err = t.Files.Get(fd2); err != nil {
		f1.Unref()
		return nil, nil, err
	}
	return f1, f2, nil
}

// offset is an off_t in a program's memory that a call uses in place of a file's position.
type offset struct {
	at    user.Addr
	value int64
}

// getOffset reads the offset at p, nil where p is.
func getOffset(t *task.Task, p user.Addr) (*offset, error) {
	if p == 0 {
		return nil, nil
	}
	var b [8]byte
	err := t.CopyIn(b[:], p)
	return &offset{p, int64(le.Uint64(b[:]))}, err
}

// put writes it back.
func (o *offset) put(t *task.Task) error {
	if o == nil {
		return nil
	}
	return t.CopyOut(o.at, le.AppendUint64(nil, uint64(o.value)))
}

func (o *offset) ptr() *int64 {
	if o == nil {
		return nil
	}
	return &o.value
}

func sysSplice(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(5)
	if a.Size(4) == 0 {
		return 0, nil
	}
	if flags&^spliceFlags != 0 {
		return 0, unix.EINVAL
	}
	in, out, err := twoFiles(t, a.Int(0), a.Int(2))
	if err != nil {
		return 0, err
	}
	defer in.Unref()
	defer out.Unref()
	from, to := pipe.Of(in), pipe.Of(out)
	if from != nil && a.Addr(1) != 0 || to != nil && a.Addr(3) != 0 {
		return 0, unix.ESPIPE
	}
	inOff, err := getOffset(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	outOff, err := getOffset(t, a.Addr(3))
	if err != nil {
		return 0, err
	}
	if !in.Readable() || !out.Writable() {
		return 0, unix.EBADF
	}
	c, n, nonBlock := t.VFS(), transfer(a.Size(4)), flags&unix.SPLICE_F_NONBLOCK != 0
	var moved int
	switch {
	case from != nil && to != nil:
		moved, err = from.ToPipe(c, to, n, nonBlock || in.NonBlock() || out.NonBlock())
	case from != nil:
		if outOff != nil && (!out.Ops.Seekable() || outOff.value < 0) || out.Append() || !spliceable(out) {
			return 0, unix.EINVAL
		}
		moved, err = from.ToFile(c, out, outOff.ptr(), n, nonBlock || in.NonBlock())
	case to != nil:
		if inOff != nil && (!in.Ops.Seekable() || inOff.value < 0) || !spliceable(in) {
			return 0, unix.EINVAL
		}
		moved, err = to.FromFile(c, in, inOff.ptr(), n, nonBlock || out.NonBlock())
	default:
		return 0, unix.EINVAL
	}
	if err != nil {
		return 0, err
	}
	if err := inOff.put(t); err != nil {
		return 0, err
	}
	return uint64(moved), outOff.put(t)
}

// spliceable reports whether a file that is no pipe can be one side of a splice: those
// of epoll, eventfd and the like cannot, nor can directories.
func spliceable(f *vfs.File) bool {
	switch f.Inode().Type() {
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFCHR, unix.S_IFSOCK:
		return true
	}
	return false
}

func sysTee(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(3)
	if flags&^spliceFlags != 0 {
		return 0, unix.EINVAL
	}
	if a.Size(2) == 0 {
		return 0, nil
	}
	in, out, err := twoFiles(t, a.Int(0), a.Int(1))
	if err != nil {
		return 0, err
	}
	defer in.Unref()
	defer out.Unref()
	if !in.Readable() || !out.Writable() {
		return 0, unix.EBADF
	}
	from, to := pipe.Of(in), pipe.Of(out)
	if from == nil || to == nil {
		return 0, unix.EINVAL
	}
	nonBlock := flags&unix.SPLICE_F_NONBLOCK != 0 || in.NonBlock() || out.NonBlock()
	n, err := from.Tee(t.VFS(), to, transfer(a.Size(2)), nonBlock)
	return uint64(n), err
}

func sysVmsplice(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(3)
	if flags&^spliceFlags != 0 {
		return 0, unix.EINVAL
	}
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	p := pipe.Of(f)
	v, err := getVectors(t, a.Addr(1), a.Size(2))
	if err != nil {
		return 0, err
	}
	defer v.put()
	if p == nil {
		return 0, unix.EBADF
	}
	if v.io.Len() == 0 {
		return 0, nil
	}
	nonBlock := flags&unix.SPLICE_F_NONBLOCK != 0
	var n int
	if f.Writable() {
		n, err = p.FromUser(t.VFS(), &v.io, nonBlock)
	} else {
		n, err = p.ToUser(t.VFS(), &v.io, nonBlock)
	}
	return uint64(n), err
}

func sysSendfile(t *task.Task, a *Args) (uint64, error) {
	off, err := getOffset(t, a.Addr(2))
	if err != nil {
		return 0, err
	}
	in, err := t.Files.Get(a.Int(1))
	if err != nil {
		return 0, err
	}
	defer in.Unref()
	switch {
	case !in.Readable():
		return 0, unix.EBADF
	case off != nil && !in.Ops.Seekable():
		return 0, unix.ESPIPE
	case off != nil && off.value < 0:
		return 0, unix.EINVAL
	}
	out, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer out.Unref()
	if !out.Writable() {
		return 0, unix.EBADF
	}
	pos := in.Pos()
	at := &pos
	if off != nil {
		at = &off.value
	}
	c, n := t.VFS(), transfer(a.Size(3))
	var moved int
	switch to := pipe.Of(out); {
	case to != nil && spliceable(in) && in.Ops.Seekable():
		moved, err = to.FromFile(c, in, at, n, out.NonBlock()) // what does not fit is not sent
	case to != nil && spliceable(in):
		moved, err = to.FromFile(c, in, nil, n, out.NonBlock())
	case to != nil, out.Append(), in.Inode().Type() != unix.S_IFREG && in.Inode().Type() != unix.S_IFBLK, !spliceable(out):
		return 0, unix.EINVAL
	default:
		moved, err = in.CopyTo(c, at, out, nil, n)
	}
	if moved > 0 && off == nil && in.Ops.Seekable() {
		in.SetPos(pos)
	}
	if err != nil {
		return 0, err
	}
	return uint64(moved), off.put(t)
}

func sysCopyFileRange(t *task.Task, a *Args) (uint64, error) {
	in, out, err := twoFiles(t, a.Int(0), a.Int(2))
	if err != nil {
		return 0, err
	}
	defer in.Unref()
	defer out.Unref()
	inOff, err := getOffset(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	outOff, err := getOffset(t, a.Addr(3))
	if err != nil {
		return 0, err
	}
	if a.Uint(5) != 0 {
		return 0, unix.EINVAL
	}
	from, to := in.Pos(), out.Pos()
	fromAt, toAt := &from, &to
	if inOff != nil {
		fromAt = &inOff.value
	}
	if outOff != nil {
		toAt = &outOff.value
	}
	n, err := in.CopyRange(t.VFS(), fromAt, out, toAt, a.Size(4))
	if err != nil {
		return 0, err
	}
	if inOff == nil {
		in.SetPos(from)
	}
	if outOff == nil {
		out.SetPos(to)
	}
	if err := inOff.put(t); err != nil {
		return 0, err
	}
	return uint64(n), outOff.put(t)
}
