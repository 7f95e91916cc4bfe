package poll

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Bits of epoll_event.events that say how to wait rather than for what.
const private = unix.EPOLLWAKEUP | unix.EPOLLONESHOT | unix.EPOLLET | unix.EPOLLEXCLUSIVE

// maxNest is how deep epoll files may watch each other: epoll_ctl(2), ELOOP.
const maxNest = 5

// nesting guards which epoll files watch which, so that no loops come about. It is taken
// before any Epoll.mu.
var nesting sync.Mutex

// Epoll is an epoll file: a set of watched files, and a list of those that may be ready.
// A file announces itself by putting its item on the list, so that waiting costs what
// is ready and not what is watched.
type Epoll struct {
	vfs.DefaultOps
	vfs.Stays

	queue   wait.Queue     // who waits for the list to fill; below ready.mu's users
	parents map[*Epoll]int // epoll files that watch this one; guarded by nesting

	// mu guards items and what they are to report. It is held while files are polled,
	// so it comes before their locks; an epoll file that watches another locks itself first.
	mu    sync.Mutex
	items map[int][]*item // by descriptor, of which dup and close make several files
	round uint64          // number of Collect's last call

	ready readyList
}

// readyList are the items whose files may be ready, oldest first. mu is taken in
// notifications, under the lock of a file's queue: it is a leaf.
type readyList struct {
	mu         sync.Mutex
	head, tail *item
}

// item is one watched file.
type item struct {
	ep    *Epoll
	fd    int
	file  *vfs.File // without a reference: closing the last descriptor ends the watch
	event abi.EpollEvent
	entry wait.Entry
	round uint64 // the call of Collect that reported it last; guarded by ep.mu

	// spent says that EPOLLONESHOT has reported and waits for EPOLL_CTL_MOD, which polls.
	spent atomic.Bool

	// Guarded by ep.ready.mu:
	next    *item
	queued  bool
	removed bool
}

// FDInfo is what /proc/PID/fdinfo says of it: a line for each watched file.
func (ep *Epoll) FDInfo(w io.Writer) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for _, fd := range slices.Sorted(maps.Keys(ep.items)) {
		for _, it := range ep.items[fd] {
			i := it.file.Inode()
			fmt.Fprintf(w, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n", fd, it.event.Events, it.event.Data,
				it.file.Pos(), i.Ino, unix.Major(i.SB.Dev)<<20|unix.Minor(i.SB.Dev))
		}
	}
}

// NewEpoll returns an epoll file's operations.
func NewEpoll() *Epoll {
	return &Epoll{items: make(map[int][]*item), parents: make(map[*Epoll]int)}
}

// push appends i unless it is on the list.
func (l *readyList) push(i *item) {
	l.mu.Lock()
	if !i.queued && !i.removed {
		i.queued, i.next = true, nil
		l.link(i, i)
	}
	l.mu.Unlock()
}

// link puts a chain of items at the end, with mu held.
func (l *readyList) link(first, last *item) {
	if l.tail == nil {
		l.head = first
	} else {
		l.tail.next = first
	}
	l.tail = last
}

// pop takes the oldest item; nil from an empty list.
func (l *readyList) pop() *item {
	l.mu.Lock()
	i := l.head
	if i != nil {
		l.head = i.next
		if l.head == nil {
			l.tail = nil
		}
		i.queued, i.next = false, nil
	}
	l.mu.Unlock()
	return i
}

func (l *readyList) empty() bool {
	l.mu.Lock()
	none := l.head == nil
	l.mu.Unlock()
	return none
}

// Notify implements wait.Notifier: the file has news.
func (i *item) Notify(_ *wait.Entry, events wait.Events) bool {
	if i.spent.Load() {
		return false
	}
	i.ep.ready.push(i)
	i.ep.queue.Wake(wait.In | wait.RdNorm)
	return true
}

// alive reports whether a descriptor of the file is still open. Items of closed files
// are dropped when they are met.
func (i *item) alive() bool { return i.file.Refs() > 0 }

// poll returns the events to report, and drops a dead item's.
func (i *item) poll() wait.Events {
	want := wait.Events(i.event.Events &^ private)
	if want == 0 || !i.alive() {
		return 0
	}
	events := i.file.Ops.Poll(i.file, nil) & want
	if !i.alive() {
		return 0
	}
	return events
}

