package abi

import "encoding/binary"

// Termios is a terminal's settings: struct termios2 of ioctl_tty(2). The kernel's
// struct termios is its first TermiosSize bytes; both architectures lay it out alike.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	Cc                         [19]uint8
	Ispeed, Ospeed             uint32
}

// Sizes of the structures that terminal ioctls exchange.
const (
	TermioSize   = 18
	TermiosSize  = 36
	Termios2Size = 44
	WinsizeSize  = 8
)

// Encode writes t to b, which is TermiosSize or Termios2Size long.
func (t *Termios) Encode(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], t.Iflag)
	le.PutUint32(b[4:], t.Oflag)
	le.PutUint32(b[8:], t.Cflag)
	le.PutUint32(b[12:], t.Lflag)
	b[16] = t.Line
	copy(b[17:36], t.Cc[:])
	if len(b) >= Termios2Size {
		le.PutUint32(b[36:], t.Ispeed)
		le.PutUint32(b[40:], t.Ospeed)
	}
}

// Decode reads t from b, which is TermiosSize (the speeds stay as they are) or
// Termios2Size long.
func (t *Termios) Decode(b []byte) {
	le := binary.LittleEndian
	t.Iflag = le.Uint32(b[0:])
	t.Oflag = le.Uint32(b[4:])
	t.Cflag = le.Uint32(b[8:])
	t.Lflag = le.Uint32(b[12:])
	t.Line = b[16]
	copy(t.Cc[:], b[17:36])
	if len(b) >= Termios2Size {
		t.Ispeed = le.Uint32(b[36:])
		t.Ospeed = le.Uint32(b[40:])
	}
}

// EncodeTermio writes the old struct termio, which has the low halves of the flags
// and eight special characters, to b.
func (t *Termios) EncodeTermio(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0:], uint16(t.Iflag))
	le.PutUint16(b[2:], uint16(t.Oflag))
	le.PutUint16(b[4:], uint16(t.Cflag))
	le.PutUint16(b[6:], uint16(t.Lflag))
	b[8] = t.Line
	copy(b[9:17], t.Cc[:8])
	b[17] = 0
}

// DecodeTermio changes what struct termio in b has of t.
func (t *Termios) DecodeTermio(b []byte) {
	le := binary.LittleEndian
	low := func(v *uint32, b []byte) { *v = *v&^0xffff | uint32(le.Uint16(b)) }
	low(&t.Iflag, b[0:])
	low(&t.Oflag, b[2:])
	low(&t.Cflag, b[4:])
	low(&t.Lflag, b[6:])
	t.Line = b[8]
	copy(t.Cc[:8], b[9:17])
}

// Winsize is the size of a terminal's window (struct winsize of ioctl_tty(2)).
type Winsize struct {
	Row, Col, Xpixel, Ypixel uint16
}

// Encode writes w to b, which is WinsizeSize long.
func (w Winsize) Encode(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0:], w.Row)
	le.PutUint16(b[2:], w.Col)
	le.PutUint16(b[4:], w.Xpixel)
	le.PutUint16(b[6:], w.Ypixel)
}

// Decode reads w from b, which is WinsizeSize long.
func (w *Winsize) Decode(b []byte) {
	le := binary.LittleEndian
	w.Row = le.Uint16(b[0:])
	w.Col = le.Uint16(b[2:])
	w.Xpixel = le.Uint16(b[4:])
	w.Ypixel = le.Uint16(b[6:])
}
