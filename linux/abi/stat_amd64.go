package abi

import "encoding/binary"

// StatSize is sizeof(struct stat).
const StatSize = 144

// Encode lays s out as struct stat.
func (s *Stat) Encode(b *[StatSize]byte) {
	le := binary.LittleEndian
	le.PutUint64(b[0:], s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint64(b[16:], uint64(s.Nlink))
	le.PutUint32(b[24:], s.Mode)
	le.PutUint32(b[28:], s.UID)
	le.PutUint32(b[32:], s.GID)
	le.PutUint64(b[40:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint64(b[56:], uint64(s.BlockSize))
	le.PutUint64(b[64:], uint64(s.Blocks))
	for i, t := range [...]Timestamp{s.Atime, s.Mtime, s.Ctime} {
		le.PutUint64(b[72+16*i:], uint64(t.Sec))
		le.PutUint64(b[80+16*i:], uint64(t.Nsec))
	}
}
