package ipc

import (
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
)

// Limits of semaphores: /proc/sys/kernel/sem.
const (
	maxSets    = 32000
	maxPerSet  = 32000
	maxInAll   = 1_024_000_000
	MaxSemOps  = 500
	maxValue   = 32767
	maxAdjust  = 32767
	semUndoBit = 0x1000
)

// SemUndo is SEM_UNDO of semop(2).
const SemUndo = semUndoBit

// SemOp is struct sembuf.
type SemOp struct {
	Num   uint16
	Op    int16
	Flags uint16
}

// Set is a set of semaphores.
type Set struct {
	table *table[*Set]

	mu      sync.Mutex // guards the rest; taken before Undo.mu
	perm    Perm
	values  []int16
	pids    []int32 // who changed each last
	pending []*sleeper
	undos   map[*Undo][]int16
	gone    bool
	otime   int64
	ctime   int64
}

func (s *Set) permission() *Perm { return &s.perm }
func (s *Set) lock()             { s.mu.Lock() }
func (s *Set) unlock()           { s.mu.Unlock() }

// sleeper is a semop that waits. Whoever changes the set does it for the sleeper, in the
// order in which they came, so that nobody starves whose turn has come.
type sleeper struct {
	c       Caller
	ops     []SemOp
	undo    *Undo
	blocker SemOp // the operation that cannot be done yet
	done    bool
	err     error
}

// Undo is what a process takes back when it ends: SEM_UNDO. Threads may share one
// (CLONE_SYSVSEM).
type Undo struct {
	mu   sync.Mutex // guards the rest; leaf
	refs int
	sets map[*Set]struct{}
}

// NewUndo returns an Undo with one reference.
func NewUndo() *Undo { return &Undo{refs: 1, sets: make(map[*Set]struct{})} }

// Ref adds a reference.
func (u *Undo) Ref() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refs++
}

// Release drops a reference of process pid; the last takes back what was done.
func (u *Undo) Release(pid int32) {
	u.mu.Lock()
	var sets []*Set
	if u.refs--; u.refs == 0 {
		sets = slices.Collect(maps.Keys(u.sets))
	}
	u.mu.Unlock()
	for _, s := range sets {
		s.takeBack(u, pid)
	}
}

func (u *Undo) add(s *Set) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sets[s] = struct{}{}
}

func (u *Undo) forget(s *Set) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.sets, s)
}

func (s *Set) takeBack(u *Undo, pid int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, adjust := range s.undos[u] {
		if adjust != 0 {
			v := int(s.values[i]) + int(adjust)
			s.values[i], s.pids[i] = int16(min(max(v, 0), maxValue)), pid
		}
	}
	delete(s.undos, u)
	s.otime = seconds()
	s.update()
}

// SetInfo is struct semid_ds.
type SetInfo struct {
	Perm
	OTime, CTime int64
	Number       uint64
}

// Semget is semget(2).
func (ns *Namespace) Semget(c Caller, key int32, n int, flags uint32) (int32, error) {
	if n < 0 || n > maxPerSet {
		return 0, unix.EINVAL
	}
	fits := func(s *Set) error {
		if n > len(s.values) {
			return unix.EINVAL
		}
		return nil
	}
	return ns.sem.get(c.Cred, key, flags, fits, func() (*Set, error) {
		if n == 0 {
			return nil, unix.EINVAL
		}
		return &Set{
			table: &ns.sem, perm: ns.newPerm(c.Cred, key, flags), values: make([]int16, n), pids: make([]int32, n),
			undos: make(map[*Undo][]int16), ctime: seconds(),
		}, nil
	})
}

