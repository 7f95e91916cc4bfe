// sh(1): pipelines, redirections, here-documents, substitution, exit statuses, as BusyBox's shell runs them.
// files: busybox
// timeout: 60
#include "contract.h"

static const char *scripts[] = {
	"echo a | cat | cat | cat",
	"false | true; echo $?; set -o pipefail; false | true; echo $?",
	"seq 1 100000 | head -n 1",
	"echo to stderr >&2 2>/dev/null; echo both >f 2>&1; cat f",
	"echo one > f; echo two >> f; wc -l < f; > f; wc -c < f",
	"cat <<E\nhere $((1 + 2))\nE\ncat <<'E'\nnot $((1 + 2))\nE",
	"x=$(echo inner; exit 3); echo $? $x",
	"echo `echo old` \"$(printf 'a  b')\" $(printf 'a  b')",
	"exec 3> f; echo three >&3; exec 3>&-; echo closed >&3; cat f",
	"{ echo group; exit 4; } | cat; (exit 5); echo $?",
	"for i in 1 2 3; do echo $i; done | while read x; do echo got $x; done",
	"read a b < f; echo $b,$a; while read line; do echo \"[$line]\"; done <<E\n  x  y\nE",
	"if test -e nothing; then echo yes; elif [ -d . ]; then echo directory; fi",
	"f() { echo $# $1; return 9; }; f a b; echo $?; case abc in a*) echo match;; esac",
	"a=5; : ${b:=6} ${c:-7}; echo $((a * b)) $c ${#a} ${PWD##*/} | cut -d' ' -f1",
	"set -- x y z; shift; echo $1 $# \"$*\"; IFS=,; echo \"$*\"",
	"set -e; false; echo not reached",
	"kill -TERM $$; echo not reached",
	"exec /bin/busybox echo replaced; echo not reached",
	"./nothing; echo $?; echo x > f; ./f; echo $?",
	"printf '#!/bin/sh\\necho script $1\\n' > s; chmod +x s; ./s arg; sh < s",
	"echo $0 $-; ulimit -n; umask; unset PATH; ls; echo $?",
};

int main(void)
{
	for (int i = 0; i < COUNT_OF(scripts); i++) {
		pid_t pid;
		FACT("--- %d", i);
		CHILD(pid) { execl("/bin/sh", "sh", "-c", scripts[i], NULL); }
		int status = REAP(pid);
		if (status != 0)
			SAY_STATUS("status", status);
	}
}
