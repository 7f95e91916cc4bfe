// Package pipe is pipes and FIFOs: pipe(7), fifo(7). The bytes are in frames, one
// per slot of a ring, as many slots as F_SETPIPE_SZ says: that is how Linux counts
// what fits, and so when a writer waits and when a pipe polls as writable. A frame can
// be in several pipes at once (tee).
//
// linux/syscalls makes pipes with New and opens FIFOs through vfs.OpenFIFO; splice and
// its relatives (splice.go) work on the Pipe that Of finds behind an open file.
package pipe

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
)

// pageSize is PIPE_BUF as well: a write of so many bytes goes into one slot, or as a
// whole behind what the last slot holds, and is atomic for that reason.
const pageSize = mem.PageSize

const (
	defaultSlots = 16
	// maxSize is what F_SETPIPE_SZ gives to users without CAP_SYS_RESOURCE:
	// /proc/sys/fs/pipe-max-size.
	maxSize = 1 << 20
)

// Pipe is a pipe, or what is behind a FIFO while it is open.
type Pipe struct {
	anonymous bool   // made by pipe(2): opening it again through /proc waits for nobody
	number    uint64 // in order of creation: two pipes are locked in that order

	// Readers and writers that wait, and who polls an end, or a FIFO opened for both: as
	// on Linux, an edge at one end is none at the other.
	in, out, both wait.Queue
	partners      wait.Queue // opens of a FIFO that wait for the other side

	// mu guards what follows. It is held across copies from and to user memory, so
	// that writes are atomic: nothing on the path of a page fault takes it. The queues and
	// package mem's locks are below it.
	mu    sync.Mutex
	slots []slot // a ring; nil until the first write
	size  int    // number of slots
	// reserved slots are free but spoken for: what a splice reads now goes there, or
	// what it has taken out and cannot get rid of goes back.
	reserved int
	first    int // oldest slot
	used     int // slots that hold bytes
	spare    [2]mem.Frame
	readers  int // open files
	writers  int
	// Opens so far, for FIFOs: whoever waits for a partner sees that one came even if
	// it has gone again.
	readOpens, writeOpens uint64
	polled                bool // somebody polls, maybe for edges: announce each write
}

// slot is up to a page of bytes. None is empty.
type slot struct {
	frame  mem.Frame
	off, n int
	packet bool // written with O_DIRECT: one read takes it, and drops what it has no room for
	merge  bool // a write may go on in the frame: no other pipe does
}

// End is an open file of a pipe: it implements vfs.FileOps.
type End struct {
	vfs.DefaultOps
	*Pipe
	// quiet is what writeOpens was when a FIFO was opened for reading without a
	// writer: until there has been one, the end of file is no hang-up.
	quiet uint64
}

func init() { vfs.OpenFIFO = open }

var created atomic.Uint64

func newPipe() *Pipe { return &Pipe{number: created.Add(1), size: defaultSlots} }

// New makes a pipe and returns the files of its two ends. flags may have O_NONBLOCK and
// O_DIRECT.
func New(c *vfs.Context, flags uint32) (r, w *vfs.File) {
	i := vfs.NewPipeInode(c)
	p := newPipe()
	p.anonymous = true
	p.readers, p.writers, p.readOpens, p.writeOpens = 1, 1, 1, 1
	i.FIFO(func() any { return p })
	r = vfs.NewPseudoFile(i, &End{Pipe: p}, unix.O_RDONLY|flags)
	w = vfs.NewPseudoFile(i, &End{Pipe: p}, unix.O_WRONLY|flags)
	return r, w
}

// Of returns the pipe behind an open file, nil if it is another kind of file.
func Of(f *vfs.File) *Pipe {
	if e, ok := f.Ops.(*End); ok {
		return e.Pipe
	}
	return nil
}

// open opens a FIFO: fifo(7). It waits for the other side, unless O_NONBLOCK or O_RDWR
// says not to.
func open(c *vfs.Context, f *vfs.File) (vfs.FileOps, error) {
	p := f.Inode().FIFO(func() any { return newPipe() }).(*Pipe)
	e := &End{Pipe: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, w := f.Readable(), f.Writable()
	if w && !r && f.NonBlock() && p.readers == 0 && !p.anonymous {
		return nil, unix.ENXIO
	}
	if r {
		p.readOpens++
		p.readers++
	}
	if w {
		p.writeOpens++
		p.writers++
	}
	p.partners.Wake(wait.All)
	switch {
	case r && w || p.anonymous:
	case r && p.writers == 0 && f.NonBlock():
		e.quiet = p.writeOpens
	case r && p.writers == 0:
		if err := p.awaitPartner(c, &p.writeOpens); err != nil {
			p.leave(1, 0)
			return nil, err
		}
	case w && p.readers == 0:
		if err := p.awaitPartner(c, &p.readOpens); err != nil {
			p.leave(0, 1)
			return nil, err
		}
	}
	return e, nil
}

// awaitPartner waits, with mu held before and after, until opens changes.
func (p *Pipe) awaitPartner(c *vfs.Context, opens *uint64) error {
	before := *opens
	p.mu.Unlock()
	err := c.Waiter.Until(&p.partners, wait.All, wait.Forever, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return *opens != before
	})
	p.mu.Lock()
	return err
}

