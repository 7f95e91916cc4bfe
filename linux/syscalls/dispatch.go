package syscalls

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/trace"
)

//go:generate go test . -run Compatibility -update

// families are the rows of the table, one slice per file of this package.
var families = [][]Row{
	processRows,
	execRows,
	fileRows,
	pipeRows,
	fcntlRows,
	ioctlRows,
	lockRows,
	memfdRows,
	spliceRows,
	fsRows,
	fsDirRows,
	fsLinkRows,
	fsAttrRows,
	mountRows,
	openat2Rows,
	xattrRows,
	inotifyRows,
	signalRows,
	credRows,
	timeRows,
	pollRows,
	epollRows,
	eventfdRows,
	timerfdRows,
	socketRows,
	ttyRows,
	syslogRows,
	mmRows,
	futexRows,
	schedRows,
	unameRows,
	randomRows,
	prctlRows,
	timersRows,
	signalfdRows,
	pidfdRows,
	ptraceRows,
	seccompRows,
	mqueueRows,
	rseqRows,
	systemRows,
	namespaceRows,
	shmRows,
	semRows,
	msgRows,
}

// tableSize is more than the highest system call number of either architecture.
const tableSize = 512

// table is dense: a number finds its row without a search. plain are the rows' handlers, where
// they have one.
var table, plain = build(families)

// handlers are those that calls get: plain or, while calls are traced, a table that has
// tracedRow in their places. So the tracer costs a call that is not traced nothing.
var handlers atomic.Pointer[[tableSize]Handler]

func init() {
	var traced [tableSize]Handler
	for nr, do := range plain {
		if do != nil {
			traced[nr] = tracedRow
		}
	}
	handlers.Store(&plain)
	trace.Watch(func(c trace.Class) {
		if c&trace.Syscall != 0 {
			handlers.Store(&traced)
		} else {
			handlers.Store(&plain)
		}
	})
}

// unknown counts calls without a row, beyond those whose numbers the table does not reach.
var (
	unknown [tableSize]atomic.Int64
	beyond  atomic.Int64
)

func build(families [][]Row) (t [tableSize]*Row, do [tableSize]Handler) {
	for _, rows := range families {
		for i := range rows {
			nr, ok := abi.Number(rows[i].Name)
			if !ok {
				continue // another architecture's
			}
			if t[nr] != nil {
				panic(fmt.Sprintf("syscalls: %s has two rows", rows[i].Name))
			}
			t[nr], do[nr] = &rows[i], rows[i].Do
		}
	}
	return t, do
}

// Dispatch does the system call in t.Call. It is task.Kernel's Dispatch.
func Dispatch(t *task.Task) (uint64, error) {
	nr := t.Call.Number
	if nr < tableSize {
		if do := handlers.Load()[nr]; do != nil {
			return do(t, (*Args)(&t.Call.Args))
		}
		unknown[nr].Add(1)
	} else {
		beyond.Add(1)
	}
	if trace.On(trace.Syscall) {
		return traced(t, &noRow)
	}
	return 0, unix.ENOSYS
}

// Unknown returns how often each call without an implementation was made, by name
// where it has one.
func Unknown() map[string]int64 {
	m := make(map[string]int64)
	names := make(map[int]string)
	for name, nr := range abi.Names() {
		names[nr] = name
	}
	for nr := range unknown {
		if n := unknown[nr].Load(); n > 0 {
			name := names[nr]
			if name == "" {
				name = fmt.Sprint(nr)
			}
			m[name] = n
		}
	}
	if n := beyond.Load(); n > 0 {
		m[fmt.Sprintf("%d and above", tableSize)] = n
	}
	return m
}
