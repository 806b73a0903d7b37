package confparse

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// hostRules are the statements of an on or floating section.
var hostRules = []rule[*Host]{
	{word: "disk", once: diskOnce, read: inHost(readDiskBoth)},
	{word: "device", once: deviceOnce, read: inHost(readDevice)},
	{word: "meta-disk", once: metaDiskOnce, read: inHost(readMetaDisk)},
	{word: "flexible-meta-disk", once: metaDiskOnce, read: inHost(readFlexible)},
	{word: "address", once: addressOnce, read: readAddress},
	{word: "alternate-link-address", gen: schema.V84, once: alternateOnce, read: readAlternate},
	{word: "proxy", once: proxyOnce, read: readHostProxy},
	{word: "volume", read: readHostVolume},
	{word: "node-id", gen: schema.V9, once: nodeIDOnce, read: readNodeID},
	{word: "options", read: readHostOptions},
	{word: "skip", gen: schema.V9, read: readSkip[*Host]},
}

// stackedRules are those of a stacked-on-top-of section.
var stackedRules = []rule[*Host]{
	{word: "device", once: deviceOnce, read: inHost(readDevice)},
	{word: "address", once: addressOnce, read: readAddress},
	{word: "alternate-link-address", gen: schema.V84, once: alternateOnce, read: readAlternate},
	{word: "proxy", once: proxyOnce, read: readHostProxy},
	{word: "volume", read: readStackedVolume},
	{word: "node-id", gen: schema.V9, once: nodeIDOnce, read: readNodeID},
}

// hostVolumeRules are the statements of a volume section in a host.
var hostVolumeRules = []rule[*Volume]{
	{word: "disk", read: readDiskBoth},
	{word: "device", read: readOtherDevice},
	{word: "meta-disk", read: readMetaDisk},
	{word: "flexible-meta-disk", read: readFlexible},
	{word: "tiebreaker", gen: schema.V9, read: readTiebreaker},
	{word: "skip", gen: schema.V9, read: readSkip[*Volume]},
}

// volumeRules are those of one in a resource.
//
// compat: of several device statements the last one counts.
var volumeRules = []rule[*Volume]{
	{word: "disk", read: readDiskBoth},
	{word: "device", read: readDevice},
	{word: "meta-disk", read: readMetaDisk},
	{word: "flexible-meta-disk", read: readFlexible},
	{word: "tiebreaker", gen: schema.V9, read: readTiebreaker},
	{word: "skip", gen: schema.V9, read: readSkip[*Volume]},
}

// stackedVolumeRules are those of a volume in a stacked section, whose disk is
// the device below.
var stackedVolumeRules = []rule[*Volume]{
	{word: "device", read: readOtherDevice},
	{word: "disk", form: blockForm, read: readDiskBoth},
}

// hostBody decodes the block of a host section.
//
// compat: the language of 9 takes a statement twice in a floating section, whose host
// it does not know yet. The last one counts.
func (d *decoder) hostBody(h *Host, section string, rules []rule[*Host], s *statement) {
	d.lastCounts, d.inHost = h.Kind == Floating && d.gen == schema.V9, true
	walk(d, section, rules, h, s)
	d.lastCounts, d.inHost = false, false
}

// inHost makes a statement of a volume one of a host: it is of the implicit
// volume 0.
func inHost(read func(*decoder, *Volume, *statement)) func(*decoder, *Host, *statement) {
	return func(d *decoder, h *Host, s *statement) {
		if v := d.implicitVolume(&h.Volumes, s); v != nil {
			read(d, v, s)
		}
	}
}

func readAddress(d *decoder, h *Host, s *statement) {
	if h.Kind == Floating {
		d.fail("syntax", &s.words[0], "a floating section has its address in the first line")
		return
	}
	c := d.cursor(s, 1)
	h.Address = c.address()
	c.end()
}

func readAlternate(d *decoder, h *Host, s *statement) {
	c := d.cursor(s, 1)
	h.Alternate = c.address()
	c.end()
}

// maxNodeID is the largest node id that is read.
//
// compat: the module's largest is 31; the reference lets 32 pass.
const maxNodeID = 32

func readNodeID(d *decoder, h *Host, s *statement) {
	c := d.cursor(s, 1)
	text := c.token(integerToken, "a node id")
	if !c.end() {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > maxNodeID {
		d.fail("value", &s.words[1], "node-id: %q is out of range; allowed: 0..31", text)
	}
	h.NodeID, h.idPlace = n, d.file.place(&s.words[1])
}

func readHostOptions(d *decoder, h *Host, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Options, lists{schema.ToResource: &h.Options})
}

