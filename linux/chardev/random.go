package chardev

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
	"kevlar/machine/mem"
)

// PoolBits is what the generator says of its entropy once it is seeded, which it is
// before the first program runs (/proc/sys/kernel/random/poolsize).
const PoolBits = 256

// random is /dev/random and /dev/urandom, which do not differ after boot (random(4)).
type random struct {
	vfs.DefaultOps
	m       machine.Machine
	urandom bool
}

// Seekable implements vfs.FileOps: there is no position, but lseek and pread succeed.
func (random) Seekable() bool { return true }

// Seek implements vfs.FileOps.
func (random) Seek(*vfs.File, int64, int, int64) (int64, error) { return 0, nil }

// Read implements vfs.FileOps.
func (r random) Read(c *vfs.Context, _ *vfs.File, dst *user.IO, _ int64) (int, error) {
	buf := make([]byte, min(dst.Len(), mem.PageSize))
	return fill(c, dst, func() []byte {
		r.m.Random(buf)
		return buf
	})
}

// Write implements vfs.FileOps. The machine's generator takes no seeds from programs: what
// it would add counts for nothing on Linux either.
func (random) Write(_ *vfs.Context, _ *vfs.File, src *user.IO, _ int64) (done int, err error) {
	var buf [512]byte
	for src.Len() > 0 {
		n, err := src.Read(buf[:])
		if done += n; err != nil {
			if done == 0 {
				return 0, err
			}
			break
		}
	}
	return done, nil
}

// Poll implements vfs.FileOps: there are always random numbers. /dev/random never wishes
// for more; /dev/urandom has no poll of its own on Linux.
func (r random) Poll(f *vfs.File, e *wait.Entry) wait.Events {
	if r.urandom {
		return r.DefaultOps.Poll(f, e)
	}
	return wait.In | wait.RdNorm
}

// The ioctls of random(4).
const (
	rndGetEntCnt   = 0x80045200
	rndAddToEntCnt = 0x40045201
	rndAddEntropy  = 0x40085203
	rndZapEntCnt   = 0x5204
	rndClearPool   = 0x5206
	rndReseedCRNG  = 0x5207
)

// Ioctl implements vfs.FileOps.
func (random) Ioctl(c *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	switch cmd {
	case rndGetEntCnt:
		_, err := m.CopyOut(user.Addr(arg), binary.LittleEndian.AppendUint32(nil, PoolBits))
		return 0, err
	case rndAddToEntCnt, rndAddEntropy:
		if !c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		var n [4]byte
		if _, err := m.CopyIn(n[:], user.Addr(arg)); err != nil {
			return 0, err
		}
		if int32(binary.LittleEndian.Uint32(n[:])) < 0 {
			return 0, unix.EINVAL
		}
		return 0, nil
	case rndZapEntCnt, rndClearPool, rndReseedCRNG:
		if !c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		return 0, nil
	}
	return 0, unix.EINVAL
}
