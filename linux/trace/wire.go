package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

var le = binary.LittleEndian

// Magic is how a stream begins, before the version.
const Magic = "kvtrace\n"

// Version is the version of the format that this package writes and reads. A reader
// skips kinds of frames that it does not know; anything else is a new version.
const Version = 1

// Frames of a stream: type, length of the body, body.
const (
	frameMachine = 1 + iota
	frameCalls
	frameRecords
	frameSent
	frameMissing
	frameEnd
)

// maxFrame bounds a frame that is believed.
const maxFrame = 1 << 20

// Machine says where a stream comes from.
type Machine struct {
	Arch    string // amd64 or arm64
	Release string // of the kernel
	CPUs    int
	Boot    time.Time // the wall clock when Record.Time was zero
}

// Call is a row of the table of system calls.
type Call struct {
	Number int
	Name   string
	Args   []Kind
}

// Missing is something that programs asked for and the kernel does not have.
type Missing struct {
	What  string // call, ioctl
	Name  string // or number
	Count uint64
}

func beginFrame(b []byte, kind uint32) []byte {
	b = le.AppendUint32(b, kind)
	return le.AppendUint32(b, 0)
}

// endFrame writes the length of the frame that begins at at.
func endFrame(b []byte, at int) []byte {
	le.PutUint32(b[at+4:], uint32(len(b)-at-8))
	return b
}

