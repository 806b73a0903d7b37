package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A 9 module can act as DRBD 8.4. Scripts that know only that generation's
// commands then work on it: what 8.4 takes at attach but 9 wants of a peer is
// kept in files below compatDir until connect.
const (
	compatDir       = runDir + "/compat-84"
	newPeerFile     = "new-peer-opts"
	peerOptionsFile = "peer-device-options-opts"
)

// nodeID is the word that new-resource of DRBD 8.4 lacks.
var nodeID = word{name: "node_id", take: takeNumber("node_id"), allowed: nodeIDs, absent: func(c *call) {
	fmt.Fprintln(c.Stderr, "new-resource called without node-id: enabling drbd8 compat mode")
	c.body().SetUint("node_id", schema.NoNodeID).SetBool("drbd8_compat_mode", true)
}}

// compatWords name a connection by its addresses.
var compatWords = []word{
	resource,
	{name: "local-addr", take: takeCompatAddress("my_addr"), allowed: addresses + "; or a peer_node_id: " + nodeIDs},
	{name: "remote-addr", take: takeCompatAddress("peer_addr"), allowed: addresses},
}

func takeCompatAddress(key string) func(context.Context, *call, string) error {
	return func(ctx context.Context, c *call, text string) error {
		a, err := c.parseAddress(ctx, text)
		if c.path == nil {
			c.path = schema.PathParms.In(c.gen).New()
		}
		c.path.SetStr(key, string(a))
		c.addresses = append(c.addresses, text)
		return err
	}
}

// connectFlags are options of 8.4's connect that 9 wants when it connects, not of the
// peer.
var connectFlags = []option{{name: "discard-my-data", arg: optionalArg}, {name: "tentative", arg: optionalArg}}

// Forms of commands with addresses instead of a peer's node id.
var (
	connectForm = command{
		name: "connect", words: compatWords, op: schema.NewPeer, set: schema.NetConf, flags: connectFlags, run: connectByAddress,
	}
	disconnectForm = command{
		name: "disconnect", words: compatWords, op: schema.Disconnect, set: schema.DisconnectParms, run: disconnectByAddress,
	}
)

// form returns the row for a command line: cmd itself, or its form for addresses.
func (cmd *command) form(args []string) *command {
	if cmd.form84 == nil || len(args) < 2 || minusOption(args[0]) || minusOption(args[1]) {
		return cmd
	}
	if _, err := schema.ParseNumber(args[1], schema.One); err == nil || errors.Is(err, schema.ErrMissing) {
		return cmd
	}
	return cmd.form84
}

func minusOption(arg string) bool { return strings.HasPrefix(arg, "-") }

// linkVolume makes the directory of a volume, and a link to it by its minor
// number. Without them only the forms of DRBD 8.4 do not work.
func (c *call) linkVolume() {
	if strings.Contains(c.resource, "/") {
		return // never outside the directory
	}
	volume := fmt.Sprintf("res-%s/vol-%d", c.resource, c.volume)
	dir := c.Path(compatDir)
	link := filepath.Join(dir, fmt.Sprintf("minor-%d", *c.minor))
	if os.MkdirAll(filepath.Join(dir, volume), 0o775) != nil {
		return
	}
	if old, err := os.Readlink(link); err != nil || old != volume {
		_ = os.Remove(link)
		_ = os.Symlink(volume, link)
	}
}

// attachOptions are those that DRBD 8.4 takes at attach, and 9 of a peer.
var attachOptions = []string{
	"fencing", "resync-rate", "c-plan-ahead", "c-delay-target", "c-fill-target", "c-max-rate", "c-min-rate",
}

// attach9 attaches a disk, and keeps the options that 9 wants later.
func attach9(ctx context.Context, c *call) error {
	var peer, device []string
	for _, o := range c.given {
		if o.Name == "fencing" {
			peer = append(peer, o.String())
		} else {
			device = append(device, o.String())
		}
	}
	dir := c.Path(fmt.Sprintf("%s/minor-%d", compatDir, *c.minor))
	if err := errors.Join(keep(dir, "../"+newPeerFile, peer), keep(dir, peerOptionsFile, device)); err != nil {
		return err
	}
	c.resource = c.process.resourceOf(*c.minor)
	return send(ctx, c)
}

// keep writes options into a file below the directory that dir links to.
func keep(dir, name string, options []string) error {
	if len(options) == 0 {
		return nil
	}
	target, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("%s is for the peer with DRBD 9, and there is no place to keep it until connect: %w", strings.Join(options, " "), err)
	}
	return os.WriteFile(filepath.Join(target, name), []byte(strings.Join(options, "\n")+"\n"), 0o600)
}

