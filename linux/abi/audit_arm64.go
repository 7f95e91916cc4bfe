package abi

// AuditArch is AUDIT_ARCH_AARCH64: how seccomp filters and SIGSYS name the architecture.
const AuditArch = 0xc00000b7
