package vm

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/image"
)

//go:embed gdb/kevlar-gdb.py
var gdbScript []byte

// Debugger makes the machine halt before its first instruction, until a debugger connects. It returns the command that does.
func (c *Config) Debugger() (command string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:1234")
	if err != nil { // another machine's debugger has it
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", err
	}
	c.Args = append(c.Args, "-gdb", "tcp:"+address, "-S")
	if c.Kernel != Kevlar {
		return fmt.Sprintf("gdb-multiarch -ex 'target remote %s'", address), nil
	}
	symbols := c.Image
	if base, ok := strings.CutSuffix(symbols, ".Image"); ok {
		symbols = base + ".elf" // what image.Build puts beside it
	}
	if symbols, err = filepath.Abs(symbols); err != nil {
		return "", err
	}
	if _, err := os.Stat(symbols); errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the image has no symbols beside it: %s is not there", symbols)
	}
	dir, err := image.CacheDir("gdb")
	if err != nil {
		return "", err
	}
	script := filepath.Join(dir, "kevlar-gdb.py")
	if err := os.WriteFile(script, gdbScript, 0o644); err != nil {
		return "", err
	}
	name := map[arch.Arch]string{arch.AMD64: "i386:x86-64", arch.ARM64: "aarch64"}[c.Arch]
	return fmt.Sprintf("gdb-multiarch -x %s -ex 'set architecture %s' -ex 'target remote %s' %s", script, name, address, symbols), nil
}
