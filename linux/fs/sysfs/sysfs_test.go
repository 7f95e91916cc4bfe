package sysfs

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/device"
	"kevlar/linux/fs/tmpfs"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/sim"
)

// boot mounts sysfs at /sys of a machine with four CPUs.
func boot(t *testing.T) *vfs.Context {
	t.Helper()
	m := sim.New(t, sim.Config{CPUs: 4})
	sb, err := tmpfs.New(tmpfs.Rootfs, vfs.KernelContext(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	c := vfs.KernelContext(vfs.NewFSInfo(vfs.NewMountNS(sb, "rootfs")))
	Register(m)
	if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte("/sys"), 0o555); err != nil {
		t.Fatal(err)
	}
	p, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/sys"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.MountType(c, "sysfs", p, Type, 0, ""); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, c *vfs.Context, path string) string {
	t.Helper()
	f, err := vfs.OpenPath(c, path, unix.O_RDONLY, 0)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return ""
	}
	defer f.Unref()
	var b bytes.Buffer
	buf := make([]byte, 100)
	for {
		io := user.Kernel(buf)
		n, err := f.Read(c, &io)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if n == 0 || err != nil {
			return b.String()
		}
		b.Write(buf[:n])
	}
}

func names(t *testing.T, c *vfs.Context, dir string) (list []string) {
	t.Helper()
	f, err := vfs.OpenPath(c, dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	defer f.Unref()
	f.ReadDir(c, func(e vfs.DirEntry) bool { list = append(list, e.Name); return true })
	return list
}

// disk is a block device of a mebibyte.
type disk struct{}

func (disk) Size() int64             { return 1 << 20 }
func (disk) ReadOnly() bool          { return true }
func (disk) Stats() device.DiskStats { return device.DiskStats{Reads: 7, ReadSectors: 56} }

func TestMachine(t *testing.T) {
	c := boot(t)
	for path, want := range map[string]string{
		"/sys/devices/system/cpu/online":                                     "0-3\n",
		"/sys/devices/system/cpu/offline":                                    "\n",
		"/sys/devices/system/cpu/cpu2/topology/core_id":                      "2\n",
		"/sys/devices/system/cpu/cpu2/topology/thread_siblings":              "4\n",
		"/sys/devices/system/cpu/cpu2/topology/core_siblings_list":           "0-3\n",
		"/sys/devices/system/node/node0/cpumap":                              "f\n",
		"/sys/bus/cpu/devices/cpu3/topology/physical_package_id":             "0\n",
		"/sys/devices/system/node/node0/cpu1/topology/package_cpus":          "f\n",
		"/sys/kernel/mm/transparent_hugepage/enabled":                        "always madvise [never]\n",
		"/sys/devices/system/cpu/cpu0/node0/cpulist":                         "0-3\n",
		"/sys/devices/system/cpu/cpu0/subsystem/devices/cpu0/node0/distance": "10\n",
	} {
		if got := read(t, c, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestMasks(t *testing.T) {
	for _, m := range []struct {
		low, high, n int
		want         string
	}{{0, 1, 1, "1"}, {0, 4, 4, "f"}, {4, 5, 8, "10"}, {32, 33, 40, "01,00000000"}, {0, 33, 64, "00000001,ffffffff"}} {
		if got := maskOf(m.low, m.high, m.n); got != m.want {
			t.Errorf("%d to %d of %d: %s, want %s", m.low, m.high, m.n, got, m.want)
		}
	}
}

func TestDevices(t *testing.T) {
	c := boot(t)
	vdz := &device.Device{Name: "vdz", Class: "block", Dev: unix.Mkdev(254, 400), Mode: 0o600, Disk: disk{}}
	vdz1 := &device.Device{Name: "vdz1", Class: "block", Dev: unix.Mkdev(254, 401), Mode: 0o600, Disk: disk{}, Parent: vdz}
	tun := &device.Device{Name: "net/tun", Class: "misc", Dev: unix.Mkdev(10, 200), Mode: 0o666}
	for _, d := range []*device.Device{vdz, vdz1, tun} {
		device.Add(d)
	}
	for path, want := range map[string]string{
		"/sys/block/vdz/size":                "2048\n",
		"/sys/block/vdz/ro":                  "1\n",
		"/sys/block/vdz/dev":                 "254:400\n",
		"/sys/block/vdz/uevent":              "MAJOR=254\nMINOR=400\nDEVNAME=vdz\nDEVTYPE=disk\n",
		"/sys/block/vdz/vdz1/partition":      "1\n",
		"/sys/class/block/vdz1/uevent":       "MAJOR=254\nMINOR=401\nDEVNAME=vdz1\nDEVTYPE=partition\n",
		"/sys/dev/block/254:401/dev":         "254:401\n",
		"/sys/dev/char/10:200/uevent":        "MAJOR=10\nMINOR=200\nDEVNAME=net/tun\nDEVMODE=0666\n",
		"/sys/class/misc/net!tun/dev":        "10:200\n",
		"/sys/block/vdz/queue/scheduler":     "[none]\n",
		"/sys/block/vdz/subsystem/vdz1/size": "2048\n",
	} {
		if got := read(t, c, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if f := strings.Fields(read(t, c, "/sys/block/vdz/stat")); len(f) != 17 || f[0] != "7" || f[2] != "56" {
		t.Errorf("stat: %q", f)
	}
	if slices.Contains(names(t, c, "/sys/block"), "vdz1") {
		t.Error("a partition among the disks")
	}
	for _, d := range []*device.Device{vdz1, vdz, tun} {
		device.Remove(d)
	}
	for _, dir := range []string{"/sys/block", "/sys/class/block", "/sys/class/misc", "/sys/dev/block", "/sys/dev/char", "/sys/devices/virtual/block"} {
		for _, n := range names(t, c, dir) {
			if strings.Contains(n, "vdz") || strings.Contains(n, "tun") || n == "254:400" || n == "10:200" {
				t.Errorf("%s still has %s", dir, n)
			}
		}
	}
	if _, err := vfs.Lookup(c, unix.AT_FDCWD, []byte("/sys/block/vdz"), 0); err != unix.ENOENT {
		t.Errorf("the name is still there: %v", err)
	}
}

func TestAttributesCannotBeChanged(t *testing.T) {
	c := boot(t)
	const path = "/sys/devices/system/cpu/online"
	if _, err := vfs.OpenPath(c, path, unix.O_WRONLY, 0); err != unix.EACCES {
		t.Errorf("open for writing: %v", err)
	}
	if err := vfs.Mkdir(c, unix.AT_FDCWD, []byte("/sys/new"), 0o755); err != unix.EPERM {
		t.Errorf("mkdir: %v", err)
	}
	if err := vfs.Unlink(c, unix.AT_FDCWD, []byte(path)); err != unix.EPERM {
		t.Errorf("unlink: %v", err)
	}
}
