package main

import (
	"errors"

	"kevlar/internal/bench"
)

// benchCmd is `kevlar bench`: the flags are the package's, the exit status counts.
type benchCmd struct {
	bench.Command
}

func (c *benchCmd) Run() error {
	err := c.Command.Run()
	if errors.Is(err, bench.ErrFailed) {
		return exitStatus(1)
	}
	return err
}
