package e2e

import (
	"crypto/md5"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"kevlar/internal/arch"
)

// TestPCI gives a machine disks on its PCI bus: on arm64 nobody but the kernel places their windows, and two share an
// interrupt line.
func TestPCI(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel == "linux" {
			t.Skip("the kernel has no driver for them built in")
		}
		args := []string{}
		if g.arch == arch.AMD64 {
			args = append(args, "--machine", "q35")
		}
		want := ""
		for i, addr := range []int{7, 11} { // 4 apart
			data := make([]byte, 1<<20)
			rand.New(rand.NewSource(int64(i))).Read(data)
			file := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--qemu-arg=-drive", fmt.Sprintf("--qemu-arg=if=none,id=d%d,format=raw,file=%s", i, file),
				"--qemu-arg=-device", fmt.Sprintf("--qemu-arg=virtio-blk-pci,drive=d%d,addr=%d", i, addr))
			want += fmt.Sprintf("%x  /dev/vd%c\n", md5.Sum(data), 'a'+i)
		}
		kevlar(t, nil, g.args(append(args, "--", "md5sum", "/dev/vda", "/dev/vdb")...)...).expect(t, 0, want, "")
	})
}
