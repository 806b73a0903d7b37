package adm

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"drbdutils/internal/cli"
	"drbdutils/schema"
)

// A request is a command line, taken apart but not yet checked against the
// configuration.
type request struct {
	command string   // "" if there is none
	objects []string // what the command shall work on
	backend []backendOption

	stacked  bool
	dryRun   int // times -d was given
	verbose  int // times -v was given
	config   string
	test     []string // more files to parse after the main one
	exclude  []string // files that include shall skip
	setup    string   // programs instead of ours
	meta     string
	proxyCtl string
	varName  string
	peer     string
	version  bool
	help     bool
	hidden   bool     // hidden-commands
	raw      []string // words that are no option, command or object
}

// A backendOption is an option that is not drbdadm's own.
type backendOption struct {
	text string // "--name" or "--name=value"; anything if raw
	raw  bool   // passed with -W or as a word before the command
}

// rank puts raw options first.
func (o backendOption) rank() int {
	if o.raw {
		return 1
	}
	return 0
}

// A generalOption is one of drbdadm itself.
type generalOption struct {
	name, short string
	arg         cli.Arg
	gen         schema.Generation
	set         func(r *request, value string)
}

// general are drbdadm's own options, in the order in which help prints them.
var general = []generalOption{
	{"stacked", "S", cli.NoArg, schema.Both, func(r *request, _ string) { r.stacked = true }},
	{"dry-run", "d", cli.NoArg, schema.Both, func(r *request, _ string) { r.dryRun++ }},
	{"verbose", "v", cli.NoArg, schema.Both, func(r *request, _ string) { r.verbose++ }},
	{"config-file", "c", cli.RequiredArg, schema.Both, func(r *request, v string) { r.config = v }},
	{"config-to-test", "t", cli.RequiredArg, schema.Both, func(r *request, v string) { r.test = append(r.test, v) }},
	{"config-to-exclude", "E", cli.RequiredArg, schema.V9, func(r *request, v string) { r.exclude = append(r.exclude, v) }},
	{"drbdsetup", "s", cli.RequiredArg, schema.Both, func(r *request, v string) { r.setup = v }},
	{"drbdmeta", "m", cli.RequiredArg, schema.Both, func(r *request, v string) { r.meta = v }},
	{"drbd-proxy-ctl", "p", cli.RequiredArg, schema.Both, func(r *request, v string) { r.proxyCtl = v }},
	{"sh-varname", "n", cli.RequiredArg, schema.Both, func(r *request, v string) { r.varName = v }},
	{"peer", "P", cli.RequiredArg, schema.V84, func(r *request, v string) { r.peer = v }},
	{"version", "V", cli.NoArg, schema.Both, func(r *request, _ string) { r.version = true }},
	{"setup-option", "W", cli.RequiredArg, schema.Both, func(r *request, v string) {
		r.backend = append(r.backend, backendOption{text: v, raw: true})
	}},
	{"help", "h", cli.NoArg, schema.Both, func(r *request, _ string) { r.help = true }},
}

// renamed are commands that had another name once.
var renamed = map[string]string{
	"state":        "role",
	"outdate-peer": "fence-peer",
}

// parse takes a command line apart, from left to right: after --version nothing
// matters any more, and a configuration file has to be there. Its error is a
// *cli.UsageError or a *refusal.
func parse(g schema.Generation, table []command, args []string) (request, error) {
	options, words, err := flagsOf(g, table, args).Parse(args)
	var r request
	for _, o := range options {
		r.take(g, o)
		if r.version {
			return r, nil
		}
		if refused := r.checkConfig(); refused != nil && o.Name == "config-file" {
			return r, refused
		}
	}
	r.split(table, words)
	return r, err
}

// checkConfig refuses a configuration file that is not there.
func (r *request) checkConfig() *refusal {
	if r.config == "-" {
		return nil
	}
	_, err := os.Stat(r.config)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return refuse(exitBroken, "Can not open '%s': %v", r.config, failed.Err)
	}
	return nil
}

