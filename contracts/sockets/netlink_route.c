// netlink(7), rtnetlink(7): sockets, addresses, dumps of links, addresses and routes, acknowledgements and errors.
#include "contract.h"
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static char buf[32768];
static int seq;
static struct { struct nlmsghdr h; union { struct rtgenmsg gen; struct ifinfomsg link; struct ifaddrmsg addr; struct rtmsg route; char pad[64]; }; } req;

static int ask(int s, int type, int flags, int size)
{
	req.h = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = ++seq };
	return send(s, &req, req.h.nlmsg_len, 0);
}
static const char *text(int family, struct rtattr *a)
{
	static char t[64];
	return a ? inet_ntop(family, RTA_DATA(a), t, sizeof t) : "none";
}
static struct rtattr *all[64];
static void attributes(struct rtattr *a, int n)
{
	memset(all, 0, sizeof all);
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n))
		if (a->rta_type < 64)
			all[a->rta_type] = a;
}
#define INT(a) (all[a] ? *(int *)RTA_DATA(all[a]) : -1)
static void show(struct nlmsghdr *h)
{
	struct ifinfomsg *l = NLMSG_DATA(h);
	struct ifaddrmsg *a = NLMSG_DATA(h);
	struct rtmsg *r = NLMSG_DATA(h);
	struct nlmsgerr *e = NLMSG_DATA(h);
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
		attributes(IFLA_RTA(l), IFLA_PAYLOAD(h));
		FACT("link %d: family %d type %d flags %#x change %#x", l->ifi_index, l->ifi_family, l->ifi_type, l->ifi_flags, l->ifi_change);
		FACT("  %s mtu %d queue %d %s state %d mode %d group %d", all[IFLA_IFNAME] ? (char *)RTA_DATA(all[IFLA_IFNAME]) : "", INT(IFLA_MTU),
		     INT(IFLA_TXQLEN), all[IFLA_QDISC] ? (char *)RTA_DATA(all[IFLA_QDISC]) : "", INT(IFLA_OPERSTATE) & 255, INT(IFLA_LINKMODE) & 255, INT(IFLA_GROUP));
		FACT("  address %zd broadcast %zd bytes, statistics %d %d", RTA_PAYLOAD(all[IFLA_ADDRESS]), RTA_PAYLOAD(all[IFLA_BROADCAST]),
		     all[IFLA_STATS] != NULL, all[IFLA_STATS64] != NULL);
		break;
	case RTM_NEWADDR:
		attributes(IFA_RTA(a), IFA_PAYLOAD(h));
		FACT("address: family %d /%d flags %#x scope %d link %d", a->ifa_family, a->ifa_prefixlen, a->ifa_flags, a->ifa_scope, a->ifa_index);
		FACT("  %s", text(a->ifa_family, all[IFA_ADDRESS]));
		FACT("  local %s label %s flags %#x", text(a->ifa_family, all[IFA_LOCAL]), all[IFA_LABEL] ? (char *)RTA_DATA(all[IFA_LABEL]) : "none", INT(IFA_FLAGS));
		FACT("  valid %d", all[IFA_CACHEINFO] ? ((struct ifa_cacheinfo *)RTA_DATA(all[IFA_CACHEINFO]))->ifa_valid : 0);
		break;
	case RTM_NEWROUTE:
		attributes(RTM_RTA(r), RTM_PAYLOAD(h));
		FACT("route: family %d %s/%d table %d/%d type %d scope %d by %d out %d metric %d", r->rtm_family, text(r->rtm_family, all[RTA_DST]), r->rtm_dst_len,
		     r->rtm_table, INT(RTA_TABLE), r->rtm_type, r->rtm_scope, r->rtm_protocol, INT(RTA_OIF), INT(RTA_PRIORITY));
		FACT("  source %s gateway %s", text(r->rtm_family, all[RTA_PREFSRC]), text(r->rtm_family, all[RTA_GATEWAY]));
		break;
	case NLMSG_ERROR:
		FACT("error %s for type %d, length %u, flags %#x", errno_name(-e->error), e->msg.nlmsg_type, h->nlmsg_len, h->nlmsg_flags);
		break;
	case NLMSG_DONE:
		FACT("done: %d length %u", *(int *)NLMSG_DATA(h), h->nlmsg_len);
		break;
	case RTM_NEWNEIGH:
		break; // who has been talked to in this machine before
	default:
		FACT("message of type %d", h->nlmsg_type);
	}
}
static void answers(int s, const char *what, int dump)
{
	struct sockaddr_nl from, me;
	socklen_t n = sizeof me;
	getsockname(s, (void *)&me, &n);
	FACT("%s", what);
	for (int end = 0; !end;) {
		n = sizeof from;
		ssize_t got = recvfrom(s, buf, sizeof buf, MSG_DONTWAIT, (void *)&from, &n);
		if (got < 0) {
			FACT("nothing: %s", errno_name(errno));
			return;
		}
		int left = got;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_seq != (unsigned)seq || h->nlmsg_pid != me.nl_pid || from.nl_pid != 0 || !(h->nlmsg_flags & NLM_F_MULTI) != !dump)
				FACT("seq %d pid %d from %u flags %#x", h->nlmsg_seq - seq, h->nlmsg_pid - me.nl_pid, from.nl_pid, h->nlmsg_flags);
			show(h);
			end |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || !dump;
		}
	}
}

