package adm

import (
	"slices"
	"strconv"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// Plans of commands that are more than one call of the same name. All are pure
// functions of the command line and the configuration.

// Exit codes of drbdsetup that decide what comes next.
const (
	setupOutdated  = 5  // refused: the disk is no better than outdated
	setupRefused   = 11 // the state change was refused
	setupNotUsable = 17 // there is no up-to-date data
	setupTimeout   = 5  // of wait commands
)

// attach prepares a volume's metadata and attaches it.
func (p planner) attach(o object) ([]Op, error) {
	device, index := attachPlace(o.vol)
	op := p.setup(o, slices.Concat([]string{"attach", o.minor(), o.vol.Disk, device, index}, p.with(o.vol.DiskOptions))...)
	if p.gen == schema.V84 {
		return []Op{p.meta(o, "apply-al"), op}, nil
	}
	return []Op{p.metaPart(o, "repair-md"), p.metaPart(o, "apply-al"), op}, nil
}

// metaPart is a call of drbdmeta that is only a part of the command.
func (p planner) metaPart(o object, verb string) Op {
	return p.meta(o, append([]string{verb}, p.part(verb).options...)...)
}

// diskOptions sends the configured disk options again.
func (p planner) diskOptions(o object) ([]Op, error) {
	return []Op{p.setup(o, slices.Concat([]string{"disk-options", o.minor()}, p.with(o.vol.DiskOptions))...)}, nil
}

func (p planner) newResource(o object) ([]Op, error) {
	line := []string{"new-resource", o.res.Name}
	if p.gen == schema.V9 && !p.compat {
		line = []string{"new-resource", o.res.Name, strconv.Itoa(o.res.Me.NodeID)}
	}
	return []Op{p.setup(o, slices.Concat(line, p.with(o.res.Options))...)}, nil
}

func (p planner) newMinor(o object) ([]Op, error) {
	line := []string{"new-minor", o.res.Name, o.minor(), o.number()}
	if p.gen == schema.V9 {
		if o.vol.Disk == "" {
			line = append(line, "--diskless")
		}
		for _, option := range o.vol.DeviceOptions {
			line = append(line, option.Argument())
		}
	}
	return []Op{p.setup(o, line...)}, nil
}

func (p planner) newPeer(o object) ([]Op, error) {
	return []Op{p.setup(o, slices.Concat([]string{"new-peer"}, p.ids(o), p.with(o.conn.Net))...)}, nil
}

// immutable are the net options that a connection gets when it is created.
var immutable = []string{"transport", "load-balance-paths"}

// netOptions sends the configured net options again.
//
// compat: the reference sends load-balance-paths, too, which drbdsetup refuses.
func (p planner) netOptions(o object) ([]Op, error) {
	return []Op{p.setup(o, slices.Concat([]string{"net-options"}, p.ids(o), p.with(o.conn.Net, immutable...))...)}, nil
}

// onPath is a command for a path. All paths of a connection are tried, and the
// last one's result counts.
func (p planner) onPath(o object) ([]Op, error) {
	op := p.simple(o)[0]
	op.Ignore = o.path != o.conn.Paths[len(o.conn.Paths)-1]
	return []Op{op}, nil
}

func (p planner) peerDeviceOptions(o object) ([]Op, error) {
	return []Op{p.setup(o, slices.Concat([]string{"peer-device-options"}, p.ids(o), p.with(peerDevice(o).Options))...)}, nil
}

// peerDevice returns the volume's settings at the connection's peer.
func peerDevice(o object) *confparse.PeerDevice {
	for _, d := range o.conn.PeerDevices {
		if d.Number == o.vol.Number {
			return d
		}
	}
	return &confparse.PeerDevice{Number: o.vol.Number, Connection: o.conn, Volume: o.vol}
}

// askModuleThenDisk asks the module and, if that has no answer, the metadata.
func (p planner) askModuleThenDisk(o object) ([]Op, error) {
	op := p.simple(o)[0]
	if p.gen == schema.V9 {
		op = p.bare().simple(o)[0] // its options are drbdmeta's
	}
	refused := []int{setupRefused, setupNotUsable}
	op.Stderr, op.Rule = held, &Rule{Show: refused, Final: refused}
	if o.vol.Disk == "" {
		return []Op{op}, nil
	}
	line := append([]string{p.cmd.name}, p.options...)
	if o.conn != nil {
		line = append([]string{"--node-id=" + o.peerID()}, line...)
	}
	op.Else, op.ElseDry = []Op{p.meta(o, line...)}, true
	return []Op{op}, nil
}

// invalidate discards the local data, or marks it as discarded where the volume
// is not attached.
func (p planner) invalidate(o object) ([]Op, error) {
	line := append([]string{"invalidate", o.minor()}, p.except("force")...)
	if o.peer {
		line = append(line, "--sync-from-peer-node-id="+strconv.Itoa(o.peers[0].Peer.NodeID))
	}
	op := p.setup(o, line...)
	op.Stderr = held
	op.Rule = &Rule{
		Show: []int{setupNotUsable}, Final: []int{setupRefused, setupNotUsable}, ElseDry: true,
		Else: []Op{p.meta(o, append([]string{"invalidate"}, p.own("force")...)...)},
	}
	return []Op{op}, nil
}

// outdate marks the local data as outdated, in the module or else on disk.
//
// compat: the reference names the resource as well, a form that drbdsetup
// refuses, so it never asks the module; and it aborts on a diskless volume.
func (p planner) outdate(o object) ([]Op, error) {
	op := p.setup(o, append([]string{"outdate", o.minor()}, p.options...)...)
	op.Stderr = hidden
	op.Rule = &Rule{
		Final: []int{setupNotUsable}, ElseCode: setupOutdated, ElseDry: true,
		Else: []Op{p.meta(o, append([]string{"outdate"}, p.options...)...)},
	}
	return []Op{op}, nil
}

// diskless refuses to do something to a disk that is not there.
func (p planner) diskless() *refusal {
	return refuse(exitConfig,
		"%s needs a disk on this host, and the configuration has none.", p.cmd.name)
}

// forgetPeer frees a peer's place in the metadata of all volumes.
func (p planner) forgetPeer(o object) ([]Op, error) {
	op := p.bare().simple(o)[0]
	refused := []int{setupRefused, setupNotUsable}
	op.Stderr, op.Rule = held, &Rule{Show: refused, Final: refused, ElseDry: true}
	for _, v := range o.volumes {
		if v.Disk == "" {
			op.NoElse = p.diskless()
			continue
		}
		one := object{selection: o.selection, vol: v}
		line := append([]string{"--node-id=" + o.peerID(), "forget-peer"}, p.options...)
		op.Else = append(op.Else, p.meta(one, line...))
	}
	return []Op{op}, nil
}

func (p planner) role(o object) ([]Op, error) {
	if !o.peer {
		return p.simple(o), nil
	}
	return []Op{p.setup(o, "peer-role", o.res.Name, strconv.Itoa(o.peers[0].Peer.NodeID))}, nil
}

// setGI writes generations for each peer; for this node itself if there is none.
func (p planner) setGI(o object) ([]Op, error) {
	ids := []int{o.res.Me.NodeID}
	if len(o.peers) > 0 {
		ids = nil
	}
	for _, c := range o.peers {
		ids = append(ids, c.Peer.NodeID)
	}
	var ops []Op
	for _, id := range ids {
		ops = append(ops, p.meta(o, append([]string{"--node-id=" + strconv.Itoa(id), "set-gi"}, p.options...)...))
	}
	return ops, nil
}

func (p planner) dumpSuperblock(o object) ([]Op, error) {
	line := slices.Concat([]string{"dump-superblock"}, p.options)
	if _, chosen := p.value("output-format"); !chosen {
		line = append(line, "--output-format=json")
	}
	return []Op{p.meta(o, line...)}, nil
}

// status is drbdsetup's, as verbose as drbdadm.
func (p planner) status(o object) ([]Op, error) {
	line := slices.Concat([]string{"status", o.res.Name}, p.statusOptions())
	return []Op{p.setup(o, line...)}, nil
}

func (p planner) statusOptions() []string {
	return slices.Concat(p.options, slices.Repeat([]string{"--verbose"}, p.verbose))
}

// createMD writes fresh metadata with room for the peers.
func (p planner) createMD(o object) ([]Op, error) {
	line := []string{"create-md"}
	if p.gen == schema.V9 {
		line = append(line, p.peerCount(o))
	}
	line = append(line, p.except("max-peers")...)
	_, sized := p.value("effective-size")
	_, known := p.value("diskful-peers")
	if sized && !known {
		line = append(line, "--diskful-peers="+strings.Join(diskfulPeers(o), ","))
	}
	op := p.meta(o, line...)
	op.Rule = &Rule{NewUUID: true}
	return []Op{op}, nil
}

// peerCount returns for how many peers the metadata needs room.
func (p planner) peerCount(o object) string {
	if n, ok := p.value("max-peers"); ok {
		return n
	}
	n := 0
	for _, c := range o.peers {
		if slices.ContainsFunc(c.Peer.Volumes, func(v *confparse.Volume) bool { return v.Disk != "" }) {
			n++
		}
	}
	return strconv.Itoa(max(n, 1))
}

// diskfulPeers returns the node ids of the peers that have a disk in the volume.
func diskfulPeers(o object) []string {
	var ids []string
	for _, c := range o.peers {
		if v := c.Peer.Volume(o.vol.Number); v != nil && v.Disk != "" {
			ids = append(ids, strconv.Itoa(c.Peer.NodeID))
		}
	}
	return ids
}

// resize makes a volume use a grown disk.
func (p planner) resize(o object) ([]Op, error) {
	op := p.resizeOp(o)
	size, _ := o.vol.DiskOptions.Get("size")
	op.Grown = &Growth{Minor: o.vol.Minor, Size: size.Value}
	return []Op{op}, nil
}

func (p planner) resizeOp(o object) Op {
	line := []string{"resize", o.minor()}
	if size, ok := o.vol.DiskOptions.Get("size"); ok && !p.overridden("size") {
		line = append(line, size.Argument())
	}
	op := p.setup(o, append(line, p.options...)...)
	check := Op{Prog: drbdsetup, Args: []string{"check-resize", o.minor()}, Res: o.res.Name, Ignore: true}
	op.Rule = &Rule{Then: []Op{check}}
	return op
}

// checkResize is resize for scripts that do not know whether anything changed:
// without a module it moves the metadata to where it belongs.
func (p planner) checkResize(o object) ([]Op, error) {
	op := p.resizeOp(o)
	op.Stderr = hidden
	if o.vol.Disk != "" {
		op.Else = []Op{p.meta(o, append([]string{"check-resize"}, p.options...)...)}
	}
	return []Op{op}, nil
}

// waitFor waits for connections, or for the end of resyncs.
func (p planner) waitFor(o object) ([]Op, error) {
	line := []string{p.cmd.name + "-resource", o.res.Name}
	if o.peer {
		line = append([]string{p.cmd.name + "-connection"}, p.ids(object{selection: o.selection, conn: o.peers[0]})...)
		if o.volume {
			line = append([]string{p.cmd.name + "-volume"}, p.ids(object{selection: o.selection, conn: o.peers[0], vol: o.volumes[0]})...)
		}
	}
	return []Op{p.setup(o, append(line, startupOptions(o.res)...)...)}, nil
}

func (p planner) waitConnect84(o object) ([]Op, error) {
	line := []string{"wait-connect", o.minor()}
	return []Op{p.setup(o, append(line, startupOptions(o.res)...)...)}, nil
}

// startupOptions are the times that a resource may take to connect.
func startupOptions(r *confparse.Resource) []string {
	if r.Stacked && !r.StackedTimeouts {
		return []string{"--wfc-timeout", strconv.Itoa(stackedPatience(r))}
	}
	return planner{}.with(r.Startup)
}

// stackedPatience is how many seconds a stacked resource is waited for: twice
// the time between attempts to connect.
func stackedPatience(r *confparse.Resource) int {
	if o, ok := r.Net.Get("connect-int"); ok {
		if n, err := strconv.Atoi(o.Value); err == nil {
			return 2 * n
		}
	}
	return 20
}
