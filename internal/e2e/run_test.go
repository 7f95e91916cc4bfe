package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// TestRun passes output, arguments and the exit status through.
func TestRun(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		const script = `uname -sm; echo $((6*7)) | cat; (exit 3); echo $?; echo err >&2; exit 42`
		kevlar(t, nil, "run", "--kernel", g.kernel, "--arch", string(g.arch), "--", "/bin/busybox", "sh", "-c", script).
			expect(t, 42, "Linux "+g.arch.Machine()+"\n42\n3\n", "err\n")
	})
}

// TestRunFlags sees the environment, the directory, the user, the host's name and the processors in the guest.
func TestRunFlags(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		const script = `id -u; id -un; pwd; echo "$A"; echo $HOME; hostname; nproc; kill -9 $$`
		kevlar(t, nil, g.args("-u", "user", "-w", "/tmp", "-e", "A=b  c=\"d\"", "--smp", "2", "--", "sh", "-c", script)...).
			expect(t, 128+9, "1000\nuser\n/tmp\nb  c=\"d\"\n/home/user\n"+g.kernel+"\n2\n", "")
	})
}

// TestPipe gives the guest an input with an end, and one that never ends.
func TestPipe(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		kevlar(t, strings.NewReader("hi\n"), g.args("--", "cat")...).expect(t, 0, "hi\n", "")
		// Without a command there is a shell, which reads the input.
		kevlar(t, strings.NewReader("echo from a script\nexit 5\n"), g.args()...).expect(t, 5, "from a script\n", "")

		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		kevlar(t, r, g.args("--", "echo", "done")...).expect(t, 0, "done\n", "")
	})
}

// TestBulk takes many bytes through the ports, and back.
func TestBulk(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		const size = 100 << 20
		r := kevlar(t, nil, g.args("--", "dd", "if=/dev/zero", "bs=1M", "count=100")...)
		if r.status != 0 || len(r.stdout) != size || strings.Trim(r.stdout, "\x00") != "" {
			t.Errorf("status %d, %d bytes of %d, errors %q", r.status, len(r.stdout), size, clip(r.stderr))
		}
		data := make([]byte, 10<<20)
		rand.New(rand.NewSource(1)).Read(data)
		r = kevlar(t, bytes.NewReader(data), g.args("--", "sh", "-c", "tee /dev/stderr")...)
		for name, got := range map[string]string{"output": r.stdout, "errors": r.stderr} {
			if sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
				t.Errorf("%s: %d bytes of %d, or not the same", name, len(got), len(data))
			}
		}
	})
}

// TestInterrupt sends the command a SIGINT, which is the program's.
func TestInterrupt(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		cmd := exec.CommandContext(t.Context(), program,
			g.args("--timeout", patience.String(), "--", "sh", "-c", `trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.01; done`)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, len("ready\n"))
		if _, err := io.ReadFull(out, line); err != nil {
			t.Errorf("output %q: %v", line, err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != 9 || string(rest) != "caught\n" {
			t.Errorf("status %d, output %q, errors %q; want 9, caught", status, rest, &stderr)
		}
	})
}

// TestTimeout ends a program that does not end.
func TestTimeout(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		start := time.Now()
		kevlar(t, nil, g.args("--timeout", "10s", "--", "sleep", "1000")...).expect(t, 124, "", "timed out after 10")
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestNoProgram runs what cannot be run.
func TestNoProgram(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		other := arch.AMD64
		if g.arch == other {
			other = arch.ARM64
		}
		root := tree(t, g.arch, map[string]string{"bin/plain": "text\n"})
		copyFile(t, filepath.Join(root, "bin/foreign"), busybox(t, other), 0o755)
		for _, test := range []struct {
			args   []string
			status int
			stderr string
		}{
			{[]string{"/no/such/program"}, 127, "/no/such/program"},
			{[]string{"nosuch"}, 127, "nosuch"},
			{[]string{"/bin/plain"}, 126, "/bin/plain"},
			{[]string{"/bin/foreign"}, 126, "/bin/foreign"},
			{[]string{"/bin"}, 126, "/bin"},
		} {
			kevlar(t, nil, g.args(append([]string{"--rootfs", root, "--"}, test.args...)...)...).expect(t, test.status, "", test.stderr)
		}
		empty := t.TempDir()
		kevlar(t, nil, g.args("--rootfs", empty)...).expect(t, 127, "", "init")
	})
}

