package seccomp

import "golang.org/x/sys/unix"

// Modes of seccomp: PR_GET_SECCOMP.
const (
	Disabled = 0
	Strict   = 1
	Filtered = 2
)

// Actions that a filter returns, with 16 bits of data: what is to be done about a call. The
// lower of two, as signed numbers, is the stricter.
const (
	KillProcess = 0x80000000
	KillThread  = 0x00000000
	Trap        = 0x00030000
	Errno       = 0x00050000
	UserNotify  = 0x7fc00000
	Trace       = 0x7ff00000
	Log         = 0x7ffc0000
	Allow       = 0x7fff0000

	actionMask = 0xffff0000
)

// Known reports whether an action is one.
func Known(action uint32) bool {
	switch action {
	case KillProcess, KillThread, Trap, Errno, Trace, Log, Allow:
		return true
	}
	return false
}

// State is how a thread's calls are restricted. It never changes: more filters make a new
// one, on top of it. nil is no restriction.
type State struct {
	strict  bool
	prog    []Insn
	below   *State
	total   int // instructions of all filters
	filters int
}

// strict is the state that only lets a thread read, write and end.
var strict = &State{strict: true}

// NewStrict returns the state of strict mode; EINVAL on top of filters.
func (s *State) NewStrict() (*State, error) {
	if s != nil && !s.strict {
		return nil, unix.EINVAL
	}
	return strict, nil
}

// maxTotal bounds what one call costs: instructions of all filters, and some for each.
const (
	maxTotal  = 32768
	perFilter = 4
)

// New returns s with a filter more: EINVAL for a bad program or in strict mode, ENOMEM where
// there are too many instructions.
func (s *State) New(prog []Insn) (*State, error) {
	if err := check(prog); err != nil {
		return nil, err
	}
	n := &State{prog: prog, below: s, total: len(prog) + perFilter, filters: 1}
	if s != nil {
		if s.strict {
			return nil, unix.EINVAL
		}
		n.total += s.total
		n.filters += s.filters
	}
	if n.total > maxTotal {
		return nil, unix.ENOMEM
	}
	return n, nil
}

// Mode is the mode of the state, nil too.
func (s *State) Mode() int {
	switch {
	case s == nil:
		return Disabled
	case s.strict:
		return Strict
	}
	return Filtered
}

// Filters is how many filters there are.
func (s *State) Filters() int {
	if s == nil {
		return 0
	}
	return s.filters
}

// Above reports whether s has all restrictions of o: whether o is s, or below it.
func (s *State) Above(o *State) bool {
	for ; s != nil; s = s.below {
		if s == o {
			return true
		}
	}
	return o == nil
}

// Check runs all filters on a call: the strictest action wins, of equal ones the newest
// filter's.
func (s *State) Check(d *Data) (action uint32, data uint16) {
	result := uint32(Allow)
	for ; s != nil; s = s.below {
		if r := run(s.prog, d); int32(r&actionMask) < int32(result&actionMask) {
			result = r
		}
	}
	return result & actionMask, uint16(result)
}
