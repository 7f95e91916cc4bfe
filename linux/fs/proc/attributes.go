package proc

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
)

// parseInt reads the number that a program has written, with white space around it, in
// any base that C knows.
func parseInt(data []byte, bits int) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 0, bits)
	if err != nil {
		return 0, unix.EINVAL
	}
	return n, nil
}

func showPersonality(v *view) error {
	if !v.permitted() {
		return unix.EPERM
	}
	v.printf("%08x\n", v.t.Personality())
	return nil
}

// Bounds of oom_score_adj, and of oom_adj, which it replaces.
const (
	maxScoreAdj = 1000
	noKill      = -17 // oom_adj: never
	maxAdj      = 15
)

// showOOMScore is the badness that an OOM killer would see: 2/3 of what it would be without
// an adjustment, so that it stays positive (Linux since 5.9).
func showOOMScore(v *view) error {
	score := (maxScoreAdj + v.memoryShare() + v.g.OOMScoreAdj()) * 2 / 3
	v.printf("%d\n", max(score, 0))
	return nil
}

func showOOMScoreAdj(v *view) error {
	v.printf("%d\n", v.g.OOMScoreAdj())
	return nil
}

func storeOOMScoreAdj(v *view, data []byte) error {
	n, err := parseInt(data, 32)
	if err != nil {
		return err
	}
	if n < -maxScoreAdj || n > maxScoreAdj {
		return unix.EINVAL
	}
	return v.g.SetOOMScoreAdj(task.Of(v.c), int(n))
}

func showOOMAdj(v *view) error {
	adj := v.g.OOMScoreAdj()
	n := adj * -noKill / maxScoreAdj
	if adj == maxScoreAdj {
		n = maxAdj
	}
	v.printf("%d\n", n)
	return nil
}

func storeOOMAdj(v *view, data []byte) error {
	n, err := parseInt(data, 32)
	if err != nil {
		return err
	}
	if n < noKill || n > maxAdj {
		return unix.EINVAL
	}
	adj := int(n) * maxScoreAdj / -noKill
	if n == maxAdj {
		adj = maxScoreAdj
	}
	return v.g.SetOOMScoreAdj(task.Of(v.c), adj)
}

// showNoAudit is loginuid and sessionid of a task that nobody has logged in.
func showNoAudit(v *view) error {
	v.WriteString("4294967295")
	return nil
}

func showCoreFilter(v *view) error {
	v.printf("%08x\n", v.g.CoreFilter())
	return nil
}

func storeCoreFilter(v *view, data []byte) error {
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 0, 32)
	if err != nil {
		return unix.EINVAL
	}
	v.g.SetCoreFilter(uint32(n))
	return nil
}

// showIO is io. What reached a disk is not counted by process: there is no swap, and files
// are written back by others.
func showIO(v *view) error {
	u := v.t.Used()
	if v.in == ofProcess {
		u = v.g.Usage()
	}
	v.printf("rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 0\n",
		u.ReadBytes, u.WrittenBytes, u.Reads, u.Writes, u.InBlocks*512, u.OutBlocks*512)
	return nil
}

// mayNice is the check of timerslack_ns: CAP_SYS_NICE, but for a task's own.
func (v *view) mayNice() error {
	if by := task.Of(v.c); by != nil && by != v.t && !by.Capable(unix.CAP_SYS_NICE) {
		return unix.EPERM
	}
	return nil
}

func showTimerSlack(v *view) error {
	if err := v.mayNice(); err != nil {
		return err
	}
	v.printf("%d\n", v.t.TimerSlack())
	return nil
}

func storeTimerSlack(v *view, data []byte) error {
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 0, 64)
	if err != nil {
		return unix.EINVAL
	}
	if err := v.mayNice(); err != nil {
		return err
	}
	v.t.SetTimerSlack(n)
	return nil
}