func readHostProxy(d *decoder, h *Host, s *statement) {
	h.Proxy = d.proxy(d.cursor(s, 1))
}

func readHostVolume(d *decoder, h *Host, s *statement) {
	v := d.volume(&h.Volumes, s, hostVolumeRules)
	if v == nil {
		return
	}
	for _, other := range h.Volumes {
		if other != v && other.Number == v.Number {
			if other.Implicit {
				return // it is said already
			}
			diag := d.fail("duplicate-volume", &s.words[0], "volume %d is already there", v.Number)
			diag.Other, diag.Late = other.Place, d.gen == schema.V9
			return
		}
	}
}

func readStackedVolume(d *decoder, h *Host, s *statement) {
	d.volume(&h.Volumes, s, stackedVolumeRules)
}

// volume decodes a volume section and adds it to a list.
func (d *decoder) volume(list *[]*Volume, s *statement, rules []rule[*Volume]) *Volume {
	c := d.cursor(s, 1)
	v := &Volume{Number: c.integer("a volume number"), Minor: -1, Place: d.file.place(&s.words[0])}
	if !c.open() {
		return nil
	}
	// compat: the reference takes the volume 0 of such statements, and forgets that of the section.
	if i := slices.IndexFunc(*list, func(o *Volume) bool { return o.Implicit }); i >= 0 {
		diag := d.fail("mixed-volumes", &s.words[0], "a volume section cannot stand beside device, disk or meta-disk statements")
		diag.Other, diag.Late = (*list)[i].Place, d.gen == schema.V9
	}
	walk(d, "volume", rules, v, s)
	insert(list, v)
	return v
}

// insert adds a volume to a list that is sorted by number, after others of the
// same number.
func insert(list *[]*Volume, v *Volume) {
	i := len(*list)
	for i > 0 && (*list)[i-1].Number > v.Number {
		i--
	}
	*list = slices.Insert(*list, i, v)
}

// implicitVolume returns the volume of statements that stand outside of a volume
// section, nil if there are such sections.
func (d *decoder) implicitVolume(list *[]*Volume, s *statement) *Volume {
	w := &s.words[0]
	if len(*list) > 0 {
		v := (*list)[0]
		if v.Implicit {
			return v
		}
		d.fail("mixed-volumes", w, "'%s' must stand in a volume section, since there are some", w.text).Other = v.Place
		return nil
	}
	v := &Volume{Implicit: true, Minor: -1, Place: d.file.place(w)}
	*list = append(*list, v)
	return v
}

// readDiskBoth decodes the name of a disk, or its options.
func readDiskBoth(d *decoder, v *Volume, s *statement) {
	if s.braced && len(s.words) == 1 {
		to := lists{schema.ToDisk: &v.DiskOptions, schema.ToPeer: &v.PeerOptions, schema.ToDevice: &v.DeviceOptions}
		// compat: a second section replaces the options of the disk, and adds to
		// the others.
		v.DiskOptions = nil
		d.options(s, &schema.ConfigSections(d.gen).VolumeDisk, to)
		return
	}
	readDisk(d, v, s)
}

func readDisk(d *decoder, v *Volume, s *statement) {
	c := d.cursor(s, 1)
	w := c.path("a path or '{'")
	if c.end() {
		v.Disk, v.diskPlace = w.text, d.file.place(w)
	}
}

// readOtherDevice reads the device of a host's volume.
//
// compat: of several device statements the last one counts, but none may repeat the minor.
func readOtherDevice(d *decoder, v *Volume, s *statement) {
	minor, place := v.Minor, v.devicePlace
	readDevice(d, v, s)
	if minor >= 0 && v.Minor == minor {
		d.duplicate(&s.words[0], "minor "+strconv.Itoa(minor), place)
	}
}

func readDevice(d *decoder, v *Volume, s *statement) {
	c := d.cursor(s, 1)
	w := c.peek()
	if c.at >= len(s.words) || !w.is("minor") {
		w = c.name("a device or 'minor'")
		v.DeviceName = devicePath(w.text)
	}
	if c.accept("minor") {
		v.Minor = c.integer("a minor number")
	}
	if c.end() {
		v.devicePlace = d.file.place(w)
		v.device(d, w)
	}
}

// devicePath completes the short form of a device's name.
func devicePath(name string) string {
	if strings.HasPrefix(name, "drbd") {
		return "/dev/" + name
	}
	return name
}

