package abi

import "encoding/binary"

// Statx is struct statx, which is the same on all architectures. Device numbers are
// encoded as in struct stat.
type Statx struct {
	Mask, BlockSize            uint32
	Attributes, AttributesMask uint64
	Nlink, UID, GID            uint32
	Mode                       uint32
	Ino, Size, Blocks          uint64
	Atime, Btime, Ctime, Mtime Timestamp
	RdevMajor, RdevMinor       uint32
	DevMajor, DevMinor         uint32
	MountID                    uint64
}

// StatxSize is sizeof(struct statx).
const StatxSize = 256

// Encode lays s out as struct statx. b is zero.
func (s *Statx) Encode(b *[StatxSize]byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], s.Mask)
	le.PutUint32(b[4:], s.BlockSize)
	le.PutUint64(b[8:], s.Attributes)
	le.PutUint32(b[16:], s.Nlink)
	le.PutUint32(b[20:], s.UID)
	le.PutUint32(b[24:], s.GID)
	le.PutUint16(b[28:], uint16(s.Mode))
	le.PutUint64(b[32:], s.Ino)
	le.PutUint64(b[40:], s.Size)
	le.PutUint64(b[48:], s.Blocks)
	le.PutUint64(b[56:], s.AttributesMask)
	for i, t := range [...]Timestamp{s.Atime, s.Btime, s.Ctime, s.Mtime} {
		le.PutUint64(b[64+16*i:], uint64(t.Sec))
		le.PutUint32(b[72+16*i:], uint32(t.Nsec))
	}
	le.PutUint32(b[128:], s.RdevMajor)
	le.PutUint32(b[132:], s.RdevMinor)
	le.PutUint32(b[136:], s.DevMajor)
	le.PutUint32(b[140:], s.DevMinor)
	le.PutUint64(b[144:], s.MountID)
}

// Statfs is struct statfs, which has the same layout on all 64-bit architectures.
type Statfs struct {
	Type, BlockSize         int64
	Blocks, Free, Available uint64
	Files, FilesFree        uint64
	ID                      uint64
	NameLen, FragmentSize   int64
	Flags                   int64
}

// StatfsSize is sizeof(struct statfs).
const StatfsSize = 120

// Encode lays s out as struct statfs. b is zero.
func (s *Statfs) Encode(b *[StatfsSize]byte) {
	for i, v := range [...]uint64{uint64(s.Type), uint64(s.BlockSize), s.Blocks, s.Free, s.Available, s.Files,
		s.FilesFree, s.ID, uint64(s.NameLen), uint64(s.FragmentSize), uint64(s.Flags)} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
}
