package abi

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The kernel's own headers agree with the layout of signal frames.
func TestSignalFrameLayout(t *testing.T) {
	cc, err := exec.LookPath("aarch64-linux-gnu-gcc")
	if err != nil {
		t.Skip("no C compiler")
	}
	src := `#include <stddef.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
`
	for expr, want := range map[string]int{
		"offsetof(struct ucontext, uc_stack)":     ucStack - frameUC,
		"offsetof(struct ucontext, uc_sigmask)":   ucSigmask - frameUC,
		"offsetof(struct ucontext, uc_mcontext)":  ucContext - frameUC,
		"sizeof(struct ucontext)":                 frameSize - frameUC,
		"offsetof(struct sigcontext, regs)":       scRegs - ucContext,
		"offsetof(struct sigcontext, sp)":         scSP - ucContext,
		"offsetof(struct sigcontext, pc)":         scPC - ucContext,
		"offsetof(struct sigcontext, pstate)":     scPSTATE - ucContext,
		"offsetof(struct sigcontext, __reserved)": scRecords - ucContext,
		"sizeof(struct fpsimd_context)":           fpsimdSize,
		"offsetof(struct fpsimd_context, vregs)":  16,
		"sizeof(struct esr_context)":              esrSize,
		"FPSIMD_MAGIC":                            fpsimdMagic,
		"ESR_MAGIC":                               esrMagic,
		"sizeof(siginfo_t)":                       SigInfoSize,
		"sizeof(stack_t)":                         SigStackSize,
		"sizeof(struct sigaction)":                SigActionSize,
		"MINSIGSTKSZ":                             MinSigStack,
	} {
		src += fmt.Sprintf("_Static_assert((%s) == %d, \"%s\");\n", expr, want, expr)
	}
	cmd := exec.Command(cc, "-fsyntax-only", "-x", "c", "-")
	cmd.Stdin = strings.NewReader(src)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
