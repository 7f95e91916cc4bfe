package syscalls

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// maxIovecs is UIO_MAXIOV.
const maxIovecs = 1024

// iovecSize is sizeof(struct iovec).
const iovecSize = 16

// vectors are the ranges of memory that a struct iovec array names.
type vectors struct {
	io   user.IO
	vecs []user.Iovec
	raw  []byte
}

var vectorPool = sync.Pool{New: func() any { return new(vectors) }}

// getVectors reads n struct iovec at p. What is more than one call may move is cut off.
// The caller ends with put.
func getVectors(t *task.Task, p user.Addr, n uint64) (*vectors, error) {
	if n > maxIovecs {
		return nil, unix.EINVAL
	}
	v := vectorPool.Get().(*vectors)
	if err := v.get(t, p, int(n)); err != nil {
		v.put()
		return nil, err
	}
	return v, nil
}

func (v *vectors) get(t *task.Task, p user.Addr, n int) error {
	if n > len(v.vecs) {
		v.vecs, v.raw = make([]user.Iovec, n), make([]byte, n*iovecSize)
	}
	vecs, raw := v.vecs[:n], v.raw[:n*iovecSize]
	if err := t.CopyIn(raw, p); err != nil {
		return err
	}
	for i := range vecs {
		if int64(le.Uint64(raw[i*iovecSize+8:])) < 0 {
			return unix.EINVAL
		}
	}
	left := uint64(vfs.MaxTransfer)
	for i := range vecs {
		base, length := user.Addr(le.Uint64(raw[i*iovecSize:])), le.Uint64(raw[i*iovecSize+8:])
		if err := reachable(base, length); err != nil {
			return err
		}
		length = min(length, left)
		left -= length
		vecs[i] = user.Iovec{Base: base, Len: int(length)}
	}
	v.io = user.Vector(t.Memory(), vecs)
	return nil
}

func (v *vectors) put() {
	v.io = user.IO{}
	vectorPool.Put(v)
}
