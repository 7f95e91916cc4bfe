// select(2): sets, counts, exceptional conditions, the remaining time, bad descriptors, limits.
#include "contract.h"

int main(void)
{
	int p[2], s[2];
	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	fd_set r, w, x;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[0], &r);
	FD_SET(s[0], &r);
	FD_SET(p[1], &w);
	FD_SET(s[0], &w);
	FD_SET(s[0], &x);
	write(s[1], "x", 1);
	struct timeval t = { 1, 0 };
	CALL("a descriptor in two sets counts twice", select(16, &r, &w, &x, &t));
	FACT("read: pipe %d socket %d; write: pipe %d socket %d; except %d", FD_ISSET(p[0], &r), FD_ISSET(s[0], &r), FD_ISSET(p[1], &w),
	     FD_ISSET(s[0], &w), FD_ISSET(s[0], &x));
	struct timespec left = { 1000, 0 };
	FD_ZERO(&r);
	FD_SET(s[0], &r);
	CALL("ready", syscall(SYS_pselect6, s[0] + 1, &r, NULL, NULL, &left, NULL));
	IS("the call leaves the remaining time", left.tv_sec >= 900 && left.tv_sec < 1000);
	left = (struct timespec){ 0, 10000000 };
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	CALL("timeout", syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &left, NULL));
	FACT("set cleared %d, time left %ld", !FD_ISSET(p[0], &r), (long)(left.tv_sec + left.tv_nsec));
	t = (struct timeval){ 0, 1000 };
	FD_SET(p[0], &r);
	CALL("beyond the count it is not looked at", select(p[0], &r, NULL, NULL, &t));
	FACT("but cleared with its word %d", FD_ISSET(p[0], &r));
	close(p[1]);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	CALL("end of file is readable", select(p[0] + 1, &r, NULL, NULL, NULL));
	FD_ZERO(&r);
	FD_SET(40, &r);
	FD_SET(p[0], &r);
	CALL("a bad descriptor", select(41, &r, NULL, NULL, NULL));
	FACT("sets are as they were %d %d", FD_ISSET(40, &r), FD_ISSET(p[0], &r));
	CALL("a negative count", select(-1, &r, NULL, NULL, NULL));
	t = (struct timeval){ -1, 0 };
	CALL("a negative time", select(0, NULL, NULL, NULL, &t));
	t = (struct timeval){ 0, 0 };
	CALL("nothing at all", select(0, NULL, NULL, NULL, &t));
	CALL("a count larger than the limit", syscall(SYS_pselect6, 100000, NULL, NULL, NULL, &(struct timespec){ 0, 0 }, NULL));
	CALL("bad pointer", syscall(SYS_pselect6, 10, BAD_POINTER, NULL, NULL, &(struct timespec){ 0, 0 }, NULL));
	int f = open("f", O_RDWR | O_CREAT, 0644);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(f, &r);
	FD_SET(f, &w);
	CALL("a regular file", select(f + 1, &r, &w, NULL, NULL));
	note_signal(SIGALRM, SA_RESTART);
	alarms_every_ms(5);
	CALL("a signal", select(0, NULL, NULL, NULL, NULL));
}
