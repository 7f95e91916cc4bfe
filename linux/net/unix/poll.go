package local

import (
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// What poll tells of a socket with room: bands mean nothing to it, but Linux names them.
const writable = wait.Out | wait.WrNorm | wait.WrBand

// Poll implements vfs.FileOps.
func (s *Sock) Poll(_ *vfs.File, e *wait.Entry) (events wait.Events) {
	if e != nil {
		s.queue.Add(e)
	}
	s.mu.Lock()
	if s.err != nil {
		events |= wait.Err
	}
	if s.noRecv && s.noSend {
		events |= wait.Hup
	}
	if s.noRecv {
		events |= wait.RdHup | wait.In | wait.RdNorm
	}
	if len(s.in) > 0 || len(s.conns) > 0 {
		events |= wait.In | wait.RdNorm
	}
	if !s.datagram() && s.state == unconnected {
		events |= wait.Hup
	}
	room := s.state != listening && s.pending.Load()<<2 < int64(s.opt.SndBuf())
	peer := s.peer
	s.mu.Unlock()
	if room && s.datagram() && peer != nil && peer.full(s) {
		s.watch(peer)
		room = !peer.full(s)
	}
	if room {
		events |= writable
	}
	return events
}

// full reports whether a datagram of from would have to wait: too many are here, and from
// is not the peer, which may always answer.
func (s *Sock) full(from *Sock) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.in) > maxQueue && s.peer != from && !s.closed
}

// watch makes room at peer known to who polls s; nil ends that.
func (s *Sock) watch(peer *Sock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.relayed == peer {
		return
	}
	if s.relayed != nil {
		s.relayed.senders.Remove(&s.relay)
	}
	if s.relayed = peer; peer != nil {
		s.relay.To, s.relay.Events = s, wait.Out
		peer.senders.Add(&s.relay)
	}
}

// Notify implements wait.Notifier, for relay.
func (s *Sock) Notify(*wait.Entry, wait.Events) bool {
	s.queue.Wake(writable)
	return false
}

// Unpoll implements vfs.FileOps.
func (s *Sock) Unpoll(_ *vfs.File, e *wait.Entry) { s.queue.Remove(e) }
