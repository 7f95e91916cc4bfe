package abi

// ELFMachine is e_machine of programs for this architecture (EM_AARCH64), and
// ELFPlatform what AT_PLATFORM and uname call it.
const (
	ELFMachine  = 183
	ELFPlatform = "aarch64"
)

// ELFPlatform32 is what uname calls the machine for programs of 32 bits.
const ELFPlatform32 = "armv8l"

// CloneTLS and CloneChildTID are the indices of clone's last arguments.
const (
	CloneTLS      = 3
	CloneChildTID = 4
)
