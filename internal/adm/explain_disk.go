package adm

import (
	"fmt"
	"slices"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// disk looks at the disk of a volume here.
func (e exam) disk(v *confparse.Volume) []finding {
	f := finding{About: fmt.Sprintf("the disk of volume %d", v.Number), State: "missing"}
	d := e.have.Device(uint32(v.Number))
	if d == nil {
		f.Why = "the module has no such volume"
		f.Remedies = []remedy{e.here("to add the volume, which changes no data", "drbdadm adjust "+e.res.Name)}
		return []finding{f}
	}
	state := d.DiskState()
	if state == schema.UpToDate || v.Disk == "" && state == schema.Diskless {
		return nil
	}
	f.State = state.String()
	switch state {
	case schema.Diskless, schema.Detaching, schema.Failed:
		e.lost(&f, v)
	case schema.Inconsistent:
		f.Why = "it does not hold a usable copy: it is new, or a resync to it is not over"
	case schema.Outdated:
		f.Why = "a peer went on without this node, and has newer data, which is copied when they are connected"
	case schema.Consistent:
		f.Why = "nobody can say whether a peer has newer data; when they are connected, they find out"
	default:
		f.Why = "it is about to become usable"
	}
	return []finding{f}
}

// diskTrouble are words of messages that tell why a disk was given up: DRBD 8.4.11
// and 9.3.
var diskTrouble = []string{"Local IO failed", "IO ERROR"}

// lost says why a disk is not there, and who has it instead.
func (e exam) lost(f *finding, v *confparse.Volume) {
	f.Why = "it was detached, or given up after an I/O error, or could not be attached"
	volumes := e.topic("").volumes
	for _, l := range e.log {
		number, ours := volumes[l.scope]
		if ours && number == v.Number && slices.ContainsFunc(diskTrouble, func(words string) bool { return strings.Contains(l.text, words) }) {
			f.Kernel = l.text
		}
	}
	effect := "to use the disk again; what changed meanwhile is copied from a peer"
	if f.UsedBy = e.usersOf(v.Disk); len(f.UsedBy) > 0 {
		f.Why = fmt.Sprintf("%s is in use by something else, which DRBD does not share it with", v.Disk)
		effect = "to use the disk, after what has it open was stopped; what changed meanwhile is copied from a peer"
	}
	f.Remedies = []remedy{e.here(effect, fmt.Sprintf("drbdadm attach %s/%d", e.res.Name, v.Number))}
}
