package tty

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// hostPty is a pseudo-terminal of the Linux that runs the test.
type hostPty struct{ master, slave int }

func openHostPty(t *testing.T) *hostPty {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0)
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	s, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		unix.Close(m)
		t.Skip(err)
	}
	p := &hostPty{m, s}
	t.Cleanup(func() { unix.Close(p.slave); unix.Close(p.master) })
	return p
}

func (p *hostPty) set(tio *abi.Termios) error {
	h, err := unix.IoctlGetTermios(p.slave, unix.TCGETS)
	if err != nil {
		return err
	}
	h.Iflag, h.Oflag, h.Lflag = tio.Iflag, tio.Oflag, tio.Lflag
	copy(h.Cc[:19], tio.Cc[:])
	return unix.IoctlSetTermios(p.slave, unix.TCSETS, h)
}

// drain reads until nothing is left, and shows each read.
func drain(read func([]byte) (int, error)) (out string) {
	buf := make([]byte, 4096)
	for range 100 {
		n, err := read(buf)
		if err == unix.EAGAIN {
			return out
		}
		if err != nil {
			return out + "|" + err.Error()
		}
		out += "|" + string(buf[:n])
	}
	return out + "|..."
}

// hostSeed is the seed of TestLikeHost: another one tries other input.
var hostSeed = flag.Uint64("host-seed", 1, "seed of the comparison with the host's terminal")

// TestLikeHost types random keys with random settings at this implementation and at the
// Linux that runs the test, and compares what programs read and what the screen shows.
func TestLikeHost(t *testing.T) {
	host := openHostPty(t)
	const keys = "aaab_ \t\n\r\x7f\x15\x17\x16\x12\x04\x03\x13\x11;\xc3\xa9\xffZ\x01"
	seed := *hostSeed
	rnd := rand.New(rand.NewPCG(seed, 1))
	some := func(flags ...uint32) (v uint32) {
		for _, f := range flags {
			if rnd.IntN(3) > 0 {
				v |= f
			}
		}
		return v
	}
	for i := range 400 {
		tio := stdTermios(0, 0)
		tio.Iflag = some(unix.ICRNL, unix.IXON)
		if rnd.IntN(2) == 0 {
			tio.Iflag |= some(unix.IGNCR, unix.INLCR, unix.IUTF8, unix.ISTRIP, unix.IXANY, unix.PARMRK, unix.IUCLC)
		}
		tio.Oflag = some(unix.OPOST, unix.ONLCR)
		if rnd.IntN(3) == 0 {
			tio.Oflag |= some(unix.OCRNL, unix.ONOCR, unix.ONLRET, unix.XTABS, unix.OLCUC)
		}
		tio.Lflag = some(unix.ICANON, unix.ICANON, unix.ECHO, unix.ECHOE, unix.ECHOK, unix.ECHOCTL, unix.ECHOKE, unix.IEXTEN, unix.ISIG)
		if rnd.IntN(3) == 0 {
			tio.Lflag |= some(unix.ECHOPRT, unix.ECHONL, unix.NOFLSH)
		}
		if tio.Lflag&unix.ISIG != 0 {
			// A signal that flushes throws away whatever echo the host's terminal has not
			// delivered yet: how much that is depends on when.
			tio.Lflag |= unix.NOFLSH
		}
		if rnd.IntN(3) == 0 {
			tio.Cc[unix.VEOL] = ';'
		}
		tio.Cc[unix.VMIN] = 1
		input := make([]byte, 1+rnd.IntN(40))
		for j := range input {
			input[j] = keys[rnd.IntN(len(keys))]
		}
		output := "a\tb\r\ncd\x01\b\n"[rnd.IntN(8):]

		// Start both afresh: a new terminal each time, in the same state.
		if i > 0 {
			host = openHostPty(t)
		}
		if err := host.set(&tio); err != nil {
			t.Fatal(err)
		}
		p := newPair(t)
		p.slave.(*file).tty.mu.Lock()
		tio2 := p.Slave().termios
		tio2.Iflag, tio2.Oflag, tio2.Lflag, tio2.Cc = tio.Iflag, tio.Oflag, tio.Lflag, tio.Cc
		p.Slave().setTermios(tio2)
		p.Slave().mu.Unlock()

		ours := func(read func(int) string) func([]byte) (int, error) {
			return func(b []byte) (int, error) {
				s := read(len(b))
				if s == unix.EAGAIN.Error() {
					return 0, unix.EAGAIN
				}
				return copy(b, s), nil
			}
		}
		// Linux processes input later, in its own time, but for a reader who finds nothing:
		// so both sides read to the end after each key.
		var wantRead, gotRead string
		for j := range input {
			unix.Write(host.master, input[j:j+1])
			wantRead += drain(func(b []byte) (int, error) { return unix.Read(host.slave, b) })
			writeFile(t, p.Pty, p.master, string(input[j:j+1]))
			gotRead += drain(ours(func(n int) string { return readFile(p.slave, p.vf, n) }))
		}
		unix.Write(host.slave, []byte(output))
		if !p.Slave().stopped {
			writeFile(t, p.slave, p.vf, output)
		}
		wantScreen := drain(func(b []byte) (int, error) { return unix.Read(host.master, b) })
		gotScreen := drain(ours(func(n int) string { return readFile(p.Pty, p.master, n) }))
		if gotRead != wantRead || strings.ReplaceAll(gotScreen, "|", "") != strings.ReplaceAll(wantScreen, "|", "") {
			t.Errorf("seed %d round %d: iflag %#o oflag %#o lflag %#o input %q output %q\nread   %q\nlinux  %q\nscreen %q\nlinux  %q",
				seed, i, tio.Iflag, tio.Oflag, tio.Lflag, input, output, gotRead, wantRead, gotScreen, wantScreen)
			return
		}
		unix.Close(host.slave)
		unix.Close(host.master)
		host.slave, host.master = -1, -1
	}
}
