package render

import (
	"io"
	"strconv"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// estimateUnknown is what scripts are told where no time can be estimated.
const estimateUnknown = "987654321"

// StatusJSON writes the state of resources as a list of JSON objects. The keys
// and their types are the same for every module; what a module does not tell is
// neutral (false, -1) or left out.
func StatusJSON(w io.Writer, s *netlinkapi.Snapshot) error {
	j := statusJSON{jsonWriter: jsonWriter{step: "  ", tight: true}, gen: s.Generation}
	j.WriteString("[\n")
	for i, r := range byName(s.Resources) {
		if i > 0 {
			j.WriteString(",\n")
		}
		j.next = ""
		j.resource(r)
		j.WriteByte('\n')
	}
	j.WriteString("]\n\n")
	_, err := w.Write(j.Bytes())
	return err
}

type statusJSON struct {
	jsonWriter
	gen schema.Generation
}

func (j *statusJSON) resource(r *netlinkapi.Resource) {
	j.element()
	j.str("name", r.Name)
	node := int64(-1)
	if has(r.Options, "node_id") {
		node = int64(num(r.Options, "node_id"))
	}
	j.raw("node-id", strconv.FormatInt(node, 10))
	j.str("role", r.Role().String())
	j.bool("suspended", suspended(r.Info) != "no")
	for _, f := range suspendFlags {
		j.bool("suspended-"+f.word, on(r.Info, f.key))
	}
	j.bool("force-io-failures", on(r.Info, "res_fail_io"))
	if order := writeOrdering(r); order != "" {
		j.str("write-ordering", order)
	}
	j.list("devices")
	for _, d := range r.Devices {
		j.device(d)
	}
	j.endList()
	j.list("connections")
	for _, c := range connections(r) {
		j.connection(r, c)
	}
	j.endList()
	j.endObject()
}

func (j *statusJSON) device(d *netlinkapi.Device) {
	j.element()
	j.uint("volume", uint64(d.Volume))
	j.uint("minor", uint64(d.Minor))
	j.str("disk-state", d.DiskState().String())
	j.bool("client", on(d.Info, "is_intentional_diskless"))
	j.bool("open", on(d.Info, "dev_is_open"))
	j.bool("quorum", quorum(d))
	if !d.Stats.Empty() {
		j.uint("size", num(d.Stats, "dev_size")/2)
		j.uint("read", num(d.Stats, "dev_read")/2)
		j.uint("written", num(d.Stats, "dev_write")/2)
		j.uint("al-writes", num(d.Stats, "dev_al_writes"))
		j.uint("bm-writes", num(d.Stats, "dev_bm_writes"))
		j.uint("upper-pending", num(d.Stats, "dev_upper_pending"))
		j.uint("lower-pending", num(d.Stats, "dev_lower_pending"))
	}
	j.endObject()
}

func (j *statusJSON) connection(r *netlinkapi.Resource, c *netlinkapi.Connection) {
	j.element()
	j.uint("peer-node-id", uint64(c.PeerNodeID))
	j.str("name", c.Name)
	j.str("connection-state", c.State().String())
	j.next = ", \n" // compat: this one comma has a blank behind it
	j.bool("congested", on(c.Stats, "conn_congested"))
	j.str("peer-role", c.Role().String())
	j.bool("tls", on(c.Conf, "tls"))
	if has(c.Stats, "ap_in_flight") {
		j.uint("ap-in-flight", num(c.Stats, "ap_in_flight"))
		j.uint("rs-in-flight", num(c.Stats, "rs_in_flight"))
	}
	j.list("paths")
	for _, p := range c.Paths {
		j.path(p, c)
	}
	j.endList()
	j.list("peer_devices")
	for _, p := range c.PeerDevices {
		j.peerDevice(p, r.Device(p.Volume), c)
	}
	j.endList()
	j.endObject()
}

// path writes a path of a connection. A module that does not tell which paths are
// up has only one, which is up when the connection is.
func (j *statusJSON) path(p *netlinkapi.Path, c *netlinkapi.Connection) {
	up := on(p.Info, "path_established") || p.Info == nil && c.State() == schema.Connected
	j.element()
	j.address("this_host", p.Local)
	j.address("remote_host", p.Peer)
	j.bool("established", up)
	j.endObject()
}

// address writes an endpoint as an object.
func (j *jsonWriter) address(name string, a netlinkapi.Address) {
	j.object(name)
	j.str("address", a.AddrPort().Addr().String())
	j.uint("port", uint64(a.AddrPort().Port()))
	j.str("family", a.FamilyName())
	j.endObject()
}

func (j *statusJSON) peerDevice(p *netlinkapi.PeerDevice, d *netlinkapi.Device, c *netlinkapi.Connection) {
	pr := newProgress(j.gen, p, d)
	j.element()
	j.uint("volume", uint64(p.Volume))
	j.str("replication-state", p.ReplState().String())
	j.str("peer-disk-state", p.DiskState().String())
	j.bool("peer-client", on(p.Info, "peer_is_intentional_diskless"))
	j.str("resync-suspended", resyncSuspended(p.Info))
	j.uint("received", num(p.Stats, "peer_dev_received")/2)
	j.uint("sent", num(p.Stats, "peer_dev_sent")/2)
	j.uint("out-of-sync", num(p.Stats, "peer_dev_out_of_sync")/2)
	j.uint("pending", num(p.Stats, "peer_dev_pending"))
	j.uint("unacked", num(p.Stats, "peer_dev_unacked"))
	j.bool("has-sync-details", pr.details)
	j.bool("has-online-verify-details", pr.details && pr.verify)
	j.raw("percent-in-sync", fixed(inSync(num(p.Stats, "peer_dev_out_of_sync"), deviceSize(d))))
	if pr.details {
		j.details(&pr)
	}
	if pr.running {
		j.raw("percent-resync-done", pr.done())
	}
	j.endObject()
}

func deviceSize(d *netlinkapi.Device) uint64 {
	if d == nil {
		return 0
	}
	return num(d.Stats, "dev_size")
}

func (j *statusJSON) details(pr *progress) {
	for _, c := range pr.counters() {
		j.raw(c.name, pr.json(c))
	}
	j.raw("want", pr.want())
	j.raw("db0/dt0 [MiB/s]", pr.rate0())
	j.raw("db1/dt1 [MiB/s]", pr.rate1())
	eta, moving := pr.seconds()
	if !moving {
		eta = estimateUnknown
	}
	j.raw("estimated-seconds-to-finish", eta)
	j.raw("db/dt [MiB/s]", pr.average())
}
