package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"kevlar/internal/vm"
)

// attachProfiler makes a run's profiles go to files or, where to has a colon, be served as package net/http/pprof serves a
// program's own. The returned function ends it.
func attachProfiler(c *vm.Config, to string) (end func(), err error) {
	out := c.Progress
	if !strings.Contains(to, ":") {
		c.Profiler = vm.NewProfiler(func(name string, data []byte) {
			file := to + "." + name + ".prof"
			if err := os.WriteFile(file, data, 0o644); err != nil {
				fmt.Fprintf(out, "kevlar: %v\n", err)
				return
			}
			fmt.Fprintf(out, "kevlar: wrote %s\n", file)
		})
		return func() {}, nil
	}
	l, err := net.Listen("tcp", to)
	if err != nil {
		return nil, err
	}
	c.Profiler = vm.NewProfiler(nil)
	server := &http.Server{Handler: profileHandler(c.Profiler), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	fmt.Fprintf(out, "kevlar: go tool pprof http://%s/debug/pprof/profile?seconds=10\n", l.Addr())
	return func() { server.Close() }, nil
}

// profileHandler serves /debug/pprof/NAME?debug=N, and of the CPU /debug/pprof/profile?seconds=N.
func profileHandler(p *vm.Profiler) http.Handler {
	const prefix = "/debug/pprof/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "profiles of the kernel: profile?seconds=N, heap, allocs, goroutine, threadcreate; ?debug=1 or 2 for text")
	})
	mux.HandleFunc("GET "+prefix+"{name}", func(w http.ResponseWriter, r *http.Request) {
		name, arg, n := r.PathValue("name"), "debug", 0
		if name == "profile" {
			arg, n = "seconds", 30
		}
		if s := r.FormValue(arg); s != "" {
			var err error
			if n, err = strconv.Atoi(s); err != nil || n < 0 {
				http.Error(w, arg+": want a number", http.StatusBadRequest)
				return
			}
		}
		data, err := p.Take(r.Context(), name, n)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if name == "profile" || n == 0 {
			w.Header().Set("Content-Type", "application/octet-stream")
		} else {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		w.Write(data)
	})
	return mux
}
