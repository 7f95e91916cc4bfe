// Package block serves the machine's disks as block devices, /dev/vda and its
// successors: a page cache over each, which programs read, write and map, and which file
// systems build on.
package block

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/mm"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
	"kevlar/machine/mem"
)

const (
	// major is the number of virtio's disks: the first that Linux gives out dynamically.
	major = 254
	// minors is how many numbers a disk has, for itself and its partitions.
	minors = 16

	sectorSize = 512
)

// Disk is one disk.
type Disk struct {
	dev   machine.Block
	cache *mm.PageCache

	reads, readSectors, writes, writeSectors, flushes atomic.Uint64
	readTime, writeTime, flushTime                    atomic.Int64 // nanoseconds
	inFlight                                          atomic.Int64
}

// Register makes the disks known, with nodes in /dev; the kernel calls it at boot.
func Register(disks []machine.Block) {
	for i, dev := range disks {
		d := &Disk{dev: dev}
		d.cache = mm.NewPageCache(dev.Size(), d, nil)
		minor := uint32(i * minors)
		vfs.RegisterBlock(major, minor, "virtblk", d.open)
		device.Add(&device.Device{Name: dev.Name(), Class: "block", Dev: unix.Mkdev(major, minor), Mode: 0o600, Disk: d})
	}
}

// Size implements device.Disk, as do ReadOnly and Stats.
func (d *Disk) Size() int64 { return d.dev.Size() }

func (d *Disk) ReadOnly() bool { return d.dev.ReadOnly() }

func (d *Disk) Stats() device.DiskStats {
	ms := func(t *atomic.Int64) uint64 { return uint64(t.Load() / int64(time.Millisecond)) }
	s := device.DiskStats{
		Reads: d.reads.Load(), ReadSectors: d.readSectors.Load(), ReadTime: ms(&d.readTime),
		Writes: d.writes.Load(), WriteSectors: d.writeSectors.Load(), WriteTime: ms(&d.writeTime),
		Flushes: d.flushes.Load(), FlushTime: ms(&d.flushTime),
		InFlight: uint64(d.inFlight.Load()),
	}
	s.BusyTime = s.ReadTime + s.WriteTime + s.FlushTime
	return s
}

// traced is a request as the tracer names it: trace.Disk's aux, and where it is.
type traced struct {
	kind uint16
	off  int64
	size int
}

// timed does a request and counts it.
func (d *Disk) timed(n *atomic.Uint64, spent *atomic.Int64, what traced, do func() error) error {
	d.inFlight.Add(1)
	start := wait.Now()
	err := do()
	took := wait.Now() - start
	spent.Add(int64(took))
	if trace.On(trace.Block) {
		trace.Emit(trace.Disk, what.kind, trace.Running(), uint64(what.off), uint64(what.size), uint64(took))
	}
	d.inFlight.Add(-1)
	n.Add(1)
	if err != nil {
		return unix.EIO
	}
	return nil
}

// Fill implements mm.Filler.
func (d *Disk) Fill(index uint64, pages [][]byte) error {
	return d.each(index, pages, func(p []byte, off int64) error {
		d.readSectors.Add(uint64(len(p)) / sectorSize)
		return d.timed(&d.reads, &d.readTime, traced{0, off, len(p)}, func() error {
			_, err := d.dev.ReadAt(p, off)
			return err
		})
	})
}

// WriteBack implements mm.Filler.
func (d *Disk) WriteBack(index uint64, pages [][]byte) error {
	return d.each(index, pages, func(p []byte, off int64) error {
		d.writeSectors.Add(uint64(len(p)) / sectorSize)
		return d.timed(&d.writes, &d.writeTime, traced{1, off, len(p)}, func() error {
			_, err := d.dev.WriteAt(p, off)
			return err
		})
	})
}

