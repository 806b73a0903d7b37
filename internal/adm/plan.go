package adm

import (
	"slices"

	"drbdutils/schema"
)

// An Op is one call of a backend: a command line and how its outcome is judged.
// A dry run prints the line, everything else runs it; there is no other form, so
// a dry run cannot lie.
type Op struct {
	Prog   program
	Class  class // how long it may take
	Stderr stderr
	Ignore bool // its result does not count
	Args   []string
	Res    string // the resource it is for
	*Rule         // nil: success is exit code 0, and nothing follows from it
}

// A Rule says what follows from an op's outcome.
type Rule struct {
	Show   []int // exit codes for which stderr that was held is shown
	Accept []int // exit codes that count as success

	Else     []Op  // to be tried if it failed
	NoElse   error // why there is nothing to be tried if it failed
	ElseDry  bool  // a dry run shows Else, too
	Final    []int // exit codes after which Else is pointless
	ElseCode int   // the code that stands if it ended with it and Else failed, too

	Then    []Op    // after success; their results do not count
	Grown   *Growth // what to wait for after success
	NewUUID bool    // metadata that needs an identity after success

	Env []string // more environment, for handlers
}

// rule returns the op's rule.
func (op Op) rule() Rule {
	if op.Rule == nil {
		return Rule{}
	}
	return *op.Rule
}

// Growth is a change of a device's size that the module makes some time after a
// resize was accepted.
type Growth struct {
	Minor int
	Size  string // the size that was asked for, as configured; "": any change
}

// stderr says what happens to what a backend writes there.
type stderr uint8

const (
	shown  stderr = iota
	hidden        // thrown away
	held          // kept back, and shown only for exit codes in Show
)

// A Stage groups the steps of up and adjust. A stage runs for all resources
// before the next one starts.
type Stage uint8

// The stages for DRBD 9, in the order in which they run.
const (
	Prerequisites Stage = iota // new-resource, proxy plugins
	Resource                   // resource-options
	DiskDown                   // detach, del-minor
	DiskUp                     // new-minor, disk-options that turn the bitmap on
	NetDisconnect              // disconnect
	NetDown                    // del-peer, del-path, proxy down
	NetUp                      // new-peer, proxy up, proxy plugins
	NewPath                    // new-path
	Net                        // net-options
	PeerDevice                 // peer-device-options
	Disk                       // attach, disk-options, resize
	Connect                    // connect
	Wait                       // wait-connect
)

// The stages for DRBD 8.4.
const (
	Create84     Stage = iota // new-resource, up's new-minor, detach, del-minor
	Resource84                // resource-options
	Minor84                   // adjust's new-minor
	Disk84                    // attach, disk-options, resize
	Disconnect84              // disconnect, proxy
	Connect84                 // connect, net-options
)

// A stageRule says how adjust-with-progress calls a stage, and whether a failure
// in it makes everything later pointless for the same resource.
type stageRule struct {
	label string
	fatal bool
}

var stages9 = []stageRule{
	Prerequisites: {"create res", true},
	Resource:      {"adjust res", false},
	DiskDown:      {"prepare disk", true},
	DiskUp:        {"prepare disk", true},
	NetDisconnect: {"prepare net", false},
	NetDown:       {"prepare net", true},
	NetUp:         {"prepare net", true},
	NewPath:       {"prepare net", false},
	Net:           {"adjust net", false},
	PeerDevice:    {"adjust peer_devices", false},
	Disk:          {"adjust disk", false},
	Connect:       {"attempt to connect", false},
	Wait:          {"", false},
}

var stages84 = []stageRule{
	Create84:     {"create res", true},
	Resource84:   {"adjust res", false},
	Minor84:      {"prepare disk", true},
	Disk84:       {"adjust disk", false},
	Disconnect84: {"prepare net", false},
	Connect84:    {"adjust net", false},
}

func stageRules(g schema.Generation) []stageRule {
	if g == schema.V84 {
		return stages84
	}
	return stages9
}

// A Step is what up and adjust do to one object in one stage: calls that run one
// after the other until one fails.
type Step struct {
	Stage   Stage
	Moot    bool    // it turned out that nothing needs it
	outcome outcome // while the plan is run

	Name  string // the verb, for messages
	Res   string
	Ops   []Op
	After *Step // must have run before

	Why     string   // what makes it necessary, for people
	Changes []Change // options that it changes
}

// An outcome is what came of a step.
type outcome uint8

const (
	notDone outcome = iota
	done
	failing
	outcomes

	begun = outcomes // while the steps that can begin are looked for
)

// A Plan is a list of steps. Its order is the order within a stage.
type Plan []*Step

// add appends a step and returns it.
func (p *Plan) add(s Step) *Step {
	*p = append(*p, &s)
	return &s
}

// run calls do with the steps of one stage after the other, and from the first
// stage again for steps that had to wait for one in a later stage. do sets the
// outcome of each; what depends on one that is still not done is never handed
// out. stop is asked after each stage that had steps.
func (p Plan) run(do func([]*Step), stop func() bool) {
	waiting := p.byStage()
	for began := true; began; {
		began = false
		for stage := range waiting {
			var now []*Step
			now, waiting[stage] = ready(waiting[stage])
			if len(now) == 0 {
				continue
			}
			began = true
			do(now)
			if stop() {
				return
			}
		}
	}
}

// byStage returns the useful steps of each stage.
func (p Plan) byStage() [][]*Step {
	all := make([][]*Step, len(stages9))
	for _, s := range p {
		if !s.Moot {
			all[s.Stage] = append(all[s.Stage], s)
		}
	}
	return all
}

// ready tells the steps of a stage that can begin, in order, from the others. A
// step may follow one that is among them.
func ready(stage []*Step) (now, later []*Step) {
	now = make([]*Step, 0, len(stage))
	for _, s := range stage {
		if s.ready() {
			s.outcome = begun
			now = append(now, s)
			continue
		}
		later = append(later, s)
	}
	for _, s := range now {
		s.outcome = notDone
	}
	return now, later
}

// ready reports whether a step need not wait any more.
func (s *Step) ready() bool {
	return s.After == nil || s.After.Moot || s.After.outcome != notDone
}

// useful returns the steps that run.
func (p Plan) useful() Plan {
	return slices.DeleteFunc(slices.Clone(p), func(s *Step) bool { return s.Moot })
}
