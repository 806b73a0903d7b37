package adm

import (
	"cmp"
	"strconv"
	"strings"

	"drbdutils/confparse"
	"drbdutils/internal/render"
	"drbdutils/schema"
)

// callOut runs what the configuration wants to happen when the module calls for
// it. Nothing configured means nothing to do.
func (p planner) callOut(o object) ([]Op, error) {
	h, ok := o.res.Handlers.Get(p.cmd.name)
	if !ok {
		return nil, nil
	}
	return []Op{{
		Prog: sh, Args: []string{"-c", h.Value}, Class: long,
		Res: o.res.Name, Rule: &Rule{Env: p.handlerEnv(o)},
	}}, nil
}

// handlerEnv returns what a handler learns about the resource, besides what the
// module put into its environment.
func (p planner) handlerEnv(o object) []string {
	env := []string{"DRBD_CONF=" + p.file, "DRBD_RESOURCE=" + o.res.Name}
	if p.gen == schema.V84 {
		return append(env, p.handlerEnv84(o)...)
	}
	minors, numbers, disks := volumeLists(o.volumes)
	env = append(env, "DRBD_MINOR="+minors, "DRBD_VOLUME="+numbers, "DRBD_LL_DISK="+disks)
	for _, h := range o.res.Hosts {
		env = append(env, "DRBD_NODE_ID_"+strconv.Itoa(h.NodeID)+"="+strings.Join(h.Names, " "))
	}
	return append(env, "DRBD_MY_NODE_ID="+cmp.Or(p.myNodeID, strconv.Itoa(o.res.Me.NodeID)))
}

func volumeLists(volumes []*confparse.Volume) (minors, numbers, disks string) {
	var m, n, d []string
	for _, v := range volumes {
		m, n = append(m, strconv.Itoa(v.Minor)), append(n, strconv.Itoa(v.Number))
		if v.Disk == "" {
			d = append(d, "none")
			continue
		}
		d = append(d, render.ShellWord(v.Disk))
	}
	return strings.Join(m, " "), strings.Join(n, " "), strings.Join(d, " ")
}

// handlerEnv84 is for one volume, or for the whole resource where the handler
// was called with its name.
func (p planner) handlerEnv84(o object) []string {
	var env []string
	if o.vol != nil {
		env = append(env, "DRBD_MINOR="+o.minor(), "DRBD_VOLUME="+o.number(), "DRBD_LL_DISK="+o.vol.Disk)
	} else {
		minors, _, _ := volumeLists(o.volumes)
		env = append(env, "DRBD_MINOR="+minors)
	}
	if h, refused := p.peer84(o.res); refused == nil {
		env = append(env, "DRBD_PEER="+h.Names[0], "DRBD_PEERS="+strings.Join(h.Names, " "))
		if h.Address != nil {
			env = append(env, "DRBD_PEER_AF="+h.Address.Family, "DRBD_PEER_ADDRESS="+h.Address.Addr)
		}
	}
	return env
}
