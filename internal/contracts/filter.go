package contracts

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

// A filter picks the records out of a console on which a kernel prints as well, and gives them on as readRecords wants
// them. A record is a line: the mark, the CRC-32 of the rest in hexadecimal, a blank, the record; the bytes of "out" are
// in hexadecimal at its end. All other lines, and records that the kernel has printed into, are noise.
type filter struct {
	in    *bufio.Reader
	noise io.Writer
	ready bytes.Buffer
}

const mark = "@kc:"

func (f *filter) Read(p []byte) (int, error) {
	for f.ready.Len() == 0 {
		line, err := f.in.ReadString('\n')
		if record, ok := unmark(line); ok {
			f.ready.WriteString(record)
		} else {
			io.WriteString(f.noise, line)
		}
		if err != nil && f.ready.Len() == 0 {
			return 0, err
		}
	}
	return f.ready.Read(p)
}

// unmark is the record in a line of the console.
func unmark(line string) (string, bool) {
	i := strings.LastIndex(line, mark)
	if i < 0 {
		return "", false
	}
	sum, record, ok := strings.Cut(strings.TrimRight(line[i+len(mark):], "\r\n"), " ")
	want, err := strconv.ParseUint(sum, 16, 32)
	if !ok || err != nil || crc32.ChecksumIEEE([]byte(record)) != uint32(want) {
		return "", false
	}
	if fields := strings.Fields(record); len(fields) == 4 && fields[0] == "out" {
		data, err := hex.DecodeString(fields[3])
		if err != nil {
			return "", false
		}
		return fmt.Sprintf("out %s %d\n%s", fields[1], len(data), data), true
	}
	return record + "\n", true
}
