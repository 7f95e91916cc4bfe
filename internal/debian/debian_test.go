package debian

import (
	"context"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kevlar/internal/arch"
)

func TestParseURIs(t *testing.T) {
	out := `'http://a/libc6_2.36-9%2bdeb12u14_arm64.deb' libc6_2.36-9+deb12u14_arm64.deb 2324660 MD5Sum:96
'http://a/libx11-6_1.8.4_arm64.deb' libx11-6_2%3a1.8.4-2+deb12u2_arm64.deb 735284 

Reading package lists...
`
	if got, want := parseURIs(out), []string{"libc6", "libx11-6"}; !slices.Equal(got, want) {
		t.Errorf("parseURIs = %q, want %q", got, want)
	}
}

func TestMissing(t *testing.T) {
	got := Missing(Tool{Program: "sh", Package: "dash"}, Tool{Program: "no-such-program-a", Package: "a"}, Tool{Program: "no-such-program-b", Package: "a"})
	if want := []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("Missing = %q, want %q", got, want)
	}
	if line := InstallLine("a", "b"); !strings.Contains(line, "apt-get install") || !strings.HasSuffix(line, " a b") {
		t.Errorf("InstallLine = %q", line)
	}
}

// TestNoApt asks for a package where there is no apt.
func TestNoApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c, err := OpenAt(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Package(context.Background(), arch.ARM64, "busybox-static")
	if err == nil || !strings.Contains(err.Error(), "apt-get is not here") {
		t.Errorf("err = %v, want one that names apt-get", err)
	}
}

// TestCached finds a package that is in the cache already without asking apt.
func TestCached(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	if err := writeFile(filepath.Join(dir, "arm64/packages/hello/version"), "1.2-3\n"); err != nil {
		t.Fatal(err)
	}
	c, err := OpenAt(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Package(context.Background(), arch.ARM64, "hello")
	if err != nil || p.Version != "1.2-3" || p.Path("bin/x") != filepath.Join(dir, "arm64/packages/hello/root/bin/x") {
		t.Errorf("Package = %+v, %v", p, err)
	}
}

// TestFetch fetches from the archive, several callers at a time, for both
// architectures.
func TestFetch(t *testing.T) {
	if testing.Short() {
		t.Skip("uses the network where the cache is empty")
	}
	if len(Missing(Tool{Program: "apt-get", Package: "apt"})) != 0 {
		t.Skip("no apt on this host")
	}
	machine := map[arch.Arch]elf.Machine{arch.AMD64: elf.EM_X86_64, arch.ARM64: elf.EM_AARCH64}
	var wg sync.WaitGroup
	for range 2 {
		for _, a := range arch.All {
			wg.Go(func() {
				c, err := Open(os.Stderr)
				if err != nil {
					t.Error(err)
					return
				}
				path, err := c.Busybox(t.Context(), a)
				if err != nil {
					t.Error(err)
					return
				}
				f, err := elf.Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				if f.Machine != machine[a] {
					t.Errorf("busybox for %s is for %v", a, f.Machine)
				}
			})
		}
	}
	wg.Wait()
}

func TestUnknownPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("uses the network")
	}
	if len(Missing(Tool{Program: "apt-get", Package: "apt"})) != 0 {
		t.Skip("no apt on this host")
	}
	c, err := Open(os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Package(t.Context(), arch.ARM64, "no-such-package-as-this")
	if err == nil || !strings.Contains(err.Error(), "no-such-package-as-this") {
		t.Errorf("err = %v, want one that names the package", err)
	}
}
