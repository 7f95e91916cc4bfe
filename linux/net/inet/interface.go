package inet

import (
	"bytes"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Interfaces as netdevice(7) has them. There is one: lo, which is always up.
const (
	loName      = "lo"
	loFlags     = unix.IFF_UP | unix.IFF_LOOPBACK | unix.IFF_RUNNING
	loMTU       = 65536
	sizeofIfreq = 40
	ifNameSize  = 16
)

// interfaceIoctl serves struct ifreq and struct ifconf: ENOTTY for a request that it
// does not know, ENODEV for an interface that there is not.
func interfaceIoctl(c *vfs.Context, cmd uint32, arg user.Addr, m user.Memory) error {
	if cmd == unix.SIOCGIFCONF {
		return interfaceList(arg, m)
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
		if le.Uint32(value) != loopbackNIC {
			return unix.ENODEV
		}
		clear(r[:ifNameSize])
		copy(r[:], loName)
		_, err := m.CopyOut(arg, r[:])
		return err
	}
	name, _, _ := bytes.Cut(r[:ifNameSize], []byte{0})
	if string(name) != loName {
		return unix.ENODEV
	}
	clear(value[4:])
	switch cmd {
	case unix.SIOCGIFFLAGS:
		clear(value)
		le.PutUint16(value, loFlags)
	case unix.SIOCSIFFLAGS:
		if !c.Capable(unix.CAP_NET_ADMIN) {
			return unix.EPERM
		}
		if le.Uint16(value)&unix.IFF_UP == 0 {
			return unix.EOPNOTSUPP // it does not go down
		}
		return nil
	case unix.SIOCGIFADDR, unix.SIOCGIFDSTADDR:
		putIn(value, [4]byte{127, 0, 0, 1})
	case unix.SIOCGIFNETMASK:
		putIn(value, [4]byte{255})
	case unix.SIOCGIFBRDADDR:
		putIn(value, [4]byte{})
	case unix.SIOCGIFINDEX:
		le.PutUint32(value, loopbackNIC)
	case unix.SIOCGIFMTU:
		le.PutUint32(value, loMTU)
	case unix.SIOCGIFMETRIC:
		le.PutUint32(value, 0)
	case unix.SIOCGIFTXQLEN:
		le.PutUint32(value, 1000)
	case unix.SIOCGIFHWADDR:
		clear(value)
		le.PutUint16(value, unix.ARPHRD_LOOPBACK)
	default:
		return unix.EOPNOTSUPP
	}
	_, err := m.CopyOut(arg, r[:])
	return err
}

// putIn writes a struct sockaddr_in without a port.
func putIn(p []byte, ip [4]byte) {
	clear(p)
	le.PutUint16(p, unix.AF_INET)
	copy(p[4:], ip[:])
}

// interfaceList is SIOCGIFCONF: struct ifconf has a length and the address of an array
// of struct ifreq; without the address it asks for the length alone.
func interfaceList(arg user.Addr, m user.Memory) error {
	var conf [16]byte
	if _, err := m.CopyIn(conf[:], arg); err != nil {
		return err
	}
	room, to := int(int32(le.Uint32(conf[:]))), user.Addr(le.Uint64(conf[8:]))
	n := sizeofIfreq
	if to != 0 {
		n = 0
		if room >= sizeofIfreq {
			var r [sizeofIfreq]byte
			copy(r[:], loName)
			putIn(r[ifNameSize:], [4]byte{127, 0, 0, 1})
			if _, err := m.CopyOut(to, r[:]); err != nil {
				return err
			}
			n = sizeofIfreq
		}
	}
	le.PutUint32(conf[:], uint32(n))
	_, err := m.CopyOut(arg, conf[:])
	return err
}
