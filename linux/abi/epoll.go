package abi

import "encoding/binary"

// EpollEvent is struct epoll_event.
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// Encode writes e to b, which is EpollEventSize long.
func (e *EpollEvent) Encode(b []byte) {
	binary.LittleEndian.PutUint32(b, e.Events)
	binary.LittleEndian.PutUint64(b[epollData:], e.Data)
}

// Decode reads e from b, which is EpollEventSize long.
func (e *EpollEvent) Decode(b []byte) {
	e.Events = binary.LittleEndian.Uint32(b)
	e.Data = binary.LittleEndian.Uint64(b[epollData:])
}
