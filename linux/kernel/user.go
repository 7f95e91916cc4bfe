package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var rootCred = cred.Root()

// lookupUser finds the identity USER[:GROUP] in the root file system's /etc/passwd and
// /etc/group; numbers need no entry there.
func (s *system) lookupUser(spec string) (id *cred.Cred, home string, err error) {
	name, group, hasGroup := strings.Cut(spec, ":")
	home = "/"
	var uid, gid uint32
	if line := s.entry("/etc/passwd", name, 7); line != nil {
		u, err1 := strconv.ParseUint(line[2], 10, 32)
		g, err2 := strconv.ParseUint(line[3], 10, 32)
		if err1 != nil || err2 != nil {
			return nil, "", fmt.Errorf("bad entry in /etc/passwd")
		}
		uid, gid, home, name = uint32(u), uint32(g), line[5], line[0]
	} else {
		u, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			return nil, "", fmt.Errorf("not in /etc/passwd")
		}
		uid = uint32(u)
	}
	id = cred.Root()
	if hasGroup {
		if gid, err = s.lookupGroup(group); err != nil {
			return nil, "", err
		}
	} else {
		id.SetGroups(s.groupsOf(name))
	}
	id.GID, id.EGID, id.SGID, id.FSGID = gid, gid, gid, gid
	if err := id.Setuid(uid); err != nil {
		return nil, "", err
	}
	return id, home, nil
}

func (s *system) lookupGroup(name string) (uint32, error) {
	text := name
	if line := s.entry("/etc/group", name, 4); line != nil {
		text = line[2]
	}
	g, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("group %s is not in /etc/group", name)
	}
	return uint32(g), nil
}

// groupsOf lists the groups that have the user as a member.
func (s *system) groupsOf(name string) (groups []uint32) {
	for _, line := range s.lines("/etc/group", 4) {
		for _, m := range strings.Split(line[3], ",") {
			if g, err := strconv.ParseUint(line[2], 10, 32); m == name && err == nil {
				groups = append(groups, uint32(g))
			}
		}
	}
	return groups
}

// entry finds a line by its name or its number.
func (s *system) entry(file, name string, fields int) []string {
	for _, line := range s.lines(file, fields) {
		if line[0] == name || line[2] == name {
			return line
		}
	}
	return nil
}

// lines are the lines of a file in the manner of passwd(5) that have enough fields.
func (s *system) lines(file string, fields int) (list [][]string) {
	text, err := readFile(s.ctx, file)
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Split(line, ":"); len(f) >= fields {
			list = append(list, f)
		}
	}
	return list
}

// readFile is the contents of a small file.
func readFile(c *vfs.Context, path string) (string, error) {
	f, err := vfs.OpenPath(c, path, unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Unref()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		dst := user.Kernel(buf)
		n, err := f.Read(c, &dst)
		b.Write(buf[:n])
		if n == 0 || err != nil {
			return b.String(), err
		}
	}
}
