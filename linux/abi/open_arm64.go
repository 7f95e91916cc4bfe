package abi

// O_LARGEFILE is the open flag as the kernel has it: open(2) sets it on 64-bit
// architectures. C libraries call it 0 there.
const O_LARGEFILE = 0o400000
