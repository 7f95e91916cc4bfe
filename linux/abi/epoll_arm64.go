package abi

// EpollEventSize is the size of struct epoll_event, and epollData the offset of its
// data.
const (
	EpollEventSize = 16
	epollData      = 8
)
