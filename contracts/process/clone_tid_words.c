// clone(2): CLONE_PARENT_SETTID, CLONE_CHILD_SETTID and CLONE_CHILD_CLEARTID write the id where they say.
#include "contract.h"

int main(void)
{
	struct shared { _Atomic int parent, child, clear; } *s =
		mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD;
#ifdef __x86_64__
	pid_t pid = syscall(SYS_clone, flags, 0, &s->parent, &s->child, 0);
#else
	pid_t pid = syscall(SYS_clone, flags, 0, &s->parent, 0, &s->child);
#endif
	if (pid == 0) {
		IS("child's word is its id", s->child == thread_id());
		_exit(0);
	}
	REAP(pid);
	IS("parent's word is the id", s->parent == pid);
	s->clear = 5;
	pid = fork();
	if (pid == 0) {
		IS("set_tid_address returns the thread id", syscall(SYS_set_tid_address, &s->clear) == thread_id());
		_exit(0);
	}
	REAP(pid);
	FACT("word after exit of a process whose memory nobody else uses: %d", s->clear);
}
