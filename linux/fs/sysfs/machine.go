package sysfs

import (
	"fmt"
	"strings"

	"kevlar/machine/mem"
)

// rangeOf is the numbers below n as a list of ranges.
func rangeOf(n int) string {
	if n == 1 {
		return "0"
	}
	return fmt.Sprintf("0-%d", n-1)
}

// maskOf is the set of numbers from low to below high in hexadecimal, 32 to a word, wide
// enough for n.
func maskOf(low, high, n int) string {
	var words []string
	for w := (n + 31) / 32; w > 0; w-- {
		var v uint32
		for i := range 32 {
			if cpu := 32*(w-1) + i; cpu >= low && cpu < high {
				v |= 1 << i
			}
		}
		if len(words) == 0 {
			words = append(words, fmt.Sprintf("%0*x", (n-32*(w-1)+3)/4, v))
		} else {
			words = append(words, fmt.Sprintf("%08x", v))
		}
	}
	return strings.Join(words, ",")
}

// addCPUs adds devices/system/cpu and what leads there. All CPUs are one package, each a
// core of its own.
func (t *tree) addCPUs() {
	n := t.m.NumCPU()
	d := t.dir("devices/system/cpu")
	t.attrs(d, "online", rangeOf(n), "possible", rangeOf(n), "present", rangeOf(n), "offline", "", "isolated", "", "kernel_max", 255)
	bus := t.dir("bus/cpu/devices")
	for cpu := range n {
		name := fmt.Sprintf("cpu%d", cpu)
		c := d.AddDir(name, dirMode)
		c.AddLink("subsystem", "../../../../bus/cpu")
		c.AddLink("node0", "../../node/node0")
		bus.AddLink(name, "../../../devices/system/cpu/"+name)
		own, all := maskOf(cpu, cpu+1, n), maskOf(0, n, n)
		t.attrs(c.AddDir("topology", dirMode),
			"physical_package_id", 0, "core_id", cpu, "die_id", 0, "cluster_id", -1,
			"thread_siblings", own, "thread_siblings_list", cpu, "core_cpus", own, "core_cpus_list", cpu,
			"core_siblings", all, "core_siblings_list", rangeOf(n), "package_cpus", all, "package_cpus_list", rangeOf(n),
			"die_cpus", all, "die_cpus_list", rangeOf(n), "cluster_cpus", own, "cluster_cpus_list", cpu)
	}
}

// addNode adds devices/system/node: all memory and all CPUs are one node.
func (t *tree) addNode() {
	n := t.m.NumCPU()
	d := t.dir("devices/system/node")
	t.attrs(d, "online", 0, "possible", 0, "has_cpu", 0, "has_memory", 0, "has_normal_memory", 0)
	node := d.AddDir("node0", dirMode)
	t.attrs(node, "cpulist", rangeOf(n), "cpumap", maskOf(0, n, n), "distance", 10,
		"numastat", "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0")
	t.attr(node, "meminfo", func() string {
		u := mem.Usage()
		const kB = mem.PageSize / 1024
		return fmt.Sprintf("Node 0 MemTotal:       %8d kB\nNode 0 MemFree:        %8d kB\nNode 0 MemUsed:        %8d kB",
			u.Total*kB, u.Free*kB, (u.Total-u.Free)*kB)
	})
	node.AddLink("subsystem", "../../../../bus/node")
	t.dir("bus/node/devices").AddLink("node0", "../../../devices/system/node/node0")
	for cpu := range n {
		name := fmt.Sprintf("cpu%d", cpu)
		node.AddLink(name, "../../cpu/"+name)
	}
}

// addKernel adds kernel and power, as far as anything there holds here.
func (t *tree) addKernel() {
	t.attrs(t.dir("kernel"), "fscaps", 1, "uevent_seqnum", 0, "uevent_helper", "", "kexec_loaded", 0, "kexec_crash_loaded", 0,
		"profiling", 0, "cpu_byteorder", "little", "address_bits", 64)
	t.attrs(t.dir("kernel/mm/transparent_hugepage"), "enabled", "always madvise [never]", "defrag", "always defer defer+madvise madvise [never]",
		"shmem_enabled", "always within_size advise [never] deny force", "use_zero_page", 0)
	for _, name := range []string{"kernel/debug", "kernel/security", "kernel/tracing", "kernel/config", "kernel/mm/hugepages"} {
		t.dir(name)
	}
	t.attrs(t.dir("power"), "state", "")
}
