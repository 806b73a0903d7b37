// Agent runs in a guest and executes what the test asks for over the
// virtio-serial port that its argument names.
package main

import (
	"fmt"
	"os"

	"drbdutils/vmtest"
)

func main() {
	port, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	if err == nil {
		err = vmtest.Serve(port)
	}
	fmt.Fprintln(os.Stderr, "agent:", err)
	os.Exit(1)
}
