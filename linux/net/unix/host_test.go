package local

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"kevlar/linux/net/socket"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

// word is where Ioctl writes its answer.
type word [4]byte

func (w *word) CopyIn(p []byte, _ user.Addr) (int, error)  { return copy(p, w[:]), nil }
func (w *word) CopyOut(_ user.Addr, p []byte) (int, error) { return copy(w[:], p), nil }

// TestLikeLinux does the same on a pair of sockets here and of the Linux that runs the
// test.
func TestLikeLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to compare with")
	}
	rapid.Check(t, func(t *rapid.T) {
		c := context()
		typ := rapid.SampledFrom([]int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET}).Draw(t, "type")
		var ours [2]*Sock
		a, b, err := pair(c, typ, 0)
		if err != nil {
			t.Fatal(err)
		}
		ours[0], ours[1] = a.(*Sock), b.(*Sock)
		host, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		open := [2]bool{true, true}
		defer func() {
			for i := range 2 {
				if open[i] {
					unix.Close(host[i])
					ours[i].Release(nil)
				}
			}
		}()
		fill := byte(0)
		// Linux since 6.3 charges more for messages below 400 bytes than before: a buffer that
		// large ones fill gets no small ones here.
		size := rapid.IntRange(0, 50)
		if rapid.Bool().Draw(t, "large") {
			size = rapid.OneOf(rapid.IntRange(400, 5000), rapid.IntRange(400, 300000))
		}
		end := func(t *rapid.T) int {
			i := rapid.IntRange(0, 1).Draw(t, "end")
			if !open[i] {
				i = 1 - i
			}
			return i
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
			"send": func(t *rapid.T) {
				i, n := end(t), size.Draw(t, "n")
				if typ == unix.SOCK_SEQPACKET {
					n = max(n, 1) // of unread empty records, Linux before 6.13 tells at the close, and not after
				}
				p := make([]byte, n)
				for k := range p {
					p[k] = fill
					fill++
				}
				m := socket.Message{Data: user.Kernel(p), Flags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL}
				k, err := ours[i].Send(c, &m)
				hn, herr := unix.SendmsgN(host[i], p, nil, nil, unix.MSG_NOSIGNAL)
				if err == unix.ENOTCONN && (herr == unix.EPIPE || herr == unix.EMSGSIZE) {
					herr = err // Linux since 6.13 looks at the peer last
				}
				same("send", k, err, hn, herr)
			},
			"receive": func(t *rapid.T) {
				i, n := end(t), size.Draw(t, "n")
				flags := rapid.SampledFrom([]int{0, 0, unix.MSG_PEEK, unix.MSG_TRUNC, unix.MSG_PEEK | unix.MSG_TRUNC}).Draw(t, "flags")
				if typ == unix.SOCK_STREAM {
					flags &^= unix.MSG_TRUNC
				}
				got, want := make([]byte, n), make([]byte, n)
				m := socket.Message{Data: user.Kernel(got), Flags: flags | unix.MSG_DONTWAIT}
				k, err := ours[i].Receive(c, &m)
				hk, _, out, _, herr := unix.Recvmsg(host[i], want, nil, flags)
				same("receive", k, err, hk, herr)
				if !bytes.Equal(got, want) {
					t.Fatal("received other bytes than Linux")
				}
				if herr == nil && m.Out != out&unix.MSG_TRUNC {
					t.Fatalf("msg_flags %#x; Linux %#x", m.Out, out)
				}
			},
			"peek offset": func(t *rapid.T) {
				i, off := end(t), rapid.SampledFrom([]int{-1, 0, 3, 2000}).Draw(t, "offset")
				value := binary.LittleEndian.AppendUint32(nil, uint32(int32(off)))
				err := socket.Set(c, ours[i], unix.SOL_SOCKET, unix.SO_PEEK_OFF, value)
				same("setsockopt", 0, err, 0, unix.SetsockoptInt(host[i], unix.SOL_SOCKET, unix.SO_PEEK_OFF, off))
			},
			"shutdown": func(t *rapid.T) {
				i := end(t)
				how := rapid.SampledFrom([]int{unix.SHUT_RD, unix.SHUT_WR, unix.SHUT_RDWR, 7}).Draw(t, "how")
				if rapid.IntRange(0, 3).Draw(t, "rarely") != 0 {
					t.Skip()
				}
				err, herr := ours[i].Shutdown(how), unix.Shutdown(host[i], how)
				same("shutdown", 0, err, 0, herr)
			},
			"close": func(t *rapid.T) {
				if !open[0] || !open[1] || rapid.IntRange(0, 9).Draw(t, "rarely") != 0 {
					t.Skip()
				}
				i := end(t)
				unix.Close(host[i])
				ours[i].Release(nil)
				open[i] = false
			},
			"": func(t *rapid.T) {
				for i := range 2 {
					if !open[i] {
						continue
					}
					fds := []unix.PollFd{{Fd: int32(host[i]), Events: -1}}
					unix.Poll(fds, 0)
					if got := ours[i].Poll(nil, nil); got != wait.Events(fds[0].Revents) {
						t.Fatalf("end %d polls %#x; Linux %#x", i, got, fds[0].Revents)
					}
					for _, cmd := range []uint32{unix.TIOCINQ} {
						var w word
						_, err := ours[i].Ioctl(c, nil, cmd, 0, &w)
						n, herr := unix.IoctlGetInt(host[i], uint(cmd))
						same("ioctl", int(binary.LittleEndian.Uint32(w[:])), err, n, herr)
					}
				}
			},
		})
	})
}
