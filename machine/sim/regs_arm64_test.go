package sim_test

import "kevlar/machine"

func setArg0(r *machine.Regs, v uint64) { r.X[0] = v }
