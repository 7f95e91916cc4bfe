package syscalls

import (
	"fmt"
	"slices"
	"strings"
)

// Compatibility is the page that says which system calls work, as Markdown. It is made
// from the table alone, for all architectures.
func Compatibility() string {
	var rows []*Row
	for _, family := range families {
		for i := range family {
			rows = append(rows, &family[i])
		}
	}
	slices.SortFunc(rows, func(a, b *Row) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString("# System calls\n\n")
	b.WriteString("Made from the table in linux/syscalls by `go test ./linux/syscalls -run Compatibility -update`.\n")
	b.WriteString("A call that is not listed answers ENOSYS.\n\n")
	b.WriteString("| Call | Support | What is missing | Contracts |\n|---|---|---|---|\n")
	for _, r := range rows {
		support := [...]string{Full: "full", Partial: "partial", Missing: "ENOSYS"}[r.Support]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Name, support, r.Note, strings.Join(r.Contracts, ", "))
	}
	return b.String()
}
