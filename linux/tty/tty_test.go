package tty

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// screen is a Port that remembers what it was sent.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.buf.Reset()
	return s.buf.String()
}

func context() *vfs.Context {
	return &vfs.Context{Cred: cred.Root(), Waiter: wait.NewWaiter()}
}

// rig is a device terminal with one program at it.
type rig struct {
	*testing.T
	tty     *TTY
	screen  screen
	signals []unix.Signal
	file    vfs.FileOps
	vf      *vfs.File
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, vf: &vfs.File{}}
	r.vf.SetFlags(unix.O_NONBLOCK)
	r.tty = NewDevice("ttyS0", unix.Mkdev(4, 64), &r.screen)
	r.tty.signal = func(s unix.Signal) { r.signals = append(r.signals, s) }
	f, err := r.tty.Open(context(), unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	r.file = f
	return r
}

// set changes the settings with change.
func (r *rig) set(change func(*abi.Termios)) {
	tio := r.tty.Termios()
	change(&tio)
	r.tty.mu.Lock()
	r.tty.setTermios(tio)
	r.tty.mu.Unlock()
	r.tty.kick()
}

func (r *rig) typed(s string) {
	r.tty.mu.Lock()
	r.tty.receive([]byte(s))
	r.tty.mu.Unlock()
	r.tty.kick()
}

// read reads up to n bytes, or tells the error.
func (r *rig) read(n int) string {
	return readFile(r.file, r.vf, n)
}

func readFile(f vfs.FileOps, vf *vfs.File, n int) string {
	p := make([]byte, n)
	dst := user.Kernel(p)
	got, err := f.Read(context(), vf, &dst, 0)
	if err != nil {
		return err.Error()
	}
	return string(p[:got])
}

func writeFile(t *testing.T, f vfs.FileOps, vf *vfs.File, s string) {
	t.Helper()
	src := user.Kernel([]byte(s))
	if n, err := f.Write(context(), vf, &src, 0); n != len(s) || err != nil {
		t.Fatalf("write(%q) = %d, %v", s, n, err)
	}
}

