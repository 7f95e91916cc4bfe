package fdt

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// virt reads a tree that QEMU 7.2 made: testdata/README says how.
func virt(tb testing.TB, name string) Tree {
	tb.Helper()
	blob, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	t, ok := Open(blob)
	if !ok {
		tb.Fatal("Open refused " + name)
	}
	return t
}

func TestPlatformGICv3(t *testing.T) {
	tree := virt(t, "virt-gicv3-smp4.dtb")
	var p Platform
	tree.Platform(&p)
	if got := string(tree.Bytes(p.Cmdline)); got != "console=ttyAMA0 quiet" {
		t.Errorf("command line %q", got)
	}
	if got := string(tree.Bytes(p.Model)); got != "linux,dummy-virt" {
		t.Errorf("model %q", got)
	}
	if len(tree.Bytes(p.Seed)) != 32 {
		t.Errorf("rng-seed of %d bytes", p.Seed.Len)
	}
	if p.NVirtIO != 32 {
		t.Errorf("%d virtio-mmio devices", p.NVirtIO)
	}
	want := Platform{
		NMemory: 1, NCPU: 4, NRedist: 1, NVirtIO: p.NVirtIO,
		Cmdline: p.Cmdline, Model: p.Model, Seed: p.Seed,
		Method: HVC, CPUOn: 0xc4000003, PSCI: true,
		GIC: 3, Dist: Range{0x8000000, 0x10000},
		Timer:  Interrupt{ID: 27},
		UART:   Device{Range{0x9000000, 0x1000}, Interrupt{ID: 33}},
		UARTIs: PL011,
		RTC:    Device{Range{0x9010000, 0x1000}, Interrupt{ID: 34}},
		PCI:    p.PCI,
		VirtIO: p.VirtIO,
	}
	want.Memory[0] = Range{0x40000000, 512 << 20}
	want.Redist[0] = Range{0x80a0000, 0xf60000}
	want.CPUs = [maxCPUs]uint64{0, 1, 2, 3}
	if d := cmp.Diff(want, p); d != "" {
		t.Error("(-want +got)\n" + d)
	}
	// QEMU wires pin p of device d to line 3 + (d + p - 1) % 4 of its own.
	h := &p.PCI
	if want := (Range{0x4010000000, 0x10000000}); h.Config != want {
		t.Errorf("PCI configuration space at %#x", h.Config)
	}
	if want := (Range{0x10000000, 0x2eff0000}); h.Window != want {
		t.Errorf("PCI memory window %#x", h.Window)
	}
	for _, c := range []struct {
		dev uint8
		pin int
		id  uint32
	}{{0, 1, 35}, {1, 1, 36}, {2, 4, 35 + 1}, {7, 2, 35}, {31, 1, 38}} {
		if got := h.Line(0, c.dev, 0, c.pin); got != (Interrupt{ID: c.id}) {
			t.Errorf("pin %d of device %d: %+v, want %d", c.pin, c.dev, got, c.id)
		}
	}
	first := Device{Range{0xa000000, 0x200}, Interrupt{ID: 48, Edge: true}}
	var seen bool
	for _, d := range p.VirtIO[:p.NVirtIO] {
		seen = seen || d == first
	}
	if !seen {
		t.Errorf("no virtio-mmio device is %+v", first)
	}
}

func TestPlatformGICv2(t *testing.T) {
	tree := virt(t, "virt-gicv2-smp2.dtb")
	var p Platform
	tree.Platform(&p)
	if p.GIC != 2 || p.Dist != (Range{0x8000000, 0x10000}) || p.CPUIf != (Range{0x8010000, 0x10000}) {
		t.Errorf("GICv%d %+v %+v", p.GIC, p.Dist, p.CPUIf)
	}
	if p.NCPU != 2 || p.Memory[0].Size != 1<<30 || p.Cmdline.Len != 0 {
		t.Errorf("%d CPUs, memory %+v, command line %+v", p.NCPU, p.Memory[0], p.Cmdline)
	}
}

