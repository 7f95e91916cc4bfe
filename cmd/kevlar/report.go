package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kevlar/internal/vm"
)

// reports keeps what a kernel reports of its own failures in one file per run, which
// nobody makes where there is nothing to report.
type reports struct {
	path   string    // of the file; chosen at the first report where it is empty
	config vm.Config // of the run
	stderr io.Writer // where to say so
	file   *os.File
}

// add appends a report to the file.
func (r *reports) add(report vm.Report) {
	what, _, _ := strings.Cut(report.Text, "\n")
	fmt.Fprintf(r.stderr, "kevlar: the kernel's %s: %s\n", report.Title, what)
	if err := r.append(report); err != nil {
		fmt.Fprintf(r.stderr, "kevlar: the report cannot be kept: %v\n", err)
		return
	}
	fmt.Fprintf(r.stderr, "kevlar: all of it is in %s\n", r.file.Name())
}

func (r *reports) append(report vm.Report) error {
	now := time.Now().UTC()
	if r.file == nil {
		if r.path == "" {
			r.path = fmt.Sprintf("kevlar-%s-%s-%s.txt", strings.Fields(report.Title)[0], r.config.Arch, now.Format("20060102-150405"))
		}
		f, err := os.Create(r.path)
		if err != nil {
			return err
		}
		r.file = f
		fmt.Fprintf(f, "run:    %s\n", strings.Join(r.config.Command, " "))
		fmt.Fprintf(f, "image:  %s, SHA-256 %s\n", filepath.Base(r.config.Image), fileSum(r.config.Image))
		fmt.Fprintf(f, "guest:  %s, %d CPUs, %d MiB\n", r.config.Arch, r.config.CPUs, r.config.Memory>>20)
	}
	_, err := fmt.Fprintf(r.file, "\n%s of %s\n%s", report.Title, now.Format(time.RFC3339), report.Text)
	return err
}

// fileSum identifies a file for people.
func fileSum(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
