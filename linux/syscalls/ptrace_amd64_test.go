package syscalls_test

import "encoding/binary"

// setResult sets RAX in struct user_regs_struct.
func setResult(regs []byte, v uint64) { binary.LittleEndian.PutUint64(regs[8*10:], v) }
