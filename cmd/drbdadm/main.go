// Command drbdadm configures DRBD resources from configuration files.
package main

import (
	"context"
	"os"

	"drbdutils/internal/adm"
	"drbdutils/internal/cli"
)

func main() {
	os.Exit(adm.Main(context.Background(), cli.OS()))
}
