package diag

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/fs/pseudo"
	"kevlar/linux/klog"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/machine"
)

// /proc/kevlar/crash breaks the kernel on purpose, so that one can see what it does then:
// what /proc/sysrq-trigger is on Linux. Root alone may write it.

// crash is a way to break.
type crash struct {
	word string
	do   func(d *Diagnosis)
}

var crashes = []crash{
	{"panic", func(*Diagnosis) { crashPanic() }},                           // in the system call: kills the task
	{"driver", func(*Diagnosis) { go crashNil(nil); park() }},              // a nil dereference outside of any task
	{"throw", func(*Diagnosis) { new(sync.Mutex).Unlock() }},               // an error that the Go runtime does not survive
	{"memory", func(*Diagnosis) { crashMemory() }},                         // the kernel's heap eats everything
	{"hang", func(*Diagnosis) { crashHang() }},                             // the system call never ends, and uses a CPU
	{"lock", func(*Diagnosis) { crashLock() }},                             // it waits for a lock that nobody lets go of
	{"exit", func(d *Diagnosis) { d.k.Machine.Stop(machine.PowerOff, 0) }}, // the machine ends without a word
}

// crashFile is the file.
func (d *Diagnosis) crashFile() *pseudo.Text {
	return &pseudo.Text{
		Show: func(_ *vfs.Context, w *bytes.Buffer) error {
			for _, c := range crashes {
				w.WriteString(c.word + "\n")
			}
			return nil
		},
		Store: func(c *vfs.Context, data []byte) error {
			// Where root is some user of a namespace, the file's mode has refused it.
			if !c.Capable(unix.CAP_SYS_BOOT) {
				return unix.EPERM
			}
			word := strings.TrimSpace(string(data))
			i := slices.IndexFunc(crashes, func(e crash) bool { return e.word == word })
			if i < 0 {
				return unix.EINVAL
			}
			name := "the kernel"
			if t := task.Of(c); t != nil {
				name = t.Name()
			}
			klog.Printf(klog.Alert, "%s asks for a crash: %s", name, word)
			crashes[i].do(d)
			return nil
		},
	}
}

// They are functions of their own in every trace.

//go:noinline
func crashPanic() {
	var m map[string]int
	m["crash"]++ // panics: the map is nil
}

//go:noinline
func crashNil(p *machine.Info) { klog.Log(klog.Debug, p.Model) }

// park keeps the caller while the machine ends.
func park() { select {} }

// hog is what crashMemory has got.
var hog [][]byte

//go:noinline
func crashMemory() {
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		hog = append(hog, b)
	}
}

// spins is where crashHang counts, so that its loop is one.
var spins uint64

//go:noinline
func crashHang() {
	for {
		spins++
	}
}

//go:noinline
func crashLock() {
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
	runtime.KeepAlive(&mu)
}
