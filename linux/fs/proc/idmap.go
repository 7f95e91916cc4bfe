package proc

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/vfs"
)

// userText is a file about the user namespace that a process is in when it is opened:
// user_namespaces(7). file makes what serves an open file.
type userText struct {
	node
	file func(ns *cred.UserNS, opener *cred.Cred) *pseudo.Text
}

// Open implements vfs.InodeOps.
func (u *userText) Open(c *vfs.Context, i *vfs.Inode, f *vfs.File) (vfs.FileOps, error) {
	t, err := u.task()
	if err != nil {
		return nil, err
	}
	return u.file(t.Cred().User, c.Cred).Open(c, i, f)
}

// newIDMap makes uid_map and its relatives.
func newIDMap(kind cred.IDKind) func(s *subject) vfs.InodeOps {
	return func(s *subject) vfs.InodeOps {
		return &userText{node{subject: s}, func(ns *cred.UserNS, opener *cred.Cred) *pseudo.Text {
			return &pseudo.Text{
				FromStart: true,
				Show: func(_ *vfs.Context, w *bytes.Buffer) error {
					for _, r := range ns.Map(kind, opener.User) {
						fmt.Fprintf(w, "%10d %10d %10d\n", r.First, r.Lower, r.Count)
					}
					return nil
				},
				Store: func(c *vfs.Context, data []byte) error {
					if len(data) >= pageSize {
						return unix.EINVAL
					}
					return ns.SetMap(kind, opener, c.Cred, func() ([]cred.Range, error) { return parseMap(string(data)) })
				},
			}
		}}
	}
}

// parseMap reads lines of three numbers.
func parseMap(text string) (list []cred.Range, err error) {
	text = strings.TrimSuffix(text, "\n")
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.FieldsFunc(line, isSpace)
		if len(words) != 3 {
			return nil, unix.EINVAL
		}
		var v [3]uint32
		for i, w := range words {
			if v[i], err = mapNumber(w); err != nil {
				return nil, err
			}
		}
		list = append(list, cred.Range{First: v[0], Lower: v[1], Count: v[2]})
	}
	return list, nil
}

// isSpace is isspace(3) in the C locale.
func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' || r == 0xa0 }

// mapNumber reads decimal digits, of whose value the lower 32 bits count, as on Linux.
func mapNumber(w string) (uint32, error) {
	var n uint32
	for _, c := range []byte(w) {
		if c < '0' || c > '9' {
			return 0, unix.EINVAL
		}
		n = n*10 + uint32(c-'0')
	}
	return n, nil
}

// newSetgroups makes setgroups: whether setgroups(2) is allowed. Who opens it to write is
// to have CAP_SYS_ADMIN in the namespace (EACCES).
func newSetgroups(s *subject) vfs.InodeOps {
	return &userText{node{subject: s}, func(ns *cred.UserNS, opener *cred.Cred) *pseudo.Text {
		return &pseudo.Text{
			FromStart: true,
			Check: func(c *vfs.Context, f *vfs.File) error {
				if f.Writable() && !c.Cred.CapableIn(ns, unix.CAP_SYS_ADMIN) {
					return unix.EACCES
				}
				return nil
			},
			Show: func(_ *vfs.Context, w *bytes.Buffer) error {
				if ns.Setgroups() {
					w.WriteString("allow\n")
				} else {
					w.WriteString("deny\n")
				}
				return nil
			},
			Store: func(_ *vfs.Context, data []byte) error {
				const longest = 8
				if len(data) >= longest {
					return unix.EINVAL
				}
				switch strings.TrimRightFunc(string(data), isSpace) {
				case "allow":
					return ns.AllowSetgroups(true)
				case "deny":
					return ns.AllowSetgroups(false)
				}
				return unix.EINVAL
			},
		}
	}}
}
