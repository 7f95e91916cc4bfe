package syscalls

import (
	"testing"

	"kevlar/linux/abi"
)

// elsewhere are calls that not every architecture has.
var elsewhere = map[string]bool{
	"getpgrp": true, "pause": true, "time": true, "alarm": true, "fork": true, "vfork": true, "arch_prctl": true,
	"poll": true, "select": true, "epoll_create": true, "epoll_wait": true, "eventfd": true,
	"getdents": true, "inotify_init": true, "link": true, "symlink": true, "readlink": true, "rename": true, "mknod": true,
	"access": true, "chmod": true, "chown": true, "lchown": true, "futimesat": true, "utimes": true, "utime": true,
	"mkdir": true, "rmdir": true, "unlink": true, "stat": true, "lstat": true, "open": true, "creat": true, "dup2": true,
	"pipe": true, "iopl": true, "ioperm": true, "signalfd": true,
}

// A row with a misspelt name would silently be no row at all.
func TestNames(t *testing.T) {
	for _, rows := range families {
		for _, r := range rows {
			if _, ok := abi.Number(r.Name); !ok && !elsewhere[r.Name] {
				t.Errorf("no system call is called %s", r.Name)
			}
			if (r.Support != Full) != (r.Note != "") {
				t.Errorf("%s: a note says what is missing where something is, and only there", r.Name)
			}
			if (r.Do == nil) != (r.Support == Missing) {
				t.Errorf("%s: only missing calls have no handler", r.Name)
			}
		}
	}
}

func TestNumbersFitTheTable(t *testing.T) {
	for name, nr := range abi.Names() {
		if nr >= tableSize {
			t.Errorf("%s is number %d", name, nr)
		}
	}
}
