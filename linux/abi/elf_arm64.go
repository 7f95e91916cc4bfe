package abi

// ELFMachine is e_machine of programs for this architecture (EM_AARCH64), and
// ELFPlatform what AT_PLATFORM and uname call it.
const (
	ELFMachine  = 183
	ELFPlatform = "aarch64"
)
