// Package task owns processes and threads: their life from clone to wait, signals,
// credentials, sessions and process groups, namespaces and scheduling policy.
package task

// Task is one thread, as Linux's scheduler and gettid see it. It is a goroutine:
// its run loop enters user mode, and serves what stopped it.
type Task struct{}