// Semop is semtimedop(2) with a deadline on wait.Now's clock: all operations happen or
// none. undo is the caller's, for operations with SEM_UNDO.
func (ns *Namespace) Semop(c Caller, id int32, ops []SemOp, undo *Undo, deadline time.Duration) error {
	s, err := ns.sem.find(id)
	if err != nil {
		return err
	}
	defer s.unlock()
	want, undoes := uint32(read), false
	for _, op := range ops {
		if int(op.Num) >= len(s.values) {
			return unix.EFBIG
		}
		if op.Op != 0 {
			want = write
		}
		undoes = undoes || op.Flags&SemUndo != 0
	}
	if err := s.perm.allows(c.Cred, want); err != nil {
		return err
	}
	if undoes && s.undos[undo] == nil {
		s.undos[undo] = make([]int16, len(s.values))
		undo.add(s)
	}
	w := &sleeper{c: c, ops: ops, undo: undo}
	switch done, err := s.try(w); {
	case err != nil:
		return err
	case done:
		s.update()
		return nil
	}
	s.pending = append(s.pending, w)
	defer func() { s.pending = slices.DeleteFunc(s.pending, func(o *sleeper) bool { return o == w }) }()
	for !w.done {
		s.mu.Unlock()
		err := c.Waiter.Sleep(deadline)
		s.mu.Lock()
		switch {
		case w.done:
		case err == unix.ETIMEDOUT:
			return unix.EAGAIN
		case err == abi.ERESTARTSYS:
			return unix.EINTR // never restarted: signal(7)
		}
	}
	return w.err
}

// try does the operations of w, or finds that it must wait (false) or fails. It does
// nothing then.
func (s *Set) try(w *sleeper) (done bool, err error) {
	n := 0
	adjust := s.undos[w.undo]
	for ; n < len(w.ops); n++ {
		op := w.ops[n]
		v := int(s.values[op.Num]) + int(op.Op)
		if op.Op == 0 && v != 0 || v < 0 {
			w.blocker = op
			if op.Flags&NoWait != 0 {
				err = unix.EAGAIN
			}
			break
		}
		if v > maxValue {
			err = unix.ERANGE
			break
		}
		if op.Flags&SemUndo != 0 {
			a := int(adjust[op.Num]) - int(op.Op)
			if a < -maxAdjust-1 || a > maxAdjust {
				err = unix.ERANGE
				break
			}
			adjust[op.Num] = int16(a)
		}
		s.values[op.Num] = int16(v)
	}
	if n < len(w.ops) {
		for n--; n >= 0; n-- {
			op := w.ops[n]
			s.values[op.Num] -= op.Op
			if op.Flags&SemUndo != 0 {
				adjust[op.Num] += op.Op
			}
		}
		return false, err
	}
	for _, op := range w.ops {
		s.pids[op.Num] = w.c.PID
	}
	s.otime = seconds()
	return true, nil
}

// update lets sleepers whose operations are possible now go on.
func (s *Set) update() {
	for again := true; again; {
		again = false
		for i, w := range s.pending {
			done, err := s.try(w)
			if !done && err == nil {
				continue
			}
			w.done, w.err = true, err
			s.pending = slices.Delete(slices.Clone(s.pending), i, i+1)
			w.c.Waiter.Wake()
			again = true
			break
		}
	}
}

// semGet looks at a set as semctl's GET commands do.
func (ns *Namespace) semGet(c Caller, id int32, do func(s *Set) error) error {
	s, err := ns.sem.find(id)
	if err != nil {
		return err
	}
	defer s.unlock()
	if err := s.perm.allows(c.Cred, read); err != nil {
		return err
	}
	return do(s)
}

// SemState is what semctl tells of one semaphore: its value, who changed it last, and
// how many wait for it to grow or to become zero.
type SemState struct {
	Value         int
	PID           int32
	Growth, Zeros int
}

// SemOne is semctl's GETVAL, GETPID, GETNCNT and GETZCNT.
func (ns *Namespace) SemOne(c Caller, id int32, num int) (st SemState, err error) {
	err = ns.semGet(c, id, func(s *Set) error {
		if num < 0 || num >= len(s.values) {
			return unix.EINVAL
		}
		st.Value, st.PID = int(s.values[num]), s.pids[num]
		for _, w := range s.pending {
			switch {
			case int(w.blocker.Num) != num:
			case w.blocker.Op == 0:
				st.Zeros++
			default:
				st.Growth++
			}
		}
		return nil
	})
	return st, err
}

