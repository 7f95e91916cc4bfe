package abi

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The kernel's own headers agree with the layout of signal frames.
func TestSignalFrameLayout(t *testing.T) {
	cc, err := exec.LookPath("gcc")
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
		"offsetof(struct ucontext, uc_stack)":    ucStack - frameUC,
		"offsetof(struct ucontext, uc_mcontext)": ucContext - frameUC,
		"offsetof(struct ucontext, uc_sigmask)":  ucSigmask - frameUC,
		"sizeof(struct ucontext)":                frameInfo - frameUC,
		"offsetof(struct sigcontext, rip)":       16 * 8,
		"offsetof(struct sigcontext, cs)":        scSegments - ucContext,
		"offsetof(struct sigcontext, err)":       scErr - ucContext,
		"offsetof(struct sigcontext, trapno)":    scTrap - ucContext,
		"offsetof(struct sigcontext, oldmask)":   scOldmask - ucContext,
		"offsetof(struct sigcontext, cr2)":       scCR2 - ucContext,
		"offsetof(struct sigcontext, fpstate)":   scFPState - ucContext,
		"offsetof(struct _fpstate, sw_reserved)": fpSoftware,
		"sizeof(struct _fpstate)":                512,
		"FP_XSTATE_MAGIC1":                       fpMagic1,
		"FP_XSTATE_MAGIC2":                       fpMagic2,
		"sizeof(siginfo_t)":                      SigInfoSize,
		"sizeof(stack_t)":                        SigStackSize,
		"sizeof(struct sigaction)":               SigActionSize,
		"offsetof(struct sigaction, sa_mask)":    24,
		"offsetof(siginfo_t, si_status)":         24,
		"offsetof(siginfo_t, si_value)":          24,
		"MINSIGSTKSZ":                            MinSigStack,
	} {
		src += fmt.Sprintf("_Static_assert((%s) == %d, \"%s\");\n", expr, want, expr)
	}
	cmd := exec.Command(cc, "-fsyntax-only", "-x", "c", "-")
	cmd.Stdin = strings.NewReader(src)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
