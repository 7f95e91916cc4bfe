package binfmt

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Limits of execve(2): one string, and all of them together with their pointers.
const (
	MaxString  = 32 * pageSize
	MaxStrings = 6 << 20
	minArgs    = 32 * pageSize
)

// Aux is an entry of the auxiliary vector (getauxval(3)).
type Aux struct{ Type, Value uint64 }

// AuxVector types that Stack supplies itself.
const (
	AtNull        = 0
	AtPhdr        = 3
	AtPhent       = 4
	AtPhnum       = 5
	AtPagesz      = 6
	AtBase        = 7
	AtFlags       = 8
	AtEntry       = 9
	AtUID         = 11
	AtEUID        = 12
	AtGID         = 13
	AtEGID        = 14
	AtPlatform    = 15
	AtHWCap       = 16
	AtClktck      = 17
	AtSecure      = 23
	AtRandom      = 25
	AtHWCap2      = 26
	AtExecfn      = 31
	AtSysinfoEhdr = 33
	AtMinsigstksz = 51
)

// Stack is what a program finds on its stack.
type Stack struct {
	Args, Env []string
	Path      string // AT_EXECFN
	Platform  string // AT_PLATFORM
	Random    [16]byte
	Aux       []Aux // without those above and AT_RANDOM
}

// Image is a laid-out stack: the bytes that end at the top, and where its parts are.
type Image struct {
	Bytes              []byte // to be at SP
	SP                 uint64 // 16-byte aligned
	ArgStart, ArgEnd   uint64 // the argument strings, for /proc/PID/cmdline
	EnvStart, EnvEnd   uint64
	AuxStart, AuxBytes uint64
}

// Size is how many bytes of strings and pointers execve counts against its limit.
func (s *Stack) Size() int {
	n := 0
	for _, list := range [][]string{s.Args, s.Env} {
		for _, v := range list {
			n += len(v) + 1 + 8
		}
	}
	return n
}

// Layout puts the stack below top, a page boundary. limit is the stack's soft
// RLIMIT_STACK in bytes: strings and pointers may have a quarter of it (E2BIG), at
// least 128 KiB, at most 6 MiB.
func (s *Stack) Layout(top, limit uint64) (*Image, error) {
	for _, list := range [][]string{s.Args, s.Env} {
		for _, v := range list {
			if len(v) >= MaxString {
				return nil, unix.E2BIG
			}
		}
	}
	if uint64(s.Size()) > max(min(limit/4, 6<<20), minArgs) {
		return nil, unix.E2BIG
	}

	// From the top down: eight zero bytes, the path, environment, arguments; then
	// platform and random bytes.
	strings := 8 + len(s.Path) + 1
	for _, list := range [][]string{s.Args, s.Env} {
		for _, v := range list {
			strings += len(v) + 1
		}
	}
	area := strings + len(s.Platform) + 1 + 16 + 16
	words := 1 + len(s.Args) + 1 + len(s.Env) + 1 + 2*(len(s.Aux)+4)
	sp := (top - uint64(area) - uint64(words)*8) &^ 15
	im := &Image{SP: sp, Bytes: make([]byte, top-sp)}

	at := top - uint64(strings)
	put := func(v string) uint64 {
		p := at
		copy(im.Bytes[p-sp:], v)
		at += uint64(len(v)) + 1
		return p
	}
	putAll := func(list []string) []uint64 {
		ptrs := make([]uint64, len(list))
		for i, v := range list {
			ptrs[i] = put(v)
		}
		return ptrs
	}
	im.ArgStart = at
	args := putAll(s.Args)
	im.ArgEnd, im.EnvStart = at, at
	env := putAll(s.Env)
	im.EnvEnd = at
	path := put(s.Path)
	at = (top - uint64(strings) - uint64(len(s.Platform)) - 1)
	platform := put(s.Platform)
	random := (platform - 16) &^ 15
	copy(im.Bytes[random-sp:], s.Random[:])

	w := im.Bytes[:0]
	push := func(v uint64) { w = binary.LittleEndian.AppendUint64(w, v) }
	push(uint64(len(args)))
	for _, p := range args {
		push(p)
	}
	push(0)
	for _, p := range env {
		push(p)
	}
	push(0)
	im.AuxStart = sp + uint64(len(w))
	aux := append(append([]Aux(nil), s.Aux...), Aux{AtRandom, random}, Aux{AtExecfn, path}, Aux{AtPlatform, platform}, Aux{AtNull, 0})
	for _, a := range aux {
		push(a.Type)
		push(a.Value)
	}
	im.AuxBytes = sp + uint64(len(w)) - im.AuxStart
	return im, nil
}
