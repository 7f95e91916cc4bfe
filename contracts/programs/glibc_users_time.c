// getpwnam(3), getgrouplist(3), localtime(3), getaddrinfo(3), gethostname(3): files that Debian's C library reads.
// libc: glibc
#include "contract.h"
#include <arpa/inet.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/sysinfo.h>

int main(void)
{
	struct passwd *p = getpwnam("user");
	FACT("user: %d %d %s %s", p ? (int)p->pw_uid : -1, p ? (int)p->pw_gid : -1, p ? p->pw_dir : "", p ? p->pw_shell : "");
	p = getpwuid(0);
	FACT("uid 0: %s", p ? p->pw_name : "none");
	IS("nobody of that name", getpwnam("nobody_like_it") == NULL);
	struct group *g = getgrgid(1000);
	FACT("gid 1000: %s", g ? g->gr_name : "none");
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	time_t t = 1700000000;
	char text[64];
	strftime(text, sizeof text, "%F %T %Z", localtime(&t));
	FACT("winter %s", text);
	t = 1690000000;
	strftime(text, sizeof text, "%F %T %Z", localtime(&t));
	FACT("summer %s", text);
	strftime(text, sizeof text, "%a %F %T", gmtime(&t));
	FACT("UTC %s", text);
	gethostname(text, sizeof text);
	FACT("host %s", text);
	put_file("hosts", "");
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *r;
	FACT("numeric host %d", getaddrinfo("127.0.0.1", "80", &hints, &r));
	FACT("%s:%d", inet_ntoa(((struct sockaddr_in *)r->ai_addr)->sin_addr), ntohs(((struct sockaddr_in *)r->ai_addr)->sin_port));
	struct ifaddrs *ifs, *i;
	int lo = 0;
	CALL("getifaddrs", getifaddrs(&ifs));
	for (i = ifs; i != NULL; i = i->ifa_next)
		lo |= strcmp(i->ifa_name, "lo") == 0 && i->ifa_addr && i->ifa_addr->sa_family == AF_INET;
	FACT("lo has an address: %d", lo);
	IS("processors", get_nprocs() == sysconf(_SC_NPROCESSORS_ONLN) && get_nprocs_conf() >= get_nprocs());
	IS("pages", get_phys_pages() > 1000 && get_avphys_pages() < get_phys_pages());
	FACT("page %ld open files %ld arg max %ld clock ticks %ld", sysconf(_SC_PAGESIZE), sysconf(_SC_OPEN_MAX), sysconf(_SC_ARG_MAX),
	     sysconf(_SC_CLK_TCK));
	FACT("threads %d name max %ld path max %ld pipe buf %ld", sysconf(_SC_THREADS) > 0, pathconf(".", _PC_NAME_MAX),
	     pathconf(".", _PC_PATH_MAX), pathconf(".", _PC_PIPE_BUF));
	char where[64] = "";
	FACT("realpath %s", realpath("/proc/self/../version", NULL) ?: errno_name(errno));
	FACT("ttyname %s", ttyname(0) ?: errno_name(errno));
	FACT("ctermid %s", ctermid(where));
}
