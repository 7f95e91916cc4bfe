package abi

// EpollEventSize is the size of struct epoll_event, and epollData the offset of its
// data: on x86-64 the structure is packed (epoll_event(3type)).
const (
	EpollEventSize = 12
	epollData      = 4
)
