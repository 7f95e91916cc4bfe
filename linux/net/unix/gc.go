package local

import (
	"sync"

	"kevlar/linux/vfs"
)

// Descriptors in messages hold their files open. Sockets that are only to be had out of
// each other's queues can never be read again: collect finds such and empties their queues.

// flights counts, for each file that is a socket of this package, in how many messages it
// is. mu comes before Sock.mu.
var flights struct {
	mu sync.Mutex
	n  map[*vfs.File]int
}

// flying notes that files are in a message from now on.
func flying(files []*vfs.File) { count(files, 1) }

// landed notes that they no longer are.
func landed(files []*vfs.File) { count(files, -1) }

func count(files []*vfs.File, d int) {
	for _, f := range files {
		if _, ok := f.Ops.(*Sock); !ok {
			continue
		}
		flights.mu.Lock()
		if flights.n == nil {
			flights.n = make(map[*vfs.File]int)
		}
		if flights.n[f] += d; flights.n[f] <= 0 {
			delete(flights.n, f)
		}
		flights.mu.Unlock()
	}
}

// collect drops the messages of sockets that no program can reach.
func collect() {
	flights.mu.Lock()
	// What only messages hold may be unreachable, unless a reachable socket's queue
	// leads to it.
	suspects := make(map[*vfs.File]bool)
	for f, n := range flights.n {
		if f.Refs() == n {
			suspects[f] = true
		}
	}
	if len(suspects) == 0 {
		flights.mu.Unlock()
		return
	}
	held := make(map[*vfs.File]int) // how often suspects' messages hold a suspect
	for f := range suspects {
		f.Ops.(*Sock).eachFlying(func(g *vfs.File) { held[g]++ })
	}
	var reach func(f *vfs.File)
	reach = func(f *vfs.File) {
		if suspects[f] {
			delete(suspects, f)
			f.Ops.(*Sock).eachFlying(reach)
		}
	}
	for f := range flights.n {
		if held[f] < flights.n[f] {
			reach(f)
		}
	}
	var garbage []*packet
	for f := range suspects {
		garbage = append(garbage, f.Ops.(*Sock).empty()...)
	}
	flights.mu.Unlock()
	for _, p := range garbage {
		p.drop()
	}
}

// eachFlying calls f for each socket in the messages of s and of connections that wait
// in it.
func (s *Sock) eachFlying(f func(*vfs.File)) {
	s.mu.Lock()
	var files []*vfs.File
	for _, p := range s.in {
		files = append(files, p.files...)
	}
	conns := append([]*Sock(nil), s.conns...)
	s.mu.Unlock()
	for _, g := range files {
		if _, ok := g.Ops.(*Sock); ok {
			f(g)
		}
	}
	for _, n := range conns {
		n.eachFlying(f)
	}
}

// empty takes all messages.
func (s *Sock) empty() []*packet {
	s.mu.Lock()
	in, conns := s.in, append([]*Sock(nil), s.conns...)
	s.in = nil
	s.mu.Unlock()
	for _, n := range conns {
		in = append(in, n.empty()...)
	}
	return in
}
