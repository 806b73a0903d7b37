package render

import (
	"strconv"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// lookup returns a field's value and whether the module told it. Unlike
// schema.Values it takes fields that the generation lacks for absent.
func lookup(v *schema.Values, key string) (schema.Value, bool) {
	if v == nil {
		return schema.Value{}, false
	}
	for i := range v.Set.Fields {
		if v.Set.Fields[i].Key == key {
			return v.At(i)
		}
	}
	return schema.Value{}, false
}

func has(v *schema.Values, key string) bool {
	_, ok := lookup(v, key)
	return ok
}

// num returns a number, 0 if the module did not tell it.
func num(v *schema.Values, key string) uint64 {
	val, _ := lookup(v, key)
	return val.Num
}

func text(v *schema.Values, key string) string {
	val, _ := lookup(v, key)
	return val.Text
}

func on(v *schema.Values, key string) bool { return num(v, key) != 0 }

// onUnless is on for fields that older modules do not tell.
func onUnless(v *schema.Values, key string, absent bool) bool {
	if val, ok := lookup(v, key); ok {
		return val.Num != 0
	}
	return absent
}

func digits(n uint64) string { return strconv.FormatUint(n, 10) }

// kib returns sectors as KiB.
func kib(sectors uint64) string { return digits(sectors / 2) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// yesNoUnknown is for flags that older modules do not tell.
func yesNoUnknown(v *schema.Values, key string) string {
	if !has(v, key) {
		return "unknown"
	}
	return yesNo(on(v, key))
}

// A flag is a field and the word that stands for it in a list.
type flag struct{ key, word string }

var (
	suspendFlags = []flag{
		{"res_susp", "user"}, {"res_susp_nod", "no-data"}, {"res_susp_fen", "fencing"}, {"res_susp_quorum", "quorum"},
	}
	resyncFlags = []flag{
		{"peer_resync_susp_user", "user"}, {"peer_resync_susp_peer", "peer"},
		{"peer_resync_susp_dependency", "dependency"}, {"peer_resync_susp_max_parallel", "max-parallel"},
	}
	blockFlags = []flag{{"dev_upper_blocked", "upper"}, {"dev_lower_blocked", "lower"}}
)

// list returns the words of the flags that are on, or "no".
func list(v *schema.Values, flags []flag) string {
	words := ""
	for _, f := range flags {
		if on(v, f.key) {
			words += "," + f.word
		}
	}
	if words == "" {
		return "no"
	}
	return words[1:]
}

func suspended(r *schema.Values) string       { return list(r, suspendFlags) }
func resyncSuspended(p *schema.Values) string { return list(p, resyncFlags) }
func blocked(stats *schema.Values) string     { return list(stats, blockFlags) }

// writeOrdering returns the method that keeps writes in order, "" if the module
// does not tell.
func writeOrdering(r *netlinkapi.Resource) string {
	if !has(r.Stats, "res_stat_write_ordering") {
		return ""
	}
	return schema.WriteOrderings.Format(num(r.Stats, "res_stat_write_ordering"))
}

// backingDevice returns the path of the lower disk, "none" without one.
func backingDevice(d *netlinkapi.Device) string {
	if path := text(d.Info, "backing_dev_path"); path != "" {
		return path
	}
	return "none"
}

// quorum reports whether the device has quorum. Modules without that notion
// always have it.
func quorum(d *netlinkapi.Device) bool { return onUnless(d.Info, "dev_has_quorum", true) }
