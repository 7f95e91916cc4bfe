// Command kernel is the kernel: it joins the machine and the Linux personality.
package main

import (
	"fmt"
	"strings"

	"kevlar/machine"
	"kevlar/machine/metal"
	"kevlar/machine/nk"
	"kevlar/machine/selftest"
)

func main() {
	for _, w := range strings.Fields(nk.Cmdline()) {
		if w == "kevlar.selftest" {
			nk.Stop(machine.PowerOff, selftest.Run(selftest.UserMode(metal.New(report))...))
		}
	}
	d := metal.New(report).Devices()
	for _, c := range d.Serial {
		fmt.Println("kernel: serial console", c.Name())
	}
	for _, b := range d.Blocks {
		fmt.Println("kernel: block device", b.Name(), b.Size()>>10, "KiB")
	}
	for _, p := range d.Ports {
		fmt.Println("kernel: port", p.Name())
	}
	fmt.Fprintln(d.Console, "kernel: nothing to run: this build has no personality yet\r")
	nk.Stop(machine.PowerOff, 125)
}

func report(err error) { fmt.Println("kernel:", err) }
