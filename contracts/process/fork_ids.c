// fork(2), getpid(2), getppid(2): the ids of parent and child, and what the child inherits of them.
#include "contract.h"

int main(void)
{
	pid_t parent = getpid(), pid;
	struct gate said = gate_new();
	IS("getpid is the thread id", parent == thread_id());
	IS("pid is positive", parent > 0);
	CHILD(pid)
	{
		IS("child's pid differs", getpid() != parent);
		IS("child's getppid is the parent", getppid() == parent);
		IS("child's thread id is its pid", thread_id() == getpid());
		IS("group inherited", getpgrp() == getpgid(parent));
		IS("session inherited", getsid(0) == getsid(parent));
		pid_t me = getpid();
		write(said.out[1], &me, sizeof me);
	}
	ENDED("child", pid);
	pid_t told = 0;
	read(said.out[0], &told, sizeof told);
	IS("fork returned what the child calls itself", told == pid);
}
