package metal

import (
	"strings"

	"kevlar/machine/virtio"
)

// Devices that do not depend on the architecture; findDevices in devices_GOARCH.go
// says where they are.

// chooseConsole takes the last console= word that names a console there is, else
// the first serial one.
func (m *Metal) chooseConsole() {
	for _, w := range strings.Fields(m.info.Cmdline) {
		name, ok := strings.CutPrefix(w, "console=")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, ",") // options: speed and the like
		for _, c := range m.devices.Serial {
			if c.Name() == name {
				m.devices.Console = c
			}
		}
	}
	if m.devices.Console == nil && len(m.devices.Serial) > 0 {
		m.devices.Console = m.devices.Serial[0]
	}
	if m.devices.Console == nil {
		m.devices.Console = console{}
	}
}

// addVirtio starts the driver of the device behind t, if there is one for it. line
// calls its argument at each interrupt of the device from then on.
func (m *Metal) addVirtio(t virtio.Transport, line func(handler func()) error) error {
	var failed error
	attach := func(d virtio.Device) { failed = line(d.Interrupt) }
	var err error
	switch t.Type() {
	case virtio.TypeConsole:
		var c *virtio.Console
		if c, err = virtio.NewConsole(t, m.terminals(), attach); err == nil {
			for _, p := range c.Ports() {
				if p.IsTerminal() {
					m.devices.Serial = append(m.devices.Serial, p)
				} else if p.Name() != "" {
					m.devices.Ports = append(m.devices.Ports, p)
				}
			}
		}
	case virtio.TypeBlock:
		var b *virtio.Block
		if b, err = virtio.NewBlock(t, "vd"+string(rune('a'+len(m.devices.Blocks))), attach); err == nil {
			m.devices.Blocks = append(m.devices.Blocks, b)
		}
	case virtio.TypeEntropy:
		var e *virtio.Entropy
		if e, err = virtio.NewEntropy(t, attach); err == nil {
			m.devices.Entropy = true
			go m.reseed(e)
		}
	}
	if err == nil {
		err = failed
	}
	return err
}

// terminals is how many virtio terminals there are.
func (m *Metal) terminals() int {
	n := 0
	for _, c := range m.devices.Serial {
		if _, ok := c.(*virtio.Port); ok {
			n++
		}
	}
	return n
}

// reseed mixes the entropy device's bytes into the generator. They are added to its
// own next output, of which the device knows nothing: the new seed is as good as the
// better of the two. (A hash would do as well, but package crypto/sha256 brings FIPS
// 140's entropy source with it, and that 32 MiB of static memory.)
func (m *Metal) reseed(e *virtio.Entropy) {
	var fresh [32]byte
	for n := 0; n < len(fresh); {
		k, err := e.Read(fresh[n:])
		if err != nil || k == 0 {
			return
		}
		n += k
	}
	m.random.mu.Lock()
	defer m.random.mu.Unlock()
	var seed [32]byte
	m.random.r.Read(seed[:])
	for i := range seed {
		seed[i] ^= fresh[i]
	}
	m.random.r.Seed(seed)
}