func TestFind(t *testing.T) {
	tree := virt(t, "virt-gicv2-smp2.dtb")
	for path, want := range map[string]string{
		"/":                      "",
		"/pl011@9000000":         "pl011@9000000",
		"/pl011":                 "pl011@9000000",
		"/pl011@9000000:115200n": "pl011@9000000",
		"/cpus/cpu@1":            "cpu@1",
		"//cpus//cpu@1":          "cpu@1",
	} {
		n := tree.Find([]byte(path))
		if n == None || string(tree.Name(n)) != want {
			t.Errorf("Find(%q) is node %d, %q", path, n, tree.Name(n))
		}
	}
	for _, path := range []string{"", "/nosuch", "/cpus/cpu@9", "/cpus/cpu@1/nosuch", "nosuch"} {
		if n := tree.Find([]byte(path)); n != None {
			t.Errorf("Find(%q) is %q", path, tree.Name(n))
		}
	}
}

// builder makes trees that QEMU does not.
type builder struct{ body, strings []byte }

func (b *builder) cell(v ...uint32) {
	for _, v := range v {
		b.body = binary.BigEndian.AppendUint32(b.body, v)
	}
}

func (b *builder) bytes(s []byte) {
	b.body = append(b.body, s...)
	for len(b.body)%4 != 0 {
		b.body = append(b.body, 0)
	}
}

func (b *builder) begin(name string) {
	b.cell(tokBeginNode)
	b.bytes(append([]byte(name), 0))
}

func (b *builder) end() { b.cell(tokEndNode) }

func (b *builder) prop(name string, v []byte) {
	b.cell(tokProp, uint32(len(v)), uint32(len(b.strings)))
	b.strings = append(append(b.strings, name...), 0)
	b.bytes(v)
}

func (b *builder) text(name, v string) { b.prop(name, append([]byte(v), 0)) }

func (b *builder) cells(name string, v ...uint32) {
	var p []byte
	for _, v := range v {
		p = binary.BigEndian.AppendUint32(p, v)
	}
	b.prop(name, p)
}

// blob is the whole tree, with one memory reservation.
func (b *builder) blob() []byte {
	b.cell(tokEnd)
	const reserved = headerSize
	body := reserved + 32
	strings := body + len(b.body)
	size := strings + len(b.strings)
	var out []byte
	for _, v := range []int{magic, size, body, strings, reserved, 17, 16, 0, len(b.strings), len(b.body)} {
		out = binary.BigEndian.AppendUint32(out, uint32(v))
	}
	out = binary.BigEndian.AppendUint64(out, 0x48000000)
	out = binary.BigEndian.AppendUint64(out, 0x10000)
	out = append(out, make([]byte, 16)...)
	return append(append(out, b.body...), b.strings...)
}

// odd is a machine whose buses translate, whose firmware is PSCI 0.1 by SMC and
// whose second CPU is disabled.
func odd() []byte {
	b := new(builder)
	b.begin("")
	b.cells("#address-cells", 2)
	b.cells("#size-cells", 2)
	b.cell(tokNop)
	b.begin("aliases")
	b.text("serial0", "/soc/serial@2000")
	b.end()
	b.begin("chosen")
	b.text("stdout-path", "serial0:9600")
	b.cells("linux,initrd-start", 0x50000000)
	b.cells("linux,initrd-end", 0, 0x50001000)
	b.end()
	b.begin("memory@0")
	b.text("device_type", "memory")
	b.cells("reg", 0, 0x40000000, 0, 0x1000000, 1, 0, 0, 0x8000000)
	b.end()
	b.begin("reserved-memory")
	b.cells("#address-cells", 1)
	b.cells("#size-cells", 1)
	b.prop("ranges", nil)
	b.begin("secret@41000000")
	b.cells("reg", 0x41000000, 0x1000)
	b.end()
	b.end()
	b.begin("cpus")
	b.cells("#address-cells", 1)
	b.cells("#size-cells", 0)
	for i, status := range []string{"okay", "disabled", "ok"} {
		b.begin("cpu@" + string(rune('0'+i)))
		b.text("device_type", "cpu")
		b.text("status", status)
		b.cells("reg", uint32(i)<<8)
		b.end()
	}
	b.end()
	b.begin("psci")
	b.text("compatible", "arm,psci")
	b.text("method", "smc")
	b.cells("cpu_on", 0x95c10002)
	b.end()
	b.begin("soc")
	b.cells("#address-cells", 1)
	b.cells("#size-cells", 1)
	b.cells("ranges", 0, 2, 0, 0x10000)
	for i := range uint32(3) {
		b.begin("serial@" + string(rune('0'+i)) + "000")
		b.prop("compatible", []byte("arm,pl011\x00arm,primecell\x00"))
		b.cells("reg", i<<12, 0x1000)
		b.cells("interrupts", 0, i, 1)
		b.end()
	}
	b.begin("serial@20000") // outside of ranges
	b.text("compatible", "arm,pl011")
	b.cells("reg", 0x20000, 0x1000)
	b.end()
	b.end()
	b.end()
	return b.blob()
}

