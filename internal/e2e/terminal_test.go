package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// screen is a terminal that a test types on, and what it has shown.
type screen struct {
	t   *testing.T
	tty *os.File

	mu   sync.Mutex
	cond *sync.Cond // text or done has changed
	text bytes.Buffer
	at   int // what was before is seen
	done bool
}

// open starts the command on a pseudo-terminal.
func openScreen(t *testing.T, columns, rows uint16, args ...string) (*screen, *exec.Cmd) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "TERM=vt100")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, tty: tty}
	s.cond = sync.NewCond(&s.mu)
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.done = s.done || err != nil
			s.cond.Broadcast()
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		tty.Close()
		<-read
	})
	return s, cmd
}

// typed sends keys.
func (s *screen) typed(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until the texts appear, one after the other, after what was expected before.
func (s *screen) expect(texts ...string) {
	s.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.cond.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		for {
			rest := s.text.String()[s.at:]
			if i := strings.Index(rest, text); i >= 0 {
				s.at += i + len(text)
				break
			}
			if late || s.done {
				s.t.Fatalf("no %q on the terminal after %q", text, rest)
			}
			s.cond.Wait()
		}
	}
}

// TestTerminal types at a shell as a person does. What is waited for is never in what was typed: the terminal echoes.
func TestTerminal(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		s, cmd := openScreen(t, 101, 33, g.args()...)
		prompt := g.kernel + ":"

		// The size of the window, and a change of it.
		s.expect(prompt)
		s.typed("cd /tmp; stty size\r")
		s.expect("33 101", prompt)
		if err := pty.Setsize(s.tty, &pty.Winsize{Cols: 77, Rows: 22}); err != nil {
			t.Fatal(err)
		}
		s.typed("until [ \"$(stty size)\" = '22 77' ]; do :; done; echo res''ized\r")
		s.expect("resized", prompt)

		// A program in the foreground: stopped, brought back, interrupted.
		s.typed("sh -c 'echo run\"\"ning; exec cat'\r")
		s.expect("running")
		s.typed("\x1a")
		s.expect("Stopped", prompt)
		s.typed("fg\r")
		s.expect("exec cat") // the shell says what it brings back
		s.typed("to cat\r")
		s.expect("to cat", "to cat") // the terminal's echo, and the answer
		s.typed("\x03")
		s.expect(prompt)
		s.typed("echo status $?\r")
		s.expect("status 130", prompt)

		// A program in the background.
		s.typed("sleep 100 &\r")
		s.expect(prompt)
		s.typed("jobs; kill %1; wait; echo jobs d''one\r")
		s.expect("Running", "jobs done", prompt)
		s.typed("sleep 100 &\r")
		s.expect(prompt)
		s.typed("fg\r")
		s.expect("sleep 100")
		s.typed("\x03")
		s.expect(prompt)

		// Completion, history, and editing of the line.
		s.typed("echo o''k > longname\r")
		s.expect(prompt)
		s.typed("cat long\t\r")
		s.expect("cat longname", "ok", prompt)
		s.typed("\x1b[A")
		s.expect("cat longname")
		s.typed("\x03")
		s.expect(prompt)
		s.typed("echo bd\x1b[Da\x1b[C\x7f\x7fXY\r") // "bad" typed around a cursor, and rubbed out
		s.expect("bXY", prompt)

		// End of file, seen by a program that reads lines.
		s.typed("sh -c 'echo rea\"\"dy; exec cat'; echo e''nd\r")
		s.expect("ready")
		s.typed("\x04")
		s.expect("end", prompt)

		// Programs that take the whole screen.
		s.typed("vi file\r")
		s.expect("1/1")         // the status line
		s.typed("ifrom vi\x1b") // vi takes what follows at once for one key with it
		s.expect("[Modified]")
		s.typed(":wq\r")
		s.expect(prompt)
		s.typed("cat file; rm file\r")
		s.expect("from vi", prompt)
		s.typed("top\r")
		s.expect("COMMAND", "top")
		s.typed("q")
		s.expect(prompt)

		s.typed("exit 7\r")
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 7 {
			t.Errorf("%v, want exit status 7", err)
		}
	})
}

// TestTerminalGoroutines asks from the keyboard what the kernel's goroutines do, also while the program is traced.
func TestTerminalGoroutines(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("Linux has no goroutines")
		}
		args := g.args("-o", filepath.Join(t.TempDir(), "trace"), "--", "sh")
		args[0] = "trace"
		s, cmd := openScreen(t, 80, 24, args...)
		s.expect("# ")
		s.typed("\x01g")
		s.expect("tasks:", "1.1 ", " sh ", "goroutine ", "kevlar/linux/kernel.Run(", "main.main()")
		s.typed("echo goes o''n\r")
		s.expect("goes on", "# ")
		s.typed("exit 3\r")
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%v, want exit status 3", cmd.ProcessState)
		}
	})
}

// TestTerminalProgram runs a program on a terminal, and ends it from the keyboard.
func TestTerminalProgram(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		s, cmd := openScreen(t, 80, 24, g.args("--", "sh", "-c", "tty -s && echo a terminal; exec sleep 1000")...)
		s.expect("a terminal")
		s.typed("\x03")
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 128+2 {
			t.Errorf("%v, want exit status 130", cmd.ProcessState)
		}
		s, cmd = openScreen(t, 80, 24, g.args("--", "sh", "-c", "echo a''gain; exec sleep 1000")...)
		s.expect("again")
		s.typed("\x01x")
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 125 {
			t.Errorf("%v, want exit status 125 after Ctrl-A x", cmd.ProcessState)
		}
	})
}
