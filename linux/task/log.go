package task

import "fmt"

// describe names the task and the system call that it is in, for the kernel log.
func (t *Task) describe() string {
	process, thread := t.IDs()
	return fmt.Sprintf("%s[%d.%d] in system call %d(%#x)", t.Name(), process, thread, t.Call.Number, t.Call.Args)
}

func describePanic(p any) string { return fmt.Sprint(p) }

// log writes a line about the task to the kernel log.
func (t *Task) log(text string) {
	if t.Kernel.Log != nil {
		process, _ := t.IDs()
		t.Kernel.Log(3, fmt.Sprintf("%s[%d]: %s", t.Name(), process, text))
	}
}

// Log writes a line to the kernel log, at a level of syslog(2).
func (t *Task) Log(level int, text string) {
	if t.Kernel.Log != nil {
		t.Kernel.Log(level, text)
	}
}
