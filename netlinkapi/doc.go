// Package netlinkapi talks to the DRBD kernel module: it turns requests of the
// schema into generic netlink messages and replies, dumps and notifications back
// into values. Both generations of the module look the same from outside, as far
// as the kernel tells the same things.
//
//	client, err := netlinkapi.Dial(ctx, netlinkapi.Options{})
//	...
//	defer client.Close()
//	name := schema.CfgContext.In(client.Generation()).New().SetStr("ctx_resource_name", "r0")
//	_, err = client.Do(ctx, netlinkapi.Request{Op: schema.Down, Object: "r0", Sets: []*schema.Values{name}})
//	snapshot, err := client.Snapshot(ctx, "")
//
// What a command means, which commands make up an action, and how a state looks
// to people is left to the callers.
package netlinkapi