// kept returns the options in a file, and removes it.
func kept(path string) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines, os.Remove(path)
}

// compatPeer returns the node id that a peer gets from the two addresses: both
// nodes come to opposite results.
func (c *call) compatPeer() (uint64, error) {
	mine, peers := addressHash(c.addresses[0]), addressHash(c.addresses[1])
	switch {
	case mine == peers:
		return 0, fail(exitUsage, "%s: the addresses do not tell the nodes apart; give a peer_node_id", c.object)
	case mine > peers:
		return 0, nil
	}
	return 1, nil
}

// addressHash returns the CRC-32C of an address as typed, as the original
// computes it: with its own start value, and no inversion at the end.
func addressHash(text string) int32 {
	const start = 0x1a656f21
	crc := crc32.Update(^uint32(start), crc32.MakeTable(crc32.Castagnoli), []byte(strings.TrimPrefix(text, "local:")))
	return int32(^crc)
}

// connectByAddress does what connect of DRBD 8.4 does in one step.
func connectByAddress(ctx context.Context, c *call) error {
	peer, err := c.compatPeer()
	if err != nil {
		return err
	}
	how := &call{tool: c.tool, cmd: &command{set: schema.ConnectParms}}
	if err := how.takeOptions(ctx, c.given); err != nil {
		return err
	}
	dir := c.Path(filepath.Join(compatDir, "res-"+c.resource))
	c.context.SetUint("ctx_peer_node_id", peer)
	options, err := kept(filepath.Join(dir, newPeerFile))
	if err != nil {
		return err
	}
	if err := c.takeKept(ctx, options); err != nil {
		return err
	}
	c.body().SetStr("name", "remote")
	if err := c.step(ctx, schema.NewPeer, c.payload); err != nil {
		return fail(exitUsage, "Failed to create peer with id %d: %v", peer, err)
	}
	if err := c.keptPeerOptions(ctx, dir); err != nil {
		return err
	}
	if err := c.step(ctx, schema.NewPath, c.path); err != nil {
		return fail(exitUsage, "Failed to create path from %s to %s: %v", c.addresses[0], c.addresses[1], err)
	}
	if err := c.step(ctx, schema.Connect, how.payload); err != nil {
		return fail(exitUsage, "Failed to connect to peer node %d: %v", peer, err)
	}
	return nil
}

// step sends one of several requests about the call's connection. The set may be nil.
func (c *call) step(ctx context.Context, op schema.Op, set *schema.Values) error {
	r := netlinkapi.Request{Op: op, Object: c.object, Sets: []*schema.Values{c.context}}
	if set != nil {
		r.Sets = append(r.Sets, set)
	}
	return c.do(ctx, r)
}

// takeKept adds options that were kept to those of the command line.
func (c *call) takeKept(ctx context.Context, options []string) error {
	given, _, err := c.flags(c.cmd).Parse(options)
	if err != nil {
		return fail(exitUsage, "%v", err)
	}
	return c.takeOptions(ctx, given)
}

// keptPeerOptions sets the options that attach kept for each volume.
func (c *call) keptPeerOptions(ctx context.Context, dir string) error {
	files, _ := filepath.Glob(filepath.Join(dir, "vol-*", peerOptionsFile))
	slices.Sort(files)
	for _, file := range files {
		number := strings.TrimPrefix(filepath.Base(filepath.Dir(file)), "vol-")
		sub := &call{tool: c.tool, object: c.object, context: c.context.Clone(),
			cmd: &command{op: schema.ChgPeerDeviceOpts, set: schema.PeerDeviceOpts, run: send}}
		if err := takeVolume(ctx, sub, number); err != nil {
			return err
		}
		options, err := kept(file)
		if err == nil {
			err = sub.takeKept(ctx, options)
		}
		if err == nil {
			err = send(ctx, sub)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// disconnectByAddress removes the one connection of a resource.
func disconnectByAddress(ctx context.Context, c *call) error {
	peer, err := c.compatPeer()
	if err != nil {
		return err
	}
	c.context.SetUint("ctx_peer_node_id", peer)
	if err := c.step(ctx, schema.DelPeer, c.payload); err != nil {
		return err
	}
	// What went with the peer the module does not know any more.
	if err := unless(schema.ErrInvalidRequest, c.step(ctx, schema.DelPath, c.path)); err != nil {
		return err
	}
	return unless(schema.ErrInvalidRequest, c.step(ctx, schema.Disconnect, nil))
}
