package syscalls

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/mm"
	"kevlar/linux/task"
	"kevlar/linux/uts"
	"kevlar/linux/wait"
	"kevlar/machine/mem"
)

// Calls about the system as a whole.
var unameRows = []Row{
	{Name: "uname", Args: []Kind{Utsname}, Do: sysUname, Contracts: []string{"process/uname_fields", "security/uts_namespace"}},
	{Name: "sethostname", Args: []Kind{Ptr, Int}, Do: sysSethostname, Contracts: []string{"security/uts_namespace"}},
	{Name: "setdomainname", Args: []Kind{Ptr, Int}, Do: sysSetdomainname, Contracts: []string{"security/uts_namespace"}},
	{Name: "sysinfo", Args: []Kind{Sysinfo}, Do: sysSysinfo, Contracts: []string{"proc/meminfo_fields", "abi/structure_sizes"}},
	{Name: "personality", Args: []Kind{Hex}, Do: sysPersonality, Support: Partial, Note: "kept and inherited; of its flags UNAME26 and PER_LINUX32 have an effect",
		Contracts: []string{"process/personality_values", "abi/initial_stack"}},
}

const pageSize = mem.PageSize

// Bits of personality(2).
const (
	uname26      = 0x0020000
	perMask      = 0xff
	perLinux32   = 0x08
	perUnchanged = 0xffffffff
)

func sysUname(t *task.Task, a *Args) (uint64, error) {
	names := t.UTS().Names()
	if p := t.Personality(); p&uname26 != 0 || p&perMask == perLinux32 {
		own := *names
		if p&uname26 != 0 {
			own.SetRelease("2.6.61-kevlar") // for programs that know no other: 40 more than the minor version
		}
		if p&perMask == perLinux32 {
			own.SetMachine(abi.ELFPlatform32)
		}
		names = &own
	}
	return 0, t.CopyOut(a.Addr(0), names[:])
}

// getName reads a host or domain name: EPERM, EINVAL for its length.
func getName(t *task.Task, a *Args) (string, error) {
	if !t.Cred().CapableIn(t.UTS().Owner(), unix.CAP_SYS_ADMIN) {
		return "", unix.EPERM
	}
	n := a.Int(1)
	if n < 0 || n > uts.MaxName {
		return "", unix.EINVAL
	}
	var b [uts.MaxName]byte
	if err := t.CopyIn(b[:n], a.Addr(0)); err != nil {
		return "", err
	}
	return cString(b[:n]), nil
}

// cString is b up to its NUL, or whole.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func sysSethostname(t *task.Task, a *Args) (uint64, error) {
	name, err := getName(t, a)
	if err != nil {
		return 0, err
	}
	t.UTS().SetNode(name)
	return 0, nil
}

func sysSetdomainname(t *task.Task, a *Args) (uint64, error) {
	name, err := getName(t, a)
	if err != nil {
		return 0, err
	}
	t.UTS().SetDomain(name)
	return 0, nil
}

func sysSysinfo(t *task.Task, a *Args) (uint64, error) {
	var b [112]byte
	memory := mem.Usage()
	le.PutUint64(b[0:], uint64((wait.Now()+time.Second-1)/time.Second))
	for i, load := range t.Kernel.LoadAverage() {
		le.PutUint64(b[8+8*i:], uint64(load*(1<<16))) // SI_LOAD_SHIFT
	}
	le.PutUint64(b[32:], uint64(memory.Total+memory.Reserved)*pageSize)
	le.PutUint64(b[40:], uint64(memory.Free+memory.Spare)*pageSize)
	le.PutUint64(b[48:], uint64(mm.SharedPages())*pageSize)
	le.PutUint16(b[80:], uint16(min(t.Kernel.Threads(), 0xffff)))
	le.PutUint32(b[104:], 1) // mem_unit: sizes are in bytes
	return 0, t.CopyOut(a.Addr(0), b[:])
}

func sysPersonality(t *task.Task, a *Args) (uint64, error) {
	p := a.Uint(0)
	if p == perUnchanged {
		return uint64(t.Personality()), nil
	}
	return uint64(t.SetPersonality(p)), nil
}
