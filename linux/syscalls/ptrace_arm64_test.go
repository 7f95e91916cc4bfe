package syscalls_test

import "encoding/binary"

// setResult sets X0 in struct user_pt_regs.
func setResult(regs []byte, v uint64) { binary.LittleEndian.PutUint64(regs, v) }
