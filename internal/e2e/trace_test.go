package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestTrace reads what a program did: as it runs, from a file, and as Perfetto's viewer reads it.
func TestTrace(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("strace does it on Linux")
		}
		args := func(more ...string) []string {
			a := g.args(more...)
			a[0] = "trace"
			return a
		}
		r := kevlar(t, nil, args("--", "/bin/busybox", "ls", "-l", "/")...)
		if r.status != 0 || !strings.Contains(r.stdout, " sbin -> bin\n") {
			t.Fatalf("status %d, output %q, errors %q", r.status, r.stdout, clip(r.stderr))
		}
		matchLines(t, r.stderr, []string{
			`^execve\("/bin/busybox", \["/bin/busybox", "ls", "-l", "/"\], .*\) = 0$`,
			`^openat\(AT_FDCWD, "/", O_RDONLY\|.*O_DIRECTORY\) = 3$`,
			`^getdents64\(3, 0x[0-9a-f]+ /\* \d+ entries \*/, 32768\) = \d+$`,
			`^newfstatat\(AT_FDCWD, "/sbin", \{st_mode=S_IFLNK\|0777, st_size=3, \.\.\.\}, AT_SYMLINK_NOFOLLOW\) = 0$`,
			`^write\(1, "total 0\\n.*"\.\.\., \d+\) = \d+$`,
			`^\+\+\+ exited with 0 \+\+\+$`,
		})

		// A pipe of two processes on several CPUs, kept whole.
		dir := t.TempDir()
		file, perfetto := filepath.Join(dir, "trace"), filepath.Join(dir, "perfetto")
		r = kevlar(t, nil, g.args("--smp", "4", "--trace="+file, "--", "sh", "-c", "echo through a pipe | cat; exec dd if=/none")...)
		r.expect(t, 1, "through a pipe\n", "can't open '/none'")
		r = kevlar(t, nil, "trace", "--read", file, "-f", "-e", "openat", "-e", "error=ENOENT")
		matchLines(t, r.stdout, []string{`^\[pid +1\] openat\(AT_FDCWD, "/none", O_RDONLY.*\) += -1 ENOENT \(No such file or directory\)$`})
		r = kevlar(t, nil, "trace", "--read", file, "-c")
		matchLines(t, r.stdout, []string{`^ *[\d.]+ +[\d.]+ +\d+ +\d+ +\d+ +(\d+ )?openat$`, `^ *100\.00 .* total$`})
		r = kevlar(t, nil, "trace", "--read", file, "--perfetto", perfetto)
		r.expect(t, 0, "", "")
		b, err := os.ReadFile(perfetto)
		if err != nil {
			t.Fatal(err)
		}
		for rest := b; len(rest) > 0; { // a Trace is a list of packets
			num, kind, n := protowire.ConsumeTag(rest)
			if num != 1 || kind != protowire.BytesType {
				t.Fatalf("field %d of type %d where a packet should be", num, kind)
			}
			_, m := protowire.ConsumeBytes(rest[n:])
			if m < 0 {
				t.Fatal(protowire.ParseError(m))
			}
			rest = rest[n+m:]
		}
		for _, want := range []string{"pipe2", "execve", "wakes ", "page fault", "interrupts of CPU"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("Perfetto's file has no %q", want)
			}
		}
	})
}
