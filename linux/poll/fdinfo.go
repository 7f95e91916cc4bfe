package poll

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"kevlar/linux/wait"
)

// What /proc/PID/fdinfo tells of these files: proc(5).

// FDInfo implements proc.FDInfo.
func (e *Eventfd) FDInfo(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fmt.Fprintf(w, "eventfd-count: %16x\n", e.count)
}

// FDInfo implements proc.FDInfo: a line for each watched file.
func (ep *Epoll) FDInfo(w io.Writer) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for _, fd := range slices.Sorted(maps.Keys(ep.items)) {
		for _, i := range ep.items[fd] {
			if !i.alive() {
				continue
			}
			inode := i.file.Inode()
			fmt.Fprintf(w, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n",
				fd, i.event.Events, i.event.Data, i.file.Pos(), inode.Ino, inode.SB.Dev)
		}
	}
}

// FDInfo implements proc.FDInfo.
func (t *Timerfd) FDInfo(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, ticks := wait.Now(), 0
	if t.armed && now >= t.next {
		ticks = 1 // the others are counted when it is read
	}
	left := t.left(now)
	fmt.Fprintf(w, "clockid: %d\nticks: %d\nsettime flags: 0%o\n", t.id, ticks, t.flags)
	fmt.Fprintf(w, "it_value: (%d, %d)\n", left/time.Second, left%time.Second)
	fmt.Fprintf(w, "it_interval: (%d, %d)\n", t.every/time.Second, t.every%time.Second)
}
