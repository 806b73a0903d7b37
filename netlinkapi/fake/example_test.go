package fake_test

import (
	"fmt"
	"strings"

	"drbdutils/netlinkapi/fake"
)

// A module can be asked and prodded without any tool.
func ExampleModule() {
	m := fake.New(fake.Config{Node: "alice"})
	defer m.Close()
	version, _, _ := strings.Cut(m.Proc(), "\n")
	fmt.Println(version)
	_, err := m.Control("write 0 0 4096 hello")
	fmt.Println(err)
	// Output:
	// version: 8.4.11 (api:1/proto:86-101)
	// minor 0: no such minor
}