func TestLineEditing(t *testing.T) {
	again := unix.EAGAIN.Error()
	for _, c := range []struct {
		name   string
		set    func(*abi.Termios)
		typed  string
		reads  []string
		screen string
	}{
		{"no line yet", nil, "abc", []string{again}, "abc"},
		{"line", nil, "abc\r", []string{"abc\n", again}, "abc\r\n"},
		{"two lines", nil, "a\nb\n", []string{"a\n", "b\n", again}, "a\r\nb\r\n"},
		{"erase", nil, "abd\x7fc\n", []string{"abc\n"}, "abd\b \bc\r\n"},
		{"erase at start", nil, "\x7fa\n", []string{"a\n"}, "a\r\n"},
		{"erase control", nil, "\x01\x7f\n", []string{"\n"}, "^A\b \b\b \b\r\n"},
		{"erase tab", nil, "ab\t\x7f\n", []string{"ab\n"}, "ab\t\b\b\b\b\b\b\r\n"},
		{"erase utf8", func(t *abi.Termios) { t.Iflag |= unix.IUTF8 }, "xé\x7f\n", []string{"x\n"}, "xé\b \b\r\n"},
		{"word erase", nil, "one two \x17\n", []string{"one \n"}, "one two \b \b\b \b\b \b\b \b\r\n"},
		{"kill", nil, "abc\x15d\n", []string{"d\n"}, "abc\b \b\b \b\b \bd\r\n"},
		{"kill without ECHOKE", func(t *abi.Termios) { t.Lflag &^= unix.ECHOKE }, "abc\x15d\n", []string{"d\n"}, "abc^U\r\nd\r\n"},
		{"literal", nil, "\x16\x03\n", []string{"\x03\n"}, "^\b^C\r\n"},
		{"reprint", nil, "ab\x12\n", []string{"ab\n"}, "ab^R\r\nab\r\n"},
		{"end of file", nil, "\x04", []string{"", again}, ""},
		{"end of file in a line", nil, "ab\x04", []string{"ab", again}, "ab"},
		{"end of file after full read", nil, "ab\x04\x04", []string{"ab", "", again}, "ab"},
		{"EOL", func(t *abi.Termios) { t.Cc[unix.VEOL] = ';' }, "ab;c\n", []string{"ab;", "c\n"}, "ab;c\r\n"},
		{"ECHOPRT", func(t *abi.Termios) { t.Lflag |= unix.ECHOPRT }, "ab\x7f\x7fc\n", []string{"c\n"}, "ab\\ba/c\r\n"},
		{"no echo", func(t *abi.Termios) { t.Lflag &^= unix.ECHO }, "ab\x7f\n", []string{"a\n"}, ""},
		{"ECHONL", func(t *abi.Termios) { t.Lflag = t.Lflag&^unix.ECHO | unix.ECHONL }, "ab\n", []string{"ab\n"}, "\r\n"},
		{"IGNCR", func(t *abi.Termios) { t.Iflag |= unix.IGNCR }, "a\rb\n", []string{"ab\n"}, "ab\r\n"},
		{"INLCR", func(t *abi.Termios) { t.Iflag = unix.INLCR }, "a\n", []string{again}, "a^M"},
		{"ISTRIP", func(t *abi.Termios) { t.Iflag |= unix.ISTRIP }, "\xe1\n", []string{"a\n"}, "a\r\n"},
		{"interrupt flushes", nil, "ab\x03c\n", []string{"c\n"}, "ab^Cc\r\n"},
		{"NOFLSH", func(t *abi.Termios) { t.Lflag |= unix.NOFLSH }, "ab\x03c\n", []string{"abc\n"}, "ab^Cc\r\n"},
		{"stop and start", nil, "a\x13b\x11\n", []string{"ab\n"}, "ab\r\n"},
		{"stopped", nil, "a\x13b\n", []string{"ab\n"}, "a"},
		{"TAB is no control", nil, "\t\n", []string{"\t\n"}, "\t\r\n"},
		{"IXANY", func(t *abi.Termios) { t.Iflag |= unix.IXANY }, "a\x13b\n", []string{"ab\n"}, "ab\r\n"},
		{"raw", func(t *abi.Termios) { t.Lflag, t.Iflag = 0, 0 }, "a\x03\x7f\r", []string{"a\x03\x7f\r", again}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if c.set != nil {
				r.set(c.set)
			}
			for i := range len(c.typed) {
				r.typed(c.typed[i : i+1])
			}
			for i, want := range c.reads {
				if got := r.read(100); got != want {
					t.Errorf("read %d = %q, want %q", i, got, want)
				}
			}
			if got := r.screen.take(); got != c.screen {
				t.Errorf("screen %q, want %q", got, c.screen)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	r := newRig(t)
	r.typed("\x03\x1c\x1a")
	if got, want := fmt.Sprint(r.signals), fmt.Sprint([]unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP}); got != want {
		t.Errorf("signals %v, want %v", got, want)
	}
	r.signals = nil
	r.tty.SetSize(abi.Winsize{Row: 24, Col: 80})
	r.tty.SetSize(abi.Winsize{Row: 24, Col: 80})
	if len(r.signals) != 1 || r.signals[0] != unix.SIGWINCH {
		t.Errorf("signals after two equal sizes: %v", r.signals)
	}
	r.signals = nil
	r.set(func(t *abi.Termios) { t.Lflag &^= unix.ISIG })
	r.typed("\x03")
	if len(r.signals) != 0 {
		t.Errorf("signals without ISIG: %v", r.signals)
	}
}

func TestOutputProcessing(t *testing.T) {
	for _, c := range []struct {
		oflag   uint32
		in, out string
	}{
		{0, "a\nb\tc\r", "a\nb\tc\r"},
		{unix.OPOST | unix.ONLCR, "a\nb\tc\r", "a\r\nb\tc\r"},
		{unix.OPOST | unix.XTABS, "ab\tc\t\bd\t", "ab      c       \bd        "},
		{unix.OPOST | unix.OCRNL, "a\rb", "a\nb"},
		{unix.OPOST | unix.ONOCR, "\ra\r\r", "a\r"},
		{unix.OPOST | unix.OLCUC, "abc", "ABC"},
		{unix.OPOST | unix.ONLRET | unix.XTABS, "abc\n\tx", "abc\n        x"},
	} {
		r := newRig(t)
		r.set(func(tio *abi.Termios) { tio.Oflag = c.oflag })
		writeFile(t, r.file, r.vf, c.in)
		if got := r.screen.take(); got != c.out {
			t.Errorf("oflag %#o: %q gives %q, want %q", c.oflag, c.in, got, c.out)
		}
	}
}

func TestLongLine(t *testing.T) {
	r := newRig(t)
	r.set(func(t *abi.Termios) { t.Lflag &^= unix.ECHO })
	r.typed(string(bytes.Repeat([]byte("a"), 10000)) + "b\n")
	got := r.read(20000)
	if len(got) != 4096 || got[4094:] != "a\n" {
		t.Errorf("a long line gives %d bytes that end in %q", len(got), got[max(0, len(got)-2):])
	}
}

func TestRawLimit(t *testing.T) {
	r := newRig(t)
	r.set(func(t *abi.Termios) { t.Lflag, t.Iflag = 0, 0 })
	r.typed(string(bytes.Repeat([]byte("a"), 5000)))
	if got := len(r.read(20000)); got != 4095 {
		t.Errorf("first read gives %d bytes, want 4095", got)
	}
	if got := len(r.read(20000)); got != 905 {
		t.Errorf("second read gives %d bytes, want 905", got)
	}
}

func TestModeSwitch(t *testing.T) {
	r := newRig(t)
	r.typed("part")
	r.set(func(t *abi.Termios) { t.Lflag &^= unix.ICANON })
	if got := r.read(100); got != "part" {
		t.Errorf("canonical to raw: %q", got)
	}
	r.typed("abc")
	r.set(func(t *abi.Termios) { t.Lflag |= unix.ICANON })
	if got := r.read(100); got != "abc" {
		t.Errorf("raw to canonical: %q", got)
	}
}

// TestMinTime follows the four cases of termios(3), "Canonical and noncanonical mode".
func TestMinTime(t *testing.T) {
	raw := func(vmin, vtime byte) *rig {
		r := newRig(t)
		r.vf.SetFlags(0)
		r.set(func(t *abi.Termios) {
			t.Lflag, t.Iflag = 0, 0
			t.Cc[unix.VMIN], t.Cc[unix.VTIME] = vmin, vtime
		})
		return r
	}
	t.Run("poll", func(t *testing.T) {
		r := raw(0, 0)
		if got := r.read(10); got != "" {
			t.Errorf("nothing typed: %q", got)
		}
		r.typed("abc")
		if got := r.read(2); got != "ab" {
			t.Errorf("typed abc: %q", got)
		}
	})
	t.Run("counted", func(t *testing.T) {
		r := raw(3, 0)
		got := make(chan string)
		go func() { got <- r.read(10) }()
		r.typed("a")
		r.typed("b")
		r.typed("c")
		if s := <-got; s != "abc" {
			t.Errorf("read %q, want abc", s)
		}
		// A request for fewer bytes than MIN returns with those.
		r.typed("x")
		if s := r.read(1); s != "x" {
			t.Errorf("read(1) = %q", s)
		}
	})
	t.Run("timed", func(t *testing.T) {
		r := raw(0, 1)
		start := time.Now()
		if got := r.read(10); got != "" || time.Since(start) < decisecond {
			t.Errorf("read %q after %v", got, time.Since(start))
		}
		r.typed("a")
		if got := r.read(10); got != "a" {
			t.Errorf("read %q", got)
		}
	})
	t.Run("between bytes", func(t *testing.T) {
		r := raw(5, 1)
		r.typed("ab")
		start := time.Now()
		if got := r.read(10); got != "ab" || time.Since(start) < decisecond {
			t.Errorf("read %q after %v", got, time.Since(start))
		}
	})
}

func TestPollReadiness(t *testing.T) {
	r := newRig(t)
	r.typed("abc")
	if ev := r.file.Poll(r.vf, nil); ev&wait.In != 0 {
		t.Errorf("half a line is readable: %#x", ev)
	}
	r.typed("\n")
	if ev := r.file.Poll(r.vf, nil); ev != wait.In|wait.RdNorm|wait.Out|wait.WrNorm {
		t.Errorf("a line: poll %#x", ev)
	}
	r.tty.Hangup()
	if ev := r.file.Poll(r.vf, nil); ev != hungUpPoll {
		t.Errorf("hung up: poll %#x", ev)
	}
	if got := r.read(10); got != "" {
		t.Errorf("hung up: read %q", got)
	}
	src := user.Kernel([]byte("x"))
	if _, err := r.file.Write(context(), r.vf, &src, 0); err != unix.EIO {
		t.Errorf("hung up: write gives %v", err)
	}
}

// pair is a pseudo-terminal whose slave is open.
type pair struct {
	*Pty
	master, vf *vfs.File
	slave      vfs.FileOps
}

func newPair(t *testing.T) *pair {
	p := &pair{Pty: NewPty(3), master: &vfs.File{}, vf: &vfs.File{}}
	p.master.SetFlags(unix.O_NONBLOCK)
	p.vf.SetFlags(unix.O_NONBLOCK)
	if _, err := p.Slave().Open(context(), unix.O_RDWR); err != unix.EIO {
		t.Fatalf("open of a locked slave: %v", err)
	}
	p.locked = false
	f, err := p.Slave().Open(context(), unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	p.slave = f
	return p
}

func TestPty(t *testing.T) {
	p := newPair(t)
	writeFile(t, p.Pty, p.master, "hello\n")
	if got := readFile(p.slave, p.vf, 100); got != "hello\n" {
		t.Errorf("slave reads %q", got)
	}
	if got := readFile(p.Pty, p.master, 100); got != "hello\r\n" {
		t.Errorf("master reads the echo %q", got)
	}
	writeFile(t, p.slave, p.vf, "out\n")
	if got := readFile(p.Pty, p.master, 100); got != "out\r\n" {
		t.Errorf("master reads %q", got)
	}
	if got := readFile(p.Pty, p.master, 100); got != unix.EAGAIN.Error() {
		t.Errorf("master reads %q", got)
	}

	writeFile(t, p.slave, p.vf, "last")
	p.slave.Release(p.vf)
	if ev := p.Poll(p.master, nil); ev != wait.In|wait.RdNorm|wait.Hup|wait.Out|wait.WrNorm {
		t.Errorf("poll of the master after the slave closed: %#x", ev)
	}
	if got := readFile(p.Pty, p.master, 100); got != "last" {
		t.Errorf("master reads %q", got)
	}
	if got := readFile(p.Pty, p.master, 100); got != unix.EIO.Error() {
		t.Errorf("master at the end reads %q", got)
	}
	writeFile(t, p.Pty, p.master, "abc\n")
	f, err := p.Slave().Open(context(), unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(f, p.vf, 100); got != "abc\n" {
		t.Errorf("slave opened again reads %q", got)
	}
}

func TestPtyMasterCloses(t *testing.T) {
	p := newPair(t)
	p.vf.SetFlags(0)
	got := make(chan string)
	go func() { got <- readFile(p.slave, p.vf, 10) }()
	for p.Slave().queue.Empty() {
		time.Sleep(time.Millisecond) // until the reader sleeps; the result does not depend on it
	}
	gone := false
	p.Gone = func() { gone = true }
	p.Pty.Release(p.master)
	if s := <-got; s != unix.EIO.Error() {
		t.Errorf("blocked reader gets %q", s)
	}
	if s := readFile(p.slave, p.vf, 10); s != "" {
		t.Errorf("later read gets %q", s)
	}
	if !gone {
		t.Error("Gone was not called")
	}
	if _, err := p.Slave().Open(context(), unix.O_RDWR); err != unix.EIO {
		t.Errorf("open without a master: %v", err)
	}
}

func TestPacketMode(t *testing.T) {
	p := newPair(t)
	p.packetMode = true
	writeFile(t, p.slave, p.vf, "x")
	if got := readFile(p.Pty, p.master, 10); got != "\x00x" {
		t.Errorf("data packet %q", got)
	}
	tio := p.Slave().Termios()
	tio.Iflag &^= unix.IXON
	p.Slave().mu.Lock()
	p.Slave().setTermios(tio)
	p.Slave().mu.Unlock()
	if ev := p.Poll(p.master, nil); ev&wait.Pri == 0 {
		t.Errorf("poll %#x lacks POLLPRI", ev)
	}
	if got := readFile(p.Pty, p.master, 10); got != string([]byte{unix.TIOCPKT_NOSTOP}) {
		t.Errorf("control packet %q", got)
	}
}

// TestPtyStream moves much through a raw pty in both directions with readers and writers
// that block.
func TestPtyStream(t *testing.T) {
	p := newPair(t)
	p.master.SetFlags(0)
	p.vf.SetFlags(0)
	tio := p.Slave().Termios()
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	p.Slave().mu.Lock()
	p.Slave().setTermios(tio)
	p.Slave().mu.Unlock()
	want := make([]byte, 300_000)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	var wg sync.WaitGroup
	stream := func(from, to vfs.FileOps, fromFile, toFile *vfs.File) {
		wg.Add(2)
		go func() {
			defer wg.Done()
			writeFile(t, from, fromFile, string(want))
		}()
		go func() {
			defer wg.Done()
			var got []byte
			for len(got) < len(want) {
				got = append(got, readFile(to, toFile, 1000)...)
			}
			if !bytes.Equal(got, want) {
				t.Error("bytes were lost or changed")
			}
		}()
	}
	stream(p.Pty, p.slave, p.master, p.vf)
	stream(p.slave, p.Pty, p.vf, p.master)
	wg.Wait()
}
