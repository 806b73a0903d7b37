// Command drbdmeta reads and writes DRBD's on-disk metadata.
package main

import (
	"context"
	"os"

	"drbdutils/internal/cli"
	"drbdutils/internal/metatool"
)

func main() {
	os.Exit(metatool.Main(context.Background(), cli.OS()))
}
