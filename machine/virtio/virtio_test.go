package virtio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// arena backs frames for the tests of this package.
type arena struct{ next, end mem.Frame }

func (a *arena) Take(out []mem.Frame) int {
	n := 0
	for ; n < len(out) && a.next < a.end; n++ {
		out[n] = a.next
		a.next++
	}
	return n
}
func (a *arena) Give([]mem.Frame) {}
func (a *arena) Free() int        { return int(a.end - a.next) }
func (a *arena) Total() int       { return int(a.end) }
func (a *arena) Heap() (int, int) { return 0, 0 }

func TestMain(m *testing.M) {
	// Not Go's memory: the direct map is addresses, which the garbage collector must
	// not be asked about.
	const frames = 4096
	ram, err := unix.Mmap(-1, 0, frames*(mem.PageSize+4), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(err)
	}
	refs := unsafe.Pointer(&ram[frames*mem.PageSize])
	mem.SetDirectMap(uintptr(unsafe.Pointer(&ram[0])), frames, refs)
	mem.SetSource(&arena{1, frames})
	os.Exit(m.Run())
}

// fakeDevice is a device's side of a transport: it sees the rings as hardware does,
// by physical address.
type fakeDevice struct {
	typ    uint32
	offer  uint64
	config [64]byte
	nqueue int

	mu       sync.Mutex
	stat     uint8
	accepted uint64
	queues   map[int]*queue
	seen     map[int]uint16
	serve    func(q int, in []byte, out [][]byte) (n int, used bool) // called with mu held
	dev      Device
	irq      chan struct{}
}

func newFake(typ uint32, offer uint64, queues int) *fakeDevice {
	d := &fakeDevice{typ: typ, offer: offer | featureVersion1, nqueue: queues,
		queues: map[int]*queue{}, seen: map[int]uint16{}, irq: make(chan struct{}, 1)}
	return d
}

func (d *fakeDevice) attach(dev Device) {
	go func() {
		for range d.irq {
			dev.Interrupt()
		}
	}()
}
func (d *fakeDevice) interrupt() {
	select {
	case d.irq <- struct{}{}:
	default:
	}
}

func (d *fakeDevice) Type() uint32            { return d.typ }
func (d *fakeDevice) Name() string            { return "fake" }
func (d *fakeDevice) features() uint64        { return d.offer }
func (d *fakeDevice) acceptFeatures(f uint64) { d.accepted = f }
func (d *fakeDevice) status() uint8           { return d.stat }
func (d *fakeDevice) setStatus(s uint8)       { d.stat = s }
func (d *fakeDevice) legacy() bool            { return false }
func (d *fakeDevice) acknowledge() uint32     { return 1 }
func (d *fakeDevice) queueMax(i int) int {
	if i >= d.nqueue {
		return 0
	}
	return 8
}
func (d *fakeDevice) enableQueue(i int, q *queue) error { d.queues[i] = q; return nil }
func (d *fakeDevice) config8(o uintptr) uint8           { return d.config[o] }
func (d *fakeDevice) config16(o uintptr) uint16         { return binary.LittleEndian.Uint16(d.config[o:]) }
func (d *fakeDevice) config32(o uintptr) uint32         { return binary.LittleEndian.Uint32(d.config[o:]) }
func (d *fakeDevice) config64(o uintptr) uint64         { return binary.LittleEndian.Uint64(d.config[o:]) }

// notify runs the device: it serves every new chain, or leaves it until later.
func (d *fakeDevice) notify(i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[i]
	for {
		avail := uint16(q.word(q.availAt).Load() >> 16)
		if d.seen[i] == avail {
			return
		}
		head := q.get16(q.availAt + 4 + 2*(int(d.seen[i])%q.size))
		var in []byte
		var out [][]byte
		for at := 16 * int(head); ; at = 16 * int(q.get16(at+14)) {
			pa := binary.LittleEndian.Uint64(q.ring[at:])
			n := binary.LittleEndian.Uint32(q.ring[at+8:])
			flags := q.get16(at + 12)
			b := mem.FrameOf(pa).Data()[pa%mem.PageSize:][:n]
			if flags&descWrite != 0 {
				out = append(out, b)
			} else {
				in = append(in, b...)
			}
			if flags&descNext == 0 {
				break
			}
		}
		n, used := d.serve(i, in, out)
		if !used {
			return
		}
		d.seen[i]++
		d.push(q, head, n)
	}
}

func (d *fakeDevice) push(q *queue, head uint16, n int) {
	w := q.word(q.usedAt)
	idx := uint16(w.Load() >> 16)
	at := q.usedAt + 4 + 8*(int(idx)%q.size)
	binary.LittleEndian.PutUint32(q.ring[at:], uint32(head))
	binary.LittleEndian.PutUint32(q.ring[at+4:], uint32(n))
	w.Store(uint32(idx+1) << 16)
	d.interrupt()
}

