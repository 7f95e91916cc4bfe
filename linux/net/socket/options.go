package socket

import (
	"encoding/binary"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
)

func intBytes(v int) []byte {
	return binary.LittleEndian.AppendUint32(nil, uint32(v))
}

func boolBytes(b *atomic.Bool) []byte {
	if b.Load() {
		return intBytes(1)
	}
	return intBytes(0)
}

func timeval(ns int64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(ns/1e9))
	return binary.LittleEndian.AppendUint64(b, uint64(ns%1e9/1e3))
}

// flag returns the option that is no more than on or off.
func (o *Options) flag(name int) *atomic.Bool {
	switch name {
	case unix.SO_REUSEADDR:
		return &o.reuseAddr
	case unix.SO_REUSEPORT:
		return &o.reusePort
	case unix.SO_KEEPALIVE:
		return &o.keepAlive
	case unix.SO_BROADCAST:
		return &o.broadcast
	case unix.SO_OOBINLINE:
		return &o.oobInline
	case unix.SO_PASSCRED:
		return &o.PassCred
	case unix.SO_TIMESTAMP:
		return &o.timestamp
	}
	return nil
}

// Get is getsockopt(2) for every level.
func Get(c *vfs.Context, s Socket, level, name int) ([]byte, error) {
	o := s.Base()
	if level != unix.SOL_SOCKET {
		return s.Option(c, level, name)
	}
	if b := o.flag(name); b != nil {
		return boolBytes(b), nil
	}
	switch name {
	case unix.SO_SNDBUF:
		return intBytes(o.SndBuf()), nil
	case unix.SO_RCVBUF:
		return intBytes(o.RcvBuf()), nil
	case unix.SO_TYPE:
		return intBytes(o.Type), nil
	case unix.SO_DOMAIN:
		return intBytes(o.Family), nil
	case unix.SO_PROTOCOL:
		return intBytes(o.Protocol), nil
	case unix.SO_PRIORITY:
		return intBytes(int(o.priority.Load())), nil
	case unix.SO_RCVLOWAT:
		return intBytes(int(o.rcvLow.Load())), nil
	case unix.SO_SNDLOWAT:
		return intBytes(1), nil
	case unix.SO_PEEK_OFF:
		return intBytes(int(o.PeekOff.Load())), nil
	case unix.SO_LINGER:
		if v := o.linger.Load(); v >= 0 {
			return append(intBytes(1), intBytes(int(v))...), nil
		}
		return make([]byte, 8), nil
	case unix.SO_RCVTIMEO, unix.SO_RCVTIMEO_NEW:
		return timeval(o.rcvTimeout.Load()), nil
	case unix.SO_SNDTIMEO, unix.SO_SNDTIMEO_NEW:
		return timeval(o.sndTimeout.Load()), nil
	}
	return s.Option(c, level, name)
}

// Set is setsockopt(2) for every level.
func Set(c *vfs.Context, s Socket, level, name int, value []byte) error {
	o := s.Base()
	if level != unix.SOL_SOCKET {
		return s.SetOption(c, level, name, value)
	}
	if len(value) < 4 {
		return unix.EINVAL
	}
	v := int(int32(binary.LittleEndian.Uint32(value)))
	if b := o.flag(name); b != nil {
		b.Store(v != 0)
		if o.onChange != nil {
			o.onChange(name)
		}
		return nil
	}
	force := name == unix.SO_SNDBUFFORCE || name == unix.SO_RCVBUFFORCE
	if force && !c.Capable(unix.CAP_NET_ADMIN) {
		return unix.EPERM
	}
	switch name {
	case unix.SO_SNDBUF, unix.SO_SNDBUFFORCE:
		o.sndBuf.Store(bufSize(v, minSndBuf, force))
	case unix.SO_RCVBUF, unix.SO_RCVBUFFORCE:
		o.rcvBuf.Store(bufSize(v, minRcvBuf, force))
	case unix.SO_TYPE, unix.SO_DOMAIN, unix.SO_PROTOCOL, unix.SO_ERROR, unix.SO_SNDLOWAT, unix.SO_PEERCRED, unix.SO_ACCEPTCONN:
		return unix.ENOPROTOOPT
	case unix.SO_PRIORITY:
		if (v < 0 || v > 6) && !c.Capable(unix.CAP_NET_ADMIN) {
			return unix.EPERM
		}
		o.priority.Store(int32(v))
	case unix.SO_RCVLOWAT:
		if v < 0 {
			v = math.MaxInt32
		}
		o.rcvLow.Store(int32(max(v, 1)))
	case unix.SO_PEEK_OFF:
		if o.Family != unix.AF_UNIX {
			return unix.EOPNOTSUPP
		}
		o.PeekOff.Store(int32(v))
	case unix.SO_LINGER:
		if len(value) < 8 {
			return unix.EINVAL
		}
		if v == 0 {
			o.linger.Store(-1)
		} else {
			o.linger.Store(int64(binary.LittleEndian.Uint32(value[4:])))
		}
	case unix.SO_RCVTIMEO, unix.SO_RCVTIMEO_NEW:
		return setTimeout(&o.rcvTimeout, value)
	case unix.SO_SNDTIMEO, unix.SO_SNDTIMEO_NEW:
		return setTimeout(&o.sndTimeout, value)
	default:
		return s.SetOption(c, level, name, value)
	}
	return nil
}

// bufSize is what a buffer becomes when a program asks for v.
func bufSize(v int, least int32, force bool) int32 {
	if force {
		v = min(max(v, 0), math.MaxInt32/2)
	} else {
		v = int(min(uint32(v), maxBuf))
	}
	return max(int32(v*2), least)
}

func setTimeout(t *atomic.Int64, value []byte) error {
	if len(value) < 16 {
		return unix.EINVAL
	}
	sec := int64(binary.LittleEndian.Uint64(value))
	usec := int64(binary.LittleEndian.Uint64(value[8:]))
	switch {
	case usec < 0 || usec >= 1e6:
		return unix.EDOM
	case sec < 0:
		t.Store(1) // at once
	case sec >= math.MaxInt64/int64(time.Second)-1:
		t.Store(0)
	default:
		t.Store(sec*1e9 + usec*1e3)
	}
	return nil
}
