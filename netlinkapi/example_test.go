package netlinkapi_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

func ExampleClient_Snapshot() {
	ctx := context.Background()
	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{})
	if errors.Is(err, netlinkapi.ErrNoModule) {
		return
	}
	defer client.Close()
	snapshot, err := client.Snapshot(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range snapshot.Resources {
		fmt.Println(r.Name, r.Role())
		for _, d := range r.Devices {
			fmt.Println(d.Minor, d.DiskState())
		}
	}
}

func ExampleClient_Do() {
	ctx := context.Background()
	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{})
	if err != nil {
		return
	}
	defer client.Close()
	where := schema.CfgContext.In(client.Generation()).New().SetStr("ctx_resource_name", "r0")
	_, err = client.Do(ctx, netlinkapi.Request{Op: schema.Down, Object: "r0", Sets: []*schema.Values{where}})
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Println("r0 is down already")
	}
}
