package adm

import (
	"slices"

	"drbdutils/schema"
)

// The backend options that commands take, as lists for the table of commands.
// What the module understands comes from package schema.

// Options of drbdmeta.
var (
	quiet      = schema.Field{Name: "quiet", Kind: schema.Flag}
	force      = schema.Field{Name: "force", Kind: schema.Flag}
	tentative  = schema.Field{Name: "tentative", Kind: schema.Flag}
	outputForm = schema.Field{Name: "output-format", Kind: schema.String}
)

// noOptions is for commands whose help says that there are options, and lists
// none.
func noOptions() []schema.Field { return nil }

func forceOption() []schema.Field           { return []schema.Field{force} }
func metaOptions() []schema.Field           { return []schema.Field{force, quiet} }
func repairOptions() []schema.Field         { return []schema.Field{tentative, force, quiet} }
func dumpSuperblockOptions() []schema.Field { return []schema.Field{force, outputForm, quiet} }

func createOptions() []schema.Field {
	return []schema.Field{
		{Name: "max-peers", Kind: schema.Uint32},
		{Name: "peer-max-bio-size", Kind: schema.Uint32},
		{Name: "al-stripes", Kind: schema.Uint32},
		{Name: "al-stripe-size-kB", Kind: schema.Uint32},
		force,
		{Name: "effective-size", Kind: schema.Uint64},
		{Name: "bitmap-block-size", Kind: schema.Uint32},
		{Name: "diskful-peers", Kind: schema.String},
		{Name: "initial-current-uuid", Kind: schema.String},
		{Name: "consistent", Kind: schema.Flag},
		{Name: "uptodate", Kind: schema.Flag},
		{Name: "peers-outdated", Kind: schema.Flag},
		{Name: "rotate-uuids", Kind: schema.Flag},
	}
}

// Options of drbdsetup and of drbdadm itself.

var jsonOutput = schema.Field{Name: "json", Kind: schema.Flag}

func planOptions9() []schema.Field  { return append(adjustOptions(), jsonOutput) }
func planOptions84() []schema.Field { return []schema.Field{jsonOutput} }
func jsonOption() []schema.Field    { return []schema.Field{jsonOutput} }
func watchOption() []schema.Field   { return []schema.Field{{Name: "watch", Kind: schema.Flag}} }

func explainOption() []schema.Field {
	return []schema.Field{{Name: "explain", Kind: schema.Flag}, jsonOutput}
}

func adjustOptions() []schema.Field {
	own := []schema.Field{
		{Name: "skip-disk", Kind: schema.Flag},
		{Name: "skip-net", Kind: schema.Flag},
	}
	return append(own, connectOptions()...)
}

func statusOptions() []schema.Field {
	return []schema.Field{{Name: "statistics", Kind: schema.Flag}}
}

func attachOptions9() []schema.Field    { return fields(schema.V9, schema.DiskConf) }
func attachOptions84() []schema.Field   { return fields(schema.V84, schema.DiskConf) }
func diskOptions84() []schema.Field     { return fieldsBut(schema.V84, schema.DiskConf, attachOnly) }
func resourceOptions9() []schema.Field  { return fields(schema.V9, schema.ResourceOpts) }
func resourceOptions84() []schema.Field { return fields(schema.V84, schema.ResourceOpts) }
func peerDeviceFields() []schema.Field  { return fields(schema.V9, schema.PeerDeviceOpts) }
func connectOptions() []schema.Field    { return fields(schema.V9, schema.ConnectParms) }
func netOptions9() []schema.Field       { return fieldsBut(schema.V9, schema.NetConf, immutable) }
func netOptions84() []schema.Field      { return fieldsBut(schema.V84, schema.NetConf, connectOnly84) }
func detachOptions() []schema.Field {
	return []schema.Field{force, {Name: "diskless", Kind: schema.Flag}}
}
func newPeerOptions() []schema.Field {
	return append(fields(schema.V9, schema.NetConf, immutable...), netOptions9()...)
}
func newMinorOptions() []schema.Field  { return fields(schema.V9, schema.DeviceConf) }
func resizeOptions() []schema.Field    { return fields(schema.V9, schema.ResizeParms) }
func verifyOptions() []schema.Field    { return fields(schema.V9, schema.StartOvParms) }
func suspendOptions() []schema.Field   { return fields(schema.V9, schema.SuspendIOParms) }
func newUUIDOptions9() []schema.Field  { return fields(schema.V9, schema.NewCUUIDParms) }
func newUUIDOptions84() []schema.Field { return fields(schema.V84, schema.NewCUUIDParms) }
func invalidateOptions() []schema.Field {
	return append(forceOption(), fields(schema.V9, schema.InvalidateParms)...)
}
func invalidateRemoteOptions() []schema.Field {
	return fields(schema.V9, schema.InvalidatePeer)
}

// connectOnly84 are fields of 8.4's net_conf that only connect takes.
var connectOnly84 = []string{"tentative", "discard-my-data", "alternate-address", "alternate-peer-address"}

func connectOptions84() []schema.Field {
	return append(fields(schema.V84, schema.NetConf, connectOnly84...), netOptions84()...)
}

// fieldsBut returns the options of a set but some.
func fieldsBut(g schema.Generation, id schema.ID, without []string) []schema.Field {
	return slices.DeleteFunc(fields(g, id), func(f schema.Field) bool { return slices.Contains(without, f.Name) })
}

// fields returns the options of a set; or those of the given names, in their
// order.
func fields(g schema.Generation, id schema.ID, names ...string) []schema.Field {
	var all []schema.Field
	if set := id.In(g); set != nil {
		all = set.Fields
	}
	var out []schema.Field
	for _, f := range all {
		if f.Name != "" && f.Flags&schema.Required == 0 && (len(names) == 0 || slices.Contains(names, f.Name)) {
			out = append(out, f)
		}
	}
	if len(names) > 0 {
		slices.SortFunc(out, func(a, b schema.Field) int {
			return slices.Index(names, a.Name) - slices.Index(names, b.Name)
		})
	}
	return out
}