// leave takes readers and writers away, with mu held. What is in a pipe that nobody has
// open is lost.
func (p *Pipe) leave(readers, writers int) {
	p.readers -= readers
	p.writers -= writers
	if p.readers == 0 && p.writers == 0 {
		for p.used > 0 {
			p.drop()
		}
		for i, f := range p.spare {
			if f != 0 {
				f.Unref()
				p.spare[i] = 0
			}
		}
		p.slots, p.size = nil, defaultSlots
	}
	if p.readers == 0 || p.writers == 0 {
		p.in.Wake(wait.All)
		p.out.Wake(wait.All)
		p.both.Wake(wait.All)
	}
}

// Release implements vfs.FileOps.
func (e *End) Release(f *vfs.File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	readers, writers := 0, 0
	if f.Readable() {
		readers = 1
	}
	if f.Writable() {
		writers = 1
	}
	e.leave(readers, writers)
}

// The ring; with mu held.

func (p *Pipe) full() bool  { return p.used+p.reserved >= p.size }
func (p *Pipe) empty() bool { return p.used == 0 }

// at is the slot number i from the oldest.
func (p *Pipe) at(i int) *slot {
	k := p.first + i
	if k >= len(p.slots) {
		k -= len(p.slots)
	}
	return &p.slots[k]
}

// push adds a slot to a pipe that is not full.
func (p *Pipe) push(s slot) {
	if p.slots == nil {
		p.slots = make([]slot, p.size)
	}
	p.used++
	*p.at(p.used - 1) = s
}

// drop removes the oldest slot.
func (p *Pipe) drop() { p.discard(p.pull().frame) }

// discard lets go of a frame. One that nobody else has is kept for the next write.
func (p *Pipe) discard(f mem.Frame) {
	if f.Refs() == 1 {
		p.keep(f)
	} else {
		f.Unref()
	}
}

// pull takes the oldest slot out, with its frame's reference.
func (p *Pipe) pull() slot {
	s := p.at(0)
	was := *s
	*s = slot{}
	p.used--
	if p.first++; p.first == len(p.slots) {
		p.first = 0
	}
	return was
}

// frame returns a frame to fill.
func (p *Pipe) frame() (mem.Frame, error) {
	for i, f := range p.spare {
		if f != 0 {
			p.spare[i] = 0
			return f, nil
		}
	}
	return mem.AllocDirty()
}

// keep takes back a frame that only this pipe has.
func (p *Pipe) keep(f mem.Frame) {
	for i, s := range p.spare {
		if s == 0 {
			p.spare[i] = f
			return
		}
	}
	f.Unref()
}

// bytes is how many bytes the pipe holds.
func (p *Pipe) bytes() (n int) {
	for i := range p.used {
		n += p.at(i).n
	}
	return n
}

// consume takes n bytes of the oldest slot away.
func (p *Pipe) consume(n int) {
	s := p.at(0)
	s.off += n
	s.n -= n
	if s.n == 0 || s.packet {
		p.drop()
	}
}

// awaitInput waits until there is something to read or nobody who could write, and
// awaitRoom until a slot is free or nobody reads. They are called without mu.
func (p *Pipe) awaitInput(c *vfs.Context) error {
	return c.Waiter.UntilExclusive(&p.in, wait.In, wait.Forever, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.empty() || p.writers == 0
	})
}

func (p *Pipe) awaitRoom(c *vfs.Context) error {
	return c.Waiter.UntilExclusive(&p.out, wait.Out, wait.Forever, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.full() || p.readers == 0
	})
}

// announce tells those who wait that there is something to read, or room.
func (p *Pipe) announce(input, room bool) {
	if input {
		p.in.Wake(readable)
		p.both.Wake(readable)
	}
	if room {
		p.out.Wake(writable)
		p.both.Wake(writable)
	}
}

const (
	readable = wait.In | wait.RdNorm
	writable = wait.Out | wait.WrNorm
)

// Read implements vfs.FileOps. One of several readers is woken for a write, so one
// that has slept wakes the next if it leaves something.
func (e *End) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (total int, err error) {
	if dst.Len() == 0 {
		return 0, nil
	}
	p := e.Pipe
	p.mu.Lock()
	wasFull, slept := p.full(), false
	for {
		if !p.empty() {
			total, err = p.read(dst)
			break
		}
		if p.writers == 0 {
			break
		}
		if f.NonBlock() {
			err = unix.EAGAIN
			break
		}
		p.mu.Unlock()
		err = p.awaitInput(c)
		p.mu.Lock()
		wasFull, slept = p.full(), true
		if err != nil {
			break
		}
	}
	more, room := slept && !p.empty(), wasFull && !p.full()
	p.mu.Unlock()
	p.announce(more, room)
	if total > 0 {
		f.Accessed()
	}
	return total, err
}

