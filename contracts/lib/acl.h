// Access control lists as acl(5) writes them in short: "u::rw-,u:1000:r--,g::r--,m::rw-,o::---", in the form that the
// extended attributes have (linux/posix_acl_xattr.h).
#ifndef ACL_H
#define ACL_H
#include <sys/xattr.h>

#define ACCESS_LIST "system.posix_acl_access"
#define DEFAULT_LIST "system.posix_acl_default"

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct acl_entry e[16];
};

// acl_parse encodes a list and returns the attribute's length. A capital letter is the tag of a named user or group, so
// that wrong lists can be written too.
static int acl_parse(const char *text, struct acl *a)
{
	int n = 0;
	a->version = 2;
	for (const char *p = text; *p; n++) {
		struct acl_entry *e = &a->e[n];
		char kind = *p;
		unsigned id = -1;
		p += 2;
		bool named = *p != ':';
		if (named)
			id = strtoul(p, (char **)&p, 10);
		p++;
		e->tag = kind == 'u' ? (named ? 2 : 1) : kind == 'g' ? (named ? 8 : 4) : kind == 'm' ? 0x10 : 0x20;
		e->id = id;
		e->perm = (p[0] == 'r') * 4 + (p[1] == 'w') * 2 + (p[2] == 'x');
		p += 3;
		p += *p == ',';
	}
	return 4 + 8 * n;
}
static int acl_set(const char *path, const char *name, const char *text)
{
	struct acl a;
	int size = acl_parse(text, &a);
	return setxattr(path, name, &a, size, 0);
}

// acl_text reads a list; the error's name where there is none. Two results stay valid.
static const char *acl_text(const char *path, const char *name)
{
	static char ring[2][512];
	static int turn;
	char *text = ring[turn++ % 2];
	struct acl a;
	int size = getxattr(path, name, &a, sizeof a), n = 0;
	if (size < 0)
		return errno_name(errno);
	for (struct acl_entry *e = a.e; (char *)e < (char *)&a + size; e++) {
		char id[16] = "";
		if (e->tag == 2 || e->tag == 8)
			snprintf(id, sizeof id, "%d", e->id);
		else if (e->id != -1u)
			strcpy(id, "?");
		char kind = e->tag <= 2 ? 'u' : e->tag <= 8 ? 'g' : e->tag == 0x10 ? 'm' : 'o';
		n += sprintf(text + n, "%s%c:%s:%c%c%c", n ? "," : "", kind, id, e->perm & 4 ? 'r' : '-', e->perm & 2 ? 'w' : '-', e->perm & 1 ? 'x' : '-');
	}
	return text;
}

// acl_show prints a file's mode and lists.
static void acl_show(const char *what, const char *path)
{
	struct stat st;
	MUST(lstat(path, &st));
	FACT("%s: %04o access %s default %s", what, st.st_mode & 07777, acl_text(path, ACCESS_LIST), acl_text(path, DEFAULT_LIST));
}
#endif
