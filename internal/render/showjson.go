package render

import (
	"io"
	"strconv"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// ShowJSON writes the configuration of resources as a list of JSON objects, with
// all options, defaults included. Options are texts with their unit letter,
// except booleans.
func ShowJSON(w io.Writer, s *netlinkapi.Snapshot, o Options) error {
	j := showJSON{jsonWriter: jsonWriter{step: "    "}, Options: o, gen: s.Generation}
	j.open("[")
	for _, r := range byName(s.Resources) {
		j.resource(r)
	}
	j.shut("]")
	j.WriteByte('\n')
	_, err := w.Write(j.Bytes())
	return err
}

type showJSON struct {
	jsonWriter
	Options
	gen schema.Generation
}

func (j *showJSON) resource(r *netlinkapi.Resource) {
	j.element()
	j.str("resource", r.Name)
	j.options("options", r.Options)
	j.object("_this_host")
	if has(r.Options, "node_id") {
		j.uint("node-id", num(r.Options, "node_id"))
	}
	j.list("volumes")
	for _, d := range r.Devices {
		j.device(d)
	}
	j.endList()
	j.endObject()
	if len(r.Connections) > 0 {
		j.list("connections")
		for _, c := range connections(r) {
			j.connection(c)
		}
		j.endList()
	}
	j.endObject()
}

// options writes an object of options.
func (j *showJSON) options(name string, sets ...*schema.Values) {
	j.object(name)
	for _, v := range sets {
		if v == nil {
			continue
		}
		for f, val := range v.All() {
			j.option(f, val)
		}
	}
	j.endObject()
}

func (j *showJSON) option(f *schema.Field, val schema.Value) {
	switch {
	case f.Name == "":
	case f.Kind == schema.Flag && f.Is(schema.Invariant) && j.gen == schema.V84: // of a moment
	case f.Kind == schema.Bool:
		j.bool(f.Name, val.Num != 0)
	default:
		j.str(f.Name, j.plainText(f, val))
	}
}

// device writes a volume.
//
// compat: the original 9.34 writes the key "disk" twice for a diskless volume. Here
// "disk" is "none" then, and the options are in "device".
func (j *showJSON) device(d *netlinkapi.Device) {
	j.element()
	j.uint("volume_nr", uint64(d.Volume))
	j.uint("device_minor", uint64(d.Minor))
	options := "disk"
	if lower := text(d.Disk, "backing_dev"); lower != "" {
		j.str("backing-disk", lower)
		j.metaDisk(d.Disk)
	} else if on(d.Info, "is_intentional_diskless") {
		j.str("disk", "none")
		options = "device"
	}
	j.options(options, d.Disk, d.Conf)
	j.endObject()
}

func (j *showJSON) metaDisk(disk *schema.Values) {
	index := int64(num(disk, "meta_dev_idx"))
	if index == schema.MetaIndexInternal || index == schema.MetaIndexFlexInt {
		j.str("meta-disk", "internal")
		return
	}
	j.str("meta-disk", text(disk, "meta_dev"))
	if index >= 0 {
		j.raw("meta-disk-index", strconv.FormatInt(index, 10))
		j.next = "\n,\n" // compat: this one comma stands on a line of its own
	}
}

func (j *showJSON) connection(c *netlinkapi.Connection) {
	j.element()
	j.list("paths")
	for _, p := range c.Paths {
		j.element()
		j.address("this_host", p.Local)
		j.address("remote_host", p.Peer)
		j.endObject()
	}
	j.endList()
	if c.State() == schema.StandAlone {
		j.bool("_is_standalone", true)
	}
	j.str("_cstate", c.State().String())
	j.options("net", c.Conf)
	if len(c.PeerDevices) > 0 {
		j.volumes(c.PeerDevices)
	}
	j.uint("_peer_node_id", uint64(c.PeerNodeID))
	j.endObject()
}

func (j *showJSON) volumes(all []*netlinkapi.PeerDevice) {
	j.list("volumes")
	for _, p := range all {
		j.element()
		j.uint("volume_nr", uint64(p.Volume))
		j.options("disk", p.Options)
		j.endObject()
	}
	j.endList()
}
