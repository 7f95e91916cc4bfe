package metal

import (
	"os"

	"golang.org/x/sys/unix"
)

// console is the nanokernel's polled serial port, for machines without a console
// that has a driver: output only.
type console struct{}

func (console) Name() string                { return "ttyS0" }
func (console) Read([]byte) (int, error)    { return 0, unix.EIO }
func (console) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (console) Size() (int, int)            { return 0, 0 }
func (console) Resized() <-chan struct{}    { return nil }
