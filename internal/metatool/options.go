package metatool

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"drbdutils/internal/cli"
	"drbdutils/meta"
)

// options are those of the command line.
type options struct {
	force, quiet, ignoreSanity, dryRun bool
	json                               bool
	verbose                            int
	nodeID                             int // -1 if not given
	varLib                             string
	output                             string
	bitmap                             meta.Init

	geometry      meta.Geometry
	effectiveSize uint64
	peerMaxBio    uint32
	diskful       uint32
	uuids         meta.UUIDOptions

	given []string // names of the options given
}

// has reports whether an option was given.
func (o *options) has(name string) bool { return slices.Contains(o.given, name) }

// optionSpec is an option of drbdmeta.
type optionSpec struct {
	name, short string
	arg         cli.Arg
	only        []string // commands that take it; nil means all
	v09         bool     // only with v09
	set         func(o *options, value string) error
}

func boolean(p func(o *options) *bool) func(*options, string) error {
	return func(o *options, _ string) error { *p(o) = true; return nil }
}

var (
	onCreate  = []string{"create-md"}
	onLayout  = []string{"create-md", "restore-md"}
	onDumpSup = []string{"dump-superblock"}
	onPeer    = []string{"get-gi", "show-gi", "set-gi", "forget-peer"}
)

// optionSpecs lists the options.
var optionSpecs = []optionSpec{
	{name: "force", short: "f", set: boolean(func(o *options) *bool { return &o.force })},
	{name: "quiet", short: "q", set: boolean(func(o *options) *bool { return &o.quiet })},
	{name: "verbose", short: "v", set: func(o *options, _ string) error { o.verbose++; return nil }},
	{name: "ignore-sanity-checks", set: boolean(func(o *options) *bool { return &o.ignoreSanity })},
	{name: "dry-run", set: boolean(func(o *options) *bool { return &o.dryRun })},
	{name: "tentative", set: boolean(func(o *options) *bool { return &o.dryRun })},
	{name: "json", only: []string{"explain"}, set: boolean(func(o *options) *bool { return &o.json })},
	{name: "peer-max-bio-size", short: "p", arg: cli.RequiredArg, only: onCreate, set: func(o *options, s string) error {
		return setNumber(&o.peerMaxBio, "peer-max-bio-size", s, 1, 0, 1<<20)
	}},
	{name: "node-id", short: "i", arg: cli.RequiredArg, only: onPeer, set: func(o *options, s string) error {
		return setNumber(&o.nodeID, "node-id", s, 1, 0, meta.MaxPeers-1)
	}},
	{name: "al-stripes", short: "s", arg: cli.RequiredArg, only: onLayout, set: func(o *options, s string) error {
		return setNumber(&o.geometry.ALStripes, "al-stripes", s, 1, 1, math.MaxUint32)
	}},
	{name: "al-stripe-size-kB", short: "z", arg: cli.RequiredArg, only: onLayout, set: func(o *options, s string) error {
		err := setNumber(&o.geometry.ALStripeBlocks, "al-stripe-size-kB", s, 1024, 4, math.MaxUint32)
		o.geometry.ALStripeBlocks /= 4
		return err
	}},
	{name: "bitmap-block-size", short: "B", arg: cli.RequiredArg, only: onCreate, v09: true, set: setBlockSize},
	{name: "initialize-bitmap", short: "b", arg: cli.RequiredArg, set: setBitmapInit},
	{name: "effective-size", short: "Z", arg: cli.RequiredArg, only: onCreate, set: func(o *options, s string) error {
		return setNumber(&o.effectiveSize, "effective-size", s, 512, 0, math.MaxInt64)
	}},
	{name: "diskful-peers", short: "D", arg: cli.RequiredArg, only: onCreate, v09: true, set: setDiskful},
	{name: "output-format", short: "o", arg: cli.RequiredArg, only: onDumpSup, set: setOutput},
	{name: "initial-current-uuid", arg: cli.RequiredArg, only: onCreate, v09: true, set: setCurrentUUID},
	{name: "consistent", only: onCreate, v09: true, set: boolean(func(o *options) *bool { return &o.uuids.Consistent })},
	{name: "uptodate", only: onCreate, v09: true, set: boolean(func(o *options) *bool { return &o.uuids.UpToDate })},
	{name: "peers-outdated", only: onCreate, v09: true, set: boolean(func(o *options) *bool { return &o.uuids.PeersOutdated })},
	{name: "rotate-uuids", only: onCreate, v09: true, set: boolean(func(o *options) *bool { return &o.uuids.Rotate })},
	{name: "var-lib-drbd", arg: cli.RequiredArg, set: func(o *options, s string) error { o.varLib = s; return nil }},
}

// parse reads the command line. A *cli.UsageError is about its form, a *failure
// about a value.
func (o *options) parse(args []string) (words []string, err error) {
	o.nodeID, o.geometry, o.output = -1, meta.DefaultGeometry, "auto"
	flags := cli.NewFlags()
	for _, s := range optionSpecs {
		flags.Add(s.name, s.short, s.arg)
	}
	given, words, err := flags.Parse(args)
	if err != nil {
		return nil, err
	}
	for _, g := range given {
		i := slices.IndexFunc(optionSpecs, func(s optionSpec) bool { return s.name == g.Name })
		if err := optionSpecs[i].set(o, g.Value); err != nil {
			return nil, err
		}
		o.given = append(o.given, g.Name)
	}
	return words, nil
}

