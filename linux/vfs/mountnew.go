package vfs

import "golang.org/x/sys/unix"

// MountType makes or finds an instance of a file system and mounts it at p, without the
// checks of mount(2): boot does it. flags are the mount's (Mnt constants), where relatime
// holds unless they say otherwise. EBUSY where the same file system is there already,
// ENOTDIR where the two are not directories both.
func MountType(c *Context, source string, p Path, t *FSType, flags uint32, data string) error {
	sb, err := t.Mount(c, source, flags&MntReadOnly != 0, data)
	if err != nil {
		return err
	}
	return MountSuper(sb, source, p, flags)
}

// MountSuper mounts an instance of a file system, likewise.
func MountSuper(sb *Superblock, source string, p Path, flags uint32) error {
	if flags&(MntNoAtime|MntStrictAtime) == 0 {
		flags |= MntRelAtime
	}
	return mountSuper(nil, sb, source, p, flags)
}

// mountSuper does it, for somebody in p's namespace where c is not nil.
func mountSuper(c *Context, sb *Superblock, source string, p Path, flags uint32) error {
	mountMu.Lock()
	defer mountMu.Unlock()
	p = top(p)
	if err := p.mayMount(); err != nil {
		return err
	}
	switch {
	case p.Mnt.ns == nil, c != nil && !p.Mnt.here(c):
		return unix.EINVAL
	case p.Mnt.SB == sb && p.D == p.Mnt.Root:
		return unix.EBUSY
	case p.Inode().IsDir() != sb.Root.Inode().IsDir():
		return unix.ENOTDIR
	}
	newMount(sb, sb.Root, source, flags).attachShared(p)
	return nil
}
