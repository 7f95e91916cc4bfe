package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// VM is a running virtual machine.
type VM struct {
	cmd     *exec.Cmd
	console *Port
	ports   map[string]*Port
	stderr  bytes.Buffer
	done    chan struct{} // closed once QEMU has ended and its serial output is delivered
	err     error         // valid after done
}

// Port is a byte stream between the host and the guest. Read returns io.EOF once
// the machine has ended.
type Port struct{ conn *net.UnixConn }

func (p *Port) Read(b []byte) (int, error)  { return p.conn.Read(b) }
func (p *Port) Write(b []byte) (int, error) { return p.conn.Write(b) }

// Close ends the stream in both directions: the guest reads end of file after
// what was written before.
func (p *Port) Close() error { return p.conn.Close() }

// CloseWrite is Close for a stream that only the host writes to, and waits
// neither for the guest nor for readers.
func (p *Port) CloseWrite() error { return p.conn.CloseWrite() }

// Start starts a machine. What the guest prints on its serial port is written to
// serial as it comes. The machine is killed when ctx ends or the calling process
// dies; call Wait in any case.
func Start(ctx context.Context, c Config, serial io.Writer) (*VM, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	path, err := exec.LookPath(c.Arch.QEMU())
	if err != nil {
		return nil, fmt.Errorf("%s is not in PATH: install Debian's package %s", c.Arch.QEMU(), Tool(c.Arch).Package)
	}

	vm := &VM{ports: map[string]*Port{}, done: make(chan struct{})}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	open := func() (*Port, error) {
		p, f, err := portPair()
		if err == nil {
			theirs = append(theirs, f)
		}
		return p, err
	}
	if c.Console {
		if vm.console, err = open(); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Ports {
		p, err := open()
		if err != nil {
			vm.closePorts()
			return nil, err
		}
		vm.ports[name] = p
	}

	const firstExtraFD = 3 // where exec.Cmd puts ExtraFiles
	cmd := exec.CommandContext(ctx, path, c.args(Accelerator(c.Arch), firstExtraFD)...)
	cmd.ExtraFiles = theirs
	cmd.Env = environment(os.Environ())
	cmd.SysProcAttr = procAttr()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	cmd.Stdout = serial
	cmd.Stderr = &vm.stderr
	if err := cmd.Start(); err != nil {
		vm.closePorts()
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	vm.cmd = cmd
	go func() {
		err := cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			// QEMU itself fails with status 1 and a message; a guest that sets the
			// status through a debug device leaves other traces.
			if msg := strings.TrimSpace(vm.stderr.String()); msg != "" {
				err = fmt.Errorf("%w: %s", err, msg)
			}
		}
		vm.err = err
		close(vm.done)
	}()
	return vm, nil
}

// environment is QEMU's: glibc is to take its heap in large pieces, and huge pages for it
// where the host has them for who asks. QEMU touches thousands of pages of heap before and
// while it translates the guest's first code, each of them a fault, which is dear where the
// host is itself a virtual machine. Other C libraries pay no heed.
func environment(env []string) []string {
	const name, heap = "GLIBC_TUNABLES=", "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864"
	for _, kv := range env {
		if strings.HasPrefix(kv, name) {
			return env // whoever sets it knows better
		}
	}
	return append(env[:len(env):len(env)], name+heap)
}

// Console is the stream behind the guest's virtio console, nil without one.
func (vm *VM) Console() *Port { return vm.console }

// Port is the stream of the name, nil where the configuration has none.
func (vm *VM) Port(name string) *Port { return vm.ports[name] }

// Done is closed when the machine has ended.
func (vm *VM) Done() <-chan struct{} { return vm.done }

// Wait waits until the machine has ended and all its serial output is written.
// The status is what the guest asked for (through a debug device), or QEMU's own;
// -1 where QEMU was killed. The error has QEMU's message where there is one.
func (vm *VM) Wait() (status int, err error) {
	<-vm.done
	return vm.cmd.ProcessState.ExitCode(), vm.err
}

// Kill ends the machine at once.
func (vm *VM) Kill() {
	select {
	case <-vm.done:
	default:
		syscall.Kill(-vm.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Stderr is what QEMU itself had to say. Valid after Wait.
func (vm *VM) Stderr() string { return strings.TrimSpace(vm.stderr.String()) }

func (vm *VM) closePorts() {
	if vm.console != nil {
		vm.console.Close()
	}
	for _, p := range vm.ports {
		p.Close()
	}
}

// Close kills the machine, waits for its end and closes the streams.
func (vm *VM) Close() {
	vm.Kill()
	<-vm.done
	vm.closePorts()
}

// portPair makes a connected stream: our end, and the file that QEMU inherits.
func portPair() (*Port, *os.File, error) {
	// The lock keeps a process started meanwhile from inheriting the descriptors
	// before they are marked: a guest would never see its stream end.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "port")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return &Port{conn.(*net.UnixConn)}, os.NewFile(uintptr(fds[1]), "port"), nil
}
