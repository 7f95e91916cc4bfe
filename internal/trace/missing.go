package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kevlar/linux/trace"
)

// MissingText lists what programs asked for in vain, the most wanted first; "" where
// that is nothing.
func MissingText(list []trace.Missing) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b trace.Missing) int {
		if a.Count != b.Count {
			return int(max(min(int64(b.Count)-int64(a.Count), 1), -1))
		}
		return strings.Compare(a.What+a.Name, b.What+b.Name)
	})
	var words []string
	for _, m := range list {
		what := m.Name
		if m.What == "ioctl" {
			if cmd, err := strconv.ParseUint(m.Name, 0, 32); err == nil {
				what = "ioctl " + name(cmd, nameTables[trace.IoctlCmd], ioctlName)
			}
		}
		words = append(words, fmt.Sprintf("%s (%d)", what, m.Count))
	}
	return strings.Join(words, ", ")
}
