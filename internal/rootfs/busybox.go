package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// PATH is the search path of programs in the default userland.
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// profile is what the default userland's login shells read.
const profile = `export PATH=` + PATH + `
export PS1='\h:\w\$ '
umask 022
`

// AddBusybox writes a small system around a static BusyBox of the guest's
// architecture: its applets, the directories that programs expect, and users.
func (w *Writer) AddBusybox(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	binary, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("%s: mmap: %w", path, err)
	}
	applets, err := Applets(binary)
	unix.Munmap(binary)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	entries := []Header{
		Dir("/", 0o755), Dir("bin", 0o755), Dir("dev", 0o755), Dir("etc", 0o755), Dir("home", 0o755),
		Dir("mnt", 0o755), Dir("proc", 0o555), Dir("root", 0o700), Dir("run", 0o755), Dir("sys", 0o555),
		Dir("tmp", 0o1777), Dir("usr", 0o755), Dir("var", 0o755), Dir("var/log", 0o755), Dir("var/tmp", 0o1777),
		CharDevice("dev/console", 0o600, 5, 1), CharDevice("dev/null", 0o666, 1, 3),
		// One directory of programs under all the names that scripts use for it.
		Symlink("sbin", "bin"), Symlink("usr/bin", "../bin"), Symlink("usr/sbin", "../bin"),
		Symlink("var/run", "../run"), Symlink("etc/mtab", "../proc/self/mounts"),
	}
	home := Dir("home/user", 0o755)
	home.UID, home.GID = 1000, 1000
	entries = append(entries, home)
	for _, a := range applets {
		if a != "busybox" {
			entries = append(entries, Symlink("bin/"+a, "busybox"))
		}
	}
	for _, h := range entries {
		if err := w.Add(h, nil); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		text string
	}{
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
		{"etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n"},
		{"etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"},
		{"etc/shells", "/bin/sh\n/bin/ash\n"},
		{"etc/profile", profile},
	} {
		if err := w.AddBytes(f.name, 0o644, []byte(f.text)); err != nil {
			return err
		}
	}
	return w.Add(Regular("bin/busybox", 0o755, int(info.Size())), f)
}

// Applets lists the programs that a BusyBox is, read from the table in its
// binary: NUL-terminated names in order, beginning with "[". (A BusyBox of another
// architecture cannot be asked.)
func Applets(binary []byte) ([]string, error) {
	start := []byte("\x00[\x00[[\x00")
	for rest := binary; ; {
		i := bytes.Index(rest, start)
		if i < 0 {
			return nil, errors.New("not a BusyBox: no table of applets in it")
		}
		rest = rest[i+1:]
		if names := sortedNames(rest); len(names) >= 10 {
			return names, nil
		}
	}
}

// sortedNames reads NUL-terminated names for as long as they ascend.
func sortedNames(table []byte) []string {
	var names []string
	for last := ""; ; {
		i := bytes.IndexByte(table, 0)
		if i <= 0 {
			return names
		}
		name := string(table[:i])
		if name <= last || strings.ContainsAny(name, " /\n%") {
			return names
		}
		names = append(names, name)
		last, table = name, table[i+1:]
	}
}