func appendString(b []byte, s string) []byte {
	b = le.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendHeader(b []byte, m Machine) []byte {
	b = append(b, Magic...)
	b = le.AppendUint32(b, Version)
	at := len(b)
	b = beginFrame(b, frameMachine)
	b = appendString(b, m.Arch)
	b = appendString(b, m.Release)
	b = le.AppendUint32(b, uint32(m.CPUs))
	b = le.AppendUint64(b, uint64(m.Boot.UnixNano()))
	return endFrame(b, at)
}

// appendCalls writes the table: the names of kinds, and by their numbers in that list,
// the arguments of each call.
func appendCalls(b []byte, kinds []string, calls []Call) []byte {
	at := len(b)
	b = beginFrame(b, frameCalls)
	b = le.AppendUint16(b, uint16(len(kinds)))
	for _, k := range kinds {
		b = appendString(b, k)
	}
	b = le.AppendUint16(b, uint16(len(calls)))
	for _, c := range calls {
		b = le.AppendUint16(b, uint16(c.Number))
		b = appendString(b, c.Name)
		b = append(b, byte(len(c.Args)))
		for _, k := range c.Args {
			b = append(b, byte(k))
		}
	}
	return endFrame(b, at)
}

func appendSent(b []byte, before time.Duration, lost uint64) []byte {
	at := len(b)
	b = beginFrame(b, frameSent)
	b = le.AppendUint64(b, uint64(before))
	b = le.AppendUint64(b, lost)
	return endFrame(b, at)
}

func appendMissing(b []byte, list []Missing) []byte {
	at := len(b)
	b = beginFrame(b, frameMissing)
	for _, m := range list {
		b = appendString(b, m.What)
		b = appendString(b, m.Name)
		b = le.AppendUint64(b, m.Count)
	}
	return endFrame(b, at)
}

func appendEnd(b []byte, at time.Duration, lost uint64) []byte {
	start := len(b)
	b = beginFrame(b, frameEnd)
	b = le.AppendUint64(b, uint64(at))
	b = le.AppendUint64(b, lost)
	return endFrame(b, start)
}

// Reader reads a stream. Records come out in the order of their time, those of one CPU
// that carry the same time in the order in which they were made.
type Reader struct {
	Machine Machine
	Calls   map[int]Call // by number
	Lost    uint64       // records that the kernel had no room for, so far
	Missing []Missing    // known at the end
	Ended   bool         // the kernel has said that the stream is complete

	r      *bufio.Reader
	body   []byte
	queue  queue
	sent   time.Duration // everything older is in the queue or was returned
	number uint64
	eof    bool
}

// ErrVersion is what a stream of another version of the format gives.
var ErrVersion = errors.New("trace: another version of the format")

// NewReader reads what a stream says of itself, and returns a Reader of its records.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{r: bufio.NewReaderSize(r, 1<<20), Calls: map[int]Call{}}
	var head [len(Magic) + 4]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if string(head[:len(Magic)]) != Magic {
		return nil, errors.New("trace: this is no trace")
	}
	if v := le.Uint32(head[len(Magic):]); v != Version {
		return nil, fmt.Errorf("%w: %d, where %d is known", ErrVersion, v, Version)
	}
	for len(d.Calls) == 0 {
		if err := d.frame(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return d, nil
}

// Next returns the next record. The error is io.EOF at the end of the stream, whether or
// not the kernel came to say that it ended; io.ErrUnexpectedEOF where it breaks off
// inside a frame, once all whole frames have been read.
func (d *Reader) Next() (Record, error) {
	for {
		if len(d.queue) > 0 && (d.eof || d.queue[0].Time < d.sent) {
			return d.queue.pop(), nil
		}
		if d.eof {
			return Record{}, io.EOF
		}
		if err := d.frame(); err == io.EOF || err == io.ErrUnexpectedEOF {
			d.eof = true
		} else if err != nil {
			return Record{}, err
		}
	}
}

// frame reads one frame.
func (d *Reader) frame() error {
	var head [8]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return err
	}
	size := le.Uint32(head[4:])
	if size > maxFrame {
		return fmt.Errorf("trace: a frame of %d bytes", size)
	}
	if cap(d.body) < int(size) {
		d.body = make([]byte, size)
	}
	d.body = d.body[:size]
	if _, err := io.ReadFull(d.r, d.body); err != nil {
		return io.ErrUnexpectedEOF
	}
	f := fields{b: d.body}
	switch le.Uint32(head[:]) {
	case frameMachine:
		d.Machine = Machine{Arch: f.string(), Release: f.string(), CPUs: int(f.uint32()), Boot: time.Unix(0, int64(f.uint64()))}
	case frameCalls:
		d.calls(&f)
	case frameRecords:
		f.uint32()
		for len(f.b) > 0 {
			var r Record
			n := r.unpack(f.b)
			if n == 0 {
				return errors.New("trace: a broken record")
			}
			f.b = f.b[n:]
			d.number++
			d.queue.push(queued{r, d.number})
		}
	case frameSent:
		d.sent, d.Lost = time.Duration(f.uint64()), f.uint64()
	case frameMissing:
		for len(f.b) > 0 && !f.short {
			d.Missing = append(d.Missing, Missing{f.string(), f.string(), f.uint64()})
		}
	case frameEnd:
		f.uint64()
		d.Lost, d.Ended = f.uint64(), true
	}
	if f.short {
		return errors.New("trace: a broken frame")
	}
	return nil
}

func (d *Reader) calls(f *fields) {
	var kinds []Kind // this package's numbers for the kernel's
	for range f.uint16() {
		kinds = append(kinds, kindNamed(f.string()))
	}
	for range f.uint16() {
		c := Call{Number: int(f.uint16()), Name: f.string()}
		for range f.byte() {
			n, k := f.byte(), Hex
			if i := int(n &^ byte(Out)); i < len(kinds) {
				k = kinds[i] | Kind(n)&Out
			}
			c.Args = append(c.Args, k)
		}
		if f.short {
			return
		}
		d.Calls[c.Number] = c
	}
}

// fields reads the fields of a frame. short is set where there are fewer than were read.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.short, f.b = true, nil
		return make([]byte, n)
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) uint16() uint16 { return le.Uint16(f.take(2)) }
func (f *fields) uint32() uint32 { return le.Uint32(f.take(4)) }
func (f *fields) uint64() uint64 { return le.Uint64(f.take(8)) }
func (f *fields) string() string { return string(f.take(int(f.uint16()))) }

// queued is a record that waits for older ones of other CPUs; number breaks ties.
type queued struct {
	Record
	number uint64
}

func (q *queued) before(o *queued) bool {
	return q.Time < o.Time || q.Time == o.Time && q.number < o.number
}

// queue is a heap, the oldest record first.
type queue []queued

func (q *queue) push(r queued) {
	h := append(*q, r)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*q = h
}

func (q *queue) pop() Record {
	h := *q
	first, n := h[0].Record, len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].before(&h[c]) {
			c++
		}
		if !h[c].before(&h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*q = h
	return first
}
