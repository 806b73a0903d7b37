package adm

import (
	"context"
	"fmt"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// Commands that answer one question of a script, a bare item a line.

// wanted returns the resources that the command line names, nil if it may concern any.
// Of many others, no more is read then than what two resources cannot share.
//
// compat: for the reference an error in any resource's section is an error in any case.
func (t *tool) wanted() []string {
	if t.cmd.objects != needed || t.driver.Compat {
		return nil
	}
	names := []string{}
	for _, word := range t.req.objects {
		w, refused := parseName(t.gen, word)
		if refused != nil || w.minor || word == "all" {
			return nil
		}
		names = append(names, w.res)
	}
	return names
}

// shNop says by its exit code whether the configuration is fine.
func shNop(context.Context, *tool, []selection) int { return 0 }

// shResources lists the resources of this host, stacked ones with -S.
//
// compat: for DRBD 8.4 they stand on one line, in quotes as in a configuration file.
func shResources(_ context.Context, t *tool, _ []selection) int {
	var names []string
	for _, s := range selectAll(t.conf, t.req.stacked, false) {
		names = append(names, s.res.Name)
	}
	separator := "\n"
	if t.gen == schema.V84 {
		separator = " "
		for i, name := range names {
			names[i] = confparse.Quote(name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintln(t.out, strings.Join(names, separator))
	}
	return 0
}

// Limits of the module's parameter minor_count, and how many devices more than
// configured it shall have room for.
const (
	minMinors   = 32
	maxMinors   = 255
	spareMinors = 3
)

// shModParms prints the parameters of the module that fit the configuration.
func shModParms(_ context.Context, t *tool, _ []selection) int {
	count := t.conf.Global.MinorCount
	if count == 0 {
		count = spareMinors
		for _, r := range t.conf.Resources {
			if r.Me != nil {
				count += len(r.Me.Volumes)
			}
		}
		count = min(max(count, minMinors), maxMinors)
	}
	fmt.Fprintf(t.out, "minor_count=%d\n", count)
	return 0
}

func (t *tool) say(format string, args ...any) int {
	fmt.Fprintf(t.out, format+"\n", args...)
	return 0
}

func shResource(t *tool, o object) int { return t.say("%s", o.res.Name) }
func shDev(t *tool, o object) int      { return t.say("/dev/drbd%d", o.vol.Minor) }
func shMinor(t *tool, o object) int    { return t.say("%d", o.vol.Minor) }

func shLowerDev(t *tool, o object) int {
	if o.vol.Disk == "" {
		return t.say("none")
	}
	return t.say("%s", o.vol.Disk)
}

func shMetaDev(t *tool, o object) int {
	device, _ := attachPlace(o.vol)
	return t.say("%s", device)
}

func shMetaIndex(t *tool, o object) int {
	_, index := attachPlace(o.vol)
	return t.say("%s", index)
}

// shIP prints this host's address: once for each volume and path, once for each
// volume of DRBD 8.4.
func shIP(t *tool, o object) int {
	if o.conn == nil && o.res.Me.Address != nil {
		return t.say("%s", o.res.Me.Address.Addr)
	}
	if o.conn != nil {
		for _, p := range o.conn.Paths {
			t.say("%s", p.Me.Address.Addr)
		}
	}
	return 0
}

func shLowerResource(t *tool, o object) int {
	if !o.res.Stacked {
		t.complain("sh-lower-resource is about stacked resources; '%s' is none", o.res.Name)
		return exitUsage
	}
	return t.say("%s", o.res.Lower.Name)
}

func shListConfigFile(t *tool, o object) int {
	return t.say("%s:%d:%s", o.res.Place.Path(), o.res.Line, o.res.Name)
}

// shUdev prints the names that udev gives a device.
func shUdev(t *tool, o object) int {
	if !o.volume {
		t.complain("volume not specified")
		return exitUsage
	}
	device := fmt.Sprintf("drbd%d", o.vol.Minor)
	if name, ok := strings.CutPrefix(o.vol.DeviceName, "/dev/"); ok && strings.HasPrefix(name, "drbd") {
		device = name
	}
	res := o.res.Name
	if !o.vol.Implicit || t.conf.Global.UdevAlwaysUseVNR {
		res += "/" + o.number()
	}
	disk := strings.TrimPrefix(o.vol.Disk, "/dev/")
	if t.gen == schema.V84 {
		return t.say("RESOURCE=%s\nDEVICE=%s\nDISK=%s", res, device, disk)
	}
	t.say("DEVICE=%s\nSYMLINK=drbd/by-res/%s\nSYMLINK_BY_RES=drbd/by-res/%s", device, res, res)
	if disk != "" {
		t.say("SYMLINK_BY_DISK=drbd/by-disk/%s", disk)
	}
	return 0
}
