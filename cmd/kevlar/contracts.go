package main

import (
	"errors"

	"kevlar/internal/contracts"
)

// contractsCmd is `kevlar contracts`: the flags are the package's, the exit status counts.
type contractsCmd struct {
	contracts.Command
}

func (c *contractsCmd) Run() error {
	err := c.Command.Run()
	if errors.Is(err, contracts.ErrDiffers) {
		return exitStatus(1)
	}
	return err
}
