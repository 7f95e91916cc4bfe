package mqueue

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Message is one in a queue.
type Message struct {
	Priority uint32
	Text     []byte
}

// Queue is a message queue. Who waits for a message gets it from its sender directly, in
// the order in which they came, and the message of who waits for room is taken in by who
// makes it.
type Queue struct {
	fs      *FS
	uid     uint32
	charged uint64
	max     int
	size    int

	poll wait.Queue

	mu        sync.Mutex // guards the rest; taken before poll's lock
	messages  []Message  // highest priority first, the oldest of one first
	bytes     int
	receivers []*waiter
	senders   []*waiter
	notify    *notification // mq_notify; nil for none
}

// waiter is a task that waits for a message, or for room for one.
type waiter struct {
	w    *wait.Waiter
	m    Message
	done bool
}

// notification is what mq_notify asked for.
type notification struct {
	event task.SigEvent
	owner *task.Task
	group int // its process
}

func (n *notification) how() int {
	if n == nil {
		return 0
	}
	return n.event.Notify
}

func (n *notification) signo() int {
	if n == nil || n.event.Notify != task.NotifySignal {
		return 0
	}
	return int(n.event.Signo)
}

func (n *notification) pid() int {
	if n == nil {
		return 0
	}
	return n.group
}

// File is an open queue.
type File struct {
	vfs.DefaultOps
	Q *Queue
}

// Attr is what mq_getattr(3) tells of the queue.
func (q *Queue) Attr() Attr {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Attr{Max: int64(q.max), Size: int64(q.size), Now: int64(len(q.messages))}
}

// MessageSize is how long a message may be.
func (q *Queue) MessageSize() int { return q.size }

// Send is mq_timedsend(2): it waits for room until the deadline on the clock of wait.Now,
// unless block is false.
func (q *Queue) Send(t *task.Task, m Message, block bool, deadline time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) < q.max {
		q.deliver(t, m)
		return nil
	}
	if !block {
		return unix.EAGAIN
	}
	w := &waiter{w: t.Waiter, m: m}
	q.senders = append(q.senders, w)
	return q.sleep(&q.senders, w, deadline)
}

// Receive is mq_timedreceive(2).
func (q *Queue) Receive(t *task.Task, block bool, deadline time.Duration) (Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) > 0 {
		m := q.messages[0]
		q.messages = slices.Delete(q.messages, 0, 1)
		q.bytes -= len(m.Text)
		if len(q.senders) > 0 {
			w := q.senders[0]
			q.senders = q.senders[1:]
			q.insert(w.m)
			w.finish()
		}
		q.poll.Wake(wait.Out | wait.WrNorm)
		return m, nil
	}
	if !block {
		return Message{}, unix.EAGAIN
	}
	w := &waiter{w: t.Waiter}
	q.receivers = append(q.receivers, w)
	err := q.sleep(&q.receivers, w, deadline)
	return w.m, err
}

// sleep waits until w is done. The caller holds q.mu.
func (q *Queue) sleep(list *[]*waiter, w *waiter, deadline time.Duration) (err error) {
	for !w.done && err == nil {
		q.mu.Unlock()
		err = w.w.Sleep(deadline)
		q.mu.Lock()
	}
	if w.done {
		return nil
	}
	*list = slices.DeleteFunc(*list, func(o *waiter) bool { return o == w })
	return err
}

func (w *waiter) finish() {
	w.done = true
	w.w.Wake()
}

// deliver gives a message to who waits for one, or puts it into the queue. Where that was
// empty, who asked to be told is.
func (q *Queue) deliver(t *task.Task, m Message) {
	if len(q.receivers) > 0 {
		w := q.receivers[0]
		q.receivers = q.receivers[1:]
		w.m = m
		w.finish()
		return
	}
	q.insert(m)
	if len(q.messages) == 1 && q.notify != nil {
		n := q.notify
		q.notify = nil
		n.tell(t)
	}
	q.poll.Wake(wait.In | wait.RdNorm)
}

func (q *Queue) insert(m Message) {
	i := len(q.messages)
	for i > 0 && q.messages[i-1].Priority < m.Priority {
		i--
	}
	q.messages = slices.Insert(q.messages, i, m)
	q.bytes += len(m.Text)
}

// tell sends the signal that n's owner asked for, because of t.
func (n *notification) tell(t *task.Task) {
	if n.event.Notify != task.NotifySignal {
		return
	}
	sender := int32(t.Group.IDIn(n.owner.PIDNamespace()))
	info := abi.Kill(n.event.Signo, abi.SI_MESGQ, sender, n.owner.Cred().User.ShowUID(t.Cred().UID))
	info.SetValue(n.event.Value)
	n.owner.Group.SignalGroup(&info)
}

// Notify is mq_notify(2): event is nil to withdraw what the caller's process asked for. EBUSY
// where somebody has asked.
func (q *Queue) Notify(t *task.Task, event *task.SigEvent) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if event == nil {
		q.withdraw(t)
		return nil
	}
	if q.notify != nil {
		return unix.EBUSY
	}
	q.notify = &notification{event: *event, owner: t, group: int(t.Group.ID())}
	return nil
}

func (q *Queue) withdraw(t *task.Task) {
	if q.notify != nil && t != nil && q.notify.owner.Group == t.Group {
		q.notify = nil
	}
}

// Flush implements vfs.FileOps: to close any descriptor of a queue withdraws the process's
// notification (mq_close(3)).
func (f *File) Flush(c *vfs.Context, _ *vfs.File) error {
	f.Q.mu.Lock()
	defer f.Q.mu.Unlock()
	f.Q.withdraw(task.Of(c))
	return nil
}

// Poll implements vfs.FileOps.
func (f *File) Poll(_ *vfs.File, e *wait.Entry) (ev wait.Events) {
	q := f.Q
	if e != nil {
		q.poll.Add(e)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) > 0 {
		ev |= wait.In | wait.RdNorm
	}
	if len(q.messages) < q.max {
		ev |= wait.Out | wait.WrNorm
	}
	return ev
}

// Unpoll implements vfs.FileOps.
func (f *File) Unpoll(_ *vfs.File, e *wait.Entry) { f.Q.poll.Remove(e) }
