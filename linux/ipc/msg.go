package ipc

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

// Limits of message queues: /proc/sys/kernel/msgmni, msgmax, msgmnb.
const (
	maxQueues     = 32000
	MaxMessage    = 8192
	maxQueueBytes = 16384
)

// Flags of msgrcv(2).
const (
	NoError = 0o10000
	Except  = 0o20000
	Copy    = 0o40000
)

// Message is one in a queue.
type Message struct {
	Type int64
	Text []byte
}

// Queue is a message queue.
type Queue struct {
	table *table[*Queue]
	wait  wait.Queue // woken when there is a message, room, or the queue goes

	mu       sync.Mutex // guards the rest; leaf
	perm     Perm
	messages []Message
	bytes    int
	limit    int
	gone     bool

	stime, rtime, ctime      int64
	lastSender, lastReceiver int32
}

func (q *Queue) permission() *Perm { return &q.perm }
func (q *Queue) lock()             { q.mu.Lock() }
func (q *Queue) unlock()           { q.mu.Unlock() }

// QueueInfo is struct msqid_ds.
type QueueInfo struct {
	Perm
	STime, RTime, CTime      int64
	Bytes, Messages, Limit   uint64
	LastSender, LastReceiver int32
}

// Msgget is msgget(2).
func (ns *Namespace) Msgget(c Caller, key int32, flags uint32) (int32, error) {
	return ns.msg.get(c.Cred, key, flags, func(*Queue) error { return nil }, func() (*Queue, error) {
		return &Queue{table: &ns.msg, perm: ns.newPerm(c.Cred, key, flags), limit: maxQueueBytes, ctime: seconds()}, nil
	})
}

// sleep waits for news of the queue, whose lock the caller holds and has again
// afterwards. The entry is registered before the lock is let go of, so that nothing is
// missed. EIDRM once the queue has gone.
func (q *Queue) sleep(c Caller) error {
	e := wait.Entry{To: c.Waiter, Events: wait.All}
	q.wait.Add(&e)
	q.mu.Unlock()
	err := c.Waiter.Sleep(wait.Forever)
	q.wait.Remove(&e)
	q.mu.Lock()
	switch {
	case q.gone:
		return unix.EIDRM
	case err == abi.ERESTARTSYS:
		return abi.ERESTARTNOHAND // never restarted after a handler: signal(7)
	}
	return err
}

// Msgsnd is msgsnd(2), after the checks of type and size.
func (ns *Namespace) Msgsnd(c Caller, id int32, m Message, flags uint32) error {
	q, err := ns.msg.find(id)
	if err != nil {
		return err
	}
	defer q.unlock()
	for {
		if err := q.perm.allows(c.Cred, write); err != nil {
			return err
		}
		if q.bytes+len(m.Text) <= q.limit && len(q.messages)+1 <= q.limit {
			break
		}
		if flags&NoWait != 0 {
			return unix.EAGAIN
		}
		if err := q.sleep(c); err != nil {
			return err
		}
	}
	q.messages = append(q.messages, m)
	q.bytes += len(m.Text)
	q.stime, q.lastSender = seconds(), c.PID
	q.wait.Wake(wait.In)
	return nil
}

// Msgrcv is msgrcv(2): it takes the message that typ selects, of at most room bytes.
func (ns *Namespace) Msgrcv(c Caller, id int32, room uint64, typ int64, flags uint32) (Message, error) {
	if flags&Copy != 0 && (flags&Except != 0 || flags&NoWait == 0) {
		return Message{}, unix.EINVAL
	}
	q, err := ns.msg.find(id)
	if err != nil {
		return Message{}, err
	}
	defer q.unlock()
	for {
		if err := q.perm.allows(c.Cred, read); err != nil {
			return Message{}, err
		}
		if i := q.find(typ, flags); i >= 0 {
			return q.take(c, i, room, flags)
		}
		if flags&NoWait != 0 {
			return Message{}, unix.ENOMSG
		}
		if err := q.sleep(c); err != nil {
			return Message{}, err
		}
	}
}

