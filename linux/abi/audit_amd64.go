package abi

// AuditArch is AUDIT_ARCH_X86_64: how seccomp filters and SIGSYS name the architecture.
const AuditArch = 0xc000003e
