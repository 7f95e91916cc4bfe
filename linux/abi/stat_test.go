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
