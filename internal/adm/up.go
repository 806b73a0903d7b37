package adm

import (
	"drbdutils/confparse"
)

// up plans what brings a resource up from nothing: the resource and its minors,
// its disks, its connections. With a peer in the selection only that connection
// is made.
func (p planner) up(s selection, plan *Plan) error {
	whole := object{selection: s}
	created, err := p.step(plan, Prerequisites, "new-resource", whole, nil, planner.newResource)
	if err != nil {
		return err
	}
	for _, o := range s.objects(perVolume) {
		if err := p.upVolume(plan, o, created); err != nil {
			return err
		}
	}
	for _, o := range s.objects(perConnection) {
		if _, err := p.upConnection(plan, o, created); err != nil {
			return err
		}
	}
	return nil
}

func (p planner) upVolume(plan *Plan, o object, after *Step) error {
	minor, err := p.step(plan, DiskUp, "new-minor", o, after, planner.newMinor)
	if err != nil || o.vol.Disk == "" {
		return err
	}
	_, err = p.step(plan, Disk, "attach", o, minor, planner.attach)
	return err
}

// upConnection makes a connection and returns its last step, the connect.
func (p planner) upConnection(plan *Plan, o object, after *Step) (*Step, error) {
	peer, err := p.step(plan, NetUp, "new-peer", o, after, planner.newPeer)
	if err != nil {
		return nil, err
	}
	if _, err := p.step(plan, NewPath, "new-path", o, peer, planner.newPaths); err != nil {
		return nil, err
	}
	for _, d := range explicitFirst(o.conn.PeerDevices) {
		if len(d.Options) == 0 || d.Volume == nil {
			continue
		}
		device := object{selection: o.selection, conn: o.conn, vol: d.Volume}
		if _, err := p.step(plan, PeerDevice, "peer-device-options", device, peer, planner.peerDeviceOptions); err != nil {
			return nil, err
		}
	}
	return p.step(plan, Connect, "connect", o, peer, planner.connect)
}

// explicitFirst returns peer devices in the order in which they are set up:
// those that the configuration mentions come first.
func explicitFirst(devices []*confparse.PeerDevice) []*confparse.PeerDevice {
	var written, made []*confparse.PeerDevice
	for _, d := range devices {
		if d.Implicit {
			made = append(made, d)
			continue
		}
		written = append(written, d)
	}
	return append(written, made...)
}

// newPaths makes all paths of a connection. The last one's result counts.
func (p planner) newPaths(o object) ([]Op, error) {
	p.cmd.name = "new-path"
	var ops []Op
	for _, path := range o.conn.Paths {
		more, err := p.onPath(object{selection: o.selection, conn: o.conn, path: path})
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	return ops, nil
}

func (p planner) connect(o object) ([]Op, error) {
	p.cmd.name = "connect"
	return p.simple(o), nil
}

// step adds the calls that do something to an object.
func (p planner) step(plan *Plan, stage Stage, name string, o object, after *Step, do func(planner, object) ([]Op, error)) (*Step, error) {
	ops, err := do(p.part(name), o)
	if err != nil {
		return nil, err
	}
	return plan.add(Step{Stage: stage, Name: name, Res: o.res.Name, Ops: ops, After: after}), nil
}

// up84 is up for DRBD 8.4. A resource has one connection there. One without volumes
// is left alone.
func (p planner) up84(s selection, plan *Plan) error {
	whole := object{selection: s}
	if len(s.volumes) > 0 && !plan.has("new-resource", s.res.Name) {
		if _, err := p.step(plan, Create84, "new-resource", whole, nil, planner.newResource); err != nil {
			return err
		}
		if _, err := p.step(plan, Connect84, "connect", whole, nil, planner.connect84); err != nil {
			return err
		}
	}
	for _, o := range s.objects(perVolume) {
		if _, err := p.step(plan, Create84, "new-minor", o, nil, planner.newMinor); err != nil {
			return err
		}
		if _, err := p.step(plan, Disk84, "attach", o, nil, planner.attach); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the plan contains a step of that name for a resource.
func (p Plan) has(name, res string) bool {
	for _, s := range p {
		if s.Name == name && s.Res == res {
			return true
		}
	}
	return false
}
