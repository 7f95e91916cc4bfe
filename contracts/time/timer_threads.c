// timer_create(2): SIGEV_THREAD_ID, overruns read back, deletion, clocks of CPU time, inheritance, exec.
#include "contract.h"

static volatile int code, value;
static _Atomic pid_t handled_by;
static void handler(int sig, siginfo_t *info, void *context)
{
	got[sig]++;
	code = info->si_code;
	value = info->si_value.sival_int;
	handled_by = thread_id();
}
static _Atomic pid_t tid;
static _Atomic int stop;
static void *thread(void *arg)
{
	tid = thread_id();
	while (!stop)
		pause_ms(1);
	return NULL;
}
static int make(clockid_t clock, int notify, int sig, pid_t thread)
{
	struct { union sigval v; int signo, notify; pid_t tid; int pad[11]; } e = { { .sival_int = 55 }, sig, notify, thread };
	int t = -1;
	return syscall(SYS_timer_create, clock, &e, &t) == -1 ? -1 : t;
}
static long set(int t, int flags, long ns, long interval)
{
	struct itimerspec s = { { 0, interval }, { ns / 1000000000, ns % 1000000000 } };
	return syscall(SYS_timer_settime, t, flags, &s, NULL);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &sa, NULL);
	pthread_t p = THREAD(thread, NULL);
	EVENTUALLY(tid != 0);
	int t = MUST(make(CLOCK_MONOTONIC, 4, SIGUSR1, tid));
	CALL("set", set(t, 0, 2000000, 0));
	EVENTUALLY(got[SIGUSR1] == 1);
	FACT("code %d value %d, in its thread %d", code == SI_TIMER, value, handled_by == tid);
	CALL("a thread that is not ours", make(CLOCK_MONOTONIC, 4, SIGUSR1, getppid()));
	stop = 1;
	JOIN(p);
	int o = MUST(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0));
	block(SIGUSR1);
	set(o, 0, 1000000, 1000000);
	pause_ms(30);
	sigset_t s = set_of(SIGUSR1);
	siginfo_t info;
	IS("one signal for many expirations", sigwaitinfo(&s, &info) == SIGUSR1);
	IS("the overrun tells how many more", info.si_overrun >= 20);
	IS("timer_getoverrun", syscall(SYS_timer_getoverrun, o) == info.si_overrun);
	set(o, 0, 0, 0);
	sigtimedwait(&s, &info, &(struct timespec){ 0, 0 });
	unblock(SIGUSR1);
	struct itimerspec left;
	set(o, 0, 100000000000, 0);
	syscall(SYS_timer_gettime, o, &left);
	IS("time left", left.it_value.tv_sec >= 90 && left.it_interval.tv_nsec == 0);
	CALL("delete", syscall(SYS_timer_delete, o));
	CALL("again", syscall(SYS_timer_delete, o));
	CALL("set of a deleted one", set(o, 0, 1, 0));
	int cpu = MUST(make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 0));
	got[SIGUSR1] = 0;
	set(cpu, 0, 100000000, 0);
	pause_ms(60);
	FACT("CPU time does not pass asleep: %d", got[SIGUSR1]);
	for (long long end = now_ms() + PATIENCE * 1000; !got[SIGUSR1] && now_ms() < end;)
		;
	FACT("but at work: %d", got[SIGUSR1]);
	pid_t pid;
	int kept = MUST(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0));
	CHILD(pid) { CALL("a child has no timers", syscall(SYS_timer_gettime, kept, &left)); }
	REAP(pid);
	CALL("no such clock", make(99, SIGEV_SIGNAL, SIGUSR1, 0));
	CALL("no such signal", make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 99, 0));
	CALL("no such notification", make(CLOCK_MONOTONIC, 7, SIGUSR1, 0));
	CALL("a bad time", set(kept, 0, 0, 1000000000));
	CALL("null means SIGALRM", ({ int n; syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &n); }));
}
