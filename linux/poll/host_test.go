package poll

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/abi"
	"kevlar/linux/pipe"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine/sim"
)

// target is a file here and its like on the host.
type target struct {
	file *vfs.File
	host int
	open bool
	size int // of what is written and read
}

// TestEpollLikeLinux watches pipes and eventfds with an epoll file here and one of the
// Linux that runs the test, and does the same to both.
func TestEpollLikeLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	sim.New(t, sim.Config{})
	rapid.Check(t, func(t *rapid.T) {
		c := context()
		ep := NewEpoll()
		hostEp, err := unix.EpollCreate1(0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(hostEp)
		defer ep.Release(nil)
		var all []*target
		for range 2 {
			r, w := pipe.New(c, unix.O_NONBLOCK)
			pipe.Of(r).Resize(c, 1)
			var h [2]int
			unix.Pipe2(h[:], unix.O_NONBLOCK)
			unix.FcntlInt(uintptr(h[0]), unix.F_SETPIPE_SZ, 1)
			all = append(all, &target{r, h[0], true, 3000}, &target{w, h[1], true, 3000})
			e := vfs.NewAnonFile("[eventfd]", NewEventfd(0, false), unix.O_RDWR|unix.O_NONBLOCK)
			fd, _ := unix.Eventfd(0, unix.EFD_NONBLOCK)
			all = append(all, &target{e, fd, true, 8})
		}
		defer func() {
			for _, x := range all {
				if x.open {
					unix.Close(x.host)
					x.file.Unref()
				}
			}
		}()
		index := rapid.IntRange(0, len(all)-1)
		pick := func(t *rapid.T) *target {
			x := all[index.Draw(t, "file")]
			if !x.open {
				t.Skip()
			}
			return x
		}
		same := func(what string, n int, err error, hostN int, hostErr error) {
			t.Helper()
			if err != nil || hostErr != nil {
				n, hostN = 0, 0
			}
			if n != hostN || err != hostErr && (err != nil || hostErr != nil) {
				t.Fatalf("%s: %d, %v; Linux: %d, %v", what, n, err, hostN, hostErr)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"control": func(t *rapid.T) {
				x := pick(t)
				op := rapid.SampledFrom([]int{unix.EPOLL_CTL_ADD, unix.EPOLL_CTL_ADD, unix.EPOLL_CTL_MOD, unix.EPOLL_CTL_DEL}).Draw(t, "op")
				events := rapid.SampledFrom([]uint32{0, unix.EPOLLIN, unix.EPOLLOUT, unix.EPOLLIN | unix.EPOLLOUT}).Draw(t, "events")
				events |= rapid.SampledFrom([]uint32{0, unix.EPOLLET, unix.EPOLLONESHOT, unix.EPOLLET | unix.EPOLLONESHOT}).Draw(t, "how")
				err := ep.Control(op, x.host, x.file, abi.EpollEvent{Events: events, Data: uint64(x.host)})
				herr := unix.EpollCtl(hostEp, op, x.host, &unix.EpollEvent{Events: events, Fd: int32(x.host)})
				same("epoll_ctl", 0, err, 0, herr)
			},
			"write": func(t *rapid.T) {
				x := pick(t)
				p := make([]byte, x.size)
				if x.size == 8 {
					v := rapid.SampledFrom([]uint64{1, 5, math.MaxUint64 - 1}).Draw(t, "value")
					binary.LittleEndian.PutUint64(p, v)
				}
				io := user.Kernel(p)
				n, err := x.file.Write(c, &io)
				hn, herr := unix.Write(x.host, p)
				same("write", n, err, hn, herr)
			},
			"read": func(t *rapid.T) {
				x := pick(t)
				p, q := make([]byte, x.size), make([]byte, x.size)
				io := user.Kernel(p)
				n, err := x.file.Read(c, &io)
				hn, herr := unix.Read(x.host, q)
				same("read", n, err, hn, herr)
				if !slices.Equal(p, q) {
					t.Fatalf("read %v; Linux %v", p[:8], q[:8])
				}
			},
			"close": func(t *rapid.T) {
				x := pick(t)
				if rapid.IntRange(0, 5).Draw(t, "rarely") != 0 {
					t.Skip()
				}
				unix.Close(x.host)
				x.file.Unref()
				x.open = false
			},
			"wait": func(t *rapid.T) {
				most := rapid.IntRange(1, 4).Draw(t, "most")
				got, want := make([]abi.EpollEvent, most), make([]unix.EpollEvent, most)
				n, err := ep.Wait(c, got, wait.Forever, false)
				hn, herr := unix.EpollWait(hostEp, want, 0)
				same("epoll_wait", n, err, hn, herr)
				var ours, host []string
				for i := range n {
					ours = append(ours, fmt.Sprintf("%d:%#x", got[i].Data, got[i].Events))
					host = append(host, fmt.Sprintf("%d:%#x", want[i].Fd, want[i].Events))
				}
				if !slices.Equal(ours, host) {
					t.Fatalf("events %v; Linux %v", ours, host)
				}
			},
		})
	})
}