func TestBlock(t *testing.T) {
	disk := make([]byte, 64*sector)
	d := newFake(TypeBlock, blkFeatureFlush, 1)
	binary.LittleEndian.PutUint64(d.config[:], 64)
	flushes := 0
	d.serve = func(_ int, in []byte, out [][]byte) (int, bool) {
		status := out[len(out)-1]
		at := int(binary.LittleEndian.Uint64(in[8:])) * sector
		n := 1
		switch binary.LittleEndian.Uint32(in) {
		case blkIn:
			for _, b := range out[:len(out)-1] {
				at += copy(b, disk[at:])
				n += len(b)
			}
		case blkOut:
			copy(disk[at:], in[16:])
		case blkFlush:
			flushes++
		}
		status[0] = 0
		return n, true
	}
	b, err := NewBlock(d, "vda", d.attach)
	if err != nil {
		t.Fatal(err)
	}
	if b.Size() != int64(len(disk)) {
		t.Errorf("Size = %d, want %d", b.Size(), len(disk))
	}
	// Twenty sectors span three frames; several goroutines share the queue.
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			want := bytes.Repeat([]byte{byte('a' + g)}, 20*sector)
			off := int64(g) * 20 * sector
			if _, err := b.WriteAt(want, off); err != nil {
				t.Error(err)
			}
			got := make([]byte, len(want))
			if n, err := b.ReadAt(got, off); n != len(got) || err != nil || !bytes.Equal(got, want) {
				t.Errorf("ReadAt = %d, %v; same bytes: %v", n, err, bytes.Equal(got, want))
			}
		})
	}
	wg.Wait()
	if err := b.Flush(); err != nil || flushes != 1 {
		t.Errorf("Flush = %v, %d flushes reached the device", err, flushes)
	}
	for _, off := range []int64{1, -sector, 64 * sector} {
		if _, err := b.ReadAt(make([]byte, sector), off); !errors.Is(err, unix.EINVAL) {
			t.Errorf("ReadAt at %d: %v, want EINVAL", off, err)
		}
	}
}

func TestBlockError(t *testing.T) {
	d := newFake(TypeBlock, 0, 1)
	binary.LittleEndian.PutUint64(d.config[:], 8)
	d.serve = func(_ int, in []byte, out [][]byte) (int, bool) { out[len(out)-1][0] = 1; return 1, true }
	b, err := NewBlock(d, "vda", d.attach)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAt(make([]byte, sector), 0); !errors.Is(err, unix.EIO) {
		t.Errorf("ReadAt = %v, want EIO", err)
	}
}

// fakeConsole answers control messages as section 5.3.6.2 has it: port 0 a
// terminal, port 1 named.
func fakeConsole(name string) (*fakeDevice, *bytes.Buffer, func(string)) {
	d := newFake(TypeConsole, conFeatureMulti, 6)
	binary.LittleEndian.PutUint32(d.config[4:], 2)
	var sent bytes.Buffer
	var replies [][]byte
	var input []string
	message := func(id uint32, event, value uint16, rest string) {
		b := binary.LittleEndian.AppendUint32(nil, id)
		b = binary.LittleEndian.AppendUint16(b, event)
		replies = append(replies, append(binary.LittleEndian.AppendUint16(b, value), rest...))
	}
	d.serve = func(q int, in []byte, out [][]byte) (int, bool) {
		switch q {
		case 2: // control receive
			if len(replies) == 0 {
				return 0, false
			}
			n := copy(out[0], replies[0])
			replies = replies[1:]
			return n, true
		case 3: // control transmit
			id := binary.LittleEndian.Uint32(in)
			switch binary.LittleEndian.Uint16(in[4:]) {
			case conDeviceReady:
				message(0, conDeviceAdd, 1, "")
				message(1, conDeviceAdd, 1, "")
			case conPortReady:
				if id == 0 {
					message(0, conConsolePort, 1, "")
					message(0, conResize, 0, "\x18\x00\x50\x00")
				} else {
					message(1, conPortName, 1, name+"\x00")
					message(1, conPortOpen, 1, "")
				}
			}
			return 0, true
		case 5: // port 1 transmit
			sent.Write(in)
			return 0, true
		case 4: // port 1 receive
			if len(input) == 0 {
				return 0, false
			}
			n := copy(out[0], input[0])
			input = input[1:]
			return n, true
		}
		return 0, q%2 == 1
	}
	// The device answers on the control receive queue before it returns the message.
	serve := d.serve
	d.serve = func(q int, in []byte, out [][]byte) (int, bool) {
		n, used := serve(q, in, out)
		if q == 3 {
			d.mu.Unlock()
			d.notify(2)
			d.mu.Lock()
		}
		return n, used
	}
	return d, &sent, func(s string) {
		d.mu.Lock()
		if s == "" {
			message(1, conPortOpen, 0, "")
		} else {
			input = append(input, s)
		}
		d.mu.Unlock()
		d.notify(2)
		d.notify(4)
	}
}

func TestConsolePorts(t *testing.T) {
	d, sent, input := fakeConsole("kevlar.test")
	c, err := NewConsole(d, 0, d.attach)
	if err != nil {
		t.Fatal(err)
	}
	ports := c.Ports()
	if len(ports) != 2 || ports[0].Name() != "hvc0" || !ports[0].IsTerminal() || ports[1].Name() != "kevlar.test" || ports[1].IsTerminal() {
		t.Fatalf("ports: %d, want the terminal hvc0 and the stream kevlar.test", len(ports))
	}
	if cols, rows := ports[0].Size(); cols != 80 || rows != 24 {
		t.Errorf("hvc0 is %dx%d, want 80x24", cols, rows)
	}
	long := bytes.Repeat([]byte("0123456789"), 5000) // more than all transmit buffers
	if n, err := ports[1].Write(long); n != len(long) || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if !bytes.Equal(sent.Bytes(), long) {
		t.Errorf("the host got %d bytes, or others than were sent", sent.Len())
	}
	input("hello")
	input("world")
	input("")
	got, err := io.ReadAll(ports[1])
	if string(got) != "helloworld" || err != nil {
		t.Errorf("ReadAll = %q, %v; want helloworld and the end of file", got, err)
	}
	if _, err := ports[1].Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("Write after the host closed: %v, want EPIPE", err)
	}
}

func TestRefusesDeviceWithoutVersion1(t *testing.T) {
	d := newFake(TypeEntropy, 0, 1)
	d.offer = 0
	if _, err := NewEntropy(d, d.attach); err == nil || d.stat&statusFailed == 0 {
		t.Errorf("NewEntropy = %v with status %#x, want an error and FAILED", err, d.stat)
	}
}