// read moves what there is, with mu held.
func (p *Pipe) read(dst *user.IO) (total int, err error) {
	for !p.empty() && dst.Len() > 0 {
		s := p.at(0)
		n := min(s.n, dst.Len())
		if got, err := dst.Write(s.frame.Data()[s.off:][:n]); got < n {
			return total, err
		}
		total += n
		packet := s.packet
		p.consume(n)
		if packet {
			break
		}
	}
	return total, nil
}

// Write implements vfs.FileOps. A write that has slept wakes the next writer if it
// leaves room.
func (e *End) Write(c *vfs.Context, f *vfs.File, src *user.IO, _ int64) (total int, err error) {
	if src.Len() == 0 {
		return 0, nil
	}
	p := e.Pipe
	direct := f.Flags()&unix.O_DIRECT != 0
	p.mu.Lock()
	wasEmpty, slept := p.empty(), false
	for {
		if p.readers == 0 {
			err = unix.EPIPE
			break
		}
		var n int
		n, err = p.write(src, direct, total == 0)
		total += n
		if err != nil || src.Len() == 0 {
			break
		}
		if f.NonBlock() {
			err = unix.EAGAIN
			break
		}
		news := (wasEmpty || p.polled) && !p.empty()
		p.mu.Unlock()
		p.announce(news, false)
		err = p.awaitRoom(c)
		p.mu.Lock()
		wasEmpty, slept = p.empty(), true
		if err != nil {
			break
		}
	}
	news, room := (wasEmpty || p.polled) && !p.empty(), slept && !p.full()
	p.mu.Unlock()
	p.announce(news, room)
	if err == unix.EPIPE {
		c.Signal(unix.SIGPIPE)
	}
	if total > 0 {
		f.Modified(c)
	}
	return total, err
}

// write moves what fits, with mu held. The part of a write that does not fill a page
// may go behind what the last slot has, but only at the write's begin and only whole:
// what does is atomic.
func (p *Pipe) write(src *user.IO, direct, begin bool) (total int, err error) {
	if part := src.Len() % pageSize; begin && part > 0 && !p.empty() {
		if s := p.at(p.used - 1); s.merge && s.off+s.n+part <= pageSize {
			if got, err := src.Read(s.frame.Data()[s.off+s.n:][:part]); got < part {
				return 0, err
			}
			s.n += part
			total = part
		}
	}
	for src.Len() > 0 && !p.full() {
		frame, err := p.frame()
		if err != nil {
			return total, err
		}
		n := min(src.Len(), pageSize)
		if got, err := src.Read(frame.Data()[:n]); got < n {
			p.keep(frame)
			return total, err
		}
		p.push(slot{frame: frame, n: n, packet: direct, merge: !direct})
		total += n
	}
	return total, nil
}

// Poll implements vfs.FileOps.
func (e *End) Poll(f *vfs.File, entry *wait.Entry) (events wait.Events) {
	p := e.Pipe
	if entry != nil {
		p.queue(f).Add(entry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polled = p.polled || entry != nil
	if f.Readable() {
		if !p.empty() {
			events |= readable
		}
		if p.writers == 0 && p.writeOpens != e.quiet {
			events |= wait.Hup
		}
	}
	if f.Writable() {
		if !p.full() {
			events |= writable
		}
		if p.readers == 0 {
			events |= wait.Err
		}
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (e *End) Unpoll(f *vfs.File, entry *wait.Entry) { e.queue(f).Remove(entry) }

// queue is where who polls f waits.
func (p *Pipe) queue(f *vfs.File) *wait.Queue {
	switch {
	case !f.Writable():
		return &p.in
	case !f.Readable():
		return &p.out
	}
	return &p.both
}

// Ioctl implements vfs.FileOps: FIONREAD.
func (e *End) Ioctl(_ *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	if cmd != unix.TIOCINQ { // FIONREAD
		return 0, unix.ENOTTY
	}
	e.mu.Lock()
	n := e.bytes()
	e.mu.Unlock()
	_, err := m.CopyOut(user.Addr(arg), binary.LittleEndian.AppendUint32(nil, uint32(n)))
	return 0, err
}

// Size is how many bytes the pipe can hold: fcntl(F_GETPIPE_SZ).
func (p *Pipe) Size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size * pageSize
}

// Resize changes it to at least n bytes and returns what it is then: fcntl(F_SETPIPE_SZ).
// EBUSY if the pipe holds more, EPERM above the limit for users.
func (p *Pipe) Resize(c *vfs.Context, n uint64) (int, error) {
	if n > 1<<31 {
		return 0, unix.EINVAL
	}
	size := 1
	for uint64(size)*pageSize < n {
		size *= 2
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if size > p.size && size*pageSize > maxSize && !c.Capable(unix.CAP_SYS_RESOURCE) {
		return 0, unix.EPERM
	}
	if size < p.used+p.reserved {
		return 0, unix.EBUSY
	}
	slots := make([]slot, size)
	for i := range p.used {
		slots[i] = *p.at(i)
	}
	wasFull := p.full()
	p.slots, p.first, p.size = slots, 0, size
	p.announce(false, wasFull && !p.full())
	return size * pageSize, nil
}
