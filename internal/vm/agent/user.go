//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// identity is who the program runs as.
type identity struct {
	credential *syscall.Credential // nil for root
	home       string
}

// lookupUser finds USER[:GROUP], by name or number, in the guest's /etc/passwd and
// /etc/group. "" is root.
func lookupUser(spec string) (identity, error) {
	if spec == "" {
		return identity{}, nil
	}
	user, group, hasGroup := strings.Cut(spec, ":")
	cred := &syscall.Credential{}
	var id identity
	entry, found := lookup("/etc/passwd", user, 7)
	switch {
	case found:
		uid, err1 := strconv.ParseUint(entry[2], 10, 32)
		gid, err2 := strconv.ParseUint(entry[3], 10, 32)
		if err1 != nil || err2 != nil {
			return id, fmt.Errorf("/etc/passwd: bad entry of %s", user)
		}
		cred.Uid, cred.Gid, id.home = uint32(uid), uint32(gid), entry[5]
		cred.Groups = groupsOf(entry[0])
	default:
		uid, err := strconv.ParseUint(user, 10, 32)
		if err != nil {
			return id, fmt.Errorf("no such user")
		}
		cred.Uid = uint32(uid)
	}
	if hasGroup {
		if entry, ok := lookup("/etc/group", group, 3); ok {
			group = entry[2]
		}
		gid, err := strconv.ParseUint(group, 10, 32)
		if err != nil {
			return id, fmt.Errorf("no such group")
		}
		cred.Gid, cred.Groups = uint32(gid), nil
	}
	id.credential = cred
	return id, nil
}

// lookup finds the line of a name or number in a file like /etc/passwd.
func lookup(path, key string, fields int) ([]string, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, ":")
		if len(f) >= fields && (f[0] == key || f[2] == key) {
			return f, true
		}
	}
	return nil, false
}

// groupsOf lists the groups that name a user as a member.
func groupsOf(user string) []uint32 {
	data, err := os.ReadFile("/etc/group")
	if err != nil {
		return nil
	}
	var groups []uint32
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, ":")
		if len(f) != 4 {
			continue
		}
		for _, member := range strings.Split(f[3], ",") {
			if member != user {
				continue
			}
			if gid, err := strconv.ParseUint(f[2], 10, 32); err == nil {
				groups = append(groups, uint32(gid))
			}
		}
	}
	return groups
}
