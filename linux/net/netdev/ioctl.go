package netdev

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Sizes of struct ifreq and of the name in it.
const (
	sizeofIfreq = 40
	ifNameSize  = 16
)

var le = binary.LittleEndian

// Ioctl serves struct ifreq and struct ifconf on a socket of any family: ENOTTY for a request
// that it does not know, ENODEV for an interface that there is not.
func Ioctl(c *vfs.Context, cmd uint32, arg user.Addr, m user.Memory) error {
	if cmd == unix.SIOCGIFCONF {
		return list(arg, m)
	}
	if cmd < unix.SIOCGIFNAME || cmd > unix.SIOCSIFTXQLEN {
		return unix.ENOTTY
	}
	var r [sizeofIfreq]byte
	if _, err := m.CopyIn(r[:], arg); err != nil {
		return err
	}
	value := r[ifNameSize:]
	if cmd == unix.SIOCGIFNAME {
		i := ByIndex(int(int32(le.Uint32(value))))
		if i == nil {
			return unix.ENODEV
		}
		clear(r[:ifNameSize])
		copy(r[:], i.Name)
		_, err := m.CopyOut(arg, r[:])
		return err
	}
	name, _, _ := bytes.Cut(r[:ifNameSize], []byte{0})
	i := ByName(string(name))
	if i == nil {
		return unix.ENODEV
	}
	if cmd == unix.SIOCSIFFLAGS {
		if !c.Capable(unix.CAP_NET_ADMIN) {
			return unix.EPERM
		}
		return i.SetFlags(uint32(le.Uint16(value)), 0xffff)
	}
	clear(value[4:])
	if err := i.get(cmd, value); err != nil {
		return err
	}
	_, err := m.CopyOut(arg, r[:])
	return err
}

// get writes the answer to a request into the value of a struct ifreq.
func (i *Interface) get(cmd uint32, value []byte) error {
	address := i.Address()
	switch cmd {
	case unix.SIOCGIFFLAGS:
		clear(value)
		le.PutUint16(value, uint16(i.Flags))
	case unix.SIOCGIFADDR, unix.SIOCGIFDSTADDR:
		putIn(value, address.Addr().As4())
	case unix.SIOCGIFNETMASK:
		var mask [4]byte
		binary.BigEndian.PutUint32(mask[:], bits.Reverse32(1<<address.Bits()-1))
		putIn(value, mask)
	case unix.SIOCGIFBRDADDR:
		putIn(value, [4]byte{})
	case unix.SIOCGIFINDEX:
		le.PutUint32(value, uint32(i.Index))
	case unix.SIOCGIFMTU:
		le.PutUint32(value, i.MTU)
	case unix.SIOCGIFMETRIC:
		le.PutUint32(value, 0)
	case unix.SIOCGIFTXQLEN:
		le.PutUint32(value, i.Queue)
	case unix.SIOCGIFHWADDR:
		clear(value)
		le.PutUint16(value, i.Type)
		copy(value[2:], i.Hardware[:])
	case unix.SIOCGIFMAP:
		clear(value)
	default:
		return unix.EOPNOTSUPP
	}
	return nil
}

// putIn writes a struct sockaddr_in without a port.
func putIn(p []byte, ip [4]byte) {
	clear(p)
	le.PutUint16(p, unix.AF_INET)
	copy(p[4:], ip[:])
}

// list is SIOCGIFCONF: struct ifconf has a length and the address of an array of struct
// ifreq, one for each IPv4 address; without the array it asks for the length alone.
func list(arg user.Addr, m user.Memory) error {
	var conf [16]byte
	if _, err := m.CopyIn(conf[:], arg); err != nil {
		return err
	}
	room, to := int(int32(le.Uint32(conf[:]))), user.Addr(le.Uint64(conf[8:]))
	var all []byte
	for _, i := range List() {
		if i.Address() == (netip.Prefix{}) || to != 0 && room-len(all) < sizeofIfreq {
			continue
		}
		var r [sizeofIfreq]byte
		copy(r[:], i.Name)
		putIn(r[ifNameSize:], i.Address().Addr().As4())
		all = append(all, r[:]...)
	}
	if to != 0 {
		if _, err := m.CopyOut(to, all); err != nil {
			return err
		}
	}
	le.PutUint32(conf[:], uint32(len(all)))
	_, err := m.CopyOut(arg, conf[:])
	return err
}
