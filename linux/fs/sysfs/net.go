package sysfs

import "kevlar/linux/device"

// constant is an attribute that never changes.
func constant(s string) func() string { return func() string { return s } }

// loopback makes the one network interface that every machine has: class/net/lo.
func loopback() *device.Device {
	return &device.Device{Name: "lo", Class: "net", Attrs: map[string]func() string{
		"addr_assign_type": constant("0"), "addr_len": constant("6"), "address": constant("00:00:00:00:00:00"),
		"broadcast": constant("00:00:00:00:00:00"), "carrier": constant("1"), "dev_id": constant("0x0"), "dormant": constant("0"),
		"flags": constant("0x9"), "ifalias": constant(""), "ifindex": constant("1"), "iflink": constant("1"), "link_mode": constant("0"),
		"mtu": constant("65536"), "operstate": constant("unknown"), "tx_queue_len": constant("1000"), "type": constant("772"),
	}}
}
