// Shared by the ARM64 assembly files.

// The frame pointer: none for the nanokernel's first Go frame, and Go's own again
// with its g.
#define NO_FRAME MOVD ZR, R29
#define GO_FRAME(cpu) LDP archCPU_goG(cpu), (g, R29)
#define LOAD_G_FRAME(off, base) LDP off(base), (g, R29)
