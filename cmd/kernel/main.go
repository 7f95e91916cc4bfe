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
			nk.Stop(machine.PowerOff, selftest.Run(selftest.UserMode(metal.New())...))
		}
	}
	fmt.Println("kernel: nothing to run: this build has no personality yet")
	nk.Stop(machine.PowerOff, 125)
}