// Control is epoll_ctl(2) with descriptor fd, whose file is f.
func (ep *Epoll) Control(op, fd int, f *vfs.File, event abi.EpollEvent) error {
	switch f.Inode().Type() {
	case unix.S_IFREG, unix.S_IFDIR:
		return unix.EPERM
	}
	target, _ := f.Ops.(*Epoll)
	if target == ep {
		return unix.EINVAL
	}
	if event.Events&unix.EPOLLEXCLUSIVE != 0 && op != unix.EPOLL_CTL_DEL {
		const ok = unix.EPOLLEXCLUSIVE | unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLERR | unix.EPOLLHUP |
			unix.EPOLLWAKEUP | unix.EPOLLET
		if op == unix.EPOLL_CTL_MOD || target != nil || event.Events&^ok != 0 {
			return unix.EINVAL
		}
	}
	event.Events |= unix.EPOLLERR | unix.EPOLLHUP
	if target != nil {
		nesting.Lock()
		defer nesting.Unlock()
		if op == unix.EPOLL_CTL_ADD && (target.reaches(ep) || ep.above()+target.below() > maxNest) {
			return unix.ELOOP
		}
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	i := ep.find(fd, f)
	switch op {
	case unix.EPOLL_CTL_ADD:
		if i != nil {
			return unix.EEXIST
		}
		ep.add(fd, f, event)
		if target != nil {
			target.parents[ep]++
		}
	case unix.EPOLL_CTL_DEL:
		if i == nil {
			return unix.ENOENT
		}
		ep.remove(i)
		if target != nil {
			target.forget(ep)
		}
	case unix.EPOLL_CTL_MOD:
		if i == nil {
			return unix.ENOENT
		}
		if i.event.Events&unix.EPOLLEXCLUSIVE != 0 {
			return unix.EINVAL
		}
		i.event = event
		i.spent.Store(false)
		i.register() // for the new events
	default:
		return unix.EINVAL
	}
	return nil
}

// find returns the item of fd and f, and drops items of files that fd named before.
func (ep *Epoll) find(fd int, f *vfs.File) *item {
	for _, i := range ep.items[fd] {
		if i.file == f {
			return i
		}
		if !i.alive() {
			ep.remove(i)
		}
	}
	return nil
}

func (ep *Epoll) add(fd int, f *vfs.File, event abi.EpollEvent) {
	i := &item{ep: ep, fd: fd, file: f, event: event}
	ep.items[fd] = append(ep.items[fd], i)
	i.entry.To = i
	i.register()
}

// register puts the item on its file's queues, and on the ready list if it is ready.
func (i *item) register() {
	i.file.Ops.Unpoll(i.file, &i.entry)
	i.entry.Events = wait.Events(i.event.Events &^ private)
	i.entry.Exclusive = i.event.Events&unix.EPOLLEXCLUSIVE != 0
	if i.file.Ops.Poll(i.file, &i.entry)&i.entry.Events != 0 {
		i.Notify(&i.entry, 0)
	}
}

// remove ends a watch. The item may be on the ready list still: it is skipped there.
func (ep *Epoll) remove(i *item) {
	i.file.Ops.Unpoll(i.file, &i.entry)
	ep.ready.mu.Lock()
	i.removed = true
	ep.ready.mu.Unlock()
	list := ep.items[i.fd]
	kept := make([]*item, 0, len(list))
	for _, j := range list {
		if j != i {
			kept = append(kept, j)
		}
	}
	if len(kept) == 0 {
		delete(ep.items, i.fd)
	} else {
		ep.items[i.fd] = kept
	}
}

// Collect fills events with what is ready and returns how many there are. What is level
// triggered goes to the end of the list, so that all have their turn.
func (ep *Epoll) Collect(events []abi.EpollEvent) (n int) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.round++
	var again *item // items to put back, linked through next; only this call has them
	tail := &again
	putBack := func(i *item) {
		// A notification may have queued it already; then next belongs to the list.
		ep.ready.mu.Lock()
		if !i.queued {
			*tail, tail = i, &i.next
			i.queued = true // keeps notifications from linking it
		}
		ep.ready.mu.Unlock()
	}
	for n < len(events) {
		i := ep.ready.pop()
		if i == nil {
			break
		}
		if i.removed {
			continue
		}
		if !i.alive() {
			ep.remove(i)
			continue
		}
		if i.round == ep.round {
			putBack(i) // it had news again meanwhile: no file is reported twice
			continue
		}
		got := i.poll()
		if got == 0 {
			continue
		}
		events[n] = abi.EpollEvent{Events: uint32(got), Data: i.event.Data}
		i.round = ep.round
		n++
		switch {
		case i.event.Events&unix.EPOLLONESHOT != 0:
			i.event.Events &= private
			i.spent.Store(true)
		case i.event.Events&unix.EPOLLET == 0:
			putBack(i)
		}
	}
	*tail = nil
	ep.ready.append(again)
	return n
}

