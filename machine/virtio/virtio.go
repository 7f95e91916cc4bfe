// Package virtio drives virtio devices (OASIS Virtual I/O Device specification
// 1.2, "the specification" below) over memory-mapped and PCI transports: console
// with named ports, block and entropy devices.
//
// It is ordinary Go above the nanokernel. machine/metal finds the devices, maps
// their registers, and calls Device.Interrupt from a goroutine when their
// interrupt line has fired; nothing here polls.
package virtio

import (
	"errors"
	"fmt"
)

// Device types (section 5).
const (
	TypeNet     = 1
	TypeBlock   = 2
	TypeConsole = 3
	TypeEntropy = 4
	Type9P      = 9
	TypeSocket  = 19
	TypeFS      = 26
)

// Device status bits (section 2.1).
const (
	statusAcknowledge = 1
	statusDriver      = 2
	statusDriverOK    = 4
	statusFeaturesOK  = 8
	statusFailed      = 128
)

// featureVersion1 says that the device follows version 1 of the specification
// (section 6); without it the device is a legacy one.
const featureVersion1 = 1 << 32

// Transport is how a driver reaches its device.
type Transport interface {
	// Type is the device's type, 0 for an empty slot.
	Type() uint32
	// Name is the transport's address, for messages: mmio@a003e00, pci 00:02.0.
	Name() string

	features() uint64
	acceptFeatures(uint64)
	status() uint8
	setStatus(uint8) // 0 resets, and returns when the device has done so
	legacy() bool

	// queueMax is the number of descriptors that queue i can have, 0 if there is none.
	queueMax(i int) int
	// enableQueue tells the device where queue i's rings are.
	enableQueue(i int, q *queue) error
	notify(i int)

	// acknowledge reads and clears the reasons of an interrupt: bit 0 a used ring,
	// bit 1 the configuration.
	acknowledge() uint32

	config8(off uintptr) uint8
	config16(off uintptr) uint16
	config32(off uintptr) uint32
	config64(off uintptr) uint64
}

// Device is a driver at work.
type Device interface {
	// Interrupt serves the device after its interrupt line fired.
	Interrupt()
}

var errFeatures = errors.New("the device refuses the features that the driver needs")

// begin resets the device and negotiates features: want are those that the driver
// can use. It returns those that both have.
func begin(t Transport, want uint64) (uint64, error) {
	t.setStatus(0)
	t.setStatus(statusAcknowledge)
	t.setStatus(statusAcknowledge | statusDriver)
	have := t.features()
	if !t.legacy() {
		if have&featureVersion1 == 0 {
			return 0, fail(t, errFeatures)
		}
		want |= featureVersion1
	}
	have &= want
	t.acceptFeatures(have)
	if !t.legacy() {
		t.setStatus(statusAcknowledge | statusDriver | statusFeaturesOK)
		if t.status()&statusFeaturesOK == 0 {
			return 0, fail(t, errFeatures)
		}
	}
	return have, nil
}

// ready lets the device begin to work.
func ready(t Transport) { t.setStatus(t.status() | statusDriverOK) }

func fail(t Transport, err error) error {
	t.setStatus(t.status() | statusFailed)
	return fmt.Errorf("virtio %s: %w", t.Name(), err)
}
