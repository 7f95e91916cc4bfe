package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
	"kevlar/internal/qemu"
)

type doctorCmd struct{}

func (doctorCmd) Run(ctx context.Context) error {
	tools := []debian.Tool{
		{Program: "go", Package: "golang-go"},
		{Program: "apt-get", Package: "apt"}, {Program: "dpkg-deb", Package: "dpkg"},
	}
	for _, a := range arch.All {
		tools = append(tools, qemu.Tool(a))
	}
	for _, t := range tools {
		version := "--version"
		if t.Program == "go" {
			version = "version"
		}
		out, err := exec.CommandContext(ctx, t.Program, version).Output()
		if err != nil {
			fmt.Printf("%-20s missing\n", t.Program)
			continue
		}
		line, _, _ := strings.Cut(string(out), "\n")
		fmt.Printf("%-20s %s\n", t.Program, line)
	}
	for _, a := range arch.All {
		fmt.Printf("%-20s %s\n", "guests of "+string(a), qemu.Accelerator(a))
	}
	if missing := debian.Missing(tools...); len(missing) > 0 {
		return fmt.Errorf("something is missing; type:\n  %s", debian.InstallLine(missing...))
	}
	return nil
}