// append puts back a chain of items that are marked as queued.
func (l *readyList) append(chain *item) {
	if chain == nil {
		return
	}
	last := chain
	for last.next != nil {
		last = last.next
	}
	l.mu.Lock()
	l.link(chain, last)
	l.mu.Unlock()
}

// entries are the registrations of those who wait.
var entries = sync.Pool{New: func() any { return new(wait.Entry) }}

// Wait is epoll_wait(2): Collect, after waiting for something until the deadline. Zero
// events and no error mean that the time is over; a signal gives abi.ERESTARTSYS.
func (ep *Epoll) Wait(c *vfs.Context, events []abi.EpollEvent, deadline time.Duration, block bool) (int, error) {
	n := ep.Collect(events)
	if n > 0 || !block {
		return n, nil
	}
	// Of several waiters one is woken, and wakes the next if something is left.
	e := entries.Get().(*wait.Entry)
	e.To, e.Events, e.Exclusive = c.Waiter, wait.In, true
	ep.queue.Add(e)
	var err error
	for {
		if n = ep.Collect(events); n > 0 {
			err = nil
			break
		}
		if err != nil {
			break
		}
		err = c.Waiter.Sleep(deadline)
	}
	ep.queue.Remove(e)
	e.To = nil
	entries.Put(e)
	if !ep.ready.empty() {
		ep.queue.Wake(wait.In | wait.RdNorm)
	}
	if err == unix.ETIMEDOUT {
		err = nil
	}
	return n, err
}

// Poll implements vfs.FileOps: an epoll file is readable when something it watches is
// ready.
func (ep *Epoll) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	if e != nil {
		ep.queue.Add(e)
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for {
		i := ep.ready.pop()
		if i == nil {
			return 0
		}
		if i.removed {
			continue
		}
		if i.poll() != 0 {
			ep.ready.push(i)
			return wait.In | wait.RdNorm
		}
	}
}

// Unpoll implements vfs.FileOps.
func (ep *Epoll) Unpoll(_ *vfs.File, e *wait.Entry) { ep.queue.Remove(e) }

// Release implements vfs.FileOps: nothing is watched any more.
func (ep *Epoll) Release(*vfs.File) {
	nesting.Lock()
	defer nesting.Unlock()
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for _, list := range ep.items {
		for _, i := range list {
			if target, ok := i.file.Ops.(*Epoll); ok {
				target.forget(ep)
			}
			ep.remove(i)
		}
	}
}

// forget drops a parent, with nesting held.
func (ep *Epoll) forget(parent *Epoll) {
	if ep.parents[parent]--; ep.parents[parent] <= 0 {
		delete(ep.parents, parent)
	}
}

// children lists the epoll files that ep watches, with nesting held.
func (ep *Epoll) children() (list []*Epoll) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for _, items := range ep.items {
		for _, i := range items {
			if child, ok := i.file.Ops.(*Epoll); ok && i.alive() {
				list = append(list, child)
			}
		}
	}
	return list
}

// reaches reports whether ep watches to, directly or through others.
func (ep *Epoll) reaches(to *Epoll) bool {
	if ep == to {
		return true
	}
	for _, child := range ep.children() {
		if child.reaches(to) {
			return true
		}
	}
	return false
}

// below and above are the longest chains of epoll files from ep down and up, ep included.
func (ep *Epoll) below() (n int) {
	for _, child := range ep.children() {
		n = max(n, child.below())
	}
	return n + 1
}

func (ep *Epoll) above() (n int) {
	for parent := range ep.parents {
		n = max(n, parent.above())
	}
	return n + 1
}
