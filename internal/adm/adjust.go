package adm

import (
	"fmt"
	"slices"
	"strconv"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// adjuster plans how a running resource becomes what the configuration says. It
// is a pure function of the two.
type adjuster struct {
	planner
	selection
	have *confparse.Resource // the running resource; nil if there is none
	plan *Plan
	base *Step // what new objects wait for
	chain
}

// adjust plans one resource for DRBD 9.
func (p planner) adjust(s selection, plan *Plan) error {
	a := adjuster{planner: p, selection: s, plan: plan, have: p.running.Resource(s.res.Name)}
	if s.res.Ignored {
		return a.proxyNode()
	}
	if err := a.resource(); err != nil {
		return err
	}
	if err := a.volumes(); err != nil {
		return err
	}
	if p.has("skip-net") {
		return nil
	}
	return a.connections()
}

// has reports whether the command line carries an option.
func (p planner) has(option string) bool { return len(p.own(option)) > 0 }

// setDefaults returns a call that replaces all options of an object.
func (p planner) setDefaults(o object, verb []string, want, have confparse.Options, without ...string) []Op {
	line := append(verb, "--set-defaults")
	return []Op{p.setup(o, append(line, p.part(verb[0]).with(known(want, have), without...)...)...)}
}

// make adds the calls with which something that is not there comes into being.
func (a *adjuster) make(stage Stage, name string, o object, after *Step, why string, do func(planner, object) ([]Op, error)) (*Step, error) {
	step, err := a.step(a.plan, stage, name, o, after, do)
	if err == nil {
		step.Why = why
	}
	return step, err
}

// ops adds a step of calls that are already made.
func (a *adjuster) ops(stage Stage, name string, after *Step, ops []Op) *Step {
	return a.plan.add(Step{Stage: stage, Name: name, Res: a.res.Name, Ops: ops, After: after})
}

// per returns the generation's stage for a kind of step.
func (a *adjuster) per(nine, old Stage) Stage {
	if a.gen == schema.V84 {
		return old
	}
	return nine
}

// resource creates the resource or changes its options.
func (a *adjuster) resource() error {
	o := object{selection: a.selection}
	if a.have == nil {
		var err error
		a.base, err = a.make(Prerequisites, "new-resource", o, nil, "the resource is not running", planner.newResource)
		return err
	}
	a.resourceOptions(o)
	return nil
}

func (a *adjuster) resourceOptions(o object) {
	if changes := diff(a.res.Options, a.have.Options); len(changes) > 0 {
		verb := []string{"resource-options", a.res.Name}
		step := a.ops(a.per(Resource, Resource84), "resource-options", nil, a.setDefaults(o, verb, a.res.Options, a.have.Options))
		step.Changes = changes
	}
}

// volumes goes through the volumes of both sides.
func (a *adjuster) volumes() error {
	var attach []object
	for _, o := range a.objects(perVolume) {
		have := a.runningVolume(o.vol.Number)
		again, err := a.volume(o, have)
		if err != nil {
			return err
		}
		if again {
			attach = append(attach, o)
		}
	}
	a.surplusVolumes()
	for _, o := range attach {
		if _, err := a.make(Disk, "attach", o, a.base, notAttached(o), planner.attach); err != nil {
			return err
		}
	}
	return nil
}

func notAttached(o object) string {
	return fmt.Sprintf("the disk of volume %d, %s, is not attached", o.vol.Number, o.vol.Disk)
}

func (a *adjuster) runningVolume(number int) *confparse.Volume {
	if a.have == nil || a.have.Me == nil {
		return nil
	}
	return a.have.Me.Volume(number)
}

// volume adjusts one volume, but for attaching it: it reports whether that is
// needed.
func (a *adjuster) volume(o object, have *confparse.Volume) (attach bool, err error) {
	disks := !a.has("skip-disk")
	if have != nil && have.Minor != o.vol.Minor {
		// compat: the reference makes the new minor while the old one still
		// has the volume number, which the module refuses.
		a.remove(have, disks, fmt.Sprintf("volume %d shall be minor %d", o.vol.Number, o.vol.Minor))
		have = nil
	}
	if have == nil {
		a.base, err = a.make(DiskUp, "new-minor", o, a.base, a.noDevice(o), planner.newMinor)
		return disks && o.vol.Disk != "", err
	}
	if !disks {
		return false, nil
	}
	if sameStorage(o.vol, have) {
		if have.Disk != "" {
			a.diskOptions(o, have)
		}
		return false, nil
	}
	if have.Disk != "" {
		a.detach(have, storageChange(o.vol, have))
	}
	return o.vol.Disk != "", nil
}

// noDevice says why a volume needs a new minor, and who has the number that it
// shall get: the module refuses it until that is gone.
func (a *adjuster) noDevice(o object) string {
	why := fmt.Sprintf("volume %d has no device", o.vol.Number)
	taken := func(v *confparse.Volume) bool { return v.Minor == o.vol.Minor }
	for _, r := range a.running {
		if r.Name == a.res.Name || r.Me == nil || !slices.ContainsFunc(r.Me.Volumes, taken) {
			continue
		}
		why += fmt.Sprintf("; resource %s, which runs, has minor %d, and has to go first: 'drbdsetup down %s'", r.Name, o.vol.Minor, r.Name)
		if a.gen == schema.V9 && a.have == nil {
			why += fmt.Sprintf("; if it is the same under its old name: 'drbdsetup rename-resource %s %s'", r.Name, a.res.Name)
		}
	}
	return why
}

// diskOptions changes options and size of an attached disk.
func (a *adjuster) diskOptions(o object, have *confparse.Volume) {
	want, stage := o.vol.DiskOptions, a.per(Disk, Disk84)
	if changes := diff(want, have.DiskOptions, attachOnly...); len(changes) > 0 {
		at := stage
		if turnsBitmapOn(want, have.DiskOptions) {
			at = DiskUp
		}
		verb := []string{"disk-options", o.minor()}
		step := a.ops(at, "disk-options", nil, a.setDefaults(o, verb, want, have.DiskOptions, attachOnly...))
		step.Changes = changes
	}
	if changes := diffOnly(want, have.DiskOptions, "size"); len(changes) > 0 {
		a.ops(stage, "resize", nil, []Op{a.part("resize").resizeOp(o)}).Changes = changes
	}
}

// attachOnly are the disk options that disk-options does not take.
var attachOnly = []string{"size", "max-bio-bvecs"}

// turnsBitmapOn reports whether a disk that had no bitmap shall have one. Peers
// have to find it.
func turnsBitmapOn(want, have confparse.Options) bool {
	was := find1(have, "bitmap")
	if was == nil || valueText(*was) != "no" {
		return false
	}
	now := find1(want, "bitmap")
	return now == nil || valueText(*now) != "no"
}

// surplusVolumes removes running volumes that the configuration does not have.
func (a *adjuster) surplusVolumes() {
	if a.have == nil || a.have.Me == nil || a.selection.volume {
		return
	}
	for _, v := range a.have.Me.Volumes {
		if a.res.Me.Volume(v.Number) == nil {
			a.removeSurplus(v)
		}
	}
}

func (a *adjuster) removeSurplus(v *confparse.Volume) {
	a.remove(v, !a.has("skip-disk"), fmt.Sprintf("volume %d is not in the configuration", v.Number))
}

// remove takes a running volume away, unless it has a disk that must stay.
func (a *adjuster) remove(v *confparse.Volume, disks bool, why string) {
	if v.Disk != "" {
		if !disks {
			return
		}
		a.detach(v, why)
	}
	op := a.setup(object{selection: a.selection}, "del-minor", strconv.Itoa(v.Minor))
	a.ops(a.per(DiskDown, Create84), "del-minor", nil, []Op{op}).Why = why
}

func (a *adjuster) detach(v *confparse.Volume, why string) {
	words := []string{"detach", "--diskless", strconv.Itoa(v.Minor)}
	if a.gen == schema.V84 {
		words = []string{"detach", strconv.Itoa(v.Minor)}
	}
	op := a.setup(object{selection: a.selection}, words...)
	a.ops(a.per(DiskDown, Create84), "detach", nil, []Op{op}).Why = why
}

// storageChange says which disk a volume has, and which one it shall have.
func storageChange(want, have *confparse.Volume) string {
	if want.Disk == "" {
		return fmt.Sprintf("volume %d shall have no disk here", want.Number)
	}
	if want.Disk != have.Disk {
		return fmt.Sprintf("the disk is %s and shall be %s", have.Disk, want.Disk)
	}
	return fmt.Sprintf("the metadata is on %s and shall be on %s", have.MetaDisk, want.MetaDisk)
}
