package virtio

import (
	"encoding/binary"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// Block device (section 5.2).
const (
	blkFeatureRO    = 1 << 5
	blkFeatureFlush = 1 << 9

	blkIn    = 0
	blkOut   = 1
	blkFlush = 4

	sector = 512
)

// Block is a virtio block device. It implements machine.Block.
type Block struct {
	t        Transport
	name     string
	size     int64
	readOnly bool
	flush    bool

	mu   sync.Mutex // guards q
	q    *queue
	room sync.Cond // on mu: descriptors have become free
}

// NewBlock starts the driver of a block device. attach is as for NewConsole.
func NewBlock(t Transport, name string, attach func(Device)) (*Block, error) {
	have, err := begin(t, blkFeatureRO|blkFeatureFlush)
	if err != nil {
		return nil, err
	}
	b := &Block{t: t, name: name, readOnly: have&blkFeatureRO != 0, flush: have&blkFeatureFlush != 0}
	b.room.L = &b.mu
	attach(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size = int64(t.config64(0)) * sector
	if b.q, err = newQueue(t, 0); err != nil {
		return nil, fail(t, err)
	}
	ready(t)
	return b, nil
}

func (b *Block) Name() string   { return b.name }
func (b *Block) Size() int64    { return b.size }
func (b *Block) ReadOnly() bool { return b.readOnly }

// Interrupt completes requests.
func (b *Block) Interrupt() {
	b.t.acknowledge()
	b.mu.Lock()
	b.q.complete()
	b.mu.Unlock()
	b.room.Broadcast()
}

// ReadAt and WriteAt go through bounce frames, up to chunk frames a request.
func (b *Block) ReadAt(p []byte, off int64) (int, error) { return b.transfer(blkIn, p, off) }

func (b *Block) WriteAt(p []byte, off int64) (int, error) {
	if b.readOnly {
		return 0, unix.EROFS
	}
	return b.transfer(blkOut, p, off)
}

// Flush waits until everything written is on stable storage.
func (b *Block) Flush() error {
	if !b.flush {
		return nil
	}
	return b.request(blkFlush, 0, nil, 0)
}

const chunk = 16 // frames in one request

func (b *Block) transfer(op uint32, p []byte, off int64) (int, error) {
	if off%sector != 0 || len(p)%sector != 0 || off < 0 || off+int64(len(p)) > b.size {
		return 0, unix.EINVAL
	}
	var frames [chunk]mem.Frame
	n := 0
	for ; n < chunk && n*mem.PageSize < len(p); n++ {
		f, err := mem.AllocDirty()
		if err != nil {
			if n == 0 {
				return 0, err
			}
			break
		}
		frames[n] = f
	}
	defer func() {
		for _, f := range frames[:n] {
			f.Unref()
		}
	}()
	total := 0
	for total < len(p) {
		part := p[total:min(len(p), total+n*mem.PageSize)]
		if op == blkOut {
			for i := 0; i*mem.PageSize < len(part); i++ {
				copy(frames[i].Data()[:], part[i*mem.PageSize:])
			}
		}
		if err := b.request(op, uint64(off+int64(total))/sector, frames[:n], len(part)); err != nil {
			return total, err
		}
		if op == blkIn {
			for i := 0; i*mem.PageSize < len(part); i++ {
				copy(part[i*mem.PageSize:], frames[i].Data()[:])
			}
		}
		total += len(part)
	}
	return total, nil
}

// request does one request and waits for it: header, data, status byte.
func (b *Block) request(op uint32, at uint64, frames []mem.Frame, n int) error {
	hdr, err := mem.Alloc()
	if err != nil {
		return err
	}
	defer hdr.Unref()
	h := hdr.Data()
	binary.LittleEndian.PutUint32(h[0:], op)
	binary.LittleEndian.PutUint64(h[8:], at)
	h[16] = 0xff
	var chain [chunk + 2]buffer
	chain[0] = buffer{hdr.Addr(), 16, false}
	k := 1
	for i := 0; n > 0; i++ {
		c := min(n, mem.PageSize)
		chain[k] = buffer{frames[i].Addr(), c, op == blkIn}
		k, n = k+1, n-c
	}
	chain[k] = buffer{hdr.Addr() + 16, 1, true}
	k++
	done := make(chan struct{})
	b.mu.Lock()
	for !b.q.add(func(int) { close(done) }, chain[:k]...) {
		b.room.Wait()
	}
	b.q.kick()
	b.mu.Unlock()
	<-done
	switch h[16] {
	case 0:
		return nil
	case 2:
		return unix.EOPNOTSUPP
	}
	return fmt.Errorf("virtio %s: request %d at sector %d: status %d: %w", b.t.Name(), op, at, h[16], unix.EIO)
}