// each calls do for every page as far as it is on the disk.
func (d *Disk) each(index uint64, pages [][]byte, do func(p []byte, off int64) error) error {
	off := int64(index) * mem.PageSize
	for _, p := range pages {
		if left := d.Size() - off; left < int64(len(p)) {
			p = p[:max(left, 0)]
		}
		if len(p) == 0 {
			return nil
		}
		if err := do(p, off); err != nil {
			return err
		}
		off += mem.PageSize
	}
	return nil
}

// Sync writes back what is in the cache, and then what the disk keeps in its own.
func (d *Disk) Sync() error {
	if d.ReadOnly() {
		return nil
	}
	if err := d.cache.Sync(0, 1<<63/mem.PageSize); err != nil {
		return err
	}
	return d.timed(&d.flushes, &d.flushTime, traced{kind: 2}, d.dev.Flush)
}

func (d *Disk) open(*vfs.Context, *vfs.File) (vfs.FileOps, error) { return file{d: d}, nil }

// file is an open block device.
type file struct {
	vfs.DefaultOps
	d *Disk
}

func (f file) Seekable() bool { return true }

func (f file) Seek(_ *vfs.File, off int64, whence int, pos int64) (int64, error) {
	return vfs.SeekIn(off, whence, pos, f.d.Size())
}

func (f file) Read(_ *vfs.Context, _ *vfs.File, dst *user.IO, off int64) (int, error) {
	return f.d.cache.Read(dst, off)
}

// Write writes within the disk, which does not grow: ENOSPC at its end.
func (f file) Write(_ *vfs.Context, _ *vfs.File, src *user.IO, off int64) (int, error) {
	left := f.d.Size() - off
	switch {
	case f.d.ReadOnly():
		return 0, unix.EPERM
	case src.Len() == 0:
		return 0, nil
	case left <= 0:
		return 0, unix.ENOSPC
	}
	src.Limit(int(min(int64(src.Len()), left)))
	return f.d.cache.Write(src, off)
}

func (f file) Map(*vfs.File) (mm.Object, error) { return f.d.cache, nil }

func (f file) Fsync(*vfs.Context, *vfs.File, bool) error { return f.d.Sync() }

// Release writes back what was written through the file.
func (f file) Release(v *vfs.File) {
	if v.Writable() {
		f.d.Sync() // nobody is left to learn of an error
	}
}

// Ioctls of block devices: linux/fs.h.
const (
	blkROGET     = 0x125e
	blkGETSIZE   = 0x1260
	blkFLSBUF    = 0x1261
	blkRAGET     = 0x1263
	blkSSZGET    = 0x1268
	blkBSZGET    = 0x80081270
	blkGETSIZE64 = 0x80081272
	blkIOMIN     = 0x1278
	blkIOOPT     = 0x1279
	blkALIGNOFF  = 0x127a
	blkPBSZGET   = 0x127b
)

func (f file) Ioctl(c *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	le := binary.LittleEndian
	var out []byte
	switch cmd {
	case blkROGET:
		v := uint32(0)
		if f.d.ReadOnly() {
			v = 1
		}
		out = le.AppendUint32(nil, v)
	case blkGETSIZE:
		out = le.AppendUint64(nil, uint64(f.d.Size()/sectorSize))
	case blkGETSIZE64:
		out = le.AppendUint64(nil, uint64(f.d.Size()))
	case blkSSZGET, blkPBSZGET, blkIOMIN:
		out = le.AppendUint32(nil, sectorSize)
	case blkBSZGET:
		out = le.AppendUint32(nil, mem.PageSize)
	case blkIOOPT, blkALIGNOFF:
		out = le.AppendUint32(nil, 0)
	case blkRAGET:
		out = le.AppendUint64(nil, 256) // sectors
	case blkFLSBUF:
		if !c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EACCES
		}
		return 0, f.d.Sync()
	default:
		return 0, unix.ENOTTY
	}
	_, err := m.CopyOut(user.Addr(arg), out)
	return 0, err
}
