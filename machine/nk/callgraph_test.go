package nk_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"kevlar/internal/image"
)

// The nanokernel runs on a fake g with interrupts off. TestCallGraph walks the linked
// kernel from its entry points and checks that nothing reachable could allocate, run
// a write barrier, block or call through a pointer.

const pkg = "kevlar/machine/nk."

// roots are what assembly calls.
var roots = map[string][]string{
	"amd64": {"start", "startCPU", "onSyscall", "onInterrupt", "onException", "onNested", "onFatal"},
	"arm64": {"start", "startCPU", "onSyscall", "onInterrupt", "onException", "onNested", "onFatal"},
}

// packages whose functions are the nanokernel's, too.
var inside = regexp.MustCompile(`^kevlar/machine/(nk|nk/fdt|mem|pgtable)\.`)

// leaves of the runtime that neither look at g.m nor allocate.
var leaves = regexp.MustCompile(`^runtime\.(duffzero|duffcopy|memmove|memclrNoHeapPointers|memequal|memequal_varlen)(\.abi0)?$`)

// What is reachable by the compiler's opinion and fatal if it happened: a bounds check
// that fails, a frame number out of range, a stack overflow. The fake g has no m, so
// these fault, and the fault prints the registers.
var fatal = regexp.MustCompile(`^runtime\.(panic|goPanic|gopanic|morestack|sigpanic)`)

func TestCallGraph(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the kernel twice")
	}
	for arch, names := range roots {
		t.Run(arch, func(t *testing.T) { checkCalls(t, arch, names) })
	}
}

func checkCalls(t *testing.T, arch string, names []string) {
	dir := t.TempDir()
	if _, err := image.Build(arch, dir); err != nil {
		t.Fatal(err)
	}
	calls := readCalls(t, filepath.Join(dir, "kevlar-"+arch+".elf"))
	from := map[string]string{}
	var work []string
	for _, n := range names {
		if calls[pkg+n] == nil {
			t.Fatalf("no %s in the kernel", n)
		}
		from[pkg+n] = "assembly"
		work = append(work, pkg+n)
	}
	for len(work) > 0 {
		f := work[0]
		work = work[1:]
		for _, c := range calls[f] {
			switch {
			case leaves.MatchString(c) || fatal.MatchString(c):
			case inside.MatchString(c):
				if from[c] == "" {
					from[c] = f
					work = append(work, c)
				}
			default:
				t.Errorf("%s calls %s (reached from %s)", f, c, from[f])
			}
		}
	}
	t.Logf("%d functions reachable", len(from))
}

// readCalls disassembles exe: what each function calls or jumps to.
func readCalls(t *testing.T, exe string) map[string][]string {
	cmd := exec.Command("go", "tool", "objdump", exe)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`^TEXT (\S+)\(SB\)`)
	call := regexp.MustCompile(`\t(?:CALL|JMP|J[A-Z]+|B[A-Z]*|CBZ|CBNZ|TBZ|TBNZ)\s.*?(\S+?)(?:\+\d+)?\(SB\)`)
	indirect := regexp.MustCompile(`\t(?:CALL\s+(?:[A-Z]|0x|\()|BL\s+\(|CALL\s+\*)`)
	calls := map[string][]string{}
	cur := ""
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		l := sc.Text()
		if m := text.FindStringSubmatch(l); m != nil {
			cur = m[1]
			calls[cur] = []string{}
			continue
		}
		if !inside.MatchString(cur) {
			continue
		}
		if m := call.FindStringSubmatch(l); m != nil {
			if m[1] != cur && !slices.Contains(calls[cur], m[1]) {
				calls[cur] = append(calls[cur], m[1])
			}
		} else if indirect.MatchString(l) {
			calls[cur] = append(calls[cur], "(a function pointer)")
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return calls
}
