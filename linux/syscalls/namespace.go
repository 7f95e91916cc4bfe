package syscalls

import "kevlar/linux/task"

var namespaceRows = []Row{
	{Name: "unshare", Args: []Kind{CloneFlags}, Do: sysUnshare, Support: Partial, Note: "no network, cgroup and time namespaces (EINVAL)",
		Contracts: []string{"security/uts_namespace", "security/mount_namespace", "security/user_namespace", "security/user_namespace_nested", "security/user_namespace_capabilities"}},
	{Name: "setns", Args: []Kind{FD, CloneFlags}, Do: sysSetns, Contracts: []string{"proc/self_ns_links", "security/user_namespace_nested"}},
}

func sysUnshare(t *task.Task, a *Args) (uint64, error) { return 0, t.Unshare(a.Size(0)) }

func sysSetns(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Enter(a.Int(0), uint64(a.Uint(1)))
}
