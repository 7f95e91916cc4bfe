package abi

// ELFMachine is e_machine of programs for this architecture (EM_X86_64), and
// ELFPlatform what AT_PLATFORM and uname call it.
const (
	ELFMachine  = 62
	ELFPlatform = "x86_64"
)

// ELFPlatform32 is what uname calls the machine for programs of 32 bits.
const ELFPlatform32 = "i686"

// CloneTLS and CloneChildTID are the indices of clone's last arguments.
const (
	CloneChildTID = 3
	CloneTLS      = 4
)