// TestInit boots a program as PID 1, by a flag and by the fallbacks.
func TestInit(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		root := tree(t, g.arch, map[string]string{"init": "#!/bin/busybox sh\necho init $# \"$@\"\nexit 11\n"})
		if err := os.Chmod(filepath.Join(root, "init"), 0o755); err != nil {
			t.Fatal(err)
		}
		kevlar(t, nil, g.args("--rootfs", root)...).expect(t, 11, "init 0\n", "")
		kevlar(t, nil, g.args("--rootfs", root, "--init", "/init", "--", "a", "b  c", "")...).expect(t, 11, "init 3 a b  c \n", "")
	})
}

// TestRootfs boots each kind of root file system.
func TestRootfs(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		root := tree(t, g.arch, map[string]string{"etc/answer": "42\n"})
		if err := os.Link(filepath.Join(root, "etc/answer"), filepath.Join(root, "etc/second")); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for name, script := range map[string]string{
			"directory": "cp -a $ROOT $OUT",
			"tar.gz":    "tar -C $ROOT -czf $OUT .",
			"ext4":      "PATH=$PATH:/sbin mke2fs -q -t ext4 -d $ROOT $OUT 16M",
			"cpio":      "cd $ROOT && find . | /bin/busybox cpio -o -H newc >$OUT",
		} {
			out := filepath.Join(dir, name)
			sh := exec.Command("sh", "-c", script)
			sh.Env = append(os.Environ(), "ROOT="+root, "OUT="+out)
			if strings.Contains(script, "/bin/busybox") {
				sh.Args[2] = strings.ReplaceAll(script, "/bin/busybox", busybox(t, arch.Host()))
			}
			if text, err := sh.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", name, err, text)
			}
			kevlar(t, nil, g.args("--rootfs", out, "--", "sh", "-c", "cat /etc/answer; stat -c %h /etc/second")...).
				expect(t, 0, "42\n2\n", "")
		}
	})
}

// TestOCI boots an image layout: the image says what runs, as whom, where and with which environment.
func TestOCI(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		archive := filepath.Join(t.TempDir(), "layer.tar")
		if out, err := exec.Command("tar", "-C", tree(t, g.arch, nil), "-cf", archive, ".").CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
		image := ociImage(t, archive, v1.ConfigFile{OS: "linux", Architecture: string(g.arch), Config: v1.Config{
			Entrypoint: []string{"/bin/busybox", "sh", "-c"}, Cmd: []string{"id -u; pwd; echo $WORD; exit 7"},
			Env: []string{"WORD=said"}, WorkingDir: "/tmp", User: "12:13",
		}})
		kevlar(t, nil, g.args("--rootfs", image)...).expect(t, 7, "12\n/tmp\nsaid\n", "")
		kevlar(t, nil, g.args("--rootfs", image, "--", "sh", "-c", "echo $((6*7))")...).expect(t, 0, "42\n", "")
		kevlar(t, nil, g.args("--rootfs", image, "-e", "WORD=other", "-u", "0", "-w", "/")...).expect(t, 7, "0\n/\nother\n", "")
	})
}