// device checks a device's name and minor number against each other.
func (v *Volume) device(d *decoder, w *word) {
	if v.DeviceName == "" {
		return
	}
	problem := func(format string, args ...any) {
		if d.gen == schema.V84 || !d.inHost {
			d.fail("device-name", w, format, args...)
			return
		}
		v.deviceProblem = &Diagnostic{
			Severity: Error, Code: "device-name", Place: v.devicePlace, Message: fmt.Sprintf(format, args...),
		}
	}
	tail, ok := strings.CutPrefix(v.DeviceName, "/dev/drbd")
	if !ok {
		problem("a device's name begins with /dev/drbd, not %q", v.DeviceName)
		if v.Minor < 0 {
			v.minorMissing(d, w)
		}
		return
	}
	n, err := strconv.Atoi(tail)
	digits := err == nil && tail[0] >= '0' && tail[0] <= '9'
	switch {
	case digits && n > math.MaxInt32 || errors.Is(err, strconv.ErrRange):
		// compat: the reference cuts off what it cannot hold, and takes another device.
		d.fail("device-name", w, "the number of %s is too large", v.DeviceName)
	case v.Minor < 0 && digits:
		v.Minor = n
	case v.Minor < 0:
		v.minorMissing(d, w)
	case digits && n != v.Minor:
		problem("%s is minor %d, not %d", v.DeviceName, n, v.Minor)
	case digits:
	case strings.HasPrefix(tail, "_"):
		d.warn("device-name", w, "%s will not exist: udev creates /dev/drbd%d and links in /dev/drbd/", v.DeviceName, v.Minor)
	default:
		problem("a device is called /dev/drbd%d or /dev/drbd_NAME, not %q", v.Minor, v.DeviceName)
	}
}

func (v *Volume) minorMissing(d *decoder, w *word) {
	d.fail("minor-missing", w, "no minor number: neither written nor part of the name %q", v.DeviceName)
}

func readMetaDisk(d *decoder, v *Volume, s *statement) {
	c := d.cursor(s, 1)
	w := c.path("a path or 'internal'")
	v.metaDisk(d, w)
	if v.MetaIndex != "internal" && c.accept("[") {
		v.MetaIndex = d.index(c)
		c.mark("]")
	}
	c.end()
}

// metaDisk sets the place of metadata that is as large as it must be.
func (v *Volume) metaDisk(d *decoder, w *word) {
	v.MetaDisk, v.MetaIndex, v.metaPlace = w.text, "flexible", d.file.place(w)
	if w.text == "internal" {
		v.MetaIndex = "internal"
	}
}

// index takes the number of a part of a device for metadata, as written.
//
// compat: the reference passes a unit on, to programs that refuse it.
func (d *decoder) index(c *cursor) string {
	w := c.peek()
	text := c.token(integerToken, "an index")
	if text != "" && isUnit(text[len(text)-1]) {
		d.fail("value", w, "the index %q of meta-disk is to have no unit", text)
	}
	return text
}

func readFlexible(d *decoder, v *Volume, s *statement) {
	c := d.cursor(s, 1)
	v.metaDisk(d, c.path("a path or 'internal'"))
	c.end()
}

func readTiebreaker(d *decoder, v *Volume, s *statement) {
	c := d.cursor(s, 1)
	switch {
	case c.accept("yes"):
		v.Tiebreaker = new(true)
	case c.accept("no"):
		v.Tiebreaker = new(false)
	default:
		c.expect("'yes' or 'no'")
	}
	c.end()
}

// proxy decodes "on HOST... { ... }".
func (d *decoder) proxy(c *cursor) *Proxy {
	if !c.accept("on") {
		c.expect("'on'")
		return nil
	}
	p := &Proxy{Place: d.file.place(&c.s.words[0])}
	for first := true; first || c.at < len(c.s.words) && !c.failed; first = false {
		p.Names = append(p.Names, c.name("a host name").text)
	}
	if !c.open() {
		return nil
	}
	walk(d, "proxy", proxyRules, p, c.s)
	p.Options, p.Plugins = split(p.Options)
	return p
}

// proxyRules are the statements of a proxy section in a host or an endpoint.
var proxyRules = []rule[*Proxy]{
	{word: "inside", read: readInside},
	{word: "outside", read: readOutside},
	{word: "options", read: readProxyOptions},
}

func readInside(d *decoder, p *Proxy, s *statement) {
	c := d.cursor(s, 1)
	p.Inside = c.address()
	c.end()
}

func readOutside(d *decoder, p *Proxy, s *statement) {
	c := d.cursor(s, 1)
	p.Outside = c.address()
	c.end()
}

func readProxyOptions(d *decoder, p *Proxy, s *statement) {
	d.section(s, &schema.ConfigSections(d.gen).Proxy, lists{schema.ToProxy: &p.Options})
}
