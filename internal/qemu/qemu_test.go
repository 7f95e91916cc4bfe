package qemu

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kevlar/internal/arch"
)

func TestArgs(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Config
		want []string // parts of the command line, in order
		not  []string
	}{
		{
			name: "microvm for Kevlar",
			c:    Config{Arch: arch.AMD64, Kernel: "k", Append: "a b", Ports: []string{"kevlar.control"}},
			want: []string{"-machine microvm,rtc=on,acpi=off ", "-cpu max", "-kernel k", "-append a b", "isa-debug-exit",
				"virtio-mmio.force-legacy=false", "virtio-rng-device", "virtio-serial-device",
				"socket,id=port0,fd=3", "virtserialport,chardev=port0,name=kevlar.control"},
			not: []string{"-initrd", "semihosting", "virtconsole", "pci"},
		}, {
			name: "microvm with ACPI",
			c:    Config{Arch: arch.AMD64, Kernel: "k", ACPI: true},
			want: []string{"-machine microvm,rtc=on "},
			not:  []string{"acpi=off", "virtio-serial"},
		}, {
			name: "q35",
			c: Config{Arch: arch.AMD64, Machine: Q35, Kernel: "k", Console: true, Ports: []string{"p"},
				Disks: []Disk{{Path: "a,b"}, {Path: "c", ReadOnly: true}}},
			want: []string{"-machine q35 ", "virtio-rng-pci", "file=a,,b ", "virtio-blk-pci,drive=disk0", "file=c,readonly=on",
				"virtio-blk-pci,drive=disk1", "virtio-serial-pci", "id=console,fd=3", "virtconsole,chardev=console", "id=port0,fd=4"},
			not: []string{"virtio-mmio"},
		}, {
			name: "virt",
			c:    Config{Arch: arch.ARM64, Kernel: "k", GIC: 3, Args: []string{"-s"}},
			want: []string{"-machine virt,gic-version=3,acpi=off ", "-cpu cortex-a72", "enable=on,target=native", "virtio-rng-device", "-s"},
			not:  []string{"isa-debug-exit"},
		}, {
			name: "virt with PCI",
			c:    Config{Arch: arch.ARM64, Kernel: "k", PCI: true, CPU: "max"},
			want: []string{"-machine virt,acpi=off ", "-cpu max", "virtio-rng-pci"},
		},
	} {
		tt.c.CPUs, tt.c.Memory = 2, 64<<20
		if tt.c.Machine == "" {
			tt.c.Machine = DefaultMachine(tt.c.Arch)
		}
		line := strings.Join(tt.c.args("tcg", 3), " ") + " "
		rest := line
		for _, w := range tt.want {
			_, after, ok := strings.Cut(rest, w)
			if !ok {
				t.Errorf("%s: no %q (in order) in: %s", tt.name, w, line)
				continue
			}
			rest = after
		}
		for _, n := range tt.not {
			if strings.Contains(line, n) {
				t.Errorf("%s: %q is in: %s", tt.name, n, line)
			}
		}
		if !strings.Contains(line, "-smp 2 -m 64M ") {
			t.Errorf("%s: size of the machine not in: %s", tt.name, line)
		}
	}
}

func TestCheck(t *testing.T) {
	kernel := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(kernel, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	good := Config{Arch: arch.ARM64, CPUs: 1, Memory: 64 << 20, Kernel: kernel}
	if c := good; c.check() != nil || c.Machine != Virt {
		t.Errorf("check: %v, machine %q", c.check(), c.Machine)
	}
	for want, change := range map[string]func(*Config){
		"not one of":     func(c *Config) { c.Machine = Q35 },
		"0 CPUs":         func(c *Config) { c.CPUs = 0 },
		"of memory":      func(c *Config) { c.Memory = 7 },
		"GIC version 4":  func(c *Config) { c.GIC = 4 },
		"has no GIC":     func(c *Config) { c.Arch, c.GIC = arch.AMD64, 2 },
		"absent-initrd":  func(c *Config) { c.Initrd = "absent-initrd" },
		"absent-disk":    func(c *Config) { c.Disks = []Disk{{Path: "absent-disk"}} },
		"absent-kernel:": func(c *Config) { c.Kernel = "absent-kernel" },
	} {
		c := good
		change(&c)
		if err := c.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("check: %v, want %q", err, want)
		}
	}
}

// fakeQEMU puts a shell script in QEMU's place.
func fakeQEMU(t *testing.T, script string) Config {
	t.Helper()
	dir := t.TempDir()
	kernel := filepath.Join(dir, "kernel")
	for path, text := range map[string]string{
		filepath.Join(dir, arch.ARM64.QEMU()): "#!/bin/sh\n" + script,
		kernel:                                "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return Config{Arch: arch.ARM64, CPUs: 1, Memory: 64 << 20, Kernel: kernel}
}

func TestStreams(t *testing.T) {
	c := fakeQEMU(t, "echo serial; cat <&4 >&4; exec 4>&-; echo on the console >&3; exit 7")
	c.Console, c.Ports = true, []string{"echo"}
	var serial bytes.Buffer
	vm, err := Start(t.Context(), c, &serial)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	if vm.Port("other") != nil {
		t.Error("a port that the machine does not have")
	}
	io.WriteString(vm.Port("echo"), "there and back")
	vm.Port("echo").CloseWrite()
	if got, err := io.ReadAll(vm.Port("echo")); string(got) != "there and back" || err != nil {
		t.Errorf("port: %q, %v", got, err)
	}
	if got, err := io.ReadAll(vm.Console()); string(got) != "on the console\n" || err != nil {
		t.Errorf("console: %q, %v", got, err)
	}
	if status, _ := vm.Wait(); status != 7 {
		t.Errorf("status %d, want 7", status)
	}
	if serial.String() != "serial\n" {
		t.Errorf("serial: %q", &serial)
	}
}

func TestQEMUFails(t *testing.T) {
	c := fakeQEMU(t, "echo 'qemu: -smp: nonsense' >&2; exit 1")
	vm, err := Start(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	if status, err := vm.Wait(); status != 1 || err == nil || !strings.Contains(err.Error(), "-smp: nonsense") {
		t.Errorf("Wait = %d, %v: want QEMU's message", status, err)
	}
}

func TestNoQEMU(t *testing.T) {
	c := fakeQEMU(t, "")
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), c, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "qemu-system-arm") {
		t.Errorf("err = %v, want one that names the package", err)
	}
}

// TestKilled ends the context of a machine that would run forever, with a child.
func TestKilled(t *testing.T) {
	c := fakeQEMU(t, "sleep 1000 & echo $!; wait")
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	vm, err := Start(ctx, c, w)
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if status, _ := vm.Wait(); status != -1 {
		t.Errorf("status %d, want -1", status)
	}
	vm.Close()
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(child, 0) == nil && !zombie(child); {
		if time.Now().After(deadline) {
			t.Fatalf("the child %d of QEMU still lives", child)
		}
		time.Sleep(time.Millisecond)
	}
}

// zombie tells whether a process is dead but not yet reaped by init.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
