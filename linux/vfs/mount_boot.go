package vfs

import "golang.org/x/sys/unix"

// MountBoot mounts a file system where the kernel itself wants one, before the first
// task: dir is a directory of c's tree.
func MountBoot(c *Context, fsType, dir, data string, flags uint32) error {
	t, err := FindFS(fsType)
	if err != nil {
		return err
	}
	p, err := Lookup(c, unix.AT_FDCWD, []byte(dir), Follow|MustBeDir)
	if err != nil {
		return err
	}
	sb, err := t.Mount(c, fsType, false, data)
	if err != nil {
		return err
	}
	mountMu.Lock()
	defer mountMu.Unlock()
	newMount(sb, sb.Root, fsType, flags).attach(top(p))
	return nil
}
