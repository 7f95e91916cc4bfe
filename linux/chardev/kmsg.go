package chardev

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/klog"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// kmsg is an open /dev/kmsg: a record at each read, a message at each write
// (Documentation/ABI/testing/dev-kmsg).
type kmsg struct {
	vfs.DefaultOps

	mu  sync.Mutex // guards seq
	seq uint64     // of the next record to read
}

// openKmsg asks readers for CAP_SYSLOG, as with kernel.dmesg_restrict.
func openKmsg(c *vfs.Context, f *vfs.File) (vfs.FileOps, error) {
	if f.Flags()&unix.O_ACCMODE != unix.O_WRONLY && !c.Capable(unix.CAP_SYSLOG) && !c.Capable(unix.CAP_SYS_ADMIN) {
		return nil, unix.EPERM
	}
	first, _, _ := klog.Bounds()
	return &kmsg{seq: first}, nil
}

// maxLine is the longest record that a program may write.
const maxLine = 1024

// maxRecord is more than a record takes when it is read.
const maxRecord = 8192

// Read implements vfs.FileOps. EPIPE where records have been overwritten before they were
// read, EINVAL where the buffer cannot hold the record.
func (k *kmsg) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (int, error) {
	for {
		k.mu.Lock()
		r, ok := klog.From(k.seq)
		if !ok {
			seq := k.seq
			k.mu.Unlock()
			if f.NonBlock() {
				return 0, unix.EAGAIN
			}
			err := c.Waiter.Until(klog.Queue(), wait.In, wait.Forever, func() bool {
				_, ok := klog.From(seq)
				return ok
			})
			if err != nil {
				return 0, err
			}
			continue
		}
		lost := r.Seq != k.seq
		text := encode(r)
		switch {
		case lost:
			k.seq = r.Seq
		case len(text) <= dst.Len():
			k.seq++
		}
		k.mu.Unlock()
		switch {
		case lost:
			return 0, unix.EPIPE
		case len(text) > dst.Len():
			return 0, unix.EINVAL
		}
		return dst.Write(text)
	}
}

// encode is a record as reads give it.
func encode(r klog.Record) []byte {
	b := fmt.Appendf(nil, "%d,%d,%d,-;", r.Priority, r.Seq, r.Time/time.Microsecond)
	for i := 0; i < len(r.Text) && len(b) < maxRecord-8; i++ {
		if c := r.Text[i]; c < ' ' || c >= 127 || c == '\\' {
			b = fmt.Appendf(b, `\x%02x`, c)
		} else {
			b = append(b, c)
		}
	}
	return append(b, '\n')
}

// Write implements vfs.FileOps: "<N>" before the text says facility and level.
func (k *kmsg) Write(_ *vfs.Context, _ *vfs.File, src *user.IO, _ int64) (int, error) {
	n := src.Len()
	if n > maxLine {
		return 0, unix.EINVAL
	}
	buf := make([]byte, n)
	if _, err := src.Read(buf); err != nil {
		return 0, err
	}
	priority, text := klog.User|klog.GetLevels().Message, string(buf)
	if rest, ok := strings.CutPrefix(text, "<"); ok {
		if number, rest, ok := strings.Cut(rest, ">"); ok {
			if v, err := strconv.ParseUint(number, 10, 31); err == nil {
				if text = rest; v>>3 == 0 {
					v |= klog.User // only the kernel is facility 0
				}
				priority = int(v)
			}
		}
	}
	klog.Log(priority, text)
	return n, nil
}

// Seekable implements vfs.FileOps: it can be sought in, but reads care for no position.
func (k *kmsg) Seekable() bool { return true }

// Seek implements vfs.FileOps: to the oldest record, past the last clear, or to the end.
func (k *kmsg) Seek(_ *vfs.File, off int64, whence int, _ int64) (int64, error) {
	if off != 0 {
		return 0, unix.ESPIPE
	}
	first, cleared, next := klog.Bounds()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch whence {
	case unix.SEEK_SET:
		k.seq = first
	case unix.SEEK_DATA:
		k.seq = cleared
	case unix.SEEK_END:
		k.seq = next
	default:
		return 0, unix.EINVAL
	}
	return 0, nil
}

// Poll implements vfs.FileOps.
func (k *kmsg) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		klog.Queue().Add(e)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := klog.From(k.seq)
	switch {
	case !ok:
		return 0
	case r.Seq != k.seq:
		return wait.In | wait.RdNorm | wait.Err | wait.Pri
	}
	return wait.In | wait.RdNorm
}

// Unpoll implements vfs.FileOps.
func (k *kmsg) Unpoll(_ *vfs.File, e *wait.Entry) { klog.Queue().Remove(e) }
