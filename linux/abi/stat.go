package abi

// Stat is struct stat before it is laid out for the architecture.
type Stat struct {
	Dev, Ino, Rdev        uint64
	Mode, Nlink, UID, GID uint32
	Size, BlockSize       int64
	Blocks                int64
	Atime, Mtime, Ctime   Timestamp
}

// Timestamp is a struct timespec.
type Timestamp struct{ Sec, Nsec int64 }
