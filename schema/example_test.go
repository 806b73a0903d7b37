package schema_test

import (
	"fmt"

	"drbdutils/schema"
)

func Example() {
	set := schema.DiskConf.In(schema.V84)
	field := set.Option("c-max-rate")
	value, err := field.Parse("100M")
	fmt.Println(field.Format(value), err, field.Check(value))

	value, _ = field.Parse("8G")
	fmt.Println(field.Check(value))

	_, err = set.Option("on-io-error").Parse("panic")
	fmt.Println(err)
	// Output:
	// 102400k <nil> <nil>
	// c-max-rate: "8388608k" is out of range; allowed: 250k..4194304k (bytes/second)
	// on-io-error: "panic" is not an allowed value; allowed: pass_on, call-local-io-error, detach
}

func ExampleValues() {
	v := schema.DiskConf.In(schema.V9).New().
		SetStr("backing_dev", "/dev/sdb1").
		SetBool("disk_flushes", false)
	for field, value := range v.All() {
		fmt.Println(field.Key, field.Format(value))
	}
	// Output:
	// backing_dev /dev/sdb1
	// disk_flushes no
}
