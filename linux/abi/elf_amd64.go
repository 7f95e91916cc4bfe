package abi

// ELFMachine is e_machine of programs for this architecture (EM_X86_64), and
// ELFPlatform what AT_PLATFORM and uname call it.
const (
	ELFMachine  = 62
	ELFPlatform = "x86_64"
)
