package adm

import (
	"context"
	"slices"
	"time"

	"drbdutils/schema"
)

// A command is one verb of drbdadm in one generation. Exactly one of call, plan,
// stage, print, run and report says what it does; without any it calls drbdsetup with its own
// name, what its scope identifies, and the options it was given.
type command struct {
	name    string
	group   group
	objects objects
	scope   scope
	volumes volumes
	flags   flags
	options func() []schema.Field // backend options that the command line may carry

	extra func() []schema.Field // more of them, not known to drbd-utils and not in its help

	call  program                                       // calls this program with the command's name
	plan  func(planner, object) ([]Op, error)           // the calls for one object
	stage func(planner, selection, *Plan) error         // calls that run stage by stage over all objects
	print func(*tool, object) int                       // reports on one object
	run   func(context.Context, *tool, []selection) int // does everything by itself, word by word

	report func(context.Context, *tool, []selection) int // reports on all objects at once
}

// group says where help lists a command.
type group uint8

const (
	admin    group = iota // in the help text
	shell                 // for scripts
	handler               // called by the module
	expert                // for developers
	beyond                // not known to drbd-utils
	unlisted              // nowhere
)

// objects says what a command wants to be named.
type objects uint8

const (
	needed   objects = iota // resources, or "all"
	optional                // without any it means all
	none                    // the configuration as a whole
)

// scope is what one call of a backend works on.
type scope uint8

const (
	perResource scope = iota
	perVolume
	perConnection
	perPath
	perPeerDevice // volume by volume, connection by connection
)

// volumes says whether an object may name a volume (RES/VNR, minor-N).
type volumes uint8

const (
	volumeAllowed volumes = iota
	volumeRequired
	volumeRefused
)

// flags are what must hold before a command does anything, and how it differs from
// others.
type flags uint16

const (
	needsDisk     flags = 1 << iota // the volume has a local disk
	checksIP                        // the host's addresses are configured on this host
	readsState                      // what runs decides what is done
	needsProxy                      // this host runs a proxy of the resource
	rawOptions                      // backend options pass unchecked
	inParts                         // raw options are for the calls that it is made of
	oldForce                        // --force had another name once
	takesPeer                       // it is not about peers, but naming one makes a difference
	callsOnce                       // several objects are asked about together
	usesRegistry                    // the resource is that of a running device
	showsConfig                     // it shows the configuration to people
	checksConfig                    // it does nothing but read the configuration
	warns                           // it reports on what is legal but unsafe
	listsOnly                       // it needs to know no more of resources than that they are there
	listsChanges                    // it names the resources that adjust would change
	showsProgress                   // it shows stages instead of messages
)

// has reports whether any of the flags is set.
func (f flags) has(any flags) bool { return f&any != 0 }

// class chooses the time a backend may take.
type class uint8

const (
	short class = iota
	medium
	long
	unlimited
)

// defaultLimits are the times where the configuration sets none.
//
// compat: the manual's 121 s and 600 s are not what the reference waits; it
// waits 600 s and for ever.
var defaultLimits = [unlimited + 1]time.Duration{
	short:  5 * time.Second,
	medium: 600 * time.Second,
}

// program is a backend.
type program uint8

const (
	drbdsetup program = iota + 1
	drbdmeta
	proxyCtl
	sh
)

// commands returns the table of a generation, in the order in which help prints
// it.
func commands(g schema.Generation) []command {
	if g == schema.V84 {
		return commands84()
	}
	return commands9()
}

// find returns the command called name.
func find(table []command, name string) (command, bool) {
	i := slices.IndexFunc(table, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return table[i], true
}
