package render

import (
	"cmp"
	"io"
	"slices"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// Status writes the state of resources as indented lines of key:value words.
func Status(w io.Writer, s *netlinkapi.Snapshot, o Options) error {
	p := statusPrinter{
		Wrapper: Wrapper{Width: o.Width},
		Options: o,
		painter: painter(o.Color),
		gen:     s.Generation,
	}
	for _, r := range byName(s.Resources) {
		p.resource(r)
		p.End()
	}
	_, err := w.Write(p.Bytes())
	return err
}

// byName returns the resources sorted by name.
func byName(resources []*netlinkapi.Resource) []*netlinkapi.Resource {
	return slices.SortedStableFunc(slices.Values(resources), func(a, b *netlinkapi.Resource) int {
		return cmp.Compare(a.Name, b.Name)
	})
}

// connections returns those of a resource sorted by name, nameless ones first.
func connections(r *netlinkapi.Resource) []*netlinkapi.Connection {
	return slices.SortedStableFunc(slices.Values(r.Connections), func(a, b *netlinkapi.Connection) int {
		return cmp.Compare(a.Name, b.Name)
	})
}

// A statusPrinter writes one snapshot.
type statusPrinter struct {
	Wrapper
	Options
	painter
	gen      schema.Generation
	counters []pair // of the current object
}

// pairs writes the statistics of the current object.
func (p *statusPrinter) pairs(indent int) {
	for _, c := range p.counters {
		p.Word(indent, c.key, ":", c.value)
	}
}

func (p *statusPrinter) verbose() bool { return p.Verbose > 0 }

// resource writes the line of a resource and all below it.
func (p *statusPrinter) resource(r *netlinkapi.Resource) {
	const indent = 4
	p.Word(0, r.Name)
	if p.verbose() && has(r.Options, "node_id") {
		p.Word(indent, "node-id:", digits(num(r.Options, "node_id")))
	}
	p.Word(indent, "role:", p.role(r.Role()))
	if why := suspended(r.Info); p.verbose() || why != "no" {
		p.Word(indent, "suspended:", why)
	}
	if fails := on(r.Info, "res_fail_io"); fails || p.verbose() && p.gen == schema.V9 {
		p.Word(indent, "force-io-failures:", p.yesBad(fails))
	}
	if order := writeOrdering(r); order != "" && p.Statistics && p.verbose() {
		p.End()
		p.Word(indent, "write-ordering:", order)
	}
	p.End()
	bare := len(r.Devices) == 1 && r.Devices[0].Volume == 0 && !p.verbose()
	for _, d := range r.Devices {
		p.device(d, bare)
	}
	for _, c := range connections(r) {
		p.connection(r, c)
	}
}

func (p *statusPrinter) yesBad(b bool) string {
	if b {
		return p.local(bad, "yes")
	}
	return p.local(good, "no")
}

// device writes the line of a device; bare: without its volume number.
func (p *statusPrinter) device(d *netlinkapi.Device, bare bool) {
	indent := 2
	if !bare {
		p.Word(indent, "volume:", digits(uint64(d.Volume)))
		indent = 6
	}
	if p.verbose() {
		p.Word(indent, "minor:", digits(uint64(d.Minor)))
	}
	p.Word(indent, "disk:", p.disk(d.DiskState(), on(d.Info, "is_intentional_diskless")))
	indent = 6
	if p.gen == schema.V9 {
		p.deviceOf9(d)
	}
	if !d.Stats.Empty() {
		p.deviceCounters(d)
	}
	p.End()
}

// deviceOf9 writes what DRBD 8.4 has no notion of.
func (p *statusPrinter) deviceOf9(d *netlinkapi.Device) {
	const indent = 6
	if d.DiskState() == schema.Diskless && (p.verbose() || p.Options.Width == 0) {
		p.Word(indent, "client:", yesNoUnknown(d.Info, "is_intentional_diskless"))
	}
	if p.verbose() {
		p.Word(indent, "backing_dev:", backingDevice(d))
	}
	switch {
	case !quorum(d):
		p.Word(indent, "quorum:", p.local(bad, "no"))
	case p.verbose():
		p.Word(indent, "quorum:", p.local(good, "yes"))
	}
	if p.verbose() || has(d.Info, "dev_is_open") {
		t := primary
		if has(d.Info, "dev_is_open") && !on(d.Info, "dev_is_open") {
			t = normal
		}
		p.Word(indent, "open:", p.local(t, yesNoUnknown(d.Info, "dev_is_open")))
	}
}

func (p *statusPrinter) deviceCounters(d *netlinkapi.Device) {
	const indent = 6
	if p.Statistics {
		p.End()
		p.counters = deviceCounters(p.counters[:0], d, p.verbose())
		p.pairs(indent)
	}
	if why := blocked(d.Stats); p.verbose() || why != "no" {
		p.Word(indent, "blocked:", why)
	}
}

// A pair is a statistic as a word.
type pair struct{ key, value string }

// deviceCounters appends the statistics of a device; all: also those for experts.
func deviceCounters(to []pair, d *netlinkapi.Device, all bool) []pair {
	if all {
		to = append(to, pair{"size", kib(num(d.Stats, "dev_size"))})
	}
	to = append(to, pair{"read", kib(num(d.Stats, "dev_read"))}, pair{"written", kib(num(d.Stats, "dev_write"))})
	if !all {
		return to
	}
	return append(to,
		pair{"al-writes", digits(num(d.Stats, "dev_al_writes"))},
		pair{"bm-writes", digits(num(d.Stats, "dev_bm_writes"))},
		pair{"upper-pending", digits(num(d.Stats, "dev_upper_pending"))},
		pair{"lower-pending", digits(num(d.Stats, "dev_lower_pending"))},
		pair{"al-suspended", yesNo(on(d.Stats, "dev_al_suspended"))})
}

// connection writes the line of a connection and those of its peer devices.
func (p *statusPrinter) connection(r *netlinkapi.Resource, c *netlinkapi.Connection) {
	indent := 2
	if c.Name != "" {
		p.Word(indent, c.Name)
		indent = 6
	}
	if p.gen == schema.V9 && (p.verbose() || c.Name == "") {
		p.Word(indent, "node-id:", digits(uint64(c.PeerNodeID)))
		indent = 6
	}
	connected := c.State() == schema.Connected
	if p.verbose() || !connected {
		p.Word(indent, "connection:", p.conn(c.State()))
	}
	if p.verbose() || connected {
		p.Word(indent, "role:", p.peerRole(c.Role()))
		if tls := on(c.Conf, "tls"); tls || p.verbose() && p.gen == schema.V9 {
			p.Word(indent, "tls:", yesNo(tls))
		}
	}
	p.congestion(c, indent)
	p.End()
	if !p.verbose() && !p.Statistics && !connected {
		return
	}
	bare := len(c.PeerDevices) == 1 && c.PeerDevices[0].Volume == 0 && !p.verbose()
	for _, pd := range c.PeerDevices {
		p.peerDevice(pd, r.Device(pd.Volume), bare)
	}
}

// congestion writes how full the connection is, if the module tells.
func (p *statusPrinter) congestion(c *netlinkapi.Connection, indent int) {
	congested := on(c.Stats, "conn_congested")
	if c.Stats.Empty() || !congested && !p.verbose() {
		return
	}
	p.Word(indent, "congested:", yesNo(congested))
	if has(c.Stats, "ap_in_flight") {
		p.Word(indent, "ap-in-flight:", digits(num(c.Stats, "ap_in_flight")))
		p.Word(indent, "rs-in-flight:", digits(num(c.Stats, "rs_in_flight")))
	}
}

// peerDevice writes the line of a peer device whose disk here is d.
func (p *statusPrinter) peerDevice(pd *netlinkapi.PeerDevice, d *netlinkapi.Device, bare bool) {
	indent := 4
	if !bare {
		p.Word(indent, "volume:", digits(uint64(pd.Volume)))
		indent = 8
	}
	if p.verbose() || pd.ReplState() > p.dullState() {
		p.Word(indent, "replication:", p.repl(pd.ReplState()))
		indent = 8
	}
	if p.verbose() || p.Statistics || pd.ReplState() != schema.ReplOff || pd.DiskState() != schema.DUnknown {
		p.peerState(pd, d, indent)
	}
	p.End()
	p.bar(pd, d, indent)
}

// dullState is the highest replication state that plain status does not show.
func (p *statusPrinter) dullState() schema.ReplState {
	if p.gen == schema.V84 {
		return schema.ReplOff
	}
	return schema.Established
}

func (p *statusPrinter) peerState(pd *netlinkapi.PeerDevice, d *netlinkapi.Device, indent int) {
	const client = "peer_is_intentional_diskless"
	p.Word(indent, "peer-disk:", p.painter.peerDisk(pd.DiskState(), on(pd.Info, client)))
	indent = 8
	if pd.DiskState() == schema.Diskless && (p.verbose() || p.Options.Width == 0) && p.gen == schema.V9 {
		p.Word(indent, "peer-client:", yesNoUnknown(pd.Info, client))
	}
	pr := newProgress(p.gen, pd, d)
	if pr.running {
		p.Word(indent, "done:", pr.done())
	}
	if why := resyncSuspended(pd.Info); p.verbose() || why != "no" {
		p.Word(indent, "resync-suspended:", why)
	}
	if p.Statistics && !pd.Stats.Empty() {
		p.End()
		p.counters = peerCounters(p.counters[:0], pd, &pr, p.Verbose)
		p.pairs(indent)
	}
}

// peerCounters appends the statistics of a peer device.
func peerCounters(to []pair, pd *netlinkapi.PeerDevice, pr *progress, verbose int) []pair {
	to = append(to,
		pair{"received", kib(num(pd.Stats, "peer_dev_received"))},
		pair{"sent", kib(num(pd.Stats, "peer_dev_sent"))})
	if outOfSync := num(pd.Stats, "peer_dev_out_of_sync"); verbose > 0 || outOfSync != 0 {
		to = append(to, pair{"out-of-sync", kib(outOfSync)})
	}
	if verbose == 0 {
		return to
	}
	to = append(to,
		pair{"pending", digits(num(pd.Stats, "peer_dev_pending"))},
		pair{"unacked", digits(num(pd.Stats, "peer_dev_unacked"))})
	if pr.details {
		to = pr.pairs(to, verbose > 1)
	}
	return to
}

// pairs appends speed and remaining time; all: also what they come from.
func (pr *progress) pairs(to []pair, all bool) []pair {
	if all {
		for _, c := range pr.counters() {
			to = append(to, pair{c.name, pr.plain(c)})
		}
		if num(pr.stats, "peer_dev_rs_c_sync_rate") != 0 {
			to = append(to, pair{"want", pr.want()})
		}
		to = append(to, pair{"dbdt", pr.average()}, pair{"dbdt0", pr.rate0()})
	}
	eta, moving := pr.seconds()
	if !moving {
		eta = "nan"
	}
	return append(to, pair{"dbdt1", pr.rate1()}, pair{"eta", eta})
}
