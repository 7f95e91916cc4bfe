package syscalls

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/binfmt"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls that make tasks and give them programs.
var execRows = []Row{
	{Name: "execve", Args: []Kind{Path, Strings, Env}, Do: sysExecve, Contracts: []string{"process/execve_arguments", "process/execve_errors", "security/file_capabilities"}},
	{Name: "execveat", Args: []Kind{DirFD, Path, Strings, Env, AtFlags}, Do: sysExecveat, Contracts: []string{"process/execveat_flags"}},
	{Name: "clone", Args: []Kind{CloneFlags, Ptr, Ptr, Ptr, Ptr}, Do: sysClone,
		Contracts: []string{"process/clone_flags", "process/clone_tid_words", "threading/clone_thread_flags"}},
	{Name: "clone3", Args: []Kind{CloneArgs, Size}, Do: sysClone3, Contracts: []string{"process/clone3_arguments", "security/user_namespace_nested"}},
	{Name: "fork", Do: sysFork, Contracts: []string{"process/fork_ids", "process/fork_memory", "process/fork_state_reset"}},
	{Name: "vfork", Do: sysVfork, Contracts: []string{"process/vfork_parent_waits", "process/fork_exec_storm"}},
	{Name: "set_tid_address", Args: []Kind{Ptr}, Do: sysSetTIDAddress, Contracts: []string{"process/clone_tid_words"}},
}

func sysExecve(t *task.Task, a *Args) (uint64, error) {
	return 0, exec(t, unix.AT_FDCWD, a.Addr(0), a.Addr(1), a.Addr(2), vfs.Follow)
}

func sysExecveat(t *task.Task, a *Args) (uint64, error) {
	const known = unix.AT_EMPTY_PATH | unix.AT_SYMLINK_NOFOLLOW
	flags := a.Uint(4)
	look := vfs.Follow
	if flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		look = 0
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		look |= vfs.AllowEmpty
	}
	if flags&^known != 0 {
		// The path comes first, as on Linux.
		return 0, withPath(t, a.Addr(1), func(name []byte) error {
			if len(name) == 0 && look&vfs.AllowEmpty == 0 {
				return unix.ENOENT
			}
			return unix.EINVAL
		})
	}
	return 0, exec(t, a.Int(0), a.Addr(1), a.Addr(2), a.Addr(3), look)
}

func exec(t *task.Task, dirfd int, path, args, env user.Addr, look vfs.LookupFlags) error {
	return withPath(t, path, func(name []byte) error {
		return t.Exec(&task.ExecArgs{
			DirFD: dirfd, Path: name, Flags: look,
			Strings: func() (a, e []string, err error) {
				left := binfmt.MaxStrings
				if a, err = copyStrings(t, args, &left); err == nil {
					e, err = copyStrings(t, env, &left)
				}
				return a, e, err
			},
		})
	})
}

// argBuffers keeps the buffers that arguments are copied into.
var argBuffers = sync.Pool{New: func() any { return new([binfmt.MaxString]byte) }}

// copyStrings reads a null-terminated list of strings; a null pointer is an empty one.
// left is how many bytes all of them may have yet (E2BIG).
func copyStrings(t *task.Task, list user.Addr, left *int) (all []string, err error) {
	if list == 0 {
		return nil, nil
	}
	buf := argBuffers.Get().(*[binfmt.MaxString]byte)
	defer argBuffers.Put(buf)
	var chunk [32 * 8]byte
	for {
		// Pointers come in chunks that do not cross a page: what follows the list
		// may be unmapped.
		n := min(len(chunk), int(4096-list%4096))
		if n < 8 {
			n = 8
		}
		n &^= 7
		if err := t.CopyIn(chunk[:n], list); err != nil {
			return nil, err
		}
		list += user.Addr(n)
		for i := 0; i < n; i += 8 {
			p := user.Addr(le.Uint64(chunk[i:]))
			if p == 0 {
				return all, nil
			}
			s, err := copyString(t, buf[:min(binfmt.MaxString, *left)], p)
			if err == unix.ENAMETOOLONG {
				return nil, unix.E2BIG
			} else if err != nil {
				return nil, err
			}
			if *left -= len(s) + 9; *left < 0 {
				return nil, unix.E2BIG
			}
			all = append(all, string(s))
		}
	}
}