// check refuses options that the command or the format does not take.
func (o *options) check(c *command, v meta.Version) error {
	for _, s := range optionSpecs {
		switch {
		case !o.has(s.name):
		case s.name == "node-id" && !slices.Contains(s.only, c.name):
			return fail(exitBadValue, "%s: does not accept --node-id", c.name)
		case s.only != nil && !slices.Contains(s.only, c.name):
			return fail(exitBadValue, "The --%s option is only allowed with %s", s.name, strings.Join(s.only, " and "))
		case s.v09 && v != meta.V09:
			return fail(exitBadValue, "The --%s option needs format v09, not %s", s.name, v)
		}
	}
	if v == meta.V09 && c.needsNode && o.nodeID < 0 {
		return fail(exitBadValue, "%s: requires --node-id", c.name)
	}
	if (o.has("al-stripes") || o.has("al-stripe-size-kB")) && o.geometry.Check() != nil {
		return fail(exitBadValue, "%v", o.geometry.Check())
	}
	if v <= meta.V07 {
		o.ignoreStriping()
	}
	return nil
}

// ignoreStriping drops the options about the activity log's stripes.
//
// compat: formats before v08 have no place to keep them, and create-md takes them
// without a word.
func (o *options) ignoreStriping() {
	o.geometry = meta.DefaultGeometry
	o.given = slices.DeleteFunc(o.given, func(name string) bool { return strings.HasPrefix(name, "al-stripe") })
}

// integer is what numbers are stored in.
type integer interface{ ~int | ~uint32 | ~uint64 }

// setNumber reads a number with an optional unit. Without one it counts units of
// so many bytes, or just counts if unit is 1.
func setNumber[T integer](p *T, name, s string, unit, low, high uint64) error {
	n, err := parseNumber(name, s, unit)
	if err != nil {
		return err
	}
	if n < low || n > high {
		return fail(exitBadValue, "%s '%s' is not in the allowed range %d .. %d", name, s, low, high)
	}
	*p = T(n)
	return nil
}

// parseNumber returns s in units of so many bytes, rounded up.
func parseNumber(name, s string, unit uint64) (uint64, error) {
	if s == "" {
		return 0, fail(exitNoNumber, "%s: the number is missing", name)
	}
	factor := unit
	digits := s
	switch s[len(s)-1] {
	case 's', 'S':
		factor = 512
	case 'k', 'K':
		factor = 1 << 10
	case 'm', 'M':
		factor = 1 << 20
	case 'g', 'G':
		factor = 1 << 30
	}
	if strings.ContainsAny(s[len(s)-1:], "sSkKmMgG") {
		digits = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	hi, lo := bits.Mul64(n, factor)
	if err != nil || hi != 0 || lo > math.MaxInt64 {
		return 0, fail(exitUsage, "%s: %s is not a valid number", name, s)
	}
	return (lo + unit - 1) / unit, nil
}

func setBlockSize(o *options, s string) error {
	n := uint32(0)
	if err := setNumber(&n, "bitmap-block-size", s, 1, 0, math.MaxUint32); err != nil {
		return err
	}
	o.geometry.BytesPerBit = n
	if n == 0 {
		o.geometry.BytesPerBit = meta.DefaultGeometry.BytesPerBit
	}
	if n := o.geometry.BytesPerBit; n < 4096 || n > 1<<20 || n&(n-1) != 0 {
		return fail(exitBadValue, "bitmap-block-size %s is not a power of two between 4k and 1M", s)
	}
	return nil
}

func setBitmapInit(o *options, s string) error {
	modes := []string{"automatic", "zeroout", "pwrite", "set-all", "skip"}
	i := slices.Index(modes, s)
	if i < 0 {
		return fail(exitBadValue, "initialize-bitmap is one of %s, not '%s'", strings.Join(modes, ", "), s)
	}
	o.bitmap = meta.Init(i)
	return nil
}

func setOutput(o *options, s string) error {
	if !slices.Contains([]string{"auto", "hex", "bin", "json"}, s) {
		return fail(exitBadValue, "output-format is one of auto, hex, bin, json, not '%s'", s)
	}
	o.output = s
	return nil
}

// setDiskful reads a list of node ids, or a mask in hexadecimal.
func setDiskful(o *options, s string) error {
	if strings.HasPrefix(s, "0x") {
		mask, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			return fail(exitBadValue, "diskful-peers '%s' is no mask of 32 node ids", s)
		}
		o.diskful = uint32(mask)
		return nil
	}
	for id := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(id), 10, 8)
		if err != nil || n >= meta.MaxPeers {
			return fail(exitBadValue, "diskful-peers '%s': '%s' is not a node id from 0 to %d", s, id, meta.MaxPeers-1)
		}
		o.diskful |= 1 << n
	}
	return nil
}

// setCurrentUUID is checked before anything is written, unlike in drbd-utils.
func setCurrentUUID(o *options, s string) error {
	if s == "generate" {
		o.uuids.Current = meta.RandomUUID()
		return nil
	}
	u, err := meta.ParseUUID(s)
	if err != nil || u&^1 == 0 {
		return fail(exitBadValue, "initial-current-uuid '%s' is neither 'generate' nor a hexadecimal number above 1", s)
	}
	o.uuids.Current = u
	return nil
}
