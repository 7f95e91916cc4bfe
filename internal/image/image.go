// Package image builds the kernel and turns the linked file into what boot loaders
// start. It runs on the host.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds the kernel for an architecture ("amd64" or "arm64") from this source tree, and writes to outDir what
// `kevlar build` promises. It returns the file to boot. Several processes may build at a time.
func Build(arch, outDir string, flags ...string) (string, error) {
	link, ok := map[string]string{
		// 4 MiB and the ELF header's page above imageBase, as a 64-bit number.
		"amd64": "-T -0x7fbff000 -E kevlar/machine/nk.PVHEntry",
		// The page behind arm64Base; segments start at page boundaries.
		"arm64": "-T 0xff8000001000 -R 0x1000 -E kevlar/machine/nk.entry",
	}[arch]
	if !ok {
		return "", fmt.Errorf("image: no such architecture: %q", arch)
	}
	root, err := SourceRoot()
	if err != nil {
		return "", err
	}
	cache, err := CacheDir("link")
	if err != nil {
		return "", err
	}
	// The linked file stays: the go command knows whether anything changed, and links again only then.
	linked := filepath.Join(cache, "kernel-"+arch)
	unlock, err := Lock(linked + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	boot := filepath.Join(outDir, "kevlar-"+arch+".elf")
	outputs := []string{boot}
	if arch == "arm64" {
		boot = filepath.Join(outDir, "kevlar-arm64.Image")
		outputs = append(outputs, boot)
	}
	before, err := sources(root, fmt.Sprint(link, flags))
	if err != nil {
		return "", err
	}
	stamp := filepath.Join(outDir, ".kevlar-"+arch+".stamp")
	if fresh(stamp, before, outputs) {
		return boot, nil
	}
	args := append([]string{"build", "-ldflags=" + link}, flags...)
	cmd := exec.Command("go", append(args, "-o", linked, "kevlar/cmd/kernel")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOFLAGS=")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the kernel for %s: %w\n%s", arch, err, bytes.TrimSpace(msg))
	}
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return "", err
	}
	if arch == "arm64" {
		err = ARM64(linked, outputs[0], boot)
	} else {
		err = PVH(linked, boot)
	}
	if err != nil {
		return "", err
	}
	return boot, remember(stamp, before, outputs)
}

// Check looks at a kernel file before it is booted: one that was cut off would end in silence. Of files that are neither
// ELF nor an Image that Build made it knows nothing.
func Check(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := uint64(info.Size())
	if info.Mode().IsRegular() && size == 0 {
		return fmt.Errorf("%s: an empty file", file)
	}
	var need uint64
	head := make([]byte, 64)
	if n, _ := f.ReadAt(head, 0); n == len(head) && string(head[56:60]) == "ARM\x64" {
		need = binary.LittleEndian.Uint64(head[imageLength:])
	} else if string(head[:4]) == elf.ELFMAG {
		e, err := elf.NewFile(f)
		if err != nil {
			return fmt.Errorf("%s: a truncated or corrupt ELF file: %w", file, err)
		}
		for _, p := range e.Progs {
			need = max(need, p.Off+p.Filesz)
		}
	}
	if size < need {
		return fmt.Errorf("%s: truncated: %d of %d bytes", file, size, need)
	}
	return nil
}

// The init slot: 128 bytes of the kernel's read-only data that name the first program.
const (
	SlotMagic = "KEVLAR_INIT:"
	SlotSize  = 128
)

// SetInit writes path into the init slot of a kernel file, for loaders that pass no
// command line.
func SetInit(file, path string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(path) > SlotSize-len(SlotMagic)-1 {
		return fmt.Errorf("init path is longer than %d bytes", SlotSize-len(SlotMagic)-1)
	}
	if bytes.IndexByte([]byte(path), 0) >= 0 {
		return errors.New("init path has a zero byte")
	}
	i := bytes.Index(b, []byte(SlotMagic))
	if i < 0 || i+SlotSize > len(b) {
		return fmt.Errorf("%s: no init slot", file)
	}
	if bytes.Contains(b[i+1:], []byte(SlotMagic)) {
		return fmt.Errorf("%s: more than one init slot", file)
	}
	slot := b[i+len(SlotMagic) : i+SlotSize]
	clear(slot)
	copy(slot, path)
	return replace(file, b)
}