int main(void)
{
	CALL("SOCK_STREAM", socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	CALL("protocol 31", socket(AF_NETLINK, SOCK_RAW, 31));
	CALL("protocol 99", socket(AF_NETLINK, SOCK_RAW, 99));
	CALL("a pair", socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, (int[2]){}));
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), t = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE), v;
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	socklen_t n = sizeof a;
	CALL("getsockname", getsockname(s, (void *)&a, &n));
	FACT("family %d pid %u groups %u length %u", a.nl_family, a.nl_pid, a.nl_groups, n);
	CALL("bind, short", bind(s, (void *)&a, 8));
	a.nl_family = AF_INET;
	CALL("bind, another family", bind(s, (void *)&a, sizeof a));
	a.nl_family = AF_NETLINK;
	CALL("bind", bind(s, (void *)&a, sizeof a));
	getsockname(s, (void *)&a, &n);
	IS("the first has the process's id", a.nl_pid == (unsigned)getpid());
	CALL("the other: the same id", bind(t, (void *)&a, sizeof a));
	a.nl_pid = 0;
	CALL("any", bind(t, (void *)&a, sizeof a));
	getsockname(t, (void *)&a, &n);
	IS("another one", a.nl_pid != (unsigned)getpid() && a.nl_pid != 0);
	a.nl_pid++;
	CALL("bind again to another", bind(t, (void *)&a, sizeof a));
	CALL("getpeername", getpeername(s, (void *)&a, &n));
	FACT("family %d pid %u", a.nl_family, a.nl_pid);
	CALL("listen", listen(s, 1));
	CALL("accept", accept(s, NULL, NULL));
	CALL("shutdown", shutdown(s, SHUT_RDWR));
	n = sizeof v;
	CALL("SO_PROTOCOL", getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &v, &n));
	FACT("%d", v);
	CALL("nothing has come", recv(s, buf, sizeof buf, MSG_DONTWAIT));
	struct pollfd p = { s, POLLIN | POLLOUT };
	poll(&p, 1, 0);
	FACT("poll %#x", p.revents);
	memset(&req, 0, sizeof req);
	OK("ask for links", ask(s, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.gen));
	poll(&p, 1, 0);
	FACT("poll %#x", p.revents);
	CALL("peek, short", recv(s, buf, 20, MSG_PEEK));
	IS("the whole length", recv(s, buf, 20, MSG_PEEK | MSG_TRUNC) > 20);
	answers(s, "links", 1);
	req.gen.rtgen_family = AF_INET;
	ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.gen);
	answers(s, "addresses", 1);
	ask(t, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.route);
	answers(t, "routes", 1);
	req.gen.rtgen_family = AF_INET6;
	ask(t, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.route);
	answers(t, "routes, IPv6", 1);
	ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.gen);
	answers(s, "addresses, IPv6", 1);
	req.gen.rtgen_family = AF_UNSPEC;
	ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sizeof req.addr);
	answers(s, "addresses of all families", 1);
	ask(s, RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 12);
	answers(s, "neighbours", 1);
	memset(&req, 0, sizeof req);
	req.link.ifi_index = 1;
	ask(s, RTM_GETLINK, NLM_F_REQUEST, sizeof req.link);
	answers(s, "link 1", 0);
	ask(s, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof req.link);
	answers(s, "link 1, acknowledged", 0);
	answers(s, "and", 0);
	req.link.ifi_index = 999;
	ask(s, RTM_GETLINK, NLM_F_REQUEST, sizeof req.link);
	answers(s, "link 999", 0);
	ask(s, RTM_GETLINK, NLM_F_REQUEST, 8);
	answers(s, "too short", 0);
	ask(s, RTM_GETLINK, 0, sizeof req.link);
	answers(s, "not a request", 0);
	ask(s, RTM_GETLINK, NLM_F_ACK, sizeof req.link);
	answers(s, "not a request, to be acknowledged", 0);
	ask(s, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 0);
	answers(s, "a control message", 0);
	ask(s, 500, NLM_F_REQUEST, sizeof req.link);
	answers(s, "an unknown type", 0);
	req.link = (struct ifinfomsg){ .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	ask(s, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof req.link);
	answers(s, "set lo up", 0);
	req.link.ifi_index = 77;
	ask(s, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof req.link);
	answers(s, "set 77 up", 0);
	struct { struct rtattr a; struct in_addr in; } local = { { 8, IFA_LOCAL }, { htonl(INADDR_LOOPBACK) } };
	req.addr = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_index = 1 };
	memcpy(&req.addr + 1, &local, sizeof local);
	ask(s, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof req.addr + sizeof local);
	answers(s, "add an address that is there", 0);
	req.route = (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 32 };
	local.a.rta_type = RTA_DST;
	memcpy(&req.route + 1, &local, sizeof local);
	ask(s, RTM_GETROUTE, NLM_F_REQUEST, sizeof req.route + sizeof local);
	answers(s, "the route to it", 0);
	local.in.s_addr = htonl(0xc0000201);
	memcpy(&req.route + 1, &local, sizeof local);
	ask(s, RTM_GETROUTE, NLM_F_REQUEST, sizeof req.route + sizeof local);
	answers(s, "to nowhere", 0);
	req.link = (struct ifinfomsg){ .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	CALL("less than a header", send(s, "12345678", 8, 0));
	answers(s, "and", 0);
	a = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = 99999 };
	CALL("to nobody", sendto(s, &req, 32, 0, (void *)&a, sizeof a));
	a.nl_pid = 0;
	CALL("connect", connect(s, (void *)&a, sizeof a));
	CALL("connect, another family", connect(s, &(struct sockaddr){ .sa_family = AF_INET }, sizeof a));
	CALL("NETLINK_ADD_MEMBERSHIP", setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &(int){ RTNLGRP_LINK }, 4));
	CALL("of no group", setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &(int){ 500 }, 4));
	n = sizeof a;
	getsockname(s, (void *)&a, &n);
	FACT("groups %#x", a.nl_groups);
	CALL("NETLINK_EXT_ACK", setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &(int){ 1 }, 4));
	CALL("NETLINK_GET_STRICT_CHK", setsockopt(s, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &(int){ 0 }, 4));
	CALL("an unknown option", setsockopt(s, SOL_NETLINK, 77, &(int){ 1 }, 4));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		int u = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		req.link.ifi_index = 1;
		ask(u, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof req.link);
		answers(u, "a user: set lo up", 0);
		ask(u, RTM_GETLINK, NLM_F_REQUEST, sizeof req.link);
		answers(u, "link 1", 0);
		a = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = getppid() };
		CALL("to another process", sendto(u, &req, 32, 0, (void *)&a, sizeof a));
	}
	REAP(pid);
}