// ociImage makes an image layout with one layer.
func ociImage(t *testing.T, archive string, config v1.ConfigFile) string {
	t.Helper()
	dir := t.TempDir()
	layer, err := tarball.LayerFromFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	have, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.RootFS = have.RootFS
	if image, err = mutate.ConfigFile(image, &config); err != nil {
		t.Fatal(err)
	}
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := index.AppendImage(image); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree is a directory with a BusyBox and more files.
func tree(t *testing.T, a arch.Arch, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, filepath.Join(root, "bin/busybox"), busybox(t, a), 0o755)
	for _, name := range []string{"sh", "cat", "stat"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// withPackages is a root file system with BusyBox and Debian packages with what they depend
// on.
func withPackages(t *testing.T, g target, names ...string) string {
	t.Helper()
	root := tree(t, g.arch, nil)
	c, err := debian.Open(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	packages, err := c.Closure(t.Context(), g.arch, names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if out, err := exec.Command("cp", "-a", p.Root+"/.", root).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", p.Name, err, out)
		}
	}
	// What programs do not need would only have to be unpacked.
	for _, d := range []string{"usr/share", "var"} {
		if err := os.RemoveAll(filepath.Join(root, d)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func busybox(t *testing.T, a arch.Arch) string {
	t.Helper()
	c, err := debian.Open(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	path, err := c.Busybox(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t *testing.T, to, from string, perm os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, perm)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestBadInput says what is wrong in one message, with a status, and never hangs.
func TestBadInput(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		dir := t.TempDir()
		file := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		for _, test := range []struct {
			args   []string
			status int
			stderr string
		}{
			{[]string{"--no-such-flag"}, 2, "--no-such-flag"},
			{[]string{"--kernel", "windows"}, 2, "windows"},
			{[]string{"--arch", "vax"}, 2, "vax"},
			{[]string{"--memory", "lots"}, 1, "lots"},
			{[]string{"--memory", "4M"}, 1, "too little"},
			{[]string{"--smp", "0"}, 1, "--smp 0"},
			{[]string{"--machine", "pdp11"}, 1, "pdp11"},
			{[]string{"-u", "nobody-knows", "--", "true"}, 126, "nobody-knows"},
			{[]string{"-w", "/no/such/dir", "--", "true"}, 126, "/no/such/dir"},
			{[]string{"-v", "/tmp:/mnt", "--", "true"}, 1, "not supported yet"},
			{[]string{"--rootfs", "/no/such/path"}, 1, "/no/such/path"},
			{[]string{"--rootfs", file("noise", strings.Repeat("noise", 1000))}, 1, "neither a directory"},
			{[]string{"--rootfs", file("cut.cpio", "070701"+strings.Repeat("0", 50))}, 1, "corrupt cpio archive"},
			{[]string{"--image", "/no/such/kernel", "--", "true"}, 1, "/no/such/kernel"},
			{[]string{"--qemu-arg=-no-such-option", "--", "true"}, 125, "no-such-option"},
		} {
			t.Run(strings.Join(test.args, " "), func(t *testing.T) {
				kevlar(t, nil, g.args(test.args...)...).expect(t, test.status, "", test.stderr)
			})
		}
		t.Run("no QEMU", func(t *testing.T) {
			kevlarEnv(t, nil, []string{"PATH=" + withoutQEMU(t)}, g.args("--", "true")...).expect(t, 1, "", "qemu-system-")
		})
	})
}

// withoutQEMU is a PATH with the go command, and little else.
func withoutQEMU(t *testing.T) string {
	dir := t.TempDir()
	path, err := exec.LookPath("go")
	if err == nil {
		err = os.Symlink(path, filepath.Join(dir, "go"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTruncatedKernel boots a kernel that was cut off: it is noticed before it is booted.
func TestTruncatedKernel(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		if g.kernel != "kevlar" {
			t.Skip("Linux's images do not say how long they are")
		}
		out := t.TempDir()
		r := kevlar(t, nil, "build", "--arch", string(g.arch), "-o", out)
		path := strings.TrimSpace(r.stdout)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err, r.stderr)
		}
		if err := os.Truncate(path, info.Size()/2); err != nil {
			t.Fatal(err)
		}
		kevlar(t, nil, g.args("--image", path, "--", "true")...).expect(t, 1, "", "truncated")
	})
}

// TestDyingQEMU ends the machine from outside.
func TestDyingQEMU(t *testing.T) {
	onTargets(t, func(t *testing.T, g target) {
		// A QEMU that runs the real one for a while, and is killed.
		dir := t.TempDir()
		path, err := exec.LookPath(g.arch.QEMU())
		if err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\necho QEMU was killed >&2\nkill -%d $$\nexec %s \"$@\"\n", syscall.SIGKILL, path)
		if err := os.WriteFile(filepath.Join(dir, g.arch.QEMU()), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		kevlarEnv(t, nil, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, g.args("--", "true")...).expect(t, 125, "", "QEMU was killed")
	})
}
