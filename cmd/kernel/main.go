// Command kernel is the kernel: it joins the machine and the Linux personality.
package main

import (
	"fmt"
	"os"
	"strings"

	"kevlar/linux/kernel"
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
	kernel.Run(metal.New(report), os.Stdout)
}

func report(err error) { fmt.Println("kernel:", err) }