// find returns the index of the message that msgrcv means, or -1.
func (q *Queue) find(typ int64, flags uint32) int {
	if flags&Copy != 0 {
		if typ >= 0 && typ < int64(len(q.messages)) {
			return int(typ)
		}
		return -1
	}
	best := -1
	for i := range q.messages {
		t := q.messages[i].Type
		switch {
		case typ == 0, typ > 0 && flags&Except != 0 && t != typ, typ > 0 && flags&Except == 0 && t == typ:
			return i
		case typ < 0 && t <= -typ && (best < 0 || t < q.messages[best].Type):
			best = i
		}
	}
	return best
}

func (q *Queue) take(c Caller, i int, room uint64, flags uint32) (Message, error) {
	m := q.messages[i]
	n := len(m.Text)
	if room < uint64(n) {
		if flags&NoError == 0 {
			return Message{}, unix.E2BIG
		}
		m.Text = m.Text[:room]
	}
	if flags&Copy != 0 {
		return m, nil
	}
	q.messages = append(q.messages[:i:i], q.messages[i+1:]...)
	q.bytes -= n
	q.rtime, q.lastReceiver = seconds(), c.PID
	q.wait.Wake(wait.Out)
	return m, nil
}

func (q *Queue) info() QueueInfo {
	return QueueInfo{
		Perm: q.perm, STime: q.stime, RTime: q.rtime, CTime: q.ctime, Bytes: uint64(q.bytes),
		Messages: uint64(len(q.messages)), Limit: uint64(q.limit),
		LastSender: q.lastSender, LastReceiver: q.lastReceiver,
	}
}

// MsgStat is IPC_STAT, and with byIndex MSG_STAT; any says not to check rights.
func (ns *Namespace) MsgStat(c Caller, id int32, byIndex, any bool) (QueueInfo, error) {
	q, err := pick(&ns.msg, id, byIndex)
	if err != nil {
		return QueueInfo{}, err
	}
	defer q.unlock()
	if !any {
		if err := q.perm.allows(c.Cred, read); err != nil {
			return QueueInfo{}, err
		}
	}
	return q.info(), nil
}

// MsgSet is IPC_SET: limit is msg_qbytes, which only CAP_SYS_RESOURCE may raise above
// the default.
func (ns *Namespace) MsgSet(c Caller, id int32, to Perm, limit uint64) error {
	q, err := ns.msg.own(c.Cred, id)
	if err != nil {
		return err
	}
	defer q.unlock()
	if limit > maxQueueBytes && !c.Cred.Capable(unix.CAP_SYS_RESOURCE) {
		return unix.EPERM
	}
	if err := q.perm.set(to); err != nil {
		return err
	}
	q.limit = int(min(limit, 1<<40))
	q.ctime = seconds()
	q.wait.Wake(wait.All) // rights and room may be others
	return nil
}

// MsgRemove is IPC_RMID.
func (ns *Namespace) MsgRemove(c Caller, id int32) error {
	q, err := ns.msg.own(c.Cred, id)
	if err != nil {
		return err
	}
	q.unlock()
	q.remove()
	return nil
}

func (q *Queue) remove() {
	q.table.remove(q)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = true
	q.messages = nil
	q.wait.Wake(wait.All)
}

// MsgUsage is how much there is: queues, messages, their bytes, and the highest index.
func (ns *Namespace) MsgUsage() (queues, messages, bytes int, highest int32) {
	for _, q := range ns.msg.all() {
		q.lock()
		messages += len(q.messages)
		bytes += q.bytes
		q.unlock()
	}
	highest, queues = ns.msg.highest()
	return queues, messages, bytes, highest
}

// Queues lists what there is: /proc/sysvipc/msg.
func (ns *Namespace) Queues() (list []QueueInfo) {
	for _, q := range ns.msg.all() {
		q.lock()
		list = append(list, q.info())
		q.unlock()
	}
	return list
}
