package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kevlar/internal/image"
)

// The kernel's self-test passes in a virtual machine, on one CPU and on more.
func TestSelftest(t *testing.T) {
	if testing.Short() {
		t.Skip("boots virtual machines")
	}
	for _, m := range []struct {
		name, arch string
		qemu       []string
		passed     int // QEMU's exit status
	}{
		// isa-debug-exit ends QEMU with (status << 1) | 1; ARM64 powers off.
		{"x86-64 microvm", "amd64", []string{"qemu-system-x86_64", "-M", "microvm,acpi=off", "-cpu", "max", "-smp", "1", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"}, 1},
		{"x86-64 q35", "amd64", []string{"qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-smp", "2", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"}, 1},
		{"ARM64 with GICv2", "arm64", []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "1"}, 0},
		{"ARM64 with GICv3", "arm64", []string{"qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2"}, 0},
	} {
		t.Run(m.name, func(t *testing.T) {
			if _, err := exec.LookPath(m.qemu[0]); err != nil {
				t.Skipf("%s is not installed", m.qemu[0])
			}
			kernel, err := image.Build(m.arch, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a hang, not a speed, is what it finds
			defer cancel()
			cmd := exec.CommandContext(ctx, m.qemu[0], append(m.qemu[1:], "-accel", "tcg", "-m", "256", "-display", "none",
				"-serial", "stdio", "-no-reboot", "-kernel", kernel, "-append", "kevlar.selftest")...)
			out, err := cmd.CombinedOutput()
			status := 0
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if status != m.passed || !strings.Contains(string(out), "selftest: PASS") {
				t.Errorf("QEMU ended with status %d, want %d\n%s", status, m.passed, out)
			}
		})
	}
}