func TestPlatformOdd(t *testing.T) {
	tree, ok := Open(odd())
	if !ok {
		t.Fatal("Open refused the tree")
	}
	var p Platform
	tree.Platform(&p)
	want := Platform{
		NMemory: 2, NReserved: 2, NCPU: 2,
		Initrd: Range{0x50000000, 0x1000},
		Method: SMC, CPUOn: 0x95c10002,
		UART:   Device{Range{0x2_00002000, 0x1000}, Interrupt{ID: 34, Edge: true}},
		UARTIs: PL011,
	}
	want.Memory[0] = Range{0x40000000, 0x1000000}
	want.Memory[1] = Range{0x1_00000000, 0x8000000}
	want.Reserved[0] = Range{0x48000000, 0x10000}
	want.Reserved[1] = Range{0x41000000, 0x1000}
	want.CPUs[1] = 0x200
	if d := cmp.Diff(want, p); d != "" {
		t.Error("(-want +got)\n" + d)
	}
}

func TestTooDeep(t *testing.T) {
	b := new(builder)
	for range 2 * maxDepth {
		b.begin("n")
	}
	for range 2 * maxDepth {
		b.end()
	}
	tree, ok := Open(b.blob())
	if !ok {
		t.Fatal("Open refused the tree")
	}
	n := 0
	for w := new(Walk); tree.Next(w); {
		n++
	}
	if n != maxDepth {
		t.Errorf("the walk met %d nodes", n)
	}
}

func TestAllocations(t *testing.T) {
	tree := virt(t, "virt-gicv3-smp4.dtb")
	var p Platform
	if n := testing.AllocsPerRun(10, func() { tree.Platform(&p) }); n != 0 {
		t.Errorf("Platform allocates %v times", n)
	}
}

// check reads everything from a tree that may be corrupt.
func check(t *testing.T, blob []byte) {
	tree, ok := Open(blob)
	if !ok {
		return
	}
	var p Platform
	tree.Platform(&p)
	for _, s := range []Span{p.Cmdline, p.Model, p.Seed} {
		if s.Len != 0 && len(tree.Bytes(s)) != s.Len {
			t.Fatalf("span %+v is outside of the tree", s)
		}
	}
	for i := range p.NReserved {
		if p.Reserved[i].Size == 0 {
			t.Fatal("an empty reservation")
		}
	}
	tree.Find([]byte("/cpus/cpu@1"))
}

// TestCorrupt damages good trees: cells that are offsets, counts or tokens become
// others, and the end goes missing.
func TestCorrupt(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	values := []uint32{0, 1, 2, 3, 4, 5, 9, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc}
	for _, good := range [][]byte{virt(t, "virt-gicv3-smp4.dtb").blob, odd()} {
		for range 2000 {
			blob := slices.Clone(good)
			for range 1 + rnd.IntN(4) {
				off, v := 4*rnd.IntN(len(blob)/4), values[rnd.IntN(len(values))]
				if rnd.IntN(2) == 0 {
					v = uint32(rnd.IntN(len(blob)))
				}
				if off != 0 { // the magic number
					binary.BigEndian.PutUint32(blob[off:], v)
				}
			}
			if rnd.IntN(4) == 0 {
				n := headerSize + rnd.IntN(len(blob)-headerSize)
				blob = blob[:n]
				binary.BigEndian.PutUint32(blob[4:], uint32(n))
			}
			check(t, blob)
		}
	}
}

// FuzzPlatform: no tree, however corrupt, makes the reader panic or run for ever.
func FuzzPlatform(f *testing.F) {
	for _, name := range []string{"virt-gicv3-smp4.dtb", "virt-gicv2-smp2.dtb"} {
		f.Add(virt(f, name).blob)
	}
	f.Add(odd())
	f.Fuzz(check)
}