func sysClone(t *task.Task, a *Args) (uint64, error) {
	args := task.CloneArgs{
		Flags:      a[0] &^ 0xff & 0xffffffff,
		ExitSignal: unix.Signal(a[0] & 0xff),
		Stack:      a.Addr(1),
		ParentTID:  a.Addr(2),
		PidFD:      a.Addr(2),
	}
	// The order of the last two arguments is the architecture's: clone(2), "C
	// library/kernel differences".
	tls, child := abi.CloneTLS, abi.CloneChildTID
	args.TLS, args.ChildTID = a[tls], a.Addr(child)
	return clone(t, &args)
}

func sysFork(t *task.Task, _ *Args) (uint64, error) {
	return clone(t, &task.CloneArgs{ExitSignal: unix.SIGCHLD})
}

func sysVfork(t *task.Task, _ *Args) (uint64, error) {
	return clone(t, &task.CloneArgs{Flags: unix.CLONE_VFORK | unix.CLONE_VM, ExitSignal: unix.SIGCHLD})
}

func clone(t *task.Task, a *task.CloneArgs) (uint64, error) {
	return id(t.Clone(a))
}

// Sizes of struct clone_args: the first version's, and the one that is known here.
const (
	cloneArgsMin  = 64
	cloneArgsSize = 88
)

func sysClone3(t *task.Task, a *Args) (uint64, error) {
	size := a.Size(1)
	if size > 4096 {
		return 0, unix.E2BIG
	}
	if size < cloneArgsMin {
		return 0, unix.EINVAL
	}
	var b [4096]byte
	if err := t.CopyIn(b[:size], a.Addr(0)); err != nil {
		return 0, err
	}
	for _, c := range b[cloneArgsSize:max(size, cloneArgsSize)] {
		if c != 0 {
			return 0, unix.E2BIG // a field that is not known here asks for something
		}
	}
	word := func(i int) uint64 { return le.Uint64(b[8*i:]) }
	signal, stack, stackSize, setTID, setTIDs := word(4), word(5), word(6), word(8), word(9)
	args := task.CloneArgs{
		Flags: word(0), PidFD: user.Addr(word(1)), ChildTID: user.Addr(word(2)), ParentTID: user.Addr(word(3)),
		ExitSignal: unix.Signal(signal), Stack: user.Addr(stack), StackSize: stackSize, TLS: word(7),
	}
	const unknown = ^uint64(0xffffffff | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_INTO_CGROUP)
	switch {
	case setTIDs > 32,
		(setTID == 0) != (setTIDs == 0),
		signal > abi.NumSignals,
		args.Flags&unknown != 0,
		args.Flags&(unix.CLONE_DETACHED|0xff&^unix.CLONE_NEWTIME) != 0,
		args.Flags&(unix.CLONE_THREAD|unix.CLONE_PARENT) != 0 && signal != 0,
		(stack == 0) != (stackSize == 0):
		return 0, unix.EINVAL
	}
	if setTIDs > 0 {
		ids := make([]byte, 4*setTIDs)
		if err := t.CopyIn(ids, user.Addr(setTID)); err != nil {
			return 0, err
		}
		for i := range setTIDs {
			args.SetTID = append(args.SetTID, task.ID(int32(le.Uint32(ids[4*i:]))))
		}
		id, owner := t.Cred(), t.PIDNamespace().Owner()
		if !id.CapableIn(owner, unix.CAP_SYS_ADMIN) && !id.CapableIn(owner, unix.CAP_CHECKPOINT_RESTORE) {
			return 0, unix.EPERM
		}
	}
	return clone(t, &args)
}

func sysSetTIDAddress(t *task.Task, a *Args) (uint64, error) {
	t.SetClearTID(a.Addr(0))
	return uint64(t.ID()), nil
}
