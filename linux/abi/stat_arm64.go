package abi

import "encoding/binary"

// StatSize is sizeof(struct stat).
const StatSize = 128

// Encode lays s out as struct stat.
func (s *Stat) Encode(b *[StatSize]byte) {
	le := binary.LittleEndian
	le.PutUint64(b[0:], s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint32(b[16:], s.Mode)
	le.PutUint32(b[20:], s.Nlink)
	le.PutUint32(b[24:], s.UID)
	le.PutUint32(b[28:], s.GID)
	le.PutUint64(b[32:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint32(b[56:], uint32(s.BlockSize))
	le.PutUint64(b[64:], uint64(s.Blocks))
	for i, t := range [...]Timestamp{s.Atime, s.Mtime, s.Ctime} {
		le.PutUint64(b[72+16*i:], uint64(t.Sec))
		le.PutUint64(b[80+16*i:], uint64(t.Nsec))
	}
}
