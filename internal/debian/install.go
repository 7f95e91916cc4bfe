package debian

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Tool is a program or a file that the host needs, and the package that brings it.
type Tool struct {
	Program string // looked for in PATH
	File    string // an absolute path, where Program is empty
	Package string
}

func (t Tool) missing() bool {
	if t.Program == "" {
		_, err := os.Stat(t.File)
		return err != nil
	}
	_, err := exec.LookPath(t.Program)
	return err != nil
}

// Missing lists the packages of those tools that are not here, each once.
func Missing(tools ...Tool) []string {
	var missing []string
	seen := map[string]bool{}
	for _, t := range tools {
		if t.missing() && !seen[t.Package] {
			seen[t.Package] = true
			missing = append(missing, t.Package)
		}
	}
	return missing
}

// InstallLine is what a person types to install packages.
func InstallLine(packages ...string) string {
	line := "apt-get install -y --no-install-recommends " + strings.Join(packages, " ")
	if os.Geteuid() != 0 {
		line = "sudo " + line
	}
	return line
}

// Ensure installs the packages of the tools that are missing on this host. Where
// it may not, or apt is not here, the error says what to type.
func Ensure(ctx context.Context, log io.Writer, tools ...Tool) error {
	missing := Missing(tools...)
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing on this host: %s; install what provides it", strings.Join(missing, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("missing on this host: %s; type:\n  %s", strings.Join(missing, ", "), InstallLine(missing...))
	}
	fmt.Fprintf(log, "kevlar: installing %s\n", strings.Join(missing, ", "))
	install := func() error {
		args := append([]string{"install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"}, missing...)
		return runQuiet(ctx, "apt-get", args...)
	}
	// The system's lists may be absent (a fresh container) or stale.
	if err := install(); err != nil {
		if err := runQuiet(ctx, "apt-get", "update", "-qq"); err != nil {
			fmt.Fprintf(log, "kevlar: %v\n", err)
		}
		if err := install(); err != nil {
			return fmt.Errorf("installing %s: %w; type it by hand to see more:\n  %s",
				strings.Join(missing, ", "), err, InstallLine(missing...))
		}
	}
	if still := Missing(tools...); len(still) != 0 {
		return fmt.Errorf("installed %s, but what it should bring is not here", strings.Join(still, ", "))
	}
	return nil
}

// runQuiet runs a program and keeps its output for the error.
func runQuiet(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, lastLine(string(out)))
	}
	return nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
