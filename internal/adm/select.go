package adm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// A selection is a resource as one word of the command line names it, or as
// "all" includes it.
type selection struct {
	word    string // as given, "all" included
	res     *confparse.Resource
	volumes []*confparse.Volume
	peers   []*confparse.Connection
	volume  bool // the word names a volume
	peer    bool // the word names a peer
	all     bool // the word was "all"
}

// An object is what one call of a backend works on. Fields that the command's
// scope does not reach are nil.
type object struct {
	selection
	vol  *confparse.Volume
	conn *confparse.Connection
	path *confparse.Path
}

// A refusal says why an object of the command line cannot be worked on.
type refusal struct {
	text string
	exit int
	stop bool // nothing after it is done, either
}

func (r *refusal) Error() string { return r.text }

// refuse returns a refusal that ends the command.
func refuse(exit int, format string, args ...any) *refusal {
	return &refusal{fmt.Sprintf(format, args...), exit, true}
}

// goOn makes it a refusal of this object only.
func (r *refusal) goOn() *refusal {
	r.stop = false
	return r
}

// An objectName has the parts of RES, RES/VNR, RES:PEER, RES:PEER/VNR and minor-N.
type objectName struct {
	text    string // as given
	res     string
	peer    string
	hasPeer bool
	hasNum  bool
	num     int
	minor   bool // num is a minor, not a volume
	all     bool // everything, not a name
}

