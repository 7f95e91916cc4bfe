// sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2): vectors, lengths, several at once, errors.
#include "contract.h"

int main(void)
{
	int d[2];
	char b[3][8];
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	struct iovec v[3] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 3 };
	CALL("gather", sendmsg(d[0], &m, 0));
	CALL("receive", recv(d[1], b[0], 8, 0));
	m.msg_iovlen = 0;
	CALL("no vector", sendmsg(d[0], &m, 0));
	CALL("an empty datagram", recv(d[1], b[0], 8, 0));
	m.msg_iovlen = 1025;
	CALL("too many", sendmsg(d[0], &m, 0));
	struct iovec bad = { BAD_POINTER, 4 };
	m = (struct msghdr){ .msg_iov = &bad, .msg_iovlen = 1 };
	CALL("bad data", sendmsg(d[0], &m, 0));
	CALL("bad header", syscall(SYS_sendmsg, d[0], BAD_POINTER, 0));
	m = (struct msghdr){ .msg_iov = v, .msg_iovlen = 1, .msg_control = BAD_POINTER, .msg_controllen = 16 };
	CALL("bad control", syscall(SYS_sendmsg, d[0], &m, 0));
	char control[16] = { 4 };
	m.msg_control = control;
	CALL("control too short", syscall(SYS_sendmsg, d[0], &m, 0));
	struct mmsghdr mm[3] = { 0 };
	for (int i = 0; i < 3; i++) {
		mm[i].msg_hdr.msg_iov = &v[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	CALL("sendmmsg", syscall(SYS_sendmmsg, d[0], mm, 3, 0));
	FACT("lengths %u %u %u", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
	struct iovec r[3];
	for (int i = 0; i < 3; i++) {
		r[i] = (struct iovec){ b[i], 8 };
		mm[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &r[i], .msg_iovlen = 1 } };
	}
	CALL("recvmmsg of two", recvmmsg(d[1], mm, 2, 0, NULL));
	FACT("lengths %u %u", mm[0].msg_len, mm[1].msg_len);
	CALL("recvmmsg of what is there", recvmmsg(d[1], mm, 3, MSG_DONTWAIT, NULL));
	CALL("nothing there", recvmmsg(d[1], mm, 3, MSG_DONTWAIT, NULL));
	send(d[0], "one", 3, 0);
	CALL("MSG_WAITFORONE", recvmmsg(d[1], mm, 3, MSG_WAITFORONE, NULL));
	struct timespec t = { 0, -1 };
	CALL("a bad timeout", recvmmsg(d[1], mm, 3, 0, &t));
	send(d[0], "12345", 5, 0);
	r[0].iov_len = 2;
	mm[0].msg_hdr.msg_flags = 0;
	recvmmsg(d[1], mm, 1, 0, NULL);
	FACT("cut off: length %u flags %#x", mm[0].msg_len, mm[0].msg_hdr.msg_flags);
}
