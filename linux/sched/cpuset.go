package sched

// CPUSet is a set of CPUs: bit n of word n/64 stands for CPU n.
type CPUSet [4]uint64

// CPUs is how many CPUs a CPUSet has room for.
const CPUs = 256

// AllCPUs is the set of the machine's first n CPUs.
func AllCPUs(n int) (s CPUSet) {
	for i := range min(n, CPUs) {
		s.add(i)
	}
	return s
}

// And is the intersection of s and o, Empty whether s has no CPU, Has whether it has CPU n.
func (s CPUSet) And(o CPUSet) CPUSet {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

func (s CPUSet) Empty() bool { return s == CPUSet{} }

func (s CPUSet) Has(n int) bool { return s[n/64]>>(n%64)&1 != 0 }

// From is the first CPU of s that is n or above, or else the first; s is not Empty.
func (s CPUSet) From(n int) int {
	for i := range CPUs {
		if c := (n + i) % CPUs; s.Has(c) {
			return c
		}
	}
	return 0
}

func (s *CPUSet) add(n int) { s[n/64] |= 1 << (n % 64) }
