// Command drbdsetup configures the DRBD kernel module.
package main

import (
	"context"
	"os"

	"drbdutils/internal/cli"
	"drbdutils/internal/setup"
)

func main() {
	os.Exit(setup.Main(context.Background(), cli.OS()))
}
