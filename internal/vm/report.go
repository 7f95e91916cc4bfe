package vm

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"kevlar/internal/vm/proto"
)

// Report is a page that the kernel wrote about a failure of its own.
type Report struct {
	Title string // proto.PanicReport or proto.WatchdogReport
	Text  string
}

// reportFinder looks for reports in what a machine writes to its serial port.
type reportFinder struct {
	found func(Report)
	line  []byte          // the beginning of a line
	title string          // of the report that has begun
	text  strings.Builder // and what there is of it
}

// Write implements io.Writer.
func (f *reportFinder) Write(p []byte) (int, error) {
	f.line = append(f.line, p...)
	for {
		line, rest, whole := bytes.Cut(f.line, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		f.add(strings.TrimRight(string(line), "\r"))
		f.line = append(f.line[:0], rest...)
	}
}

func (f *reportFinder) add(line string) {
	title, begins := strings.CutPrefix(line, proto.ReportBegin)
	switch {
	case begins:
		f.title = strings.TrimRight(title, " =")
		f.text.Reset()
	case f.title != "" && strings.HasPrefix(line, proto.ReportEnd):
		f.found(Report{f.title, f.text.String()})
		f.title = ""
	case f.title != "":
		f.text.WriteString(line + "\n")
	}
}

// dying is how the last words of a kernel begin: of its Go runtime, of the nanokernel, of Linux.
var dying = regexp.MustCompile(`(?m)^(panic: |fatal error: |runtime: out of memory|runtime: .*stack exceeds|SIG[A-Z]+: |unexpected fault address|` +
	`kernel: (exception|.* what=)|.*Kernel panic - )`)

// lastWords is the end of a log from where the kernel began to die, "" where it did not.
func lastWords(log string) string {
	if at := dying.FindStringIndex(log); at != nil {
		return log[at[0]:]
	}
	return ""
}

// rawTrace is a trace of the nanokernel, which knows addresses only: where it is, and where the calls return to.
var rawTrace = regexp.MustCompile(`(?s)\b(?:ip|pc)=(0x[0-9a-f]+).*? calls:((?: =0x[0-9a-f]+)+)`)

// symbols names the code addresses of the traces in text that have nothing but addresses: as a
// page of their own, "" where there are none or the kernel's symbols are not at hand.
func symbols(text, kernel string) string {
	traces := rawTrace.FindAllStringSubmatch(text, -1)
	if len(traces) == 0 {
		return ""
	}
	if base, ok := strings.CutSuffix(kernel, ".Image"); ok {
		kernel = base + ".elf" // what image.Build puts beside it
	}
	f, err := elf.Open(kernel)
	if err != nil {
		return ""
	}
	defer f.Close()
	code, table := f.Section(".text"), f.Section(".gopclntab")
	if code == nil || table == nil {
		return ""
	}
	data, err := table.Data()
	if err != nil {
		return ""
	}
	tab, err := gosym.NewTable(nil, gosym.NewLineTable(data, code.Addr))
	if err != nil {
		return ""
	}
	var w strings.Builder
	name := func(word string, back uint64) {
		if pc, err := strconv.ParseUint(word, 0, 64); err == nil {
			if file, n, fn := tab.PCToLine(pc - back); fn != nil {
				fmt.Fprintf(&w, "%s %s\n\t%s:%d\n", word, fn.Name, file, n)
			}
		}
	}
	for _, t := range traces {
		w.WriteString("\ncalls, by name:\n")
		name(t[1], 0)
		for _, word := range strings.Fields(t[2]) {
			name(strings.TrimPrefix(word, "="), 1) // where it calls, not where it returns to
		}
	}
	return w.String()
}
