// Whole programs: BusyBox's shell and tools.
#include "bench.h"

BENCH(shell_noop, NS, "a shell that does nothing")
{
	REPEAT(r) shell(":");
}

BENCH(pipe_grep, NS, "cat of 64 KiB into grep")
{
	fill("text", 64 << 10);
	REPEAT(r) shell("cat text | grep -c dolor7");
}

BENCH(sed_pipeline, NS, "64 KiB through three processes: cat, sed, wc")
{
	fill("text", 64 << 10);
	REPEAT(r) shell("cat text | sed -e s/ipsum/x/ | wc -l");
}

BENCH(sort_uniq, NS, "64 KiB through sort and uniq")
{
	fill("text", 64 << 10);
	REPEAT(r) shell("sort text | uniq -c");
}

// tree makes a directory of directories, 10 files of 4 KiB in each.
static void tree(int directories)
{
	char name[64];
	CHECK(mkdir("tree", 0755));
	for (int i = 0; i < directories; i++) {
		snprintf(name, sizeof name, "tree/d%d", i);
		CHECK(mkdir(name, 0755));
		for (int j = 0; j < 10; j++) {
			snprintf(name, sizeof name, "tree/d%d/f%d", i, j);
			fill(name, 4096);
		}
	}
}

BENCH(tar_extract, NS, "tar: 100 files unpacked and removed")
{
	tree(10);
	shell("tar -cf tree.tar tree && rm -r tree");
	REPEAT(r) shell("tar -xf tree.tar && rm -r tree");
}

BENCH(find_tree, NS, "find by name in a tree of 400 files")
{
	char *argv[] = {"find", "tree", "-name", "*7", 0};
	tree(40);
	REPEAT(r) spawn("/bin/find", argv);
}

BENCH(gzip, NS, "gzip of 64 KiB of text")
{
	char *argv[] = {"gzip", "-c", "text", 0};
	fill("text", 64 << 10);
	REPEAT(r) spawn("/bin/gzip", argv);
}

BENCH(dd, NS, "dd of 4 MiB from /dev/zero to a file, 64 KiB at a time")
{
	char *argv[] = {"dd", "if=/dev/zero", "of=out", "bs=64k", "count=64", "status=none", 0};
	REPEAT(r) spawn("/bin/dd", argv);
}
