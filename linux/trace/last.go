package trace

import (
	"fmt"
	"slices"
)

// Last returns up to n records, the youngest of all CPUs, the oldest first: what a report on a failure ends with. They
// may have been drained; one that is written meanwhile is left out. Without a tracer there are none.
func Last(n int) []Record {
	t := active.Load()
	if t == nil {
		return nil
	}
	var all []Record
	for _, r := range t.rings {
		tail := r.tail.Load()
		for i := tail - min(tail, uint64(n), ringSize); i < tail; i++ {
			s := &r.slots[i%ringSize]
			if s.ready.Load() != i+1 {
				continue
			}
			words := s.words
			var b []byte
			for _, w := range words[:headerWords+min(int(words[1]>>5&7), MaxWords)] {
				b = le.AppendUint64(b, w)
			}
			var rec Record
			if s.ready.Load() == i+1 && rec.unpack(b) != 0 {
				all = append(all, rec)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Record) int { return int(a.Time - b.Time) })
	return all[len(all)-min(len(all), n):]
}

// codeNames are the codes as String has them.
var codeNames = [Codes]string{
	Enter: "enters", Exit: "returns", Data: "data", More: "more data", Born: "born", Named: "named", Died: "died", Switched: "switched",
	Woken: "woken", Slept: "sleeps", Resumed: "resumes", Faulted: "fault", Sent: "signal sent", Delivered: "signal delivered",
	Interrupt: "interrupt", Walked: "path", Disk: "disk", Paused: "gc pause", Collected: "gc",
}

// String is the code as a word for people.
func (c Code) String() string {
	if c < Codes && codeNames[c] != "" {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}
