package vfs

// lockState are the locks of one inode.
type lockState struct{}

func (i *Inode) dropFileLocks(f *File)      {}
func (i *Inode) dropRecordLocks(t *FDTable) {}
