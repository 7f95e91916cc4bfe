package abi

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStat reads an encoded struct stat as x/sys lays it out.
func TestStat(t *testing.T) {
	s := Stat{Dev: 1, Ino: 2, Rdev: 3, Mode: 4, Nlink: 5, UID: 6, GID: 7, Size: 8, BlockSize: 9, Blocks: 10,
		Atime: Timestamp{11, 12}, Mtime: Timestamp{13, 14}, Ctime: Timestamp{15, 16}}
	var b [StatSize]byte
	s.Encode(&b)
	var got unix.Stat_t
	if err := binary.Read(bytes.NewReader(b[:]), binary.LittleEndian, &got); err != nil {
		t.Fatal(err)
	}
	want := unix.Stat_t{Dev: 1, Ino: 2, Rdev: 3, Mode: 4, Nlink: 5, Uid: 6, Gid: 7, Size: 8, Blksize: 9, Blocks: 10,
		Atim: unix.Timespec{Sec: 11, Nsec: 12}, Mtim: unix.Timespec{Sec: 13, Nsec: 14}, Ctim: unix.Timespec{Sec: 15, Nsec: 16}}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if binary.Size(got) != StatSize {
		t.Fatalf("struct stat has %d bytes, StatSize is %d", binary.Size(got), StatSize)
	}
}

// TestStatx and TestStatfs do the same for their structures.
func TestStatx(t *testing.T) {
	s := Statx{Mask: 1, BlockSize: 2, Attributes: 3, AttributesMask: 4, Nlink: 5, UID: 6, GID: 7, Mode: 8, Ino: 9,
		Size: 10, Blocks: 11, Atime: Timestamp{12, 13}, Btime: Timestamp{14, 15}, Ctime: Timestamp{16, 17},
		Mtime: Timestamp{18, 19}, RdevMajor: 20, RdevMinor: 21, DevMajor: 22, DevMinor: 23, MountID: 24}
	var b [StatxSize]byte
	s.Encode(&b)
	var got unix.Statx_t
	if n := binary.Size(got); n != StatxSize {
		t.Fatalf("struct statx has %d bytes, StatxSize is %d", n, StatxSize)
	}
	if err := binary.Read(bytes.NewReader(b[:]), binary.LittleEndian, &got); err != nil {
		t.Fatal(err)
	}
	want := unix.Statx_t{Mask: 1, Blksize: 2, Attributes: 3, Attributes_mask: 4, Nlink: 5, Uid: 6, Gid: 7, Mode: 8,
		Ino: 9, Size: 10, Blocks: 11, Atime: unix.StatxTimestamp{Sec: 12, Nsec: 13},
		Btime: unix.StatxTimestamp{Sec: 14, Nsec: 15}, Ctime: unix.StatxTimestamp{Sec: 16, Nsec: 17},
		Mtime: unix.StatxTimestamp{Sec: 18, Nsec: 19}, Rdev_major: 20, Rdev_minor: 21, Dev_major: 22, Dev_minor: 23, Mnt_id: 24}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestStatfs(t *testing.T) {
	s := Statfs{Type: 1, BlockSize: 2, Blocks: 3, Free: 4, Available: 5, Files: 6, FilesFree: 7, ID: 8, NameLen: 9,
		FragmentSize: 10, Flags: 11}
	var b [StatfsSize]byte
	s.Encode(&b)
	var got unix.Statfs_t
	if n := binary.Size(got); n != StatfsSize {
		t.Fatalf("struct statfs has %d bytes, StatfsSize is %d", n, StatfsSize)
	}
	if err := binary.Read(bytes.NewReader(b[:]), binary.LittleEndian, &got); err != nil {
		t.Fatal(err)
	}
	want := unix.Statfs_t{Type: 1, Bsize: 2, Blocks: 3, Bfree: 4, Bavail: 5, Files: 6, Ffree: 7,
		Fsid: unix.Fsid{Val: [2]int32{8, 0}}, Namelen: 9, Frsize: 10, Flags: 11}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}
