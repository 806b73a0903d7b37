package adm

import (
	"slices"
	"strconv"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// A planner builds the calls of one command. It knows what the command line says
// besides the objects, and nothing of the host.
type planner struct {
	gen         schema.Generation
	compat      bool // a 9 module that offers the interface of 8.4
	cmd         command
	options     []string // backend options of the command line
	raw         []string // those of them that were given unchecked, and others like them
	dry         bool     // nothing is done
	verbose     int
	peerName    string                 // 8.4: --peer
	peerAddress string                 // 8.4: of the peer that a handler is called about
	myNodeID    string                 // 9: of this host, as the module told a handler; "" if it did not
	node        string                 // this host
	file        string                 // the main configuration file
	proxies     map[string]*proxyState // for adjust
	running     running                // for adjust
}

// setup returns a call of drbdsetup.
func (p planner) setup(o object, words ...string) Op {
	return Op{Prog: drbdsetup, Args: words, Class: p.classOf(words[0]), Res: o.res.Name}
}

// slow are the commands of drbdsetup that wait for disks or for peers.
var slow = []string{
	"attach", "detach", "disk-options", "resize", "down", "primary", "secondary", "invalidate-remote",
}

// classOf says how long a command of drbdsetup may take.
func (p planner) classOf(verb string) class {
	switch {
	case strings.HasPrefix(verb, "wait-"):
		return unlimited
	case slices.Contains(slow, verb) && (verb != "resize" || p.gen == schema.V9):
		return medium
	}
	return short
}

// meta returns a call of drbdmeta for the object's volume.
func (p planner) meta(o object, words ...string) Op {
	device, index := metaPlace(o.vol)
	args := slices.Concat([]string{o.minor(), p.format(), device, index}, words)
	return Op{Prog: drbdmeta, Args: args, Class: long, Res: o.res.Name}
}

// format names the metadata format of a generation.
func (p planner) format() string {
	if p.gen == schema.V84 {
		return "v08"
	}
	return "v09"
}

// metaPlace returns where a volume's metadata lies, in drbdmeta's words.
func metaPlace(v *confparse.Volume) (device, index string) {
	if v.MetaDisk == "internal" {
		if v.MetaIndex == "flexible" {
			return v.Disk, "flex-internal"
		}
		return v.Disk, "internal"
	}
	if v.MetaIndex == "flexible" {
		return v.MetaDisk, "flex-external"
	}
	return v.MetaDisk, v.MetaIndex
}

// attachPlace returns where a volume's metadata lies, in drbdsetup's words.
func attachPlace(v *confparse.Volume) (device, index string) {
	device, index = metaPlace(v)
	switch index {
	case "flex-external":
		return device, "flexible"
	case "flex-internal":
		return device, "internal"
	}
	return device, index
}

func (o object) minor() string  { return strconv.Itoa(o.vol.Minor) }
func (o object) number() string { return strconv.Itoa(o.vol.Number) }
func (o object) peerID() string { return strconv.Itoa(o.conn.Peer.NodeID) }

// ids returns the words by which drbdsetup identifies the object.
func (p planner) ids(o object) []string {
	switch {
	case o.conn != nil && o.vol != nil:
		return []string{o.res.Name, o.peerID(), o.number()}
	case o.path != nil:
		return []string{o.res.Name, o.peerID(), o.path.Me.Address.String(), o.path.Target().String()}
	case o.conn != nil:
		return []string{o.res.Name, o.peerID()}
	case o.vol != nil:
		return []string{o.minor()}
	}
	return []string{o.res.Name}
}

// part returns the planner of a call that is only a part of the command. The command
// line's options are not for it, but for raw ones: with DRBD 8.4 all of them, with
// DRBD 9 those that the call knows.
func (p planner) part(name string) planner {
	p.options = p.raw
	if p.gen == schema.V9 && len(p.raw) > 0 {
		c, _ := find(commands9(), name)
		p.options = slices.DeleteFunc(slices.Clone(p.raw), func(o string) bool { return !c.takesPrefix(o) })
	}
	return p
}

// bare returns the planner without the options of the command line.
func (p planner) bare() planner {
	p.options = nil
	return p
}

// simple is the plan of a command that needs none: the program's command of the
// same name.
func (p planner) simple(o object) []Op {
	if p.cmd.call == drbdmeta {
		return []Op{p.meta(o, slices.Concat([]string{p.cmd.name}, p.options)...)}
	}
	return []Op{p.setup(o, slices.Concat([]string{p.cmd.name}, p.ids(o), p.options)...)}
}

// with returns configured options followed by those of the command line, which
// take the place of configured ones.
func (p planner) with(configured confparse.Options, without ...string) []string {
	out := make([]string, 0, len(configured)+len(p.options))
	for _, o := range configured {
		if !slices.Contains(without, o.Name) && !p.overridden(o.Name) {
			out = append(out, o.Argument())
		}
	}
	return append(out, p.options...)
}

// overridden reports whether the command line sets the option.
//
// compat: DRBD 8.4's tool passes both values on, and the last one counts.
func (p planner) overridden(name string) bool {
	return p.gen == schema.V9 && slices.ContainsFunc(p.options, func(given string) bool {
		return strings.HasPrefix(given, "--"+name)
	})
}

// own returns the command line's options of the given names, raw ones also if they
// are abbreviated.
func (p planner) own(names ...string) []string {
	return p.filter(func(name string) bool { return abbreviates(name, names) })
}

// except returns the command line's options but those of the given names.
func (p planner) except(names ...string) []string {
	return p.filter(func(name string) bool { return !abbreviates(name, names) })
}

func abbreviates(word string, names []string) bool {
	return word != "" && slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, word) })
}

func (p planner) filter(keep func(name string) bool) []string {
	var out []string
	for _, o := range p.options {
		name, _, _ := strings.Cut(strings.TrimPrefix(o, "--"), "=")
		if keep(name) {
			out = append(out, o)
		}
	}
	return out
}

// value returns the value that the command line gives an option.
func (p planner) value(name string) (string, bool) {
	for _, o := range p.options {
		if v, ok := strings.CutPrefix(o, "--"+name+"="); ok {
			return v, true
		}
	}
	return "", false
}
