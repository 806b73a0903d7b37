package setup

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"drbdutils/schema"
)

// The words that commands take.
var (
	resource     = word{name: "resource", take: takeResource}
	resourceAll  = word{name: "resource", take: takeResourceOrAll, or: []string{"all"}, absent: takeAll}
	objectAll    = word{name: "resource", take: takeObject, or: []string{"minor", "all"}, absent: takeAll}
	minor        = word{name: "minor", take: takeMinor, allowed: "0..1048575, or a device node of DRBD"}
	volume       = word{name: "volume", take: takeVolume, allowed: "0..65535"}
	peerNode     = word{name: "peer_node_id", take: takePeerNode, allowed: nodeIDs}
	localAddress = word{name: "local_addr", take: takeContextAddress("ctx_my_addr"), allowed: addresses}
	peerAddress  = word{name: "remote_addr", take: takeContextAddress("ctx_peer_addr"), allowed: addresses}
	pathLocal    = word{name: "local-addr", take: takePathAddress("my_addr"), allowed: addresses}
	pathPeer     = word{name: "remote-addr", take: takePathAddress("peer_addr"), allowed: addresses}
	lowerDevice  = word{name: "lower_dev", take: takeDevice("backing_dev"), allowed: "a block device"}
	metaDevice   = word{name: "meta_data_dev", take: takeDevice("meta_dev"), allowed: "a block device"}
	metaIndex    = word{name: "meta_data_index", take: takeMetaIndex, allowed: "internal, flexible, or 0 and up"}
	forgetNode   = word{name: "peer_node_id", take: takeNumber("forget_peer_node_id"), allowed: nodeIDs}
	newName      = word{name: "new_name", take: takeNewName}
)

// What words may be, for messages.
const (
	nodeIDs   = "0..31"
	addresses = "[ipv4:|ipv6:|sdp:|ssocks:]host[:port]; an IPv6 host in brackets"
)

// checkName refuses names that no resource can have.
func checkName(name string) error {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case name == "":
		return fail(exitNoState, "Resource name is empty.")
	case strings.ContainsFunc(name, control):
		return fail(exitNoState, "%q is no name for a resource: it has control characters", name)
	case len(name) > 127:
		return fail(exitNoState, "Resource name is too long: at most 127 bytes.")
	}
	return nil
}

func takeResource(_ context.Context, c *call, text string) error {
	if text == "all" {
		return misuse("command does not accept argument 'all'")
	}
	if err := checkName(text); err != nil {
		return err
	}
	c.object, c.resource = text, text
	c.context.SetStr("ctx_resource_name", text)
	return nil
}

// takeAll is what a missing word means for commands that list.
func takeAll(c *call) { c.object = "all" }

func takeResourceOrAll(ctx context.Context, c *call, text string) error {
	if text == "all" {
		takeAll(c)
		return nil
	}
	return takeResource(ctx, c, text)
}

// takeObject takes a minor number, a device node, or a resource.
func takeObject(ctx context.Context, c *call, text string) error {
	if n, ok := minorNumber(text); ok {
		c.object, c.minor = text, &n
		return nil
	}
	return takeResourceOrAll(ctx, c, text)
}

// minorNumber reads 3 or /dev/drbd3.
func minorNumber(text string) (uint32, bool) {
	digits := strings.TrimPrefix(text, "/dev/drbd")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := parse32(digits)
	return n, err == nil && n != schema.NoMinor
}

func takeMinor(_ context.Context, c *call, text string) error {
	n, ok := minorNumber(text)
	if !ok {
		n, ok = minorOfNode(text)
	}
	if !ok {
		return fail(exitUsage, "Cannot determine minor device number of device '%s'", text)
	}
	if c.cmd.op != schema.NewMinor {
		c.object = text
	}
	c.minor = &n
	return nil
}

// absolute returns what a path on the command line means.
//
// compat: relative paths start at the root directory.
func absolute(path string) string { return filepath.Join("/", path) }

func takeVolume(_ context.Context, c *call, text string) (err error) {
	c.volume, err = parse32(text)
	c.context.SetUint("ctx_volume", uint64(c.volume))
	return err
}

func takePeerNode(_ context.Context, c *call, text string) (err error) {
	c.peer, err = parse32(text)
	c.context.SetUint("ctx_peer_node_id", uint64(c.peer))
	return err
}

func takeContextAddress(key string) func(context.Context, *call, string) error {
	return func(ctx context.Context, c *call, text string) error {
		a, err := c.parseAddress(ctx, text)
		c.context.SetStr(key, string(a))
		if c.resource == "" { // there is no other name for the connection
			c.object = strings.TrimPrefix(c.object+" "+text, "?? ")
		}
		return err
	}
}

func takePathAddress(key string) func(context.Context, *call, string) error {
	return func(ctx context.Context, c *call, text string) error {
		a, err := c.parseAddress(ctx, text)
		c.body().SetStr(key, string(a))
		return err
	}
}

func takeNumber(key string) func(context.Context, *call, string) error {
	return func(_ context.Context, c *call, text string) error {
		n, err := parse32(text)
		c.body().SetUint(key, uint64(n))
		return err
	}
}

func takeNewName(_ context.Context, c *call, text string) error {
	c.body().SetStr("new_resource_name", text)
	return checkName(text)
}

// takeDevice takes a block device that can be opened for writing.
func takeDevice(key string) func(context.Context, *call, string) error {
	return func(_ context.Context, c *call, text string) error {
		path := absolute(text)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return fail(exitUsage, "Can not open device '%s': %s", text, reason(err))
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fail(exitUsage, "Can not open device '%s': %s", text, reason(err))
		}
		if info.Mode()&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice && !c.fakeDisk(info) {
			return fail(exitUsage, "%s is not a block device!", text)
		}
		c.body().SetStr(key, path)
		return nil
	}
}

// fakeDisk reports whether the file can be a disk for a module without a kernel.
func (t *tool) fakeDisk(info os.FileInfo) bool {
	return t.NetlinkSocket() != "" && info.Mode().IsRegular()
}

func takeMetaIndex(_ context.Context, c *call, text string) error {
	var n int64
	switch text {
	case "internal":
		n = schema.MetaIndexFlexInt
	case "flexible":
		n = schema.MetaIndexFlexible
	default:
		u, err := parse32(text)
		if err != nil {
			return err
		}
		n = int64(u)
	}
	c.body().SetInt("meta_dev_idx", n)
	return nil
}
