package contracts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kevlar/internal/arch"
	"kevlar/internal/qemu"
)

// A guest is a kernel in a QEMU machine whose initramfs holds the contracts and lib/init.c.
type guest struct {
	arch    arch.Arch
	config  qemu.Config
	init    string            // path of the program made from lib/init.c
	modules []string          // kernel modules to load, in order
	files   map[string]string // of the host, by their names in the machine
	links   map[string]string // symbolic links: what they name, by their names
}

// logTail is how much of a machine's log a report holds.
const logTail = 4 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	if over := t.b.Len() - logTail; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func (g *guest) boot(ctx context.Context, jobs []job, begin func(i int), end func(i int, a Answer)) (string, error) {
	image, err := g.initramfs(jobs)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "kevlar-contracts")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	c := g.config
	c.Initrd = filepath.Join(dir, "initramfs.cpio")
	if err := os.WriteFile(c.Initrd, image, 0o666); err != nil {
		return "", err
	}
	c.Ports = []string{"kevlar.contracts"}

	// A machine that hangs is ended by a watchdog that each record feeds: the time limits inside the machine come first.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(bootTimeout, cancel)
	defer watchdog.Stop()

	var log tail
	vm, err := qemu.Start(ctx, c, &log)
	if err != nil {
		return "", err
	}
	defer vm.Close()
	err = readRecords(vm.Port(c.Ports[0]),
		func(i int) {
			watchdog.Reset(time.Duration(jobs[i].Timeout)*time.Second + grace)
			begin(i)
		},
		func(i int, a Answer) { end(i, a) })
	if err == nil {
		return log.String(), nil
	}
	vm.Kill()
	_, werr := vm.Wait()
	return log.String(), werr
}

const (
	bootTimeout = 60 * time.Second
	grace       = 20 * time.Second
)

// initramfs packs the programs, the init and the list of the work.
func (g *guest) initramfs(jobs []job) ([]byte, error) {
	var a archive
	addHost := func(name, path string) error {
		data, err := os.ReadFile(path)
		if err == nil {
			a.add(name, 0o100755, data)
		}
		return err
	}
	if err := addHost("init", g.init); err != nil {
		return nil, err
	}
	for _, d := range []string{"dev", "proc", "sys", "tmp", "etc", "bin"} {
		a.entry(d, 0o040755, nil)
	}
	a.dirs = map[string]bool{"dev": true, "etc": true, "bin": true}
	a.add("etc/passwd", 0o100644, []byte("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n"))
	a.add("etc/group", 0o100644, []byte("root:x:0:\nuser:x:1000:\n"))
	for i, m := range g.modules {
		if err := addHost(fmt.Sprintf("modules/%02d-%s", i, filepath.Base(m)), m); err != nil {
			return nil, err
		}
	}
	for name, path := range g.files {
		if err := addHost(name, path); err != nil {
			return nil, err
		}
	}
	for name, target := range g.links {
		a.add(name, 0o120777, []byte(target))
	}
	var list strings.Builder
	packed := map[string]bool{}
	for i, j := range jobs {
		uid, tty := 0, "-"
		if j.User {
			uid = 1000
		}
		if j.TTY {
			tty = "tty"
		}
		name := "contracts/" + strings.TrimSuffix(j.Name, ".user")
		if !packed[name] {
			packed[name] = true
			if err := addHost(name, j.program); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(&list, "%d /%s %d %d %s\n", i, name, uid, j.Timeout, tty)
	}
	a.add("contracts/LIST", 0o100644, []byte(list.String()))
	return a.bytes(), nil
}
