package vfs_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
)

// TestConcurrentNames lets several tasks make, move, list and remove the same names.
// Every file must be found by exactly the names that it has in the end.
func TestConcurrentNames(t *testing.T) {
	v := newTree(t)
	dirs := []string{"/a", "/b", "/a/sub"}
	v.mkdir(dirs...)
	var all sync.WaitGroup
	for id := range uint64(4) {
		c := *v.Context
		c.FS = v.FS.Copy()
		all.Go(func() {
			r := rand.New(rand.NewPCG(id, 1))
			name := func() []byte { return fmt.Appendf(nil, "%s/%d", dirs[r.IntN(len(dirs))], r.IntN(40)) }
			const cwd = unix.AT_FDCWD
			for range 2000 {
				switch r.IntN(7) {
				case 0:
					vfs.Mkdir(&c, cwd, name(), 0o755)
				case 1:
					if f, err := vfs.Open(&c, cwd, name(), unix.O_CREAT|unix.O_RDWR, 0o644, 0); err == nil {
						f.Unref()
					}
				case 2:
					vfs.Unlink(&c, cwd, name())
				case 3:
					vfs.Rmdir(&c, cwd, name())
				case 4:
					vfs.Rename(&c, cwd, name(), cwd, name(), uint32(r.IntN(3)))
				case 5:
					vfs.Link(&c, cwd, name(), cwd, name(), 0)
				case 6:
					list(t, &c, dirs[r.IntN(len(dirs))])
				}
			}
			c.FS.Unref()
		})
	}
	all.Wait()
	links := map[uint64]uint32{}
	count := map[uint64]uint32{}
	for _, dir := range dirs {
		for _, name := range list(t, v.Context, dir) {
			p, err := vfs.Lookup(v.Context, unix.AT_FDCWD, []byte(dir+"/"+name), 0)
			if err != nil {
				t.Fatalf("%s/%s is listed and not found: %v", dir, name, err)
			}
			if !p.Inode().IsDir() {
				links[p.Inode().Ino] = p.Inode().Nlink()
				count[p.Inode().Ino]++
			}
		}
	}
	for ino, n := range links {
		if count[ino] != n {
			t.Errorf("inode %d has %d links and %d names", ino, n, count[ino])
		}
	}
}

// TestRenameReplaces lets one task replace a file while another opens it: the name always leads to one.
func TestRenameReplaces(t *testing.T) {
	v := newTree(t)
	const cwd, mode = unix.AT_FDCWD, 0o755
	name, other := []byte("/name"), []byte("/other")
	c := *v.Context
	c.FS = v.FS.Copy()
	create := func(name []byte) {
		f, err := vfs.Open(&c, cwd, name, unix.O_CREAT|unix.O_RDWR, mode, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Unref()
	}
	create(name)
	var replacer sync.WaitGroup
	done := make(chan struct{})
	replacer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			create(other)
			if err := vfs.Rename(&c, cwd, other, cwd, name, 0); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20000 {
		f, err := vfs.Open(v.Context, cwd, name, unix.O_RDONLY, 0, 0)
		if err == nil {
			f.Unref()
			f, err = vfs.OpenExec(v.Context, cwd, name, vfs.Follow)
		}
		if err != nil {
			t.Error(err)
			break
		}
		f.Unref()
	}
	close(done)
	replacer.Wait()
	c.FS.Unref()
}

// list reads a directory, in small pieces.
func list(t *testing.T, c *vfs.Context, dir string) (names []string) {
	f, err := vfs.OpenPath(c, dir, unix.O_RDONLY, 0)
	if err != nil {
		t.Errorf("open %s: %v", dir, err)
		return nil
	}
	defer f.Unref()
	for more := true; more; {
		more = false
		n := 0
		if err := f.ReadDir(c, func(e vfs.DirEntry) bool {
			if n++; n > 5 {
				more = true
				return false
			}
			if e.Name != "." && e.Name != ".." {
				names = append(names, e.Name)
			}
			return true
		}); err != nil {
			t.Errorf("list %s: %v", dir, err)
		}
	}
	return names
}

// TestLargeDirectory removes entries while it lists them, as rm -r does.
func TestLargeDirectory(t *testing.T) {
	v := newTree(t)
	v.mkdir("/d")
	const n = 3000
	for i := range n {
		v.touch(fmt.Sprintf("/d/%d", i))
	}
	f, err := vfs.OpenPath(v.Context, "/d", unix.O_RDONLY, 0)
	v.ok(err)
	defer f.Unref()
	removed := 0
	for {
		var batch []string
		v.ok(f.ReadDir(v.Context, func(e vfs.DirEntry) bool {
			if len(batch) == 100 {
				return false
			}
			batch = append(batch, e.Name)
			return true
		}))
		if len(batch) == 0 {
			break
		}
		for _, name := range batch {
			if name != "." && name != ".." {
				v.ok(vfs.Unlink(v.Context, unix.AT_FDCWD, []byte("/d/"+name)))
				removed++
			}
		}
	}
	if removed != n {
		t.Errorf("%d of %d entries were seen", removed, n)
	}
	v.ok(vfs.Rmdir(v.Context, unix.AT_FDCWD, []byte("/d")))
}