// flagsOf returns every option that some command of the table takes, since
// options may stand before the command. If no argument can be one of them, drbdadm's own are
// enough.
func flagsOf(g schema.Generation, table []command, args []string) *cli.Flags {
	f := cli.NewFlags()
	f.FirstWins = true
	for _, o := range general {
		if o.gen&g != 0 {
			f.AddUnique(o.name, o.short, o.arg)
		}
	}
	if !slices.ContainsFunc(args, func(a string) bool { return isForeign(g, a) }) {
		return f
	}
	for _, c := range table {
		for _, o := range c.accepts() {
			f.Add(o.Name, "", argOf(o))
		}
	}
	return f
}

// isForeign reports whether an argument may be an option that is not drbdadm's own, or the
// abbreviation of one.
func isForeign(g schema.Generation, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	name, _, _ = strings.Cut(name, "=")
	return long && !slices.ContainsFunc(general, func(o generalOption) bool { return o.name == name && o.gen&g != 0 })
}

// argOf says whether an option takes a value on the command line.
func argOf(o schema.Field) cli.Arg {
	if o.Kind == schema.Flag || o.Kind == schema.Bool {
		return cli.OptionalArg
	}
	return cli.RequiredArg
}

// take stores one option.
func (r *request) take(g schema.Generation, o cli.Option) {
	for _, known := range general {
		if known.name == o.Name && known.gen&g != 0 {
			known.set(r, o.Value)
			return
		}
	}
	r.backend = append(r.backend, backendOption{text: o.String()})
}

// split tells the command among the words from what stands before and after it.
func (r *request) split(table []command, words []string) {
	for i, w := range words {
		switch {
		case w == "help":
			r.help = true
		case w == hiddenCommandsName:
			r.hidden = true
			return
		case isCommand(table, w):
			r.command, r.objects = w, words[i+1:]
			return
		default:
			r.raw = append(r.raw, w)
			r.backend = append(r.backend, backendOption{text: w, raw: true})
		}
	}
}

func isCommand(table []command, word string) bool {
	if _, old := renamed[word]; old {
		return true
	}
	_, ok := find(table, word)
	return ok
}

// passed returns the backend options that c hands on: with DRBD 8.4 in the order
// given, with DRBD 9 raw ones first. dropped are raw ones that it has no use for.
func (r *request) passed(g schema.Generation, c command) (passed, dropped []string, err error) {
	given := slices.Clone(r.backend)
	if g == schema.V9 {
		slices.SortStableFunc(given, func(a, b backendOption) int { return cmp.Compare(b.rank(), a.rank()) })
	}
	for _, o := range given {
		switch {
		case o.raw && o.text == "--" && g == schema.V9: // a second one says nothing
		case !o.raw && !c.takes(o.text):
			return nil, nil, &cli.UsageError{Option: public(g, []string{o.text})[0], Problem: "is not an option of " + c.name}
		case !o.raw || g == schema.V84 || c.flags.has(rawOptions) || c.takesPrefix(o.text):
			passed = append(passed, o.text)
		case c.flags.has(oldForce) && o.text == overwriteDataOfPeer:
			passed = append(passed, "--force")
		case !c.flags.has(inParts):
			dropped = append(dropped, o.text)
		}
	}
	return passed, dropped, nil
}

// unchecked returns the raw options, in the order given.
func (r *request) unchecked() []string {
	var all []string
	for _, o := range r.backend {
		if o.raw {
			all = append(all, o.text)
		}
	}
	return all
}

// overwriteDataOfPeer is what primary --force was called before 8.4.
//
// compat: the reference drops it for a 9 module without a word, and the classic
// first-sync command does nothing. Here it is --force in both generations.
const overwriteDataOfPeer = "--overwrite-data-of-peer"

// takes reports whether an option, "--name" or "--name=value", is one of c's.
func (c command) takes(option string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(option, "--"), "=")
	for _, o := range c.accepts() {
		if o.Name == name {
			return true
		}
	}
	return c.flags.has(rawOptions)
}

// takesPrefix is takes for an option that may be abbreviated, as drbdsetup
// understands it.
func (c command) takesPrefix(option string) bool {
	name, dashes := strings.CutPrefix(option, "--")
	name, _, _ = strings.Cut(name, "=")
	for _, o := range c.accepts() {
		if dashes && strings.HasPrefix(o.Name, name) {
			return true
		}
	}
	return false
}

// accepts returns the backend options that c may carry.
func (c command) accepts() []schema.Field {
	var all []schema.Field
	if c.options != nil {
		all = c.options()
	}
	if c.extra != nil {
		all = append(all, c.extra()...)
	}
	return all
}