// checkWord refuses what cannot be an object.
func checkWord(word string) *refusal {
	switch {
	case word == "":
		return refuse(exitUsage, "Resource name is empty.")
	case strings.ContainsFunc(word, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return refuse(exitUsage, "%q is no name for a resource: it has control characters", word)
	}
	return nil
}

// parseName takes an object of the command line apart. DRBD 8.4 knows no peers.
//
// compat: what follows the first slash is a number there, for DRBD 9 what follows the last one.
func parseName(g schema.Generation, word string) (objectName, *refusal) {
	w := objectName{text: word, res: word}
	if number, ok := strings.CutPrefix(word, "minor-"); ok {
		return w.number(number, true)
	}
	cut := strings.Cut
	if g == schema.V9 {
		cut = cutLast
	}
	name, number, slash := cut(word, "/")
	w.res = name
	if g == schema.V9 {
		w.res, w.peer, w.hasPeer = strings.Cut(name, ":")
	}
	if slash {
		return w.number(number, false)
	}
	return w, nil
}

func (w objectName) number(text string, minor bool) (objectName, *refusal) {
	if text == "" {
		return w, refuse(exitNoNumber, "missing number argument")
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return w, refuse(exitBroken, "%s is not a valid number", text)
	}
	w.num, w.hasNum, w.minor = int(n), true, minor // below 0, there is no such thing
	return w, nil
}

// overlaps reports whether two words name the same connections. One volume of all
// peers goes with everything.
//
// compat: the reference refuses two volumes of the same peer, too.
func (w objectName) overlaps(other objectName) bool {
	if w.res != other.res || w.hasNum && !w.hasPeer || other.hasNum && !other.hasPeer {
		return false
	}
	samePeer := w.peer == other.peer || !w.hasPeer || !other.hasPeer
	return samePeer && !(w.hasNum && other.hasNum && w.num != other.num)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// selectAll returns the resources that "all" stands for: those of this host that
// are stacked, or are not, as -S asks for.
func selectAll(conf *confparse.Config, stacked, proxies bool) []selection {
	all := make([]selection, 0, len(conf.Resources))
	for _, r := range conf.Resources {
		if (!r.Ignored || proxies && runsProxy(r, conf.Node)) && r.Stacked == stacked {
			s := selectWhole(r)
			s.word, s.all = "all", true
			all = append(all, s)
		}
	}
	return all
}

// selectWhole returns the selection of a resource with all its volumes and peers.
func selectWhole(r *confparse.Resource) selection {
	s := selection{word: r.Name, res: r}
	if r.Me != nil {
		s.volumes = r.Me.Volumes
	}
	for _, c := range r.Connections {
		if !c.Ignored && c.Peer != nil {
			s.peers = append(s.peers, c)
		}
	}
	return s
}

// undefined says that the configuration has no such object.
//
// compat: with DRBD 8.4 nothing after it is done, with DRBD 9 it is.
func undefined(conf *confparse.Config, w objectName) *refusal {
	text := fmt.Sprintf("'%s' not defined in your config (for this host).", w.text)
	if r := conf.Resource(w.res); r != nil && r.Ignored {
		text += fmt.Sprintf("\n%s: resource %s is for %s; this host is %s",
			r.Place, r.Name, strings.Join(hostNames([]*confparse.Resource{r}), ", "), conf.Node)
	} else {
		text += "\n'drbdadm sh-resources' lists what is."
	}
	return &refusal{text: text, exit: exitUsage, stop: conf.Generation == schema.V84}
}

// hostNames returns the names that the host sections of resources have.
func hostNames(resources []*confparse.Resource) []string {
	var names []string
	for _, r := range resources {
		for _, h := range r.Hosts {
			names = append(names, h.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// selectWord returns the selection that one word of the command line stands for.
func selectWord(conf *confparse.Config, w objectName) (selection, *refusal) {
	if w.minor {
		r, v := conf.ByMinor(w.num)
		if r == nil || r.Ignored {
			return selection{}, undefined(conf, w)
		}
		s := selectWhole(r)
		s.word, s.volume, s.volumes = w.text, true, []*confparse.Volume{v}
		return s, nil
	}
	r := conf.Resource(w.res)
	if r == nil || r.Ignored && !runsProxy(r, conf.Node) {
		return selection{}, undefined(conf, w)
	}
	s := selectWhole(r)
	s.word = w.text
	if w.hasPeer && !r.Ignored {
		if refused := s.narrowToPeer(conf.Node, w); refused != nil {
			return s, refused
		}
	}
	if w.hasNum {
		return s, s.narrowToVolume(conf, w)
	}
	return s, nil
}

func (s *selection) narrowToPeer(node string, w objectName) *refusal {
	if s.res.Me != nil && s.res.Me.Answers(w.peer) {
		return refuse(exitUsage, "'%s': %s is this host; name one of its peers", w.text, w.peer)
	}
	c := s.res.Connection(w.peer)
	if c == nil {
		return refuse(exitUsage, "Not a valid connection (%s) for this host", w.text)
	}
	s.peer, s.peers = true, []*confparse.Connection{c}
	return nil
}

func (s *selection) narrowToVolume(conf *confparse.Config, w objectName) *refusal {
	for _, v := range s.volumes {
		if v.Number == w.num {
			s.volume, s.volumes = true, []*confparse.Volume{v}
			return nil
		}
	}
	if conf.Generation == schema.V84 {
		return undefined(conf, w)
	}
	return refuse(exitUsage, "Resource '%s' has no volume %d", s.res.Name, w.num)
}

// fit makes the selection what the command's rule about volumes demands.
func (s *selection) fit(c command) *refusal {
	explicit := s.volume && !s.volumes[0].Implicit
	whole := c.volumes == volumeRefused || c.objects == none
	switch {
	case whole && explicit:
		return refuse(exitUsage, "%s is for a resource as a whole: name it without a volume", c.name)
	case whole && s.volume:
		s.volume = false
	case c.volumes == volumeRequired && !s.volume:
		if len(s.volumes) == 1 && s.volumes[0].Implicit {
			s.volume = true
			return nil
		}
		return refuse(exitUsage, "%s is for one volume: name it, as in '%s %s/0' or '%s minor-0'",
			c.name, c.name, s.word, c.name)
	}
	return nil
}

// objects returns what a command of the scope works on, in order.
func (s selection) objects(scope scope) []object {
	switch scope {
	case perVolume:
		return s.eachVolume()
	case perConnection:
		return s.eachConnection(nil)
	case perPath:
		return s.eachPath()
	case perPeerDevice:
		var all []object
		for _, v := range s.volumes {
			all = append(all, s.eachConnection(v)...)
		}
		return all
	}
	return []object{{selection: s}}
}

func (s selection) eachVolume() []object {
	all := make([]object, len(s.volumes))
	for i, v := range s.volumes {
		all[i] = object{selection: s, vol: v}
	}
	return all
}

func (s selection) eachConnection(v *confparse.Volume) []object {
	all := make([]object, len(s.peers))
	for i, c := range s.peers {
		all[i] = object{selection: s, vol: v, conn: c}
	}
	return all
}

func (s selection) eachPath() []object {
	var all []object
	for _, c := range s.peers {
		for _, p := range c.Paths {
			all = append(all, object{selection: s, conn: c, path: p})
		}
	}
	return all
}