// SemAll is GETALL.
func (ns *Namespace) SemAll(c Caller, id int32) (values []int16, err error) {
	err = ns.semGet(c, id, func(s *Set) error { values = slices.Clone(s.values); return nil })
	return values, err
}

// SemSetOne is SETVAL.
func (ns *Namespace) SemSetOne(c Caller, id int32, num, value int) error {
	if value < 0 || value > maxValue {
		return unix.ERANGE
	}
	s, err := ns.sem.find(id)
	if err != nil {
		return err
	}
	defer s.unlock()
	if num < 0 || num >= len(s.values) {
		return unix.EINVAL
	}
	if err := s.perm.allows(c.Cred, write); err != nil {
		return err
	}
	s.assign(num, value, c.PID)
	s.ctime = seconds()
	s.update()
	return nil
}

// assign sets a semaphore's value, and forgets what was to be undone of it.
func (s *Set) assign(num, value int, pid int32) {
	for _, adjust := range s.undos {
		adjust[num] = 0
	}
	s.values[num], s.pids[num] = int16(value), pid
}

// SemSetAll is SETALL: values gets the number of semaphores and returns their values.
func (ns *Namespace) SemSetAll(c Caller, id int32, values func(n int) ([]uint16, error)) error {
	s, err := ns.sem.find(id)
	if err != nil {
		return err
	}
	err = s.perm.allows(c.Cred, write)
	n := len(s.values)
	s.unlock()
	if err != nil {
		return err
	}
	v, err := values(n) // reads user memory: without the lock
	if err != nil {
		return err
	}
	for _, x := range v {
		if x > maxValue {
			return unix.ERANGE
		}
	}
	s.lock()
	defer s.unlock()
	if s.gone {
		return unix.EIDRM
	}
	for i, x := range v {
		s.assign(i, int(x), c.PID)
	}
	s.ctime = seconds()
	s.update()
	return nil
}

func (s *Set) info() SetInfo {
	return SetInfo{Perm: s.perm, OTime: s.otime, CTime: s.ctime, Number: uint64(len(s.values))}
}

// SemStat is IPC_STAT, and with byIndex SEM_STAT; any says not to check rights.
func (ns *Namespace) SemStat(c Caller, id int32, byIndex, any bool) (SetInfo, error) {
	s, err := pick(&ns.sem, id, byIndex)
	if err != nil {
		return SetInfo{}, err
	}
	defer s.unlock()
	if !any {
		if err := s.perm.allows(c.Cred, read); err != nil {
			return SetInfo{}, err
		}
	}
	return s.info(), nil
}

// SemSet is IPC_SET.
func (ns *Namespace) SemSet(c Caller, id int32, to Perm) error {
	s, err := ns.sem.own(c.Cred, id)
	if err != nil {
		return err
	}
	defer s.unlock()
	if err := s.perm.set(to); err != nil {
		return err
	}
	s.ctime = seconds()
	return nil
}

// SemRemove is IPC_RMID.
func (ns *Namespace) SemRemove(c Caller, id int32) error {
	s, err := ns.sem.own(c.Cred, id)
	if err != nil {
		return err
	}
	s.unlock()
	s.remove()
	return nil
}

func (s *Set) remove() {
	s.table.remove(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for _, w := range s.pending {
		w.done, w.err = true, unix.EIDRM
		w.c.Waiter.Wake()
	}
	s.pending = nil
	for u := range s.undos {
		u.forget(s)
	}
	clear(s.undos)
}

// SemUsage is how much there is: sets, semaphores, and the highest index.
func (ns *Namespace) SemUsage() (sets, semaphores int, highest int32) {
	for _, s := range ns.sem.all() {
		semaphores += len(s.values)
	}
	highest, sets = ns.sem.highest()
	return sets, semaphores, highest
}

// Sets lists what there is: /proc/sysvipc/sem.
func (ns *Namespace) Sets() (list []SetInfo) {
	for _, s := range ns.sem.all() {
		s.lock()
		list = append(list, s.info())
		s.unlock()
	}
	return list
}
